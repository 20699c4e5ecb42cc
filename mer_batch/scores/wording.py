"""How scores are said: heads of tables, differences, intervals, p, and matrices as lines of a terminal."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mer_batch.labels import EMOTIONS
from mer_batch.scores.metrics import Scores
from mer_batch.types import Interval

HEADS = {"accuracy": "accuracy", "uar": "UAR", "macro_f1": "macro F1", "weighted_f1": "weighted F1"}


def points(value: float) -> str:
    """A difference of shares, such as "1.2 points"."""
    return f"{100 * value:.1f} points"


def p_text(p: float) -> str:
    """Such as "p = 0.032"; no zero for what is only small."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}" if p < 0.1 else f"p = {p:.2f}"


def span_text(span: Interval) -> str:
    """Per cent with the interval where there is one: "61.2 % (95 % interval 58.0 to 64.3 %)"."""
    value = f"{100 * span.value:.1f} %"
    if span.low is None or span.high is None:
        return value
    return f"{value} (95 % interval {100 * span.low:.1f} to {100 * span.high:.1f} %)"


def confusion_lines(scores: Scores, shares: bool) -> Iterator[str]:
    """A confusion matrix as lines of text, in counts or in per cent of each label."""
    unit = "per cent of each label" if shares else "counts"
    yield f"confusion, {unit} (rows: label, columns: reading)"
    yield " " * 10 + "".join(f"{label[:8]:>9}" for label in EMOTIONS)
    table = np.round(100 * scores.shares(), 1) if shares else scores.confusion
    for label, counts in zip(EMOTIONS, table.tolist(), strict=True):
        yield f"{label:<10}" + "".join(f"{count:>9}" for count in counts)
