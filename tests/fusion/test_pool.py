"""The pool against its closed form, its weights, its intervals and when it abstains."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mer_batch.fusion import pool
from mer_batch.fusion.align import Share
from mer_batch.labels import EMOTIONS
from mer_batch.types import Modality, Observation

# A busy machine is no failure, and no examples are kept in the tree.
PATIENT = settings(deadline=None, database=None, max_examples=50)
RELIABLE: dict[Modality, float] = {"face": 1.0, "voice": 1.0, "text": 1.0}


def peaked(emotion: str, top: float) -> tuple[float, ...]:
    return tuple(top if name == emotion else (1 - top) / 6 for name in EMOTIONS)


distributions = st.lists(st.floats(0.01, 1), min_size=7, max_size=7).map(lambda v: tuple(x / sum(v) for x in v))


def observe(
    values: tuple[float, ...], modality: Modality = "face", time: float = 0.0, quality: float = 1.0
) -> Observation:
    return Observation(modality, time, time + 0.2, "Person 1", values, quality)


@PATIENT
@given(distributions, distributions, st.floats(0.01, 5), st.floats(0.01, 5))
def test_pool_equals_the_closed_form(p: tuple[float, ...], q: tuple[float, ...], a: float, b: float) -> None:
    raw = [x ** (a / (a + b)) * y ** (b / (a + b)) for x, y in zip(p, q, strict=True)]
    assert pool.log_pool([p, q], [a, b]) == pytest.approx([value / sum(raw) for value in raw], rel=1e-9)


@PATIENT
@given(distributions, st.floats(0.01, 9))
def test_pool_of_one_and_of_equals_is_the_opinion_itself(p: tuple[float, ...], weight: float) -> None:
    assert pool.log_pool([p], [weight]) == pytest.approx(p)
    assert pool.log_pool([p, p, p], [weight, 0.0, 1.0]) == pytest.approx(p)


def test_weight_moves_the_pool_to_the_heavier_opinion() -> None:
    happy, sad = peaked("happy", 0.7), peaked("sad", 0.7)
    shares = [
        float(pool.log_pool([happy, sad], [w, 1 - w])[EMOTIONS.index("happy")]) for w in (0.1, 0.3, 0.5, 0.7, 0.9)
    ]
    assert shares == sorted(shares)
    assert shares[2] == pytest.approx(float(pool.log_pool([happy, sad], [1, 1])[EMOTIONS.index("sad")]))


def test_no_single_reading_has_a_veto() -> None:
    certain = tuple(float(name == "angry") for name in EMOTIONS)
    pooled = pool.log_pool([certain, peaked("happy", 0.9)], [0.05, 0.95])
    assert EMOTIONS[int(pooled.argmax())] == "happy"


@pytest.mark.parametrize("weights", [[0.0, 0.0], [-1.0, 2.0]])
def test_pool_refuses_weights_without_meaning(weights: list[float]) -> None:
    with pytest.raises(ValueError, match="weights"):
        pool.log_pool([peaked("sad", 0.5)] * 2, weights)


def test_many_frames_do_not_count_as_independent_evidence() -> None:
    one = [Share(observe(peaked("happy", 0.6)), 1.0), Share(observe(peaked("sad", 0.5), "voice"), 0.5)]
    many = [one[0]] * 20 + [one[1]]
    few, lots = pool.read_step(one), pool.read_step(many)
    assert lots["face"].logs == pytest.approx(few["face"].logs)
    assert pool.raw_weights(lots, RELIABLE) == pytest.approx(pool.raw_weights(few, RELIABLE))


def test_weight_is_reliability_times_quality_times_kernel() -> None:
    readings = pool.read_step(
        [Share(observe(peaked("sad", 0.5), quality=0.5), 0.8), Share(observe(peaked("sad", 0.5), "text"), 0.25)]
    )
    weights = pool.raw_weights(readings, {"face": 0.9, "voice": 1.0, "text": 0.4})
    assert weights == pytest.approx([0.9 * 0.5 * 0.8, 0.0, 0.4 * 0.25])


def test_readings_without_quality_do_not_speak() -> None:
    assert pool.read_step([Share(observe(peaked("sad", 0.5), quality=0.0), 1.0)]) == {}


def test_disagreement_between_nothing_and_everything() -> None:
    certain = [np.eye(7)[index] for index in range(3)]
    assert pool.disagreement(certain[:1]) is None
    assert pool.disagreement([certain[0], certain[0]]) == pytest.approx(0)
    assert pool.disagreement(certain[:2]) == pytest.approx(1)
    assert pool.disagreement(certain) == pytest.approx(1)


def test_disagreement_by_hand() -> None:
    half = np.array([0.5, 0.5, 0, 0, 0, 0, 0])
    sure = np.array([1.0, 0, 0, 0, 0, 0, 0])
    mixed = -(0.75 * math.log2(0.75) + 0.25 * math.log2(0.25)) - 0.5
    assert pool.disagreement([half, sure]) == pytest.approx(mixed)


@PATIENT
@given(st.lists(distributions, min_size=2, max_size=3))
def test_disagreement_is_a_share_and_symmetric(opinions: list[tuple[float, ...]]) -> None:
    value = pool.disagreement([np.array(opinion) for opinion in opinions])
    assert value is not None
    assert 0 <= value <= 1
    assert pool.disagreement([np.array(opinion) for opinion in reversed(opinions)]) == pytest.approx(value, abs=1e-9)


def test_abstains_at_uniform_and_when_the_lead_is_inside_the_interval() -> None:
    flat = np.full(7, 1 / 7)
    label, reason = pool.decide(flat, 0.01, 0.4)
    assert label is None
    assert "is below 0.40" in reason
    close = np.array([0.46, 0.44, 0.02, 0.02, 0.02, 0.02, 0.02])
    assert pool.decide(close, 0.01, 0.4) == ("angry", "")
    label, reason = pool.decide(close, 0.05, 0.4)
    assert label is None
    assert reason == "not sure: angry 0.46 leads disgust 0.44 by less than 0.05"
