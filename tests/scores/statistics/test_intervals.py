"""Intervals against scipy, published examples, and how often they cover the truth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep

from mer_batch.scores.metrics import score
from mer_batch.scores.shares import mean_of_shares, wilson
from mer_batch.scores.statistics.intervals import as_share, over_both, over_seeds, percentile, run_spans
from mer_batch.scores.statistics.resampling import resample
from toy_grid import table

DATASETS = 2000
"""The error of a coverage of 95 % is then half a point."""
DRAWS = 600
"""Percentiles of fewer draws are too narrow by a point of coverage; the default has 2,000."""


def read(labels: np.ndarray, recall: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.where(rng.random(len(labels)) < recall[labels], labels, (labels + 1) % len(recall))


def test_seeds_agree_with_scipy() -> None:
    values = np.array([0.61, 0.63, 0.60, 0.66, 0.62])
    span = over_seeds(values)
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert (span.low, span.high) == pytest.approx((expected.low, expected.high))
    assert over_seeds(values[:1]).low is None, "one seed has no spread"


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_gives_the_published_intervals(hits: int, n: int, low: float, high: float) -> None:
    # Newcombe (1998), Stat. Med. 17, 857-872, table I.
    span = wilson(hits, n)
    assert (span.low, span.high) == pytest.approx((low, high), abs=5e-5)


def test_mean_of_two_shares_is_newcombes_difference() -> None:
    # p1 - p2 = p1 + (1 - p2) - 1, so half of the difference plus a half is a mean of shares.
    low, high = confint_proportions_2indep(56, 70, 48, 80, method="newcomb")
    span = mean_of_shares(np.array([56, 80 - 48, 0]), np.array([70, 80, 0]))
    assert (2 * span.low - 1, 2 * span.high - 1) == pytest.approx((low, high))


def test_a_perfect_reader_is_not_known_to_be_perfect() -> None:
    labels = np.arange(70) % 7
    found = resample(table(labels, labels[None]), draws=50)
    spans = run_spans(found, 0, np.diag(np.full(7, 10)))
    assert spans["uar"].high == pytest.approx(1)
    assert 0.8 < spans["uar"].low < spans["accuracy"].low < 0.96


def test_draws_are_those_of_a_bootstrap_over_items() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 7, 400)
    said = np.where(rng.random(400) < 0.6, labels, rng.integers(0, 7, 400))
    found = resample(table(labels, said[None]), draws=20_000)
    plain = score(labels, np.eye(7)[said], draws=4000)
    right = (said == labels).astype(float)
    theirs = stats.bootstrap((right,), np.mean, n_resamples=4000, method="percentile", rng=rng).confidence_interval
    ours = percentile(right.mean(), found.drawn["accuracy"][:, 0])
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.005)
    for name in ("uar", "macro_f1", "weighted_f1"):
        assert found.values[name][0] == pytest.approx(plain.values[name])
        span = percentile(plain.values[name], found.drawn[name][:, 0])
        assert (span.low, span.high) == pytest.approx(plain.intervals[name], abs=0.006)


def test_groups_are_drawn_whole() -> None:
    labels = np.zeros(400, dtype=np.int64)
    groups = np.arange(400) // 40
    said = np.where(groups % 2, 0, 1)[None]
    apart, whole = (resample(table(labels, said, by), draws=1000) for by in (None, groups))
    assert (apart.units, whole.units) == (400, 10)
    assert apart.drawn["accuracy"].std() == pytest.approx(0.5 / 20, rel=0.1)
    assert whole.drawn["accuracy"].std() == pytest.approx(0.5 / np.sqrt(10), rel=0.1)
    assert set(np.round(whole.drawn["accuracy"].ravel() * 10, 6) % 1) == {0}


def test_intervals_over_items_cover_the_truth() -> None:
    rng = np.random.default_rng(1)
    recall = np.array([0.9, 0.7, 0.5])
    covered = dict.fromkeys(("accuracy", "uar", "macro_f1", "gain"), 0)
    labels = rng.integers(0, 3, 200_000)
    truth = score(labels, np.eye(7)[read(labels, recall, rng)], draws=2).values | {"gain": 0.0}
    for _ in range(DATASETS):
        labels = rng.integers(0, 3, 300)
        first = read(labels, recall, rng)
        second = np.where(rng.random(300) < 0.6, first, read(labels, recall, rng))
        found = resample(table(labels, np.stack([first, second])), draws=DRAWS, seed=int(rng.integers(2**31)))
        counts = np.zeros((7, 7), dtype=np.int64)
        np.add.at(counts, (labels, first), 1)
        gain = found.values["uar"][1] - found.values["uar"][0]
        spans = run_spans(found, 0, counts)
        spans["gain"] = percentile(float(gain), found.drawn["uar"][:, 1] - found.drawn["uar"][:, 0])
        for name in covered:
            covered[name] += spans[name].low <= truth[name] <= spans[name].high  # type: ignore[operator]
    for name, hits in covered.items():
        assert 0.93 <= hits / DATASETS <= 0.97, name


@pytest.mark.parametrize("seed_sd", [0.0, 0.03])
def test_intervals_over_seeds_and_items_cover_the_truth(seed_sd: float) -> None:
    rng = np.random.default_rng(2)
    covered = 0
    for _ in range(DATASETS):
        ease = rng.choice([0.6, 1.0], 300)  # items differ, so that runs agree beyond chance; mean accuracy 0.8
        shift = rng.normal(0, seed_sd, (5, 1)) * np.where(ease < 1, 2, 0)
        right = rng.random((5, 300)) < ease + shift
        found = resample(table(np.zeros(300, dtype=np.int64), np.where(right, 0, 1)), 100, int(rng.integers(2**31)))
        span = over_both(found.values["accuracy"], found.drawn["accuracy"], found.units).span
        covered += span.low <= 0.8 <= span.high  # type: ignore[operator]
    assert 0.93 <= covered / DATASETS <= 0.97


def test_over_both_is_between_its_parts_and_one_run_has_only_items() -> None:
    rng = np.random.default_rng(3)
    labels = np.zeros(500, dtype=np.int64)
    said = np.where(rng.random((5, 500)) < np.linspace(0.7, 0.8, 5)[:, None], 0, 1)
    found = resample(table(labels, said))
    values, drawn = found.values["accuracy"], found.drawn["accuracy"]
    both = over_both(values, drawn, found.units)
    assert both.error >= stats.sem(values)
    assert both.p < 1e-4
    single = over_both(values[:1], drawn[:, :1], found.units)
    assert single.error == pytest.approx(np.sqrt(values[0] * (1 - values[0]) / 500), rel=0.06)
    assert over_both(np.zeros(5), np.zeros((9, 5)), 500).p == 1
    assert as_share(over_seeds(np.array([0.9, 1.0]))).high == 1
