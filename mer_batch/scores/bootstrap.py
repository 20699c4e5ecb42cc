"""Intervals for numbers from consecutive steps, which resemble their neighbours."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mer_batch.types import Interval

BLOCK: Final = 10
"""Steps of a block: 5 s at the default step, longer than expressions usually stay correlated."""
DRAWS: Final = 1000
Positions: TypeAlias = NDArray[np.intp]


def block_bootstrap(
    statistic: Callable[[Positions], NDArray[np.float64]],
    length: int,
    *,
    block: int = BLOCK,
    draws: int = DRAWS,
    seed: int = 0,
) -> list[Interval]:
    """`statistic` of all positions 0 .. length-1, with percentile intervals of the circular block bootstrap.

    `statistic` maps positions, shape (n,), to numbers, shape (k,). Politis & Romano (1992), "A
    circular block-resampling procedure for stationary data". The same seed gives the same intervals. With fewer
    than two blocks there is no interval.
    """
    values = statistic(np.arange(length))
    if length < 2 * block:
        return [Interval(float(value), None, None) for value in values]
    rng = np.random.default_rng(seed)
    count = -(-length // block)
    table = np.empty((draws, len(values)))
    for draw in range(draws):
        starts = rng.integers(0, length, count)
        positions = ((starts[:, None] + np.arange(block)) % length).ravel()[:length]
        table[draw] = statistic(positions)
    with warnings.catch_warnings():
        # A statistic that no draw defines (no step has a label) has no interval.
        warnings.filterwarnings("ignore", "All-NaN")
        bounds = np.nanpercentile(table, [2.5, 97.5], axis=0).T
    return [
        Interval(float(value), *(None if np.isnan(bound) else float(bound) for bound in pair))
        for value, pair in zip(values, bounds, strict=True)
    ]
