"""The one interval for a share of items, such as accuracy or a recall: Wilson's, at 95 %.

`wilson` is for items that are independent of each other. Groups of items, such as the clips of a speaker, are counted
as one each (`groups`), steps of a recording for as many as their correlation leaves (`steps`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mer_batch.types import Interval

LEVEL: Final = 0.95
NORMAL: Final = 1.959963984540054
"""The quantile of the normal distribution for `LEVEL`."""


def student(freedom: float) -> float:
    """The quantile of Student's t for `LEVEL`, at two degrees of freedom and more, to less than 1 %.

    Abramowitz & Stegun (1964), 26.7.5; scipy, which has it exactly, takes longer to load than a short clip to sum up.
    """
    z = NORMAL
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + sum(term / freedom**power for power, term in enumerate(terms, start=1))


def wilson(hits: int, n: int) -> Interval:
    """A share with Wilson's interval (1927), which holds for shares near 0 and 1 too; n is at least 1.

    A recall of 0 of 3 is not known to be 0, as a bootstrap would have it.
    """
    return wilson_of(hits / n, n)


def wilson_of(value: float, n: float, quantile: float = NORMAL) -> Interval:
    """Wilson's interval of a share of n independent items, which need not be a whole number."""
    square = quantile**2 / n
    middle = (value + square / 2) / (1 + square)
    reach = float(np.sqrt(value * (1 - value) * square + square**2 / 4)) / (1 + square)
    return Interval(
        value, max(0.0, middle - reach) if value > 0 else 0.0, min(1.0, middle + reach) if value < 1 else 1.0
    )


def bounded(value: float, error: float, quantile: float) -> Interval:
    """A score inside 0 and 1 with `quantile` standard errors to each side on the scale of log odds."""
    odds, reach = np.log(value / (1 - value)), quantile * error / (value * (1 - value))
    low, high = (float(1 / (1 + np.exp(-(odds + side)))) for side in (-reach, reach))
    return Interval(value, low, high)


def mean_of_shares(hits: NDArray[Any], support: NDArray[Any]) -> Interval:
    """Mean of independent shares, such as the recall of each class; classes without items are left out."""
    return mean_of([wilson(*pair) for pair in zip(hits.tolist(), support.tolist(), strict=True) if pair[1]])


def mean_of(shares: Sequence[Interval]) -> Interval:
    """Mean of independent shares from the interval of each, at least one; without bounds where one has none.

    Zou & Donner (2008), Stat. Med. 27, 1693-1702. Unlike a bootstrap it stays honest where a class is always read
    right.
    """
    mean, n = float(np.mean([share.value for share in shares])), len(shares)
    if any(share.low is None for share in shares):
        return Interval(mean, None, None)
    values, lows, highs = np.array([[share.value, share.low, share.high] for share in shares], dtype=np.float64).T
    down, up = (float(np.sqrt(((values - bounds) ** 2).sum())) / n for bounds in (lows, highs))
    return Interval(mean, mean - down, mean + up)
