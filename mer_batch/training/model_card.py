"""MODEL_CARD.md: what a model is, what it was made from and how far it can be trusted, for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

from mer_batch.labels import EMOTIONS
from mer_batch.nets.store import ModelCard
from mer_batch.scores.groups import plural
from mer_batch.scores.metrics import Scores
from mer_batch.tasks.parts import WITHOUT
from mer_batch.tasks.reads import Count
from mer_batch.tasks.recipe import Recipe


def card_text(
    card: ModelCard,
    parts: Mapping[str, Scores],
    scores: Scores,
    recipe: Recipe,
    parameters: int,
    reads: Count,
) -> str:
    """The card in Markdown. `scores` are those of the whole test set, `parts` those of every part by title.

    `reads` tells how often the test set was read.
    """
    facts = (_facts(card, recipe, parameters), [*_made(card, reads), ""])
    blocks = (*facts, _scores(card, scores), _parts(card, parts), _classes(scores))
    return "\n".join(line for block in blocks for line in [*block, ""])


def _facts(card: ModelCard, recipe: Recipe, parameters: int) -> Iterator[str]:
    yield f"# {card.name}"
    yield ""
    what = "several modalities together" if card.modality == "fusion" else card.modality
    yield f"Reads {what} as one of: {', '.join(EMOTIONS)}."
    yield "The labels say what annotators saw, heard or read, not what a person felt."
    yield "Not for use in workplaces or schools (EU AI Act, Art. 5(1)(f))."
    yield ""
    yield f"- Network: `{card.net}`, {parameters:,} parameters."
    yield f"- Recipe: `train/{recipe.name}.toml`, seed {recipe.train.seed}."
    yield f"- Trained on: {card.data}."
    yield f"- Known leaks from held-out data into its training: {card.leaks or 'none'}."
    yield f"- Licence: {card.licence}."
    yield f"- Temperature {card.temperature} and fusion reliability {card.reliability}, fitted on validation data."
    if card.bias:
        listed = ", ".join(f"{name} {value:+.2f}" for name, value in zip(EMOTIONS, card.bias, strict=True))
        yield f"- Biases of the classes (nats), fitted on validation data: {listed}{_wishes(recipe)}."


def _made(card: ModelCard, reads: Count) -> Iterator[str]:
    yield f"- Test set: {reads.sentence(card.confusion_source)}."
    yield f"- Made {date.today().isoformat()}; weights sha256 `{card.sha256}`."


def _wishes(recipe: Recipe) -> str:
    asked = [f"frequencies to the power {recipe.calibrate.prior:g} levelled"] if recipe.calibrate.prior else []
    asked += [f"recall of {name} at least {floor:g}" for name, floor in recipe.calibrate.floors.items()]
    return f"; asked for: {', '.join(asked)}" if asked else ""


def _scores(card: ModelCard, scores: Scores) -> Iterator[str]:
    yield f"## Scores on {card.confusion_source} (n = {scores.n})"
    yield ""
    own = scores.grouped
    over = f" over new {plural(own.by)} ({own.units}) |" if own else ""
    yield f"| score | value | 95 % interval over new items |{over}"
    yield f"|---|---|---|{'---|' if own else ''}"
    for name, value in card.scores.items():
        if name != "n":
            groups = f" {_span(own.intervals, name)} |" if own else ""
            yield f"| {name} | {value:.4f} | {_span(scores.intervals, name)} |{groups}"
    yield ""
    yield "`ece` is the binned error, which chance raises; `ece_debiased` is without that, and what its interval is of."
    if own:
        yield f"For {plural(own.by)} that were not tested the last column counts: the items of one are alike."
    if card.views:
        yield ""
        yield f"Scores that end in `_tta` average the views `{card.views}` of each item."


def _span(intervals: Mapping[str, tuple[float, float]], name: str) -> str:
    return f"{intervals[name][0]:.4f} to {intervals[name][1]:.4f}" if name in intervals else ""


def _parts(card: ModelCard, parts: Mapping[str, Scores]) -> Iterator[str]:
    yield "## Part by part"
    yield ""
    yield "Validation data chose the epoch and the calibration, so their scores are optimistic."
    if any(WITHOUT in title for title in parts):
        yield "Leaking items have a copy in the training data as published, whether or not it was trained on."
    yield ""
    yield "| part | n | accuracy | UAR | macro F1 | weighted F1 | ECE before | after | NLL before | after |"
    yield "|---|---|---|---|---|---|---|---|---|---|"
    columns = ("accuracy", "uar", "macro_f1", "weighted_f1", "ece_before", "ece", "nll_before", "nll")
    for title, scores in parts.items():
        values = " | ".join(f"{scores.values[name]:.4f}" for name in columns)
        yield f"| {title} | {scores.n} | {values} |"
    ending = f", {card.views} views"
    for title, row in card.evaluations.items():
        if card.views and title.endswith(ending):
            values = " | ".join(f"{row[name]:.4f}" if name in row else "" for name in columns)
            yield f"| {title} | {row['n']:.0f} | {values} |"


def _classes(scores: Scores) -> Iterator[str]:
    yield "## Classes"
    yield ""
    yield "| class | n | precision | recall | 95 % interval | F1 |"
    yield "|---|---|---|---|---|---|"
    for name, row in scores.per_class.items():
        low, high = scores.recall_intervals[name]
        recall = f"{row['recall']:.3f} | {low:.3f} to {high:.3f}"
        yield f"| {name} | {row['support']:.0f} | {row['precision']:.3f} | {recall} | {row['f1']:.3f} |"
