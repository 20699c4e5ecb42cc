"""How far probabilities are from how often they are right: the expected calibration error, debiased, with an interval.

The binned error of Guo et al. (arXiv:1706.04599) is above zero by chance alone, the more the fewer items there are
(Kumar et al., arXiv:1909.10155; Roelofs et al., arXiv:2012.08668), and a percentile bootstrap adds the same chance once
more: it never contains the zero of perfect probabilities.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
BINS: Final = 15
"""Bins of the calibration error."""
DRAWS: Final = 1000
HALVINGS: Final = 30


@dataclass(frozen=True, slots=True)
class CalibrationError:
    """`value` is the binned error as it is usually told, `debiased` the error under which it would be the median.

    `low` and `high` bound that error at 95 %.
    """

    value: float
    debiased: float
    low: float
    high: float


def binned(truth: Ints, probabilities: NDArray[Any], bins: int = BINS) -> tuple[Ints, Floats]:
    """The bin of each item by its largest probability, and by how much it is more right (0 or 1) than sure."""
    confidence = probabilities.max(axis=1).astype(np.float64)
    correct = probabilities.argmax(axis=1) == truth
    return np.minimum((confidence * bins).astype(np.int64), bins - 1), correct - confidence


def expected_calibration_error(truth: Ints, probabilities: NDArray[Any], bins: int = BINS) -> float:
    """ECE with equal-width bins of the largest probability (Guo et al., arXiv:1706.04599)."""
    which, gaps = binned(truth, probabilities, bins)
    return float(np.abs(np.bincount(which, gaps, bins)).sum() / len(truth))


def calibration_error(
    truth: Ints, probabilities: NDArray[Any], groups: Ints | None = None, draws: int = DRAWS, seed: int = 0
) -> CalibrationError:
    """The error of probabilities (n, 7) of items with labels (n,), and the interval that inverts its distribution.

    For an error of t times the gaps that were found, t from 0 on, the binned error is drawn with normal noise in each
    bin. The estimate is the t where what was found is the median, the bounds are those where it is the 97.5 % and
    the 2.5 % quantile; 0 where not even t = 0 makes it so large. With `groups` (n,), numbers from 0, the noise is that
    of drawing whole groups, in Student's form.
    """
    which, gaps = binned(truth, probabilities)
    found = np.bincount(which, gaps, BINS) / len(truth)
    noise = _noise(which, gaps, probabilities, groups, draws, np.random.default_rng(seed))
    value = float(np.abs(found).sum())
    middle, low, high = (_error(found, noise, value, share) for share in (0.5, 0.975, 0.025))
    return CalibrationError(value, middle, low, high)


def _error(found: Floats, noise: Floats, value: float, share: float) -> float:
    """The error for which `value` is the quantile `share` of binned errors."""

    def quantile(times: float) -> float:
        return float(np.quantile(np.abs(times * found + noise).sum(axis=1), share))

    if quantile(0.0) >= value:
        return 0.0
    low, high = 0.0, 1.0
    while quantile(high) < value and high < 64:
        high *= 2
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if quantile(middle) < value else (low, middle)
    return min(1.0, high * value)


def _noise(
    which: Ints, gaps: Floats, probabilities: NDArray[Any], groups: Ints | None, draws: int, rng: np.random.Generator
) -> Floats:
    """Draws (draws, bins) of the noise of the mean gap of each bin times its share of the items."""
    n = len(which)
    if groups is not None:
        units = int(groups.max()) + 1
        sums = np.zeros((units, BINS))
        np.add.at(sums, (groups, which), gaps)
        sums -= np.outer(np.bincount(groups, minlength=units) / n, sums.sum(axis=0))
        tails = np.sqrt((units - 1) / rng.chisquare(units - 1, (draws, 1)))
        result: Floats = rng.standard_normal((draws, units)) @ sums * tails * np.sqrt(units / (units - 1)) / n
        return result
    sure = probabilities.max(axis=1).astype(np.float64)
    counts, right = np.bincount(which, minlength=BINS), np.bincount(which, gaps + sure, BINS)
    rate = (right + np.bincount(which, sure, BINS) / np.maximum(counts, 1)) / (counts + 1)
    # As items are right, or as they would be if their probabilities were: in a bin of few the larger is the safer.
    spread = np.maximum(counts * rate * (1 - rate), np.bincount(which, sure * (1 - sure), BINS))
    result = rng.standard_normal((draws, BINS)) * np.sqrt(spread) / n
    return result
