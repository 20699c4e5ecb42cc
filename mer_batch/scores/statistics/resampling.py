"""Scores of several readers on drawn test sets, all readers on the same draws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mer_batch.labels import EMOTIONS
from mer_batch.scores.metrics import SCORES, Ints, scores_from_confusions
from mer_batch.scores.statistics.readings import Table

DRAWS: Final = 2000
CELLS: Final = len(EMOTIONS) ** 2
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Resampled:
    """Scores of r readers: `values` (r,) as they are, `drawn` (draws, r) on drawn sets, by name of the score.

    `recall` (r, 7) and `drawn_recall` (draws, r, 7) are those of each emotion, NaN for one that is not there.
    `units` is how many items, or groups where they are `grouped`, were drawn from.
    """

    values: Mapping[str, Floats]
    drawn: Mapping[str, Floats]
    recall: Floats
    drawn_recall: Floats
    units: int
    grouped: bool
    without: Mapping[str, Floats]
    """Where groups were drawn: the scores (groups, r) without each of them, by name; else empty."""
    without_recall: Floats | None = None
    """The same of each emotion, (groups, r, 7)."""
    sizes: Floats | None = None
    """How many items each group (groups,) has."""

    @property
    def inflation(self) -> float:
        """What makes variances over draws unbiased."""
        return self.units / max(self.units - 1, 1)


def resample(table: Table, draws: int = DRAWS, seed: int = 0) -> Resampled:
    """Draw test sets of the same size from the items, or from their groups, with replacement."""
    counts, often = _units(table)
    rng = np.random.default_rng(seed)
    total = int(often.sum())
    weights = rng.multinomial(total, often / total, size=draws).astype(float)
    whole = often.astype(float)[None]
    here, there = (_confusions(w, counts, len(table.readings)) for w in (whole, weights))
    values, drawn = _scores(here), _scores(there)
    plain = {name: value[0] for name, value in values.items()}
    if table.groups is None:
        return Resampled(plain, drawn, _recall(here)[0], _recall(there), total, False, {})
    rest = _confusions(1 - np.eye(total), counts, len(table.readings))
    sizes = np.bincount(table.groups, minlength=total).astype(np.float64)
    return Resampled(plain, drawn, _recall(here)[0], _recall(there), total, True, _scores(rest), _recall(rest), sizes)


def _units(table: Table) -> tuple[Floats, Ints]:
    """What is drawn: confusion counts (u, r * 49) of each unit, and how often (u,) it is there.

    Items that all readers read alike are one unit: to draw items is to draw from a multinomial over these.
    """
    codes = (table.labels * len(EMOTIONS) + table.readings).T
    if table.groups is None:
        codes, often = np.unique(codes, axis=0, return_counts=True)
        places = np.arange(len(codes))
    else:
        places, often = table.groups, np.ones(int(table.groups.max()) + 1, dtype=np.int64)
    counts = np.zeros((len(often), codes.shape[1], CELLS))
    np.add.at(counts, (places[:, None], np.arange(codes.shape[1])[None], codes), 1)
    return counts.reshape(len(often), -1), often


def _confusions(weights: Floats, counts: Floats, readers: int) -> Ints:
    """Confusion counts (draws, r, 7, 7)."""
    found = (weights @ counts).reshape(len(weights), readers, len(EMOTIONS), len(EMOTIONS))
    return np.rint(found).astype(np.int64)


def _scores(confusions: Ints) -> dict[str, Floats]:
    shape = confusions.shape[:2]
    found = scores_from_confusions(confusions.reshape(-1, len(EMOTIONS), len(EMOTIONS)))
    return {name: found[name].reshape(shape) for name in SCORES}


def _recall(confusions: Ints) -> Floats:
    support = confusions.sum(axis=-1)
    hits = np.diagonal(confusions, axis1=-2, axis2=-1)
    return np.where(support > 0, hits / np.maximum(support, 1), np.nan)
