"""Scores against worked examples and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score
from statsmodels.stats.proportion import proportion_confint

from mer_batch.scores.ece import expected_calibration_error
from mer_batch.scores.metrics import (
    confusion_matrix,
    group_intervals,
    score,
    scores_from_confusion,
)


@pytest.fixture
def draw() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    truth = rng.integers(0, 7, 400)
    probabilities = rng.dirichlet(np.ones(7), 400)
    probabilities[np.arange(400), truth] += rng.random(400)
    return truth, probabilities / probabilities.sum(axis=1, keepdims=True)


def test_scores_agree_with_scikit_learn(draw: tuple[np.ndarray, np.ndarray]) -> None:
    truth, probabilities = draw
    reading = probabilities.argmax(axis=1)
    values = scores_from_confusion(confusion_matrix(truth, reading))
    assert values["accuracy"] == pytest.approx(accuracy_score(truth, reading))
    assert values["uar"] == pytest.approx(balanced_accuracy_score(truth, reading))
    assert values["macro_f1"] == pytest.approx(f1_score(truth, reading, average="macro"))
    assert values["weighted_f1"] == pytest.approx(f1_score(truth, reading, average="weighted"))


def test_absent_classes_are_left_out_of_averages() -> None:
    truth = np.array([3, 3, 4, 4])
    reading = np.array([3, 0, 4, 4])
    values = scores_from_confusion(confusion_matrix(truth, reading))
    assert values["uar"] == pytest.approx((0.5 + 1) / 2)
    assert values["macro_f1"] == pytest.approx((2 / 3 + 1) / 2)


def test_calibration_error_by_hand() -> None:
    sure = np.full((4, 7), 0.2 / 6)
    sure[:, 0] = 0.8
    assert expected_calibration_error(np.array([0, 0, 0, 1]), sure) == pytest.approx(0.05)
    assert expected_calibration_error(np.array([1, 1, 1, 1]), sure) == pytest.approx(0.8)


def test_intervals_hold_the_value_and_shrink_with_n(draw: tuple[np.ndarray, np.ndarray]) -> None:
    truth, probabilities = draw
    small, large = score(truth[:50], probabilities[:50]), score(truth, probabilities)
    for name, (low, high) in large.intervals.items():
        assert low <= large.values[name] <= high
    assert "ece" not in large.intervals  # chance raises it; what has an interval is without that
    spans = [s.intervals["accuracy"][1] - s.intervals["accuracy"][0] for s in (small, large)]
    assert spans[1] < spans[0]


def test_a_share_of_items_has_wilsons_interval_everywhere(draw: tuple[np.ndarray, np.ndarray]) -> None:
    truth, probabilities = draw
    found = score(truth, probabilities)
    hits = int((probabilities.argmax(axis=1) == truth).sum())
    assert found.intervals["accuracy"] == pytest.approx(proportion_confint(hits, 400, method="wilson"))
    sure = np.eye(7)[truth[:9]]
    assert score(truth[:9], sure).intervals["accuracy"] == pytest.approx(proportion_confint(9, 9, method="wilson"))


def test_groups_are_drawn_whole() -> None:
    """Items of a group that are all alike tell no more than one of them: the interval knows, Wilson's would not."""
    truth, groups = np.repeat(np.arange(20) % 7, 50), np.repeat(np.arange(20), 50)
    reading = np.where(groups % 2, truth, (truth + 1) % 7)
    low, high = group_intervals(truth, reading, groups)["accuracy"]
    assert high - low > 0.3


def test_json_has_the_promised_keys(draw: tuple[np.ndarray, np.ndarray]) -> None:
    table = score(*draw).as_json()
    promised = {"n", "labels", "accuracy", "uar", "macro_f1", "weighted_f1", "ece", "confusion"}
    assert promised <= set(table)
    assert np.sum(table["confusion"]) == table["n"] == 400
