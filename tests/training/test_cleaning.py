"""Confident learning finds labels that are known to be wrong."""

from __future__ import annotations

import numpy as np
import pytest

from mer_batch.errors import UsageError
from mer_batch.training.fitting.cleaning import METHODS, confident_joint, find_label_issues, thresholds

CLASSES = 7


def readings(truth: np.ndarray, sharpness: float, seed: int = 0) -> np.ndarray:
    """Probabilities (n, 7) of a reader that is right about `truth` more often the larger `sharpness`."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1, (len(truth), CLASSES))
    logits[np.arange(len(truth)), truth] += sharpness
    shares = np.exp(logits)
    return shares / shares.sum(axis=1, keepdims=True)


def flipped(truth: np.ndarray, share: float, seed: int = 1) -> np.ndarray:
    """Labels of which `share` are wrong."""
    rng = np.random.default_rng(seed)
    labels = truth.copy()
    wrong = rng.random(len(truth)) < share
    labels[wrong] = (truth[wrong] + rng.integers(1, CLASSES, wrong.sum())) % CLASSES
    return labels


@pytest.mark.parametrize(("method", "least_recall"), [("noise_rate", 0.85), ("confident_joint", 0.7)])
def test_known_flips_are_found(method: str, least_recall: float) -> None:
    truth = np.repeat(np.arange(CLASSES), [600, 40, 500, 900, 600, 500, 400])
    labels = flipped(truth, 0.1)
    found = find_label_issues(labels, readings(truth, 4.0), method)  # type: ignore[arg-type]
    wrong = labels != truth
    assert (found & wrong).sum() / wrong.sum() > least_recall
    assert (found & wrong).sum() / found.sum() > 0.75  # chance: 0.1


@pytest.mark.parametrize("method", METHODS)
def test_right_labels_are_left_alone(method: str) -> None:
    truth = np.random.default_rng(2).integers(0, CLASSES, 3000)
    assert find_label_issues(truth, readings(truth, 6.0), method).mean() < 0.01  # type: ignore[arg-type]


def test_a_poor_reader_does_not_throw_a_class_away() -> None:
    """Class 1 is read with little confidence: its threshold is low, so its examples still count as its own."""
    truth = np.repeat([0, 1], 500)
    probabilities = np.zeros((1000, 2))
    rng = np.random.default_rng(3)
    probabilities[:500, 0] = rng.uniform(0.8, 1.0, 500)
    probabilities[500:, 0] = rng.uniform(0.45, 0.65, 500)  # mostly read as class 0
    probabilities[:, 1] = 1 - probabilities[:, 0]
    assert (probabilities.argmax(axis=1) != truth).sum() > 300
    assert not find_label_issues(truth, probabilities).any()


def test_thresholds_and_joint_of_a_case_worked_by_hand() -> None:
    labels = np.array([0, 0, 0, 1, 1])
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.2, 0.8], [0.4, 0.6]])
    np.testing.assert_allclose(thresholds(labels, probabilities), [0.6, 0.7])
    # Confident: rows 0 and 1 as class 0, row 2 as class 1 though labelled 0, row 3 as class 1; row 4 as none.
    np.testing.assert_allclose(confident_joint(labels, probabilities), [[2, 1], [0, 2]])
    for method in METHODS:
        assert find_label_issues(labels, probabilities, method).tolist() == [False, False, True, False, False]  # type: ignore[arg-type]


def test_classes_without_examples_are_no_trouble() -> None:
    truth = np.repeat([0, 3], 200)
    labels = truth.copy()
    labels[:10] = 3
    probabilities = readings(truth, 5.0)
    found = find_label_issues(labels, probabilities)
    assert found[:10].sum() >= 8
    assert confident_joint(labels, probabilities).sum() == pytest.approx(400)


def test_mistakes_are_said() -> None:
    with pytest.raises(ValueError, match="do not fit together"):
        find_label_issues(np.zeros(3, dtype=int), np.ones((4, 7)) / 7)
    with pytest.raises(UsageError, match="unknown pruning method"):
        find_label_issues(np.zeros(4, dtype=int), np.ones((4, 7)) / 7, "magic")  # type: ignore[arg-type]
