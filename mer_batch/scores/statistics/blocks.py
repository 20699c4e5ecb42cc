"""Does a setting matter? Tests within blocks: every seed is a block that ran every setting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations
from math import factorial
from typing import Final

import numpy as np

from mer_batch.scores.statistics.resampling import Floats

MOST: Final = 500_000
"""Arrangements up to which all are tried; 5 seeds and 4 settings have 331,776."""
DRAWS: Final = 19_999
SIGNS: Final = 14
"""Differences up to which all flips of signs are tried."""


def arrangements(blocks: int, settings: int) -> int:
    """How many different ways there are to name the settings within each of the blocks."""
    return int(factorial(settings) ** (blocks - 1))


def null_spread(table: Floats, most: int = MOST, draws: int = DRAWS, seed: int = 0) -> Floats:
    """Spread between settings under arrangements of `table` (blocks, settings), the one found first.

    The spread, the sum of squared sums of settings, orders tables as the F of a two-way analysis of variance does,
    and, on ranks, as Friedman's statistic. All arrangements where there are at most `most`, else `draws` random ones.
    """
    table = table - table.mean(axis=1, keepdims=True)
    blocks, settings = table.shape
    if arrangements(blocks, settings) > most:
        drawn = np.random.default_rng(seed).permuted(np.broadcast_to(table, (draws, blocks, settings)), axis=2)
        sums = np.concatenate([table.sum(axis=0)[None], drawn.sum(axis=1)])
    else:
        # To rename the settings of all blocks alike changes nothing, so the first block stays.
        sums = table[:1]
        orders = np.array(list(permutations(range(settings))))
        for row in table[1:]:
            sums = (sums[:, None] + row[orders][None]).reshape(-1, settings)
    result: Floats = (sums**2).sum(axis=1)
    return result


def block_p(table: Floats, most: int = MOST, draws: int = DRAWS, seed: int = 0) -> float:
    """Permutation p of no difference between settings, for a score by `table` (blocks, settings).

    It holds at every size, for any distribution of the score that is the same for all settings of a block.
    """
    found = null_spread(table, most, draws, seed)
    return float((found >= found[0] - 1e-9 * max(found.max(), 1e-300)).mean())


def f_statistic(table: Floats) -> float | None:
    """F of the settings in a two-way analysis of variance without replicates; None where nothing varies."""
    _, settings, rest = mean_squares(table)
    # What is left of rounding is nothing.
    return float(settings / rest) if rest > 1e-12 * float(table.var() or 1) else None


def mean_squares(table: Floats) -> tuple[Floats, Floats, Floats]:
    """Mean squares of blocks, settings and the rest of tables (..., blocks, settings)."""
    blocks, settings = table.shape[-2:]
    mean = table.mean(axis=(-2, -1), keepdims=True)
    of_blocks, of_settings = table.mean(axis=-1, keepdims=True), table.mean(axis=-2, keepdims=True)
    rest = table - of_blocks - of_settings + mean
    return (
        settings * ((of_blocks - mean) ** 2).sum(axis=(-2, -1)) / (blocks - 1),
        blocks * ((of_settings - mean) ** 2).sum(axis=(-2, -1)) / (settings - 1),
        (rest**2).sum(axis=(-2, -1)) / ((blocks - 1) * (settings - 1)),
    )


@dataclass(frozen=True)
class Friedman:
    """Friedman's (1937) chi-square of `ranks`, its p by permutation of them, and Kendall's W as its size (0 to 1).

    `chi_square_p`, which other tools give, is off for few blocks and is only told.
    """

    statistic: float
    p: float
    chi_square_p: float
    agreement: float


def friedman(table: Floats) -> Friedman:
    """Friedman's test of the settings of `table` (blocks, settings), of which there are at least three."""
    from scipy.stats import friedmanchisquare, rankdata

    ranks = rankdata(table, axis=1)
    if (ranks == ranks[:, :1]).all():
        return Friedman(0.0, 1.0, 1.0, 0.0)
    found = friedmanchisquare(*table.T)
    size = float(found.statistic) / (table.shape[0] * (table.shape[1] - 1))
    return Friedman(float(found.statistic), block_p(ranks), float(found.pvalue), size)


def wilcoxon(differences: Floats) -> float:
    """Two-sided p of Wilcoxon's signed ranks (1945), exact up to `SIGNS`; zeros as Pratt (1959) ranks them.

    With n differences it is never below 2 / 2**n.
    """
    from scipy import stats

    rounded = np.round(differences, 12)
    if not rounded.any():
        return 1.0
    if len(rounded) > SIGNS:
        return float(stats.wilcoxon(rounded, zero_method="pratt").pvalue)
    ranks = stats.rankdata(np.abs(rounded)) * np.sign(rounded)
    # Unlike scipy's exact distribution, all sign flips are right with ties and zeros too.
    found = stats.permutation_test((ranks,), np.sum, permutation_type="samples", vectorized=True, n_resamples=np.inf)
    return min(float(found.pvalue), 1.0)


def holm(p: Sequence[float]) -> list[float]:
    """Holm's (1979) adjusted p values."""
    from statsmodels.stats.multitest import multipletests

    return [float(value) for value in multipletests(p, method="holm")[1]] if len(p) else []
