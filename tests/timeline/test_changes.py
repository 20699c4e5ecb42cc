"""Change points: found where they are, none in noise, at the rate that the module states."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from mer_batch.fusion.lanes import SMOOTHING
from mer_batch.fusion.pool import Array, softmax
from mer_batch.labels import INDEX
from mer_batch.timeline import changes
from mer_batch.timeline.changes import FALSE_ALARMS, LONGEST, change_points, refine
from mer_batch.types import Observation


def series(
    rng: np.random.Generator,
    steps: int,
    labels: dict[int, str],
    noise: float,
    correlation: float = 0.0,
    sure: float = 1.8,
) -> Array:
    """Fused probabilities, shape (steps, 7), smoothed as fusion smooths; `labels` maps first steps to emotions."""
    from scipy.signal import lfilter

    shocks = rng.standard_normal((steps + 50, 7)) * np.sqrt(1 - correlation**2)
    logits = noise * lfilter([1], [1, -correlation], shocks, axis=0)[50:]
    for start, label in labels.items():
        logits[start:] += sure * (np.arange(7) == INDEX[label])
        logits[start:] -= sure * (np.arange(7) == INDEX[_before(labels, start)]) if start else 0.0
    logs = np.log(softmax(logits))
    padded = np.pad(logs, ((1, 1), (0, 0)), mode="edge")
    return softmax(sum(weight * padded[i : i + steps] for i, weight in enumerate(SMOOTHING)))


def _before(labels: dict[int, str], start: int) -> str:
    return labels[max(other for other in labels if other < start)]


@pytest.mark.parametrize("steps", [12, 40, 240])
@pytest.mark.parametrize(("noise", "correlation"), [(0.3, 0.0), (1.0, 0.0), (0.6, 0.5)])
def test_constant_noise_has_no_change_points(steps: int, noise: float, correlation: float) -> None:
    rng = np.random.default_rng(steps)
    tries = 60
    alarms = sum(bool(change_points(series(rng, steps, {0: "neutral"}, noise, correlation))) for _ in range(tries))
    # Three alarms in 60 is the stated 5 %; more than seven would happen once in a hundred suites at that rate.
    assert alarms <= tries * FALSE_ALARMS + 4


def test_false_alarms_over_all_noises_stay_below_the_stated_rate() -> None:
    rng = np.random.default_rng(1)
    tries = 200
    alarms = sum(bool(change_points(series(rng, 60, {0: "sad"}, rng.uniform(0.1, 1.0)))) for _ in range(tries))
    assert alarms / tries <= FALSE_ALARMS


@pytest.mark.parametrize("noise", [0.0, 0.3, 0.5])
def test_steps_are_found_within_one_step(noise: float) -> None:
    rng = np.random.default_rng(2)
    truth = {0: "neutral", 20: "happy", 36: "neutral", 60: "angry"}
    for _ in range(10):
        found = change_points(series(rng, 80, truth, noise))
        assert len(found) == 3
        assert found == pytest.approx(list(truth)[1:], abs=1)


def test_a_change_in_a_six_second_shot_is_found() -> None:
    found = change_points(series(np.random.default_rng(3), 12, {0: "neutral", 6: "angry"}, 0.3))
    assert found == pytest.approx([6], abs=1)


def test_constant_and_tiny_series_have_none() -> None:
    assert change_points(np.full((30, 7), 1 / 7)) == []
    assert change_points(np.full((3, 7), 1 / 7)) == []
    assert change_points(np.full((1, 7), 1 / 7)) == []


def test_a_change_too_small_to_tell_is_dropped() -> None:
    table = np.full((40, 7), 1 / 7)
    table[20:] += np.array([0.1, -0.1, 0, 0, 0, 0, 0])
    assert change_points(table) == []
    table[20:] += np.array([0.04, -0.04, 0.03, -0.03, 0, 0, 0])
    assert change_points(table) == [20]


def test_long_files_are_searched_in_parts() -> None:
    rng = np.random.default_rng(4)
    table = series(rng, LONGEST + 200, {0: "neutral", LONGEST + 100: "happy"}, 0.3)
    found = change_points(table)
    assert found == pytest.approx([LONGEST + 100], abs=1)


def _face(time: float, emotion: str) -> Observation:
    values = tuple(0.64 if name == emotion else 0.06 for name in INDEX)
    return Observation("face", time, time + 0.2, "Person 1", values, 1.0)


@pytest.mark.parametrize("truth", [4.5, 4.9, 5.3])
def test_refined_times_are_exact_to_a_frame(truth: float) -> None:
    faces = [_face(t / 5, "neutral" if t / 5 < truth else "happy") for t in range(50)]
    assert refine(faces, 5.0, 0.0, 10.0) == pytest.approx(truth, abs=0.11)


def test_without_enough_faces_the_time_stays() -> None:
    assert refine([], 5.0, 0.0, 10.0) == 5.0
    assert refine([_face(4.9, "sad"), _face(5.1, "happy")], 5.0, 0.0, 10.0) == 5.0


@pytest.mark.parametrize("seed", range(6))
def test_the_compiled_search_alone_finds_what_ruptures_finds(seed: int) -> None:
    import ruptures

    rng = np.random.default_rng(seed)
    levels = np.repeat(rng.random((rng.integers(1, 9), 7)), 30, axis=0)
    series = np.asfortranarray(levels + rng.normal(0, 0.05, levels.shape))
    search = ruptures.KernelCPD(kernel="linear", min_size=changes.SHORTEST).fit(series)
    assert changes._search(series) == search.predict(pen=changes.penalty(series))[:-1]


def test_changes_are_found_without_the_statistics_of_scipy() -> None:
    code = (
        "import sys, numpy as np; from mer_batch.timeline.changes import change_points as c;"
        "assert c(np.repeat(np.eye(7)[:2], 40, axis=0)) == [40];"
        "assert 'scipy.stats' not in sys.modules and 'ruptures' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
