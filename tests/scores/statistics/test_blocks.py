"""Tests within blocks against scipy, statsmodels, published examples and their own level."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

from mer_batch.scores.statistics import blocks

BASES = np.reshape(
    [
        5.40, 5.50, 5.55, 5.85, 5.70, 5.75, 5.20, 5.60, 5.50, 5.55, 5.50, 5.40, 5.90, 5.85, 5.70, 5.45, 5.55, 5.60,
        5.40, 5.40, 5.35, 5.45, 5.50, 5.35, 5.25, 5.15, 5.00, 5.85, 5.80, 5.70, 5.25, 5.20, 5.10, 5.65, 5.55, 5.45,
        5.60, 5.35, 5.45, 5.05, 5.00, 4.95, 5.50, 5.50, 5.40, 5.45, 5.55, 5.50, 5.55, 5.55, 5.35, 5.45, 5.50, 5.55,
        5.50, 5.45, 5.25, 5.65, 5.60, 5.40, 5.70, 5.65, 5.55, 6.30, 6.30, 6.25,
    ],
    (22, 3),
)  # fmt: skip
"""Hollander & Wolfe (1973), pages 140 ff.: ways to round first base, 22 players."""


def runs(rng: np.random.Generator, items: int = 700) -> np.ndarray:
    """Accuracies (5 seeds, 4 batch sizes) with an effect of the seed and none of the batch size."""
    return rng.binomial(items, np.clip(rng.normal(0.8, 0.02, (5, 1)), 0, 1) * np.ones(4)) / items


def test_friedman_gives_the_published_result() -> None:
    found = blocks.friedman(BASES)
    assert found.statistic == pytest.approx(11.143, abs=5e-4)
    assert found.chi_square_p == pytest.approx(0.003805, abs=5e-7)
    assert found.p == pytest.approx(0.0038, abs=0.002)
    assert found.agreement == pytest.approx(11.143 / 44, abs=1e-4)


@pytest.mark.parametrize(
    ("n", "k", "statistic", "p"),
    [(3, 3, 6.0, 0.028), (4, 3, 6.5, 0.042), (4, 3, 8.0, 0.0046), (3, 4, 7.4, 0.033), (3, 4, 8.2, 0.017)],
)
def test_permuted_ranks_follow_friedmans_own_tables(n: int, k: int, statistic: float, p: float) -> None:
    # Friedman (1937), J. Am. Stat. Assoc. 32, 675-701, tables V and VI.
    ranks = np.tile(np.arange(1.0, k + 1), (n, 1))
    squares = blocks.null_spread(ranks)
    chi = 12 / (n * k * (k + 1)) * squares
    assert len(chi) == blocks.arrangements(n, k)
    assert (chi >= statistic - 1e-9).mean() == pytest.approx(p, abs=5e-4)


def test_chi_square_is_off_for_five_seeds() -> None:
    # Why the p by permutation decides: at 5 seeds and 4 batch sizes chi-square rejects too seldom.
    squares = blocks.null_spread(np.tile(np.arange(1.0, 5), (5, 1)))
    chi = 12 / (5 * 4 * 5) * squares
    assert (chi >= stats.chi2.ppf(0.95, 3)).mean() < 0.045


def test_mean_squares_are_those_of_statsmodels() -> None:
    table = np.random.default_rng(0).normal(size=(5, 4))
    rows = pd.DataFrame([(i, j, table[i, j]) for i in range(5) for j in range(4)], columns=["seed", "size", "y"])
    expected = anova_lm(ols("y ~ C(seed) + C(size)", rows).fit())
    assert [float(value) for value in blocks.mean_squares(table)] == pytest.approx(list(expected["mean_sq"]))
    assert blocks.f_statistic(table) == pytest.approx(expected["F"]["C(size)"])
    assert blocks.f_statistic(np.ones((5, 4))) is None


def test_the_spread_orders_arrangements_as_f_does() -> None:
    rng = np.random.default_rng(1)
    table = rng.normal(size=(5, 4))
    drawn = rng.permuted(np.broadcast_to(table, (50, 5, 4)), axis=2)
    spread = ((drawn - drawn.mean(axis=2, keepdims=True)).sum(axis=1) ** 2).sum(axis=1)
    assert np.array_equal(np.argsort(spread), np.argsort([blocks.f_statistic(one) for one in drawn]))


def test_all_arrangements_and_random_ones_agree() -> None:
    table = runs(np.random.default_rng(7))
    assert blocks.block_p(table) == pytest.approx(blocks.block_p(table, most=0), abs=0.015)
    theirs = stats.permutation_test(
        tuple(table.T),
        lambda *columns, axis: sum(column.sum(axis=axis) ** 2 for column in columns),
        permutation_type="samples",
        alternative="greater",
        vectorized=True,
        n_resamples=4999,
        rng=np.random.default_rng(0),
    )
    assert blocks.block_p(table) == pytest.approx(theirs.pvalue, abs=0.025)


def test_level_of_the_exact_test_under_a_true_null() -> None:
    # Given the scores every arrangement is equally likely, so the share of arrangements that reject is the level.
    for seed in range(6):
        found = np.round(blocks.null_spread(runs(np.random.default_rng(seed))), 12)
        values, counts = np.unique(found, return_counts=True)
        p = counts[::-1].cumsum()[::-1] / len(found)
        level = counts[p <= 0.05].sum() / len(found)
        assert 0.04 <= level <= 0.05, seed
        assert len(values) > 1000, "fine enough for any level"


def test_level_over_new_runs_under_a_true_null() -> None:
    rng = np.random.default_rng(0)
    draws = 6000  # the error of 5 % is 0.3 points
    rejected = sum(blocks.block_p(runs(rng), most=0, draws=99, seed=seed) <= 0.05 for seed in range(draws))
    assert 0.04 <= rejected / draws <= 0.06


def test_an_effect_is_found_and_constant_scores_have_none() -> None:
    rng = np.random.default_rng(0)
    found = [blocks.block_p(runs(rng) + np.array([0, 0, 0, 0.06])) for _ in range(5)]
    assert np.mean(found) < 0.01
    assert blocks.block_p(np.ones((5, 4))) == 1
    assert blocks.friedman(np.ones((5, 4))).p == 1


def test_wilcoxon_gives_the_published_result_and_its_smallest_p() -> None:
    # Hollander & Wolfe (1973), pages 29 f.: depression scores; one-sided p 0.01953.
    before = np.array([1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30])
    after = np.array([0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29])
    assert blocks.wilcoxon(before - after) == pytest.approx(2 * 0.01953, abs=1e-5)
    assert blocks.wilcoxon(before - after) == pytest.approx(stats.wilcoxon(before, after, method="exact").pvalue)
    assert blocks.wilcoxon(np.array([1.0, 2, 3, 4, 5])) == 0.0625
    assert blocks.wilcoxon(np.array([0.0, 0, 0])) == 1
    assert blocks.wilcoxon(np.array([0.0, 1, 2, 3, 4])) == 0.125, "a zero says nothing either way"
    assert blocks.wilcoxon(np.arange(1.0, 31)) < 1e-5


def test_holm_example() -> None:
    assert blocks.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert blocks.holm([]) == []
