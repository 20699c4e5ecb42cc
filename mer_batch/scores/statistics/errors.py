"""Which confusions, classes and items stay hard in every run."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from mer_batch.labels import EMOTIONS
from mer_batch.scores.metrics import Ints
from mer_batch.scores.statistics.intervals import as_row, over_both
from mer_batch.scores.statistics.readings import Table
from mer_batch.scores.statistics.resampling import Resampled
from mer_batch.types import Interval

MOST: Final = 5
"""How many of a run's confusions count as its most frequent."""


@dataclass(frozen=True)
class Confusion:
    """Items labelled `label` read as `reading`: among the most frequent errors of `runs` of `of` runs.

    `share` is the mean share of the label's items over all runs, between `lowest` and `highest`; `of_errors` the
    share of all errors of all runs.
    """

    label: str
    reading: str
    runs: int
    of: int
    share: float
    lowest: float
    highest: float
    of_errors: float

    def as_json(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def persistent(confusions: Ints, most: int = MOST) -> list[Confusion]:
    """The confusions that are among the `most` frequent of any run, most runs first, for counts (r, 7, 7).

    A confusion is among them when fewer than `most` others are more frequent, so that ties all count.
    """
    errors = confusions * (1 - np.eye(len(EMOTIONS), dtype=np.int64))
    flat = errors.reshape(len(errors), -1)
    more = (flat[:, None, :] > flat[:, :, None]).sum(axis=2)
    among = ((more < most) & (flat > 0)).sum(axis=0).reshape(errors.shape[1:])
    support = np.maximum(confusions.sum(axis=2), 1)
    shares = errors / support[:, :, None]
    found = []
    for label, reading in np.argwhere(among).tolist():
        share, wrong = shares[:, label, reading], int(errors[:, label, reading].sum())
        found.append(
            Confusion(
                EMOTIONS[label],
                EMOTIONS[reading],
                int(among[label, reading]),
                len(errors),
                float(share.mean()),
                float(share.min()),
                float(share.max()),
                wrong / int(errors.sum()),
            )
        )
    return sorted(found, key=lambda one: (-one.runs, -one.of_errors))


@dataclass(frozen=True)
class ClassSpread:
    """How the recall of one emotion with `n` items moves between runs.

    `mean` is over all runs with an interval over new seeds and new items, `sd` the spread between runs, `lowest` and
    `highest` the extremes, `by_batch` the mean of each batch size.
    """

    label: str
    n: int
    mean: Interval
    sd: float
    lowest: float
    highest: float
    by_batch: dict[int, float]

    def as_json(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self) | {"mean": as_row(self.mean)}


def class_spreads(table: Table, resampled: Resampled, places: Ints, sizes: tuple[int, ...]) -> list[ClassSpread]:
    """One row a label of the set, lowest mean recall first; `places` (seeds, batch sizes) number the runs.

    The interval takes the mean of a seed over batch sizes as one value: runs of a seed are not independent.
    """
    rows = []
    for label in np.unique(table.labels).tolist():
        recall, drawn = resampled.recall[:, label], resampled.drawn_recall[:, :, label]
        drawn = np.where(np.isnan(drawn), recall, drawn)
        groups = [row[row >= 0] for row in places]
        means = np.array([recall[group].mean() for group in groups])
        drawn_means = np.stack([drawn[:, group].mean(axis=1) for group in groups], axis=1)
        columns = {size: column[column >= 0] for size, column in zip(sizes, places.T, strict=True)}
        rows.append(
            ClassSpread(
                EMOTIONS[label],
                int((table.labels == label).sum()),
                over_both(means, drawn_means, resampled.units).span,
                float(recall.std(ddof=1)) if len(recall) > 1 else 0.0,
                float(recall.min()),
                float(recall.max()),
                {size: float(recall[column].mean()) for size, column in columns.items()},
            )
        )
    return sorted(rows, key=lambda row: row.mean.value)


@dataclass(frozen=True)
class Items:
    """Of `n` items, those that every run reads right, that none does, and that depend on the run."""

    n: int
    always_right: int
    never_right: int
    depends: int
    never: tuple[str, ...]
    """Ids of those that no run reads right."""

    def as_json(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def items(table: Table) -> Items:
    """How many items depend on the run."""
    often = table.right.sum(axis=0)
    always, never = int((often == len(table.readings)).sum()), int((often == 0).sum())
    ids = tuple(name for name, count in zip(table.ids, often.tolist(), strict=True) if not count)
    return Items(len(often), always, never, len(often) - always - never, ids)
