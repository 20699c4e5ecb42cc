"""Where a model errs: which pairs it confuses, which items it gets wrong, where it is least sure."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from mer_batch.labels import EMOTIONS

if TYPE_CHECKING:
    from mer_batch.scores.predictions import Predictions

MOST: Final = 24
"""Worst errors shown."""
UNSURE: Final = 12
"""Right but least sure readings shown."""


@dataclass(frozen=True)
class Pair:
    """Two emotions that are taken for each other: `there` counts first read as second, `back` the other way."""

    first: str
    second: str
    there: int
    back: int
    there_share: float | None
    back_share: float | None
    of_errors: float


def confused_pairs(counts: NDArray[np.int64]) -> list[Pair]:
    """Pairs by their share of all errors, most first, for counts (7, 7) of label by reading.

    The direction that errs more comes first; its share is of the items with that label, None without any.
    """
    errors = int(counts.sum() - np.trace(counts))
    found = []
    for one, other in combinations(range(len(EMOTIONS)), 2):
        a, b = (one, other) if counts[one, other] >= counts[other, one] else (other, one)
        there, back = int(counts[a, b]), int(counts[b, a])
        if there:
            shares = _share(there, counts[a].sum()), _share(back, counts[b].sum())
            found.append(Pair(EMOTIONS[a], EMOTIONS[b], there, back, *shares, (there + back) / errors))
    return sorted(found, key=lambda pair: -pair.of_errors)


def _share(part: int, whole: np.int64) -> float | None:
    return part / int(whole) if whole else None


@dataclass(frozen=True)
class Case:
    """One item: its label and the probability that the model gave it, the reading and the runner-up."""

    id: str
    label: str
    label_probability: float
    reading: str
    probability: float
    runner_up: str
    runner_up_probability: float


def worst_errors(read: Predictions, most: int = MOST) -> list[Case]:
    """The most confident wrong readings, worst first."""
    wrong = np.flatnonzero(read.probabilities.argmax(axis=1) != read.labels)
    sure = read.probabilities[wrong].max(axis=1)
    return [_case(read, int(at)) for at in wrong[np.argsort(-sure, kind="stable")][:most]]


def least_sure(read: Predictions, most: int = UNSURE) -> list[Case]:
    """The right readings of the smallest probability, least sure first."""
    right = np.flatnonzero(read.probabilities.argmax(axis=1) == read.labels)
    sure = read.probabilities[right].max(axis=1)
    return [_case(read, int(at)) for at in right[np.argsort(sure, kind="stable")][:most]]


def clearest(read: Predictions) -> list[Case]:
    """For each label its item for which the label has the largest probability."""
    own = read.probabilities[np.arange(len(read)), read.labels]
    return [_case(read, int(np.where(read.labels == label, own, -1).argmax())) for label in np.unique(read.labels)]


def _case(read: Predictions, at: int) -> Case:
    shares = read.probabilities[at]
    # As argmax does, the first of equals leads.
    first, second = (int(place) for place in np.argsort(-shares, kind="stable")[:2])
    label = int(read.labels[at])
    return Case(
        read.ids[at], EMOTIONS[label], float(shares[label]),
        EMOTIONS[first], float(shares[first]), EMOTIONS[second], float(shares[second]),
    )  # fmt: skip
