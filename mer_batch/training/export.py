"""From a fitted network to a model that ships: calibration, scores, card."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from mer_batch.classifier import Classifier, load_classifier
from mer_batch.evaluation.metrics import Scores
from mer_batch.evaluation.run import by_id, evaluate, read_set
from mer_batch.evaluation.tta import views_for
from mer_batch.labels import EMOTIONS
from mer_batch.nets.store import ModelCard, save_model
from mer_batch.training.calibration import fit_temperature, reliability
from mer_batch.training.recipe import Recipe
from mer_batch.training.task import LabelledSet, Task


def export(
    net: nn.Module, recipe: Recipe, task: Task, folder: Path, device: str, tta: bool
) -> tuple[ModelCard, Scores]:
    """Write weights.safetensors, model.toml and MODEL_CARD.md to `folder`; the test set is read here, once."""
    card = ModelCard(
        name=task.modality,
        modality=task.modality,
        net=recipe.net,
        net_options=recipe.net_options,
        input=task.input,
        data=task.data,
        licence=task.licence,
    )
    save_model(folder, net, card)
    reader = load_classifier(task.modality, str(folder), device)
    card = reader.card = _calibrated(card, reader, task.held_out("validation"))
    test = task.held_out("test")
    scores = evaluate(reader, test)
    values = dict(scores.values)
    if tta:
        values |= {
            f"{name}_tta": value for name, value in evaluate(reader, test, views_for(task.modality)).values.items()
        }
    card = replace(
        card,
        scores={name: round(value, 4) for name, value in values.items()} | {"n": scores.n},
        confusion=tuple(tuple(int(count) for count in row) for row in scores.confusion),
        confusion_source=test.name,
    )
    card = save_model(folder, net, card)
    (folder / "MODEL_CARD.md").write_text(card_text(card, scores, recipe, sum(p.numel() for p in net.parameters())))
    return card, scores


def _calibrated(card: ModelCard, reader: Classifier[Any], labelled: LabelledSet) -> ModelCard:
    # The reader's own probabilities (mirroring and averaging over windows included) are what users see,
    # so their logarithms are what is calibrated; at temperature 1 they differ from logits by a constant.
    labels, readings = by_id(labelled, read_set(reader, labelled))
    logits = np.log(np.maximum(readings, 1e-7))
    temperature = fit_temperature(logits, labels)
    return replace(
        card, temperature=round(temperature, 4), reliability=round(reliability(logits, labels, temperature), 4)
    )


def card_text(card: ModelCard, scores: Scores, recipe: Recipe, parameters: int) -> str:
    """The card for people, in Markdown."""
    rows = [f"| {name} | {value:.4f} | {_span(scores, name)} |" for name, value in card.scores.items() if name != "n"]
    classes = [
        f"| {name} | {row['support']:.0f} | {row['precision']:.3f} | {row['recall']:.3f} | {row['f1']:.3f} |"
        for name, row in scores.per_class.items()
    ]
    return "\n".join(
        [
            f"# {card.name}",
            "",
            f"Reads {card.modality} as one of: {', '.join(EMOTIONS)}.",
            "The labels say what annotators saw, heard or read, not what a person felt.",
            "Not for use in workplaces or schools (EU AI Act, Art. 5(1)(f)).",
            "",
            f"- Network: `{card.net}`, {parameters:,} parameters.",
            f"- Recipe: `train/{recipe.name}.toml`, seed {recipe.train.seed}.",
            f"- Trained on: {card.data}.",
            f"- Licence: {card.licence}.",
            f"- Temperature {card.temperature} and fusion reliability {card.reliability}, fitted on validation data.",
            f"- Made {date.today().isoformat()}; weights sha256 `{card.sha256}`.",
            "",
            f"## Scores on {card.confusion_source} (n = {scores.n})",
            "",
            "| score | value | 95 % interval |",
            "|---|---|---|",
            *rows,
            "",
            "| class | n | precision | recall | F1 |",
            "|---|---|---|---|---|",
            *classes,
            "",
        ]
    )


def _span(scores: Scores, name: str) -> str:
    if name not in scores.intervals:
        return ""
    low, high = scores.intervals[name]
    return f"{low:.4f} to {high:.4f}"
