"""Gains and agreement against worked examples."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score

from mer_batch.evaluation import ensemble


def certain(readings: list[int]) -> np.ndarray:
    return np.eye(7)[readings]


def test_gain_is_the_difference_and_its_interval_is_paired() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 7, 500)
    weak = np.where(rng.random(500) < 0.6, truth, (truth + 1) % 7)
    strong = np.where(rng.random(500) < 0.1, truth, weak)
    value, low, high = ensemble.gain(truth, np.eye(7)[strong], [np.eye(7)[weak]])["accuracy"]
    assert value == pytest.approx(accuracy_score(truth, strong) - accuracy_score(truth, weak))
    assert 0 < low < value < high, "every difference is a gain, however uncertain both accuracies are"
    assert high - low < 0.04, "unpaired intervals would be three times as wide"
    uar = ensemble.gain(truth, np.eye(7)[strong], [np.eye(7)[weak]])["uar"][0]
    assert uar == pytest.approx(balanced_accuracy_score(truth, strong) - balanced_accuracy_score(truth, weak))


def test_gain_over_several_is_over_their_mean() -> None:
    truth = np.array([0, 1, 2, 3])
    right, half, wrong = certain([0, 1, 2, 3]), certain([0, 1, 0, 0]), certain([1, 2, 3, 4])
    assert ensemble.gain(truth, right, [half, wrong], draws=2)["accuracy"][0] == pytest.approx(1 - 0.25)
    assert ensemble.gain(truth, half, [half], draws=50)["accuracy"] == (0, 0, 0)


def test_agreement_by_hand() -> None:
    members = [certain([0, 1, 2, 3]), certain([0, 1, 2, 4]), certain([0, 1, 5, 3])]
    found = ensemble.agreement(members)
    assert found["all"] == pytest.approx(0.5)
    assert found["pairs"] == pytest.approx((0.75 + 0.75 + 0.5) / 3)
    assert ensemble.agreement(members[:1]) == {"all": 1.0, "pairs": 1.0}


def test_mean_of_members() -> None:
    assert ensemble.mean([certain([0]), certain([3])])[0].tolist() == [0.5, 0, 0, 0.5, 0, 0, 0]
