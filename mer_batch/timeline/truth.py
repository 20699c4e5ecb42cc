"""Scores of a timeline against labels made by people."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mer_batch.errors import DataError
from mer_batch.labels import EMOTIONS, INDEX
from mer_batch.scores.shares import mean_of
from mer_batch.scores.steps import SHORTEST, score_of_steps, share_of_steps
from mer_batch.timeline.events import lanes
from mer_batch.timeline.truth_table import TruthRow, fitted, same
from mer_batch.types import Interval, Segment, Timeline

Array: TypeAlias = NDArray[np.float64]
Counts: TypeAlias = NDArray[np.intp]

NO_READING = len(EMOTIONS)
"""The column for steps without a label: abstained, or no reading."""


@dataclass(frozen=True, slots=True)
class ClassScore:
    """One emotion: precision, recall and F1 over the named steps, and how many steps truly show it."""

    emotion: str
    precision: float
    recall: float
    f1: float
    steps: int


@dataclass(frozen=True, slots=True)
class TruthScores:
    """A timeline against the truth, in steps of the time grid.

    `confusion[i][j]`: steps that truly are emotion i and read as j; the eighth column counts steps
    without a label (abstained or no reading). `scores` (accuracy, uar, macro_f1, weighted_f1) are over the
    steps that have a label and average the emotions present in the truth; `answered` is the share of
    steps that have one. `strict_accuracy` counts a missing label as wrong.
    """

    confusion: tuple[tuple[int, ...], ...]
    scores: Mapping[str, Interval]
    answered: Interval
    strict_accuracy: Interval
    classes: tuple[ClassScore, ...]
    steps: int
    seconds: float
    notes: tuple[str, ...] = ()
    """What was left out of the labels, and why."""


def compare(timeline: Timeline, truth: Sequence[TruthRow]) -> TruthScores:
    """Score the timeline step by step.

    A segment belongs to the row that covers most, and at least half, of it. Labelled time without any
    segment counts as steps without a reading. Rows that do not fit the recording are left out, with a note. Raises
    `DataError` where none fits, or all are of another unit than seconds.
    """
    truth = fitted(timeline, truth)
    pairs: list[tuple[int, int, float]] = []
    for person, lane in lanes(timeline.segments).items():
        own = [row for row in truth if row.person is None or same(row.person, person)]
        for segment in lane:
            if row := _row_of(segment, own):
                reading = NO_READING if segment.label is None else INDEX[segment.label]
                pairs.append((INDEX[row.emotion], reading, segment.end - segment.start))
    pairs += _unseen(timeline, truth)
    if not pairs:
        raise DataError(f"no labelled time lies inside the file, which is {timeline.media.duration:.1f} s long")
    table = np.array([pair[:2] for pair in pairs])
    return replace(_score(table, np.array([pair[2] for pair in pairs])), notes=truth.notes)


def _row_of(segment: Segment, rows: Iterable[TruthRow]) -> TruthRow | None:
    def overlap(row: TruthRow) -> float:
        return min(row.end, segment.end) - max(row.start, segment.start)

    best = max(rows, key=overlap, default=None)
    if best is None or overlap(best) < (segment.end - segment.start) / 2 - 1e-6:
        return None
    return best


def _unseen(timeline: Timeline, truth: Iterable[TruthRow]) -> list[tuple[int, int, float]]:
    """Labelled steps inside the file for which the lane (or, for everybody, any lane) has no segment."""
    lengths = [segment.end - segment.start for segment in timeline.segments]
    step = float(np.median(lengths)) if lengths else 0.5
    found = []
    for row in truth:
        end = min(row.end, timeline.media.duration)
        inside = [
            (max(s.start, row.start), min(s.end, end))
            for s in timeline.segments
            if s.start < end and s.end > row.start and (row.person is None or same(row.person, s.person))
        ]
        rest = max(0.0, end - row.start) - _union(inside)
        found += [(INDEX[row.emotion], NO_READING, step)] * round(rest / step)
    return found


def _union(spans: Iterable[tuple[float, float]]) -> float:
    total, reached = 0.0, -math.inf
    for start, end in sorted(spans):
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total


def _score(pairs: Counts, seconds: Array) -> TruthScores:
    truth, reading = pairs[:, 0], pairs[:, 1]
    answered, right = reading != NO_READING, truth == reading
    confusion = np.bincount(truth * 8 + reading, minlength=56).reshape(7, 8)
    return TruthScores(
        confusion=tuple(tuple(int(cell) for cell in row) for row in confusion),
        scores=_intervals(truth[answered], reading[answered], seconds[answered]),
        answered=_share(answered, seconds),
        strict_accuracy=_share(right, seconds),
        classes=_classes(confusion),
        steps=len(pairs),
        seconds=float(seconds.sum()),
    )


def _share(flags: NDArray[np.bool_], seconds: Array, shortest: float = SHORTEST) -> Interval:
    """The share of steps, of whatever length."""
    return share_of_steps(flags, np.full(len(flags), seconds.mean()), shortest)


def _intervals(truth: Counts, reading: Counts, seconds: Array) -> dict[str, Interval]:
    """The four scores of steps with a label: accuracy and recalls are shares, F1 goes by what each step adds to it."""
    table = np.bincount(truth * 7 + reading, minlength=49).reshape(7, 7)
    values = dict(zip(("accuracy", "uar", "macro_f1", "weighted_f1"), _averages(table), strict=True))
    if float(seconds.sum()) < SHORTEST:
        return {name: Interval(value, None, None) for name, value in values.items()}
    own = [truth == label for label in np.unique(truth)]
    recalls = [_share(truth[kind] == reading[kind], seconds[kind], 0.0) for kind in own]
    spans = {"accuracy": _share(truth == reading, seconds), "uar": mean_of(recalls)}
    for place, name, like in ((2, "macro_f1", "uar"), (3, "weighted_f1", "accuracy")):
        found = score_of_steps(values[name], _influence(table, place)[truth * 7 + reading])
        # Where every step is right, or none, no step moves the score: it is as sure as the shares that it is made of.
        spans[name] = found or replace(spans[like], value=values[name])
    return spans


def _influence(table: Counts, place: int) -> Array:
    """What one more step in each cell of counts (7, 7) adds to an average, times the number of steps, (49,)."""
    n, cells = table.sum(), table.astype(np.float64).ravel()
    before = _averages(table)[place]
    moved = np.zeros(49)
    for cell in np.flatnonzero(cells):
        more = cells.copy()
        more[cell] += 1e-4
        moved[cell] = (_averages(more.reshape(7, 7))[place] - before) / 1e-4 * n
    return moved


def _rates(table: NDArray[Any]) -> tuple[Array, Array, Array]:
    """Precision, recall and F1 of each class, 0 where undefined, from counts of shape (7, 7)."""
    hits = np.diag(table).astype(np.float64)
    rows, columns = table.sum(axis=1), table.sum(axis=0)
    return hits / np.maximum(columns, 1), hits / np.maximum(rows, 1), 2 * hits / np.maximum(rows + columns, 1)


def _averages(table: NDArray[Any]) -> tuple[float, float, float, float]:
    """Accuracy, unweighted recall, macro and weighted F1 over the classes that the truth has; NaN without steps."""
    rows = table.sum(axis=1)
    present = rows > 0
    if not present.any():
        return (math.nan,) * 4
    _, recall, f1 = _rates(table)
    return (
        float(np.trace(table) / rows.sum()),
        float(recall[present].mean()),
        float(f1[present].mean()),
        float(f1 @ rows / rows.sum()),
    )


def _classes(confusion: Counts) -> tuple[ClassScore, ...]:
    rates = zip(EMOTIONS, *_rates(confusion[:, :7]), confusion.sum(axis=1), strict=True)
    return tuple(
        ClassScore(name, float(precision), float(recall), float(f1), int(steps))
        for name, precision, recall, f1, steps in rates
    )
