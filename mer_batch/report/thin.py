"""Fewer steps that say the same: runs of equal labels, means of neighbours, windows cut where they overlap."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mer_batch.types import Gap

GAP: Final = -2
UNNAMED: Final = -1
"""What stands for no evidence and for a reading too weak to name, beside the places of the emotions."""

SHORTEST_ABSENCE: Final = 300
"""Milliseconds without a reading that are drawn as a gap; shorter ones are the spacing of frames."""

Spans = NDArray[np.int64]
"""Starts and ends in milliseconds, in order, shape (n, 2)."""


class Runs(NamedTuple):
    """Neighbouring steps of one label (and, where evidence is missing, one reason): `counts` says how many steps."""

    spans: Spans
    labels: NDArray[np.int8]
    counts: NDArray[np.int32]
    codes: NDArray[np.int32]


class Steps(NamedTuple):
    """Readings, shape (n, 7), and what goes with them, shape (n, k); `first` are their places in what was given."""

    spans: Spans
    values: NDArray[np.float64]
    beside: NDArray[np.float64]
    first: NDArray[np.intp] | Any = slice(None)


def label_runs(spans: Spans, labels: NDArray[np.int8], codes: NDArray[np.int32]) -> Runs:
    """Join steps that touch and say the same; `codes` are of the reasons."""
    if not len(spans):
        return Runs(spans, labels, np.empty(0, np.int32), codes)
    new = (labels[1:] != labels[:-1]) | (codes[1:] != codes[:-1]) | (spans[1:, 0] - spans[:-1, 1] > 1)
    first = np.r_[0, np.flatnonzero(new) + 1]
    last = np.r_[first[1:] - 1, len(spans) - 1]
    joined = np.column_stack([spans[first, 0], spans[last, 1]])
    counts = (last - first + 1).astype(np.int32)
    return Runs(joined, labels[first], counts, codes[first])


def groups(spans: Spans, limit: int) -> NDArray[np.intp]:
    """Where each group of neighbours that touch begins, so that there are about `limit` groups."""
    size = -(-len(spans) // max(1, limit))
    if size <= 1:
        return np.arange(len(spans))
    breaks = np.r_[0, np.flatnonzero(spans[1:, 0] - spans[:-1, 1] > 1) + 1, len(spans)]
    return np.concatenate([np.arange(start, end, size) for start, end in pairwise(breaks)])


def majority(named: NDArray[np.bool_], first: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Which steps stand for their group: the named ones where they are most, else the others.

    What is not known enters no mean of what is.
    """
    if not len(named):
        return named
    sizes = np.diff(np.r_[first, len(named)])
    most = 2 * np.add.reduceat(named.astype(np.int64), first) > sizes
    kept: NDArray[np.bool_] = named == np.repeat(most, sizes)
    return kept


def leading(labels: Sequence[str | None], first: NDArray[np.intp], kept: NDArray[np.bool_]) -> list[int]:
    """For each group the place of the first step that stands for it under its most common label."""
    if len(first) == len(labels):
        return list(range(len(labels)))
    found = []
    for start, end in pairwise([*first.tolist(), len(labels)]):
        own = [place for place in range(start, end) if kept[place]]
        most = Counter(labels[place] for place in own).most_common(1)[0][0]
        found.append(next(place for place in own if labels[place] == most))
    return found


def averaged(steps: Steps, first: NDArray[np.intp], kept: NDArray[np.bool_] | None = None) -> Steps:
    """The mean of each group of neighbours, which begin at `first`; with `kept` of those that stand for it alone."""
    if len(first) == len(steps.spans):
        return steps._replace(first=first)
    last = np.r_[first[1:] - 1, len(steps.spans) - 1]
    weights = np.ones((len(steps.spans), 1)) if kept is None else kept[:, None].astype(np.float64)
    counts = np.add.reduceat(weights, first)
    return Steps(
        np.column_stack([steps.spans[first, 0], steps.spans[last, 1]]),
        np.add.reduceat(steps.values * weights, first) / counts,
        np.add.reduceat(steps.beside * weights, first) / counts,
        first,
    )


def trimmed(spans: Spans) -> Spans:
    """Overlapping windows cut at the middle of their overlap, so that each time has one reading."""
    found = spans.copy()
    for place in range(1, len(found)):
        start, end = found[place]
        overlap = found[place - 1, 1]
        if overlap > start:
            middle = max(found[place - 1, 0], min((overlap + start) // 2, end))
            found[place - 1, 1] = found[place, 0] = middle
    return found


def absences(spans: Spans, gaps: Sequence[Gap], duration: int) -> list[Any]:
    """The stretches without a reading as (start, end, reason); none where there is no reading at all."""
    if not len(spans):
        return []
    starts, ends = np.array([(gap.start * 1000, gap.end * 1000) for gap in gaps]).reshape(-1, 2).T
    # A window may lie inside the one before, which then reaches further.
    reached = np.r_[0, np.maximum.accumulate(spans[:, 1])]
    begins = np.r_[spans[:, 0], duration]
    rows: list[Any] = []
    for place in np.flatnonzero(begins - reached > SHORTEST_ABSENCE):
        start, end = int(reached[place]), int(begins[place])
        shared = np.minimum(ends, end) - np.maximum(starts, start)
        known = len(shared) > 0 and shared.max() > 0
        rows.append([start, end, gaps[int(shared.argmax())].reason if known else "no reading of this person"])
    return rows
