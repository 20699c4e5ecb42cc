"""Intervals of fused readings, and the naming rule, against noise whose size and correlation are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binom

from mer_batch.fusion import fuse, pool
from mer_batch.fusion.noise import Noise, Part, noise_of, spread
from mer_batch.labels import EMOTIONS
from mer_batch.types import Observation, Person

FPS = 5


def peaked(emotion: str, top: float) -> tuple[float, ...]:
    return tuple(top if name == emotion else (1 - top) / 6 for name in EMOTIONS)


def observe(values: tuple[float, ...], time: float = 0.0) -> Observation:
    return Observation("face", time, time + 0.2, "Person 1", values, 1.0)


def noisy(
    rng: np.random.Generator, n: int, correlation: float, noise: float = 0.5, level: tuple[float, ...] = (0, 0, 0, 1.5)
) -> list[Observation]:
    """Readings of a face whose logits vary around `level` (the rest 0), as an autoregressive process of first order."""
    steps = rng.standard_normal((n, 7))
    states = np.empty((n, 7))
    states[0] = steps[0]
    for place in range(1, n):
        states[place] = correlation * states[place - 1] + math.sqrt(1 - correlation**2) * steps[place]
    logits = noise * states + np.pad(np.array(level, dtype=float), (0, 7 - len(level)))
    return [observe(tuple(map(float, pool.softmax(row))), time=i / FPS) for i, row in enumerate(logits)]


def named_at_a_tie(
    correlation: float, noise: float, step: float, lanes: int, seconds: float, seed: int = 0
) -> list[bool]:
    """Whether steps, 3 s apart at least, are named where two emotions are equally likely and the others are not."""
    rng, found = np.random.default_rng(seed), []
    for _ in range(lanes):
        seen = noisy(rng, int(seconds * FPS), correlation, noise, (2.0, 2.0))
        people = [Person("Person 1", ((0.0, seconds),))]
        fused = fuse(
            seen, (), duration=seconds, people=people, cuts=(), reliabilities={"face": 0.5}, step=step, abstain=0.0
        )
        found += [segment.label is not None for segment in fused.segments[:: math.ceil(3 / step)]]
    return found


@pytest.mark.parametrize("truth", [0.0, 0.5, 0.8])
def test_autocorrelation_and_size_are_found_in_noise(truth: float) -> None:
    rng = np.random.default_rng(3)
    found = [noise_of(noisy(rng, 300, truth)) for _ in range(5)]
    assert np.mean([one.correlation for one in found if one]) == pytest.approx(truth, abs=0.05)
    # The log-ratio of two emotions varies by the noise of both logits.
    apart = [one.covariance[0, 0] + one.covariance[1, 1] - 2 * one.covariance[0, 1] for one in found if one]
    assert 0.9 <= np.mean(apart) / (2 * 0.5**2) <= 1.4  # widened for what is not known of it


def test_a_change_of_expression_is_not_autocorrelation() -> None:
    rng = np.random.default_rng(4)
    first, second = noisy(rng, 100, 0.0), noisy(rng, 100, 0.0)
    found = noise_of(first + [observe(o.probabilities[::-1], time=o.start + 20) for o in second])
    assert found is not None
    assert found.correlation < 0.2
    alone = noise_of(first)
    assert alone is not None
    assert found.covariance.trace() < 1.5 * alone.covariance.trace()


def test_an_expression_that_changes_every_three_seconds_is_still_no_noise() -> None:
    rng = np.random.default_rng(6)
    seen = [
        observe(o.probabilities[turn % 2 * 6 :: -1 if turn % 2 else 1], time=i / FPS)
        for turn in range(8)
        for i, o in enumerate(noisy(rng, 15, 0.0, 0.3, (3.0,)), start=15 * turn)
    ]
    found, calm = noise_of(seen), noise_of(noisy(rng, 120, 0.0, 0.3, (3.0,)))
    assert found is not None
    assert calm is not None
    assert found.correlation < 0.3
    assert found.covariance.trace() < 2 * calm.covariance.trace()


def test_few_readings_are_taken_for_dependent_and_constant_ones_are_no_trouble() -> None:
    few = noise_of([observe(peaked("sad", 0.5), time=i / FPS) for i in range(7)])
    assert few is not None
    assert few.correlation == 0.9
    still = noise_of([observe(peaked("sad", 0.5), time=i / FPS) for i in range(30)])
    assert still is not None
    assert (still.correlation, float(still.covariance.max())) == (0.0, 0.0)
    assert noise_of([observe(peaked("sad", 0.5))]) is None


def test_sentences_one_after_the_other_are_no_noise() -> None:
    said = [
        Observation("text", 3.0 * i, 3.0 * i + 2.5, None, peaked(name, 0.8), 1.0)
        for i, name in enumerate(("sad", "happy"))
    ]
    assert noise_of(said) is None


@pytest.mark.parametrize("correlation", [0.0, 0.6])
def test_the_interval_covers_the_noise_of_the_readings(correlation: float) -> None:
    """95 % intervals of steps of a lane contain the level they vary around."""
    rng = np.random.default_rng(5)
    level = pool.softmax(np.array([0, 0, 0, 1.5, 0, 0, 0]))
    inside = []
    for _ in range(30):
        seen = noisy(rng, 150, correlation)
        fused = fuse(
            seen, (), duration=30.0, people=[Person("Person 1", ((0.0, 30.0),))], cuts=(), reliabilities={"face": 1.0}
        )
        inside += [np.abs(np.array(s.probabilities) - level) <= np.array(s.spread) for s in fused.segments[2:-2:6]]
    assert float(np.mean(inside)) >= 0.93


def test_the_interval_has_a_floor_and_widens_with_noise_and_with_weak_evidence() -> None:
    pooled, weights = np.array(peaked("happy", 0.7)), np.array([1.0, 0, 0])
    parts = {"face": [Part(0.0, 0.5), Part(0.2, 0.5)]}
    floor, lead = spread(pooled, weights, parts, {"face": None})  # type: ignore[arg-type]
    assert floor[3] == pytest.approx(1.959964 * math.sqrt(0.7 * 0.3 / 101))
    assert lead == pytest.approx(0.75 * math.tanh(1.959964 * math.sqrt(4 / (0.75 * 101)) / 2))
    assert (spread(pooled, weights / 5, parts, {"face": None})[0] > floor).all()  # type: ignore[arg-type]
    loose = spread(pooled, weights, parts, {"face": Noise(np.eye(7), 0.0, 0.2)})  # type: ignore[arg-type]
    tied = spread(pooled, weights, parts, {"face": Noise(np.eye(7), 0.8, 0.2)})  # type: ignore[arg-type]
    assert (floor < loose[0]).all()
    assert (loose[0] < tied[0]).all()
    assert lead < loose[1] < tied[1]


def test_the_lead_is_held_against_its_own_interval() -> None:
    """What raises one emotion lowers the other: the interval of p alone is too short for their difference."""
    pooled = np.array([0.45, 0.40, 0.03, 0.03, 0.03, 0.03, 0.03])
    widths, lead = spread(pooled, np.array([1.0, 0, 0]), {}, {})
    assert lead > 1.5 * widths[0]


@pytest.mark.parametrize(
    ("correlation", "step", "lanes", "seconds"),
    [(0.0, 0.5, 30, 60.0), (0.8, 0.5, 30, 60.0), (0.5, 0.1, 10, 60.0), (0.8, 0.5, 250, 6.0)],
)
def test_at_a_tie_a_name_is_given_at_most_as_often_as_said(
    correlation: float, step: float, lanes: int, seconds: float
) -> None:
    found = named_at_a_tie(correlation, 1.0, step, lanes, seconds)  # was up to 24 %
    assert sum(found) <= binom.ppf(0.999, len(found), 0.05)


def test_a_clear_lead_is_named() -> None:
    rng = np.random.default_rng(0)
    seen = noisy(rng, 150, 0.5, 0.4, (2.5,))
    fused = fuse(
        seen, (), duration=30.0, people=[Person("Person 1", ((0.0, 30.0),))], cuts=(), reliabilities={"face": 0.5}
    )
    assert np.mean([segment.label == "angry" for segment in fused.segments]) > 0.95
