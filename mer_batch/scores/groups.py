"""Intervals over new groups: people, films or corpora of which each gives several items that are alike.

Groups are few, and a percentile bootstrap of ten is too narrow: it covers 84 to 91 % in place of 95 %. Here the error
comes from leaving out one group after the other (the jackknife, the HC3 of clusters), the quantile from Student's t
with as many degrees of freedom as groups of that unequal size are worth, less one (Carter, Schnepel & Steigerwald 2017,
Rev. Econ. Stat. 99, 698-709; MacKinnon, Nielsen & Webb 2023, J. Appl. Econometrics 38, 671-694). Shares are bounded on
the scale of log odds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mer_batch.scores.shares import LEVEL, bounded, wilson_of
from mer_batch.types import Interval

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Effect:
    """A value with its standard error over new groups; `df` are Student's degrees of freedom."""

    value: float
    error: float
    df: float

    @property
    def quantile(self) -> float:
        """Of Student's t, for 95 %."""
        from scipy.special import stdtrit

        return float(stdtrit(self.df, (1 + LEVEL) / 2))

    @property
    def p(self) -> float:
        """Two-sided p of a true value of 0."""
        from scipy.special import stdtr

        if self.error == 0:
            return 1.0 if self.value == 0 else 0.0
        return float(2 * stdtr(self.df, -abs(self.value) / self.error))

    def share(self) -> Interval:
        """The interval of a value between 0 and 1; where groups are all alike each counts as one item."""
        if not 0 < self.value < 1 or self.error == 0:
            return wilson_of(min(max(self.value, 0.0), 1.0), self.df + 1, self.quantile)
        return bounded(self.value, self.error, self.quantile)

    def difference(self) -> Interval:
        """The interval of a difference of shares; where groups are all alike, that of no difference in so many."""
        reach = self.quantile * self.error
        if self.error == 0:
            reach = self.quantile**2 / (self.df + 1 + self.quantile**2)
        return Interval(self.value, max(-1.0, self.value - reach), min(1.0, self.value + reach))

    def plain(self) -> Interval:
        """The interval of any number."""
        reach = self.quantile * self.error
        return Interval(self.value, self.value - reach, self.value + reach)


def effect(value: float, without: Floats, sizes: NDArray[np.generic]) -> Effect | None:
    """The error of a score from the same score `without` each group (g,), of `sizes` (g,) items; None for one group.

    Groups without which the score is undefined (NaN) are left out of both.
    """
    kept = ~np.isnan(without)
    count = int(kept.sum())
    if count < 2 or np.isnan(value):
        return None
    left, own = without[kept], np.asarray(sizes, dtype=np.float64)[kept]
    error = float(np.sqrt((count - 1) / count * ((left - left.mean()) ** 2).sum()))
    return Effect(value, error if error > 1e-12 else 0.0, max(worth(own) - 1, 1.0))


def mean_effect(effects: Sequence[Effect]) -> Effect:
    """The mean of independent effects, at least one, with Satterthwaite's (1946) degrees of freedom."""
    squares = np.array([one.error**2 for one in effects])
    terms = float((squares**2 / np.array([one.df for one in effects])).sum())
    df = float(squares.sum()) ** 2 / terms if terms > 0 else min(one.df for one in effects)
    value = float(np.mean([one.value for one in effects]))
    return Effect(value, float(np.sqrt(squares.sum())) / len(effects), df)


def worth(sizes: Floats) -> float:
    """How many groups of equal size groups of these sizes (g,) are worth (Kish, 1965)."""
    return float(sizes.sum() ** 2 / (sizes**2).sum())


UNITS: Final = {"person": "people", "speaker": "speakers", "dialogue": "dialogues"}
"""What items may share so that they are not independent, by name with its plural, in the order in which it counts."""


def unit(groups: Mapping[str, Sequence[str]]) -> tuple[str, Ints] | None:
    """What the items of a set share, and the number of each one's group: the first of `UNITS` known of every item."""
    for by in UNITS:
        found = numbered(groups, by)
        if found is not None:
            return by, found
    return None


def plural(by: str) -> str:
    """Such as "speakers"."""
    return UNITS.get(by, f"groups by {by}")


def of_part(groups: Mapping[str, Sequence[str]], where: NDArray[np.bool_]) -> dict[str, list[str]]:
    """What is known of the items that a part (n,) has."""
    return {name: np.array(values, dtype=str)[where].tolist() for name, values in groups.items()}


def numbered(groups: Mapping[str, Sequence[str]], by: str) -> Ints | None:
    """The number of each item's group; speakers count within their `set`, as two sets may both have a speaker 03.

    None where `by` is not known, or not of every item.
    """
    names = groups.get(by, ())
    if not len(names) or not all(names):
        return None
    own = groups.get("set", ()) if by == "speaker" else ()
    joined = [f"{one}\n{name}" for one, name in zip(own, names, strict=True)] if len(own) else list(names)
    return np.unique(np.array(joined, dtype=str), return_inverse=True)[1].astype(np.int64)
