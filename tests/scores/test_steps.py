"""Intervals of shares over steps that resemble their neighbours, against recordings whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats
from scipy.stats import binom

from mer_batch.scores.shares import student
from mer_batch.scores.steps import correlation, score_of_steps, share_of_steps

PATIENT = settings(deadline=None, database=None, max_examples=60)


def stays(share: float, lasting: float, step: float, length: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Whether somebody shows an expression at each step: `share` of the time, for `lasting` seconds on average."""
    on, off = 1 / lasting, share / (1 - share) / lasting
    times, state, at = [0.0], bool(rng.random() < share), 0.0
    states = [state]
    while at < length:
        at += rng.exponential(1 / (on if state else off))
        state = not state
        times.append(at)
        states.append(state)
    places = np.searchsorted(times, np.arange(0, length - 1e-9, step), side="right") - 1
    return np.array(states)[places]


def covered(share: float, lasting: float, step: float, length: float, draws: int, seed: int = 0) -> int:
    """How many of `draws` recordings have an interval around the true share."""
    rng, hits = np.random.default_rng(seed), 0
    for _ in range(draws):
        flags = stays(share, lasting, step, length, rng)
        found = share_of_steps(flags, np.full(len(flags), step))
        assert found.low is not None
        assert found.high is not None
        hits += found.low <= share <= found.high
    return hits


@pytest.mark.parametrize("step", [0.1, 0.5, 2.0])
@pytest.mark.parametrize(("share", "lasting"), [(0.5, 4.0), (0.1, 2.0)])
def test_intervals_cover_whatever_the_step(share: float, lasting: float, step: float) -> None:
    draws = 200
    hits = covered(share, lasting, step, 300.0, draws)
    assert hits >= binom.ppf(0.001, draws, 0.94)
    # At a step of 2 s a rare expression is a handful of steps, and shares of so few are coarse.
    assert hits <= binom.ppf(0.999, draws, 0.97 if (share, step) != (0.1, 2.0) else 0.985)


def test_the_length_of_a_step_changes_no_interval_of_a_slow_recording() -> None:
    flags = stays(0.4, 5.0, 0.5, 600.0, np.random.default_rng(0))
    coarse = share_of_steps(flags, np.full(len(flags), 0.5))
    fine = share_of_steps(np.repeat(flags, 5), np.full(5 * len(flags), 0.1))
    assert coarse.low is not None
    assert fine.low == pytest.approx(coarse.low, abs=0.02)  # ten steps a block made the second half as wide


def test_steps_without_correlation_count_each() -> None:
    rng = np.random.default_rng(1)
    flags = rng.random(2000) < 0.5
    assert correlation(flags.astype(float)).steps == pytest.approx(1, abs=0.2)
    found = share_of_steps(flags, np.full(2000, 0.5))
    assert found.high is not None
    assert found.low is not None
    assert found.high - found.low == pytest.approx(2 * 1.96 * 0.5 / 2000**0.5, rel=0.15)


def test_full_agreement_of_a_short_recording_proves_little() -> None:
    found = share_of_steps(np.ones(40), np.full(40, 0.5))
    assert (found.value, found.high) == (1.0, 1.0)
    assert found.low is not None
    assert 0.2 < found.low < 0.5  # was 1.0
    longer = share_of_steps(np.ones(1200), np.full(1200, 0.5))
    assert longer.low is not None
    assert longer.low > 0.9
    assert share_of_steps(np.ones(400), np.full(400, 0.05)) == found  # seconds count, not steps


def test_below_ten_seconds_there_is_no_interval() -> None:
    found = share_of_steps(np.array([True, False] * 9), np.full(18, 0.5))
    assert (found.value, found.low, found.high) == (0.5, None, None)


@PATIENT
@given(
    st.lists(st.tuples(st.booleans(), st.integers(1, 30)), min_size=1, max_size=30), st.sampled_from([0.1, 0.5, 2.0])
)
def test_intervals_stay_inside_and_hold_the_value(runs: list[tuple[bool, int]], step: float) -> None:
    flags = np.array([flag for flag, length in runs for _ in range(length)])
    found = share_of_steps(flags, np.full(len(flags), step), 0.0)
    assert found.low is not None
    assert found.high is not None
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert found.high - found.low > 0.001


@pytest.mark.parametrize("freedom", [2.0, 3.5, 10.0, 200.0])
def test_students_quantile_is_that_of_scipy(freedom: float) -> None:
    assert student(freedom) == pytest.approx(stats.t.ppf(0.975, freedom), rel=0.01)


def test_scores_by_influence_cover() -> None:
    """The mean of a slow series as a score: the delta method is then exact but for the correlation."""
    rng, hits, draws = np.random.default_rng(2), 0, 200
    for _ in range(draws):
        flags = stays(0.6, 3.0, 0.5, 400.0, rng)
        found = score_of_steps(float(flags.mean()), flags.astype(float))
        assert found is not None
        assert found.low is not None
        assert found.high is not None
        hits += found.low <= 0.6 <= found.high
    assert binom.ppf(0.001, draws, 0.93) <= hits
    assert score_of_steps(1.0, np.ones(9)) is None
