"""Temperature and reliability against known truth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax

from mer_batch.training.calibration import fit_temperature, reliability


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
