"""Temperature and reliability against known truth."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.special import softmax

from mer_batch.classifier import calibrated
from mer_batch.errors import UsageError
from mer_batch.labels import INDEX
from mer_batch.scores.calibration import (
    CalibrateOptions,
    Calibration,
    bias_gain,
    calibrate,
    fit_bias,
    fit_temperature,
    reliability,
)
from mer_batch.tasks.recipe import parse


def draw(n: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (n, 7))
    return logits, np.array([rng.choice(7, p=row) for row in softmax(logits, axis=1)])


@pytest.mark.parametrize("factor", [0.5, 1.0, 3.0])
def test_temperature_undoes_a_known_scaling(factor: float) -> None:
    logits, labels = draw()
    assert fit_temperature(logits * factor, labels) == pytest.approx(factor, rel=0.06)


def test_reliability_runs_from_nothing_to_everything() -> None:
    logits, labels = draw()
    blind = np.log(np.tile(np.bincount(labels, minlength=7) / len(labels), (len(labels), 1)))
    assert reliability(blind, labels, 1.0) == pytest.approx(0.01)
    assert reliability(50.0 * np.eye(7)[labels], labels, 1.0) == pytest.approx(1.0)
    assert 0.2 < reliability(logits, labels, 1.0) < 0.8


BIAS = np.array([0.8, -0.5, 0.3, -0.6, 0.0, 0.4, -0.4])


def test_biases_undo_a_known_shift() -> None:
    logits, labels = draw()
    shifted = 2.0 * (logits - BIAS)
    found = fit_bias(shifted, labels)
    assert found.temperature == pytest.approx(2.0, rel=0.06)
    assert np.array(found.bias) == pytest.approx(BIAS - BIAS.mean(), abs=0.15)
    assert bias_gain(shifted, labels) > 0.01
    assert calibrate(shifted, labels).bias == ()
    assert calibrate(shifted, labels, CalibrateOptions(bias=True)).bias == found.bias


def test_biases_that_do_not_help_are_left_out() -> None:
    logits, labels = draw(300)
    assert bias_gain(logits, labels) < 0
    assert calibrate(logits, labels, CalibrateOptions(bias=True)).bias == ()


def uneven(n: int = 6000) -> tuple[np.ndarray, np.ndarray]:
    """Noisy readings of labels of which fear is rare, as a calibrated reader would give them."""
    rng = np.random.default_rng(1)
    shares = np.array([0.2, 0.05, 0.05, 0.25, 0.2, 0.15, 0.1])
    labels = rng.choice(7, n, p=shares)
    seen = rng.normal(0, 1, (n, 7)) + 1.5 * np.eye(7)[labels]
    return 1.5 * seen + np.log(shares), labels


def recall(logits: np.ndarray, labels: np.ndarray, found: Calibration) -> np.ndarray:
    reading = calibrated(logits, found.temperature, found.bias).argmax(axis=1)
    return np.array([(reading[labels == kind] == kind).mean() for kind in range(7)])


def test_levelled_frequencies_raise_the_recall_of_rare_classes() -> None:
    logits, labels = uneven()
    rare, common = [], []
    for power in (0.0, 0.5, 1.0):
        found = recall(logits, labels, fit_bias(logits, labels, prior=power))
        rare.append(found[1:3].mean())
        common.append(found[3])
    assert rare[0] < rare[1] - 0.05 < rare[2] - 0.1
    assert common[0] > common[1] > common[2]
    # These readings are those of Bayes' rule: without the frequencies, only the noise is left, the same for all.
    level = recall(logits, labels, fit_bias(logits, labels, prior=1.0))
    assert np.ptp(level) < 0.08


def test_floors_are_reached_and_cost_no_more_than_needed() -> None:
    logits, labels = uneven()
    plain = calibrate(logits, labels)
    raised = calibrate(logits, labels, CalibrateOptions(floors={"fear": 0.5, "disgust": 0.45}))
    before, after = recall(logits, labels, plain), recall(logits, labels, raised)
    assert before[INDEX["fear"]] < 0.4
    assert 0.5 <= after[INDEX["fear"]] < 0.51
    assert 0.45 <= after[INDEX["disgust"]] < 0.46
    low = calibrate(logits, labels, CalibrateOptions(floors={"happy": 0.1}))
    assert low == plain, "a floor that is held already changes nothing"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"prior": 2.0}, "between 0 and 1"),
        ({"floors": {"bored": 0.5}}, "unknown class"),
        ({"floors": {"fear": 1.5}}, "recall of fear"),
    ],
)
def test_wishes_that_cannot_be(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        CalibrateOptions(**wrong)


def test_recipes_hold_the_wishes() -> None:
    net = {"name": "face-resnet"}
    recipe = parse("toy", {"task": "face", "net": net, "calibrate": {"prior": 0.5, "floors": {"fear": 0.5}}})
    assert recipe.calibrate == CalibrateOptions(prior=0.5, floors={"fear": 0.5})
    with pytest.raises(UsageError, match="floors"):
        parse("toy", {"task": "face", "net": net, "calibrate": {"floors": "fear"}})
