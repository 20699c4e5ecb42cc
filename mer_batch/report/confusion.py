"""Agreement and confusion: modalities against each other, models against their tests, readings against labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from mer_batch.labels import EMOTIONS, VERBS
from mer_batch.report.charts import Matrix
from mer_batch.timeline.agreement import Agreement
from mer_batch.types import Interval, ModelUse, Timeline
from mer_batch.wording import MODALITY_WORDS, TASK_WORDS, clock, counted, interval_text, listed, percent, signed

if TYPE_CHECKING:
    from mer_batch.timeline.truth import TruthScores

SCORE_WORDS = {
    "accuracy": "Accuracy",
    "uar": "Mean recall of the emotions (UAR)",
    "macro_f1": "Macro F1",
    "weighted_f1": "Weighted F1",
}
WORST = 3
"""Confusions told in words for each model."""


def context(timeline: Timeline, pairs: Sequence[Agreement], truth: TruthScores | None) -> dict[str, object]:
    """What the section shows."""
    return {
        "pairs": [_pair(pair) for pair in pairs],
        "models": [
            _model(number, model)
            for number, model in enumerate(timeline.provenance.models)
            if model.modality != "fusion"  # a gate names no emotion by itself
        ],
        "truth": None if truth is None else _truth(truth),
    }


def pair_name(pair: Agreement) -> str:
    """Such as "face and words"."""
    return f"{MODALITY_WORDS[pair.first]} and {MODALITY_WORDS[pair.second]}"


def _pair(pair: Agreement) -> dict[str, object]:
    row: dict[str, object] = {"title": pair_name(pair).capitalize(), "figure": None, "table": None}
    if not pair.segments or pair.share is None:
        return {**row, "sentence": "Never read in the same segment, so there is nothing to compare."}
    matrix = Matrix(
        pair.counts,
        f"{MODALITY_WORDS[pair.first]} {VERBS[pair.first]}",
        f"{MODALITY_WORDS[pair.second]} {VERBS[pair.second]}".replace("words reads", "words read"),
    )
    figure = {"id": f"agreement-{pair.first}-{pair.second}", "svg": matrix.svg()}
    kappa = "" if pair.kappa is None else f" Cohen's kappa is {signed(pair.kappa)} (0 is chance, 1 is always)."
    sentence = f"Same label in {interval_text(pair.share)} of {counted(pair.segments, 'segment')} read by both.{kappa}"
    return {**row, "sentence": sentence, "figure": figure, "table": matrix.table("Segments by both labels")}


def _model(number: int, model: ModelUse) -> dict[str, object]:
    row: dict[str, object] = {"title": f"{TASK_WORDS[model.modality].capitalize()}: {model.name}"}
    if model.confusion is None:
        return {
            **row,
            "sentence": "Its card holds no confusion matrix, so its usual mistakes are unknown.",
            "figure": None,
        }
    matrix = Matrix(model.confusion, "label", "reading", unit="items")
    source = f"On {model.confusion_source}: " if model.confusion_source else ""
    sentence = source + _worst(model.confusion) + "."
    return {
        **row,
        "sentence": sentence,
        "figure": {"id": f"confusion-{number}", "svg": matrix.svg()},
        "table": matrix.table("Test items by label and reading"),
    }


def _worst(confusion: Sequence[Sequence[int]]) -> str:
    """The largest confusions as "of what is labelled fear, 21 % reads as sad"."""
    shares = Matrix(confusion, "", "").shares()
    found = [
        (share, EMOTIONS[row], EMOTIONS[column])
        for row, parts in enumerate(shares)
        for column, share in enumerate(parts)
        if row != column and share > 0
    ]
    worst = sorted(found, reverse=True)[:WORST]
    if not worst:
        return "no confusion at all"
    return listed(
        [f"{percent(share)} of what is labelled {label} reads as {reading}" for share, label, reading in worst]
    )


def _truth(truth: TruthScores) -> dict[str, object]:
    matrix = Matrix(truth.confusion, "true label", "reading", columns_named=(*EMOTIONS, "no label"), unit="steps")
    named = [(SCORE_WORDS.get(name, name), _score(score)) for name, score in truth.scores.items()]
    return {
        "sentence": f"Scored on {counted(truth.steps, 'step')} with a true label, {clock(truth.seconds)} in all. "
        f"The readings name an emotion in {interval_text(truth.answered)} of them; the scores are over those. "
        "Classes without a true label are left out of the means.",
        "notes": list(truth.notes),
        "scores": [*named, ("Accuracy with unnamed steps as wrong", _score(truth.strict_accuracy))],
        "figure": {"id": "truth", "svg": matrix.svg()},
        "table": matrix.table("Steps by true label and reading"),
        # An emotion that the truth lacks has no recall, and a precision that says nothing.
        "classes": [
            (
                c.emotion,
                *(f"{score:.2f}" if c.steps else "–" for score in (c.precision, c.recall, c.f1)),
                f"{c.steps:,}",
            )
            for c in truth.classes
        ],
    }


def _score(score: Interval) -> Mapping[str, str]:
    low, high = score.low, score.high
    interval = "too few steps" if low is None or high is None else f"{low:.2f} to {high:.2f}"
    return {"value": "–" if score.value != score.value else f"{score.value:.2f}", "interval": interval}
