"""Intervals and tests over new people, against people whose differences are known."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit, logit
from scipy.stats import binom

from mer_batch.scores.groups import Effect, effect, mean_effect, numbered, unit, worth
from mer_batch.scores.metrics import group_intervals, score
from mer_batch.scores.statistics.comparison import compare
from mer_batch.scores.statistics.readings import Readings

PEOPLE = 10
DRAWS = 2000
SIZES = {"alike": np.full(PEOPLE, 30), "unlike": np.round(np.geomspace(10, 100, PEOPLE)).astype(int)}


def right(
    rng: np.random.Generator, sizes: NDArray[np.int64], level: float, person: float, own: float = 0.0
) -> NDArray[np.int64]:
    """Items read right (draws, people) where people differ by `person` in log odds, for each reader by `own` more."""
    shape = (DRAWS, len(sizes))
    people = rng.normal(0, person, shape) if not own else rng.normal(0, 1, shape) * person
    return rng.binomial(sizes, expit(level + people + rng.normal(0, own, shape)))


@pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("level", [0.7, 2.0])
def test_intervals_over_ten_people_cover_new_ones(sizes: NDArray[np.int64], level: float) -> None:
    rng = np.random.default_rng(1)
    hits = right(rng, sizes, level, 1.0)
    truth = float(expit(level + rng.normal(0, 1.0, 1_000_000)).mean())
    total, all_hits = sizes.sum(), hits.sum(axis=1)
    covered = 0
    for row, found in zip(hits, all_hits, strict=True):
        one = effect(found / total, (found - row) / (total - sizes), sizes)
        assert one is not None
        span = one.share()
        assert span.low is not None
        assert span.high is not None
        covered += span.low <= truth <= span.high
    # The draws are 2,000; percentiles of ten people cover 84 to 91 %.
    assert binom.ppf(0.001, DRAWS, 0.93) <= covered <= binom.ppf(0.999, DRAWS, 0.97)


@pytest.mark.parametrize(("sizes", "least"), [(SIZES["alike"], 0.04), (SIZES["unlike"], 0.03)], ids=SIZES)
def test_a_test_over_people_finds_a_difference_that_is_none_in_a_twentieth(
    sizes: NDArray[np.int64], least: float
) -> None:
    rng = np.random.default_rng(2)
    people = rng.normal(0, 0.7, (DRAWS, PEOPLE))
    one, other = (rng.binomial(sizes, expit(0.7 + people + rng.normal(0, 0.7, people.shape))) for _ in range(2))
    gain, total = other - one, sizes.sum()
    found = [effect(row.sum() / total, (row.sum() - row) / (total - sizes), sizes) for row in gain]
    wrong = sum(one.p < 0.05 for one in found if one is not None)
    assert binom.ppf(0.001, DRAWS, least) <= wrong <= binom.ppf(0.999, DRAWS, 0.06)


def test_a_comparison_by_speaker_uses_that_test() -> None:
    """Six actors, of whom one alone tells the readers apart: over clips a finding, over people none."""
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 7, 360)
    speakers = tuple(str(number // 60) for number in range(360))
    worse = np.where(np.arange(360) < 60, (labels + 1) % 7, labels)
    ids = tuple(map(str, range(360)))
    sides = [Readings(name, ids, labels, said, {"speaker": speakers}) for name, said in (("a", worse), ("b", labels))]
    found = compare(sides[0], sides[1], "speaker")
    assert found.test.p < 1e-6
    assert found.p > 0.3
    assert found.how == "t test over 6 speakers"
    assert found.as_json()["p"] == found.p
    low = found.gains["accuracy"].low
    assert low is not None
    assert low < 0
    assert all(change.p > 0.05 for change in found.classes)


def test_one_speaker_tells_nothing_of_new_ones() -> None:
    labels = np.arange(70) % 7
    sides = [
        Readings(name, tuple(map(str, range(70))), labels, said, {"speaker": ("a",) * 70})
        for name, said in (("a", (labels + 1) % 7), ("b", labels))
    ]
    found = compare(sides[0], sides[1], "speaker")
    assert (found.gains["accuracy"].low, found.p) == (None, 1.0)
    assert "All items are of one speaker" in found.verdict
    assert score(labels, np.eye(7)[labels], groups={"speaker": ("a",) * 70}).grouped is None


def test_people_who_are_all_alike_count_as_one_item_each() -> None:
    spans = group_intervals(np.zeros(60, dtype=int), np.zeros(60, dtype=int), np.repeat(np.arange(6), 10))
    low, high = spans["accuracy"]
    assert high == 1.0
    assert 0.4 < low < 0.7  # was 1.0


def test_scores_have_intervals_over_speakers_beside_those_over_items() -> None:
    rng = np.random.default_rng(4)
    truth, speakers = rng.integers(0, 7, 600), np.repeat(np.arange(10), 60)
    skill = np.linspace(0.2, 1.0, 10)[speakers]
    reading = np.where(rng.random(600) < skill, truth, (truth + 1) % 7)
    shares = 0.7 * np.eye(7)[reading] + 0.3 / 7
    found = score(truth, shares, groups={"speaker": speakers.astype(str).tolist(), "set": ["x"] * 600})
    own = found.grouped
    assert own is not None
    assert (own.by, own.units) == ("speaker", 10)
    for name in ("accuracy", "uar", "nll", "ece_debiased"):
        wide, narrow = own.intervals[name], found.intervals[name]
        assert wide[1] - wide[0] > 1.5 * (narrow[1] - narrow[0]), name
    assert found.as_json()["over_groups"]["units"] == 10


def test_speakers_of_two_sets_with_one_number_are_two_people() -> None:
    groups = {"speaker": ["03", "03", "08", "03"], "set": ["ravdess", "emodb", "emodb", "emodb"]}
    found = numbered(groups, "speaker")
    assert found is not None
    assert len(np.unique(found)) == 3
    assert unit({"speaker": ["03", ""], "dialogue": ["1", "2"]}) is not None  # the first that all items have
    assert unit({"set": ["a", "b"]}) is None


def test_the_mean_of_sets_has_the_errors_of_all() -> None:
    one, other = Effect(0.6, 0.03, 9.0), Effect(0.8, 0.04, 9.0)
    mean = mean_effect([one, other])
    assert (mean.value, mean.error) == (pytest.approx(0.7), pytest.approx(0.025))
    assert 9 < mean.df < 18
    assert mean_effect([one]).df == pytest.approx(9)


def test_groups_of_unlike_size_are_worth_fewer() -> None:
    assert worth(np.full(10, 7.0)) == pytest.approx(10)
    assert worth(np.array([1000.0, 1, 1, 1])) == pytest.approx(1, abs=0.01)
    assert logit(0.5) == 0
