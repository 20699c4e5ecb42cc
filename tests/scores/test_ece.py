"""The calibration error without what chance adds, against probabilities whose error is known."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit, logit
from scipy.stats import binom

from mer_batch.scores.ece import BINS, calibration_error, expected_calibration_error


def drawn(n: int, sharp: float, rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.float64], float]:
    """Labels, probabilities (n, 7) that are right as often as they say where `sharp` is 1, and their true error."""
    sure = np.clip(0.2 + 0.8 * rng.beta(5, 2, n), 0.2, 0.999)
    rate = expit(logit(sure) * sharp)
    shares = np.repeat(((1 - sure) / 6)[:, None], 7, axis=1)
    shares[:, 0] = sure
    labels = np.where(rng.random(n) < rate, 0, 1)
    which = np.minimum((sure * BINS).astype(int), BINS - 1)
    return labels, shares, float(np.abs(np.bincount(which, rate - sure)).sum() / n)


@pytest.mark.parametrize(("n", "sharp"), [(760, 1.0), (760, 0.5), (3000, 0.8)])
def test_the_debiased_error_is_right_in_the_middle_and_its_interval_covers(n: int, sharp: float) -> None:
    rng, found = np.random.default_rng(0), []
    truth = drawn(400_000, sharp, rng)[2]
    for number in range(100):
        labels, shares, _ = drawn(n, sharp, rng)
        found.append(calibration_error(labels, shares, draws=400, seed=number))
    assert sum(one.low <= truth <= one.high for one in found) >= binom.ppf(0.001, 100, 0.93)
    plain, debiased = (float(np.median([getattr(one, name) for one in found])) for name in ("value", "debiased"))
    assert abs(debiased - truth) < max(0.006, 0.5 * (plain - truth))
    if sharp == 1.0:
        assert plain > 0.025  # by chance alone: the interval of a bootstrap never held the truth, which is 0


def test_perfect_probabilities_may_have_no_error_at_all() -> None:
    labels, shares, _ = drawn(2000, 1.0, np.random.default_rng(1))
    found = calibration_error(labels, shares)
    assert found.low == 0.0
    assert found.debiased < found.value == expected_calibration_error(labels, shares)


def test_whole_groups_make_the_interval_wider() -> None:
    rng = np.random.default_rng(2)
    labels, shares, _ = drawn(1000, 1.0, rng)
    groups = np.repeat(np.arange(10), 100)
    labels = np.where(rng.random(1000) < 0.35 * (groups % 2), 1, labels)  # half of the people are read worse
    alone, people = calibration_error(labels, shares), calibration_error(labels, shares, groups)
    assert people.high - people.low > 1.5 * (alone.high - alone.low)
    assert people.low <= alone.debiased <= people.high
