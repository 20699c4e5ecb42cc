"""Whether the batch size matters, and which batch sizes differ."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np

from mer_batch.scores.statistics.blocks import (
    MOST,
    Friedman,
    arrangements,
    block_p,
    f_statistic,
    friedman,
    holm,
    mean_squares,
    wilcoxon,
)
from mer_batch.scores.statistics.intervals import ALPHA, Mean, over_both
from mer_batch.scores.statistics.mcnemar import POWER, McNemar, mcnemar
from mer_batch.scores.statistics.readings import Table
from mer_batch.scores.statistics.resampling import Resampled
from mer_batch.scores.statistics.trials import Grid


@dataclass(frozen=True)
class Pair:
    """What batch size `second` gains over `first` with the same seeds.

    `gain` is the mean over seeds with an interval over new seeds and new items and `p` its t test; `holm` and
    `wilcoxon_holm` are adjusted for the number of pairs. `tests` has McNemar's test of each seed; `mcnemar_holm`
    their p adjusted for all seeds of all pairs.
    """

    first: int
    second: int
    gain: Mean
    p: float
    holm: float
    wilcoxon: float
    wilcoxon_holm: float
    tests: tuple[McNemar, ...]
    mcnemar_holm: tuple[float, ...]

    def as_json(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self) | {"gain": self.gain.as_json(), "tests": [test.as_json() for test in self.tests]}


@dataclass(frozen=True)
class Effect:
    """Tests of the batch size, seeds as blocks.

    `p` is the permutation test of `f` within blocks, which decides: it is right at any size. `exact` tells whether
    all `arrangements` were tried. `friedman` is None for two batch sizes. `least_wilcoxon` is the smallest p that
    Wilcoxon's test can give with so many seeds. `smallest_gain` is what a batch size must gain over another
    for the paired t test over seeds to find it with probability 0.8; None where nothing varies.
    """

    seeds: tuple[int, ...]
    f: float | None
    p: float
    exact: bool
    arrangements: int
    friedman: Friedman | None
    least_wilcoxon: float
    smallest_gain: float | None
    pairs: tuple[Pair, ...]

    def as_json(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self) | {"pairs": [pair.as_json() for pair in self.pairs]}


def effect(grid: Grid, resampled: Resampled, score: str) -> Effect | None:
    """Test the batch size on the seeds that have every batch size; None with fewer than two of either."""
    places = grid.complete
    seeds, sizes = places.shape
    if seeds < 2 or sizes < 2:
        return None
    values = resampled.values[score][places]
    ranks = friedman(values) if sizes > 2 else None
    count = arrangements(seeds, sizes)
    return Effect(
        grid.complete_seeds,
        f_statistic(values),
        block_p(values),
        count <= MOST,
        count,
        ranks,
        2 / 2**seeds,
        _smallest_gain(values),
        _pairs(grid, resampled, score),
    )


def _smallest_gain(values: Any) -> float | None:
    from statsmodels.stats.power import TTestPower

    rest = float(mean_squares(values)[2])
    if rest <= 0:
        return None
    size = TTestPower().solve_power(nobs=len(values), alpha=ALPHA, power=POWER)
    return float(size) * float(np.sqrt(2 * rest))


def _pairs(grid: Grid, resampled: Resampled, score: str) -> tuple[Pair, ...]:
    places = grid.complete.T
    numbers = list(combinations(range(len(places)), 2))
    gains = [_gain(resampled, score, places[a], places[b]) for a, b in numbers]
    signed = [wilcoxon(resampled.values[score][places[b]] - resampled.values[score][places[a]]) for a, b in numbers]
    tests = [_tests(grid.table, places[a], places[b]) for a, b in numbers]
    adjusted = np.reshape(holm([test.p for row in tests for test in row]), (len(numbers), -1)).tolist()
    columns = zip(numbers, gains, holm([gain.p for gain in gains]), signed, holm(signed), tests, adjusted, strict=True)
    return tuple(
        Pair(grid.batch_sizes[a], grid.batch_sizes[b], gain, gain.p, h, w, w_holm, test, tuple(m))
        for (a, b), gain, h, w, w_holm, test, m in columns
    )


def _gain(resampled: Resampled, score: str, first: Any, second: Any) -> Mean:
    values, drawn = resampled.values[score], resampled.drawn[score]
    return over_both(values[second] - values[first], drawn[:, second] - drawn[:, first], resampled.units)


def _tests(table: Table, first: Any, second: Any) -> tuple[McNemar, ...]:
    right = table.right
    return tuple(mcnemar(right[a], right[b]) for a, b in zip(first, second, strict=True))
