"""From a fitted network to a model that ships: calibration, scores, predictions, card."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from torch import nn

from mer_batch.nets.store import ModelCard, save_model
from mer_batch.readers import load_classifier
from mer_batch.scores import predictions
from mer_batch.scores.calibration import CalibrateOptions, calibrate, reliability
from mer_batch.scores.groups import of_part
from mer_batch.scores.metrics import Scores, score
from mer_batch.tasks import reads
from mer_batch.tasks.parts import Part, main_part, part_names, parts
from mer_batch.tasks.reading import Reading, Shares, read_set
from mer_batch.tasks.recipe import Recipe
from mer_batch.tasks.task import Split, Task
from mer_batch.tasks.views import views_for, views_name
from mer_batch.training import representations
from mer_batch.training.model_card import card_text

CARD_SCORES: Final = ("accuracy", "uar", "macro_f1", "weighted_f1", "ece", "ece_debiased")
"""What the `scores` of a card tell; its `evaluations` tell more, part by part."""


@dataclass(frozen=True)
class Held:
    """A held-out set as the finished model reads it, one view an item, and the scores of its parts by title.

    `tta` are the scores of the same parts with several views averaged; empty without them.
    """

    split: Split
    reading: Reading
    before: Shares
    after: Shares
    main: Part
    scored: Mapping[str, Scores]
    tta: Mapping[str, Scores]

    @property
    def scores(self) -> Scores:
        """The scores of the whole set."""
        return self.scored[self.main.title]


def export(
    net: nn.Module, recipe: Recipe, task: Task, folder: Path, device: str, tta: bool | str
) -> tuple[ModelCard, Scores]:
    """Write the model to `folder` and its predictions beside it; the test set is read here, once.

    `folder` gets weights.safetensors, model.toml and MODEL_CARD.md; its parent, the run, gets
    `predictions/validation.parquet`, `predictions/test.parquet` and, where the network names layers that represent,
    `tsne.parquet`.
    `tta` is False, True (the modality's usual views) or the name of the views that are scored too.
    """
    views = views_name(task.modality, tta)
    card = save_model(folder, net, _first_card(recipe, task, views), files=task.files())
    reader = load_classifier(task.modality, str(folder), device)
    validation = read_set(reader, task.held_out("validation"))
    card = _calibrated(card, validation.of(task.main), recipe.calibrate)
    items = task.held_out("test")
    test = read_set(reader, items, views_for(task.modality, tta))
    read = reads.note(items.name, [str(name) for name in items.ids], card.sha256, "train")
    leaking = task.leaking()
    held = (
        _held("validation", validation, card, leaking, task.main),
        _held("test", test, card, leaking, task.main),
    )
    card = save_model(folder, net, _with_scores(card, held), files=task.files())
    parameters = sum(parameter.numel() for parameter in net.parameters())
    text = card_text(card, {**held[0].scored, **held[1].scored}, held[1].scores, recipe, parameters, read)
    (folder / "MODEL_CARD.md").write_text(text, encoding="utf-8")
    _write_run(folder.parent, card, held)
    if representations.can_map(reader):
        representations.write(folder.parent, representations.maps(reader, items))
    return card, held[1].scores


def _first_card(recipe: Recipe, task: Task, views: str) -> ModelCard:
    copied = len(task.copied())
    return ModelCard(
        leaks=f"{copied:,} held-out items have a copy that was trained on" if copied else "",
        name=task.modality,
        modality=task.modality,
        net=recipe.net,
        net_options=recipe.net_options,
        input=task.input,
        data=task.data,
        licence=task.licence,
        views=views,
    )


def _calibrated(card: ModelCard, reading: Reading, options: CalibrateOptions) -> ModelCard:
    logits, labels = reading.evidence(), reading.labels
    fitted = calibrate(logits, labels, options).rounded()
    weight = reliability(logits, labels, fitted.temperature, fitted.bias)
    return replace(card, temperature=fitted.temperature, bias=fitted.bias, reliability=round(weight, 4))


def _held(split: Split, reading: Reading, card: ModelCard, leaking: Set[str], main: str) -> Held:
    after = reading.probabilities(card.temperature, card.bias, plain=True)
    before = reading.probabilities(plain=True)
    found = parts(part_names(reading.ids, split), reading.ids, leaking, sets=reading.groups.get("set", ()), main=main)
    scored = {
        part.title: score(
            reading.labels[part.where],
            after[part.where],
            before=before[part.where],
            groups=of_part(reading.groups, part.where),
        )
        for part in found
    }
    tta = {}
    if len(reading.logits) > 1:
        several = reading.probabilities(card.temperature, card.bias)
        tta = {part.title: score(reading.labels[part.where], several[part.where]) for part in found}
    return Held(split, reading, before, after, main_part(found), scored, tta)


def _with_scores(card: ModelCard, held: tuple[Held, Held]) -> ModelCard:
    test = held[1]
    values = {name: test.scores.values[name] for name in CARD_SCORES}
    if test.tta:
        values |= {f"{name}_tta": test.tta[test.main.title].values[name] for name in CARD_SCORES}
    rows = [(title, scores) for part in held for title, scores in part.scored.items()]
    rows += [(f"{title}, {card.views} views", scores) for part in held for title, scores in part.tta.items()]
    return replace(
        card,
        scores=_rounded(values) | {"n": test.scores.n},
        confusion=tuple(tuple(int(count) for count in row) for row in test.scores.confusion),
        confusion_source=test.reading.name,
        evaluations={title: _row(scores) for title, scores in rows},
    )


def _row(scores: Scores) -> dict[str, float]:
    recalls = {f"recall_{name}": row["recall"] for name, row in scores.per_class.items()}
    return {"n": scores.n} | _rounded({**scores.values, **recalls})


def _rounded(values: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in values.items()}


def _write_run(folder: Path, card: ModelCard, held: tuple[Held, Held]) -> None:
    for part in held:
        where = part.main.where
        predictions.write(
            folder / "predictions" / f"{part.split}.parquet",
            [name for name, kept in zip(part.reading.ids, where, strict=True) if kept],
            part.reading.labels[where],
            part.after[where],
            groups={name: np.array(values)[where].tolist() for name, values in part.reading.groups.items()},
            set=part.reading.name,
            split=part.split,
            temperature=card.temperature,
            bias=list(card.bias),
            sha256=card.sha256,
        )
