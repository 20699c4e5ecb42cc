"""No reading stands for two voices, and none is lost."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from mer_batch.voice.read import VoiceReadings, read_voice
from mer_batch.voice.retile import CROWDED, TOO_CLOSE, Stretch, retiled
from sounds import Recorder, blocks, hiss, loud_is_speech, silence

__all__ = ["loud_is_speech"]


@pytest.fixture
def readings(loud_is_speech: None) -> VoiceReadings:
    """Speech from 1 to 21 s and from 22 to 26 s."""
    return read_voice(blocks(np.concatenate([silence(1), hiss(20), silence(1), hiss(4), silence(1)])), Recorder())


def check(readings: VoiceReadings, turns: list[Stretch]) -> list[tuple[float, float]]:
    """Readings and gaps still tile the time, and no reading reaches across a change; the spans of readings."""
    observations, gaps = retiled(readings, turns)
    spans = sorted([(o.start, o.end) for o in observations] + [(g.start, g.end) for g in gaps])
    assert spans[0][0] == pytest.approx(0)
    assert spans[-1][1] == pytest.approx(27)
    assert all(a[1] == pytest.approx(b[0]) for a, b in pairwise(spans))
    for before, after in pairwise(turns):
        if before.voice != after.voice:
            assert not [o for o in observations if o.start < before.end - 1e-6 and o.end > after.start + 1e-6]
    return [(o.start, o.end) for o in observations]


def test_readings_end_where_the_voice_changes(readings: VoiceReadings) -> None:
    turns = [Stretch(0.9, 9.4, 0), Stretch(9.4, 21.1, 1), Stretch(22.0, 26.1, 0)]
    check(readings, turns)
    observations, gaps = retiled(readings, turns)
    assert len(gaps) == len(readings.gaps)
    assert not [o for o in observations if CROWDED in o.flags]
    assert len(observations) >= len(readings.observations) - 4


def test_a_window_of_two_voices_counts_less(readings: VoiceReadings) -> None:
    turns = [Stretch(0.9, 9.0, 0), Stretch(9.0, 11.0, 1), Stretch(11.0, 21.1, 0), Stretch(22.0, 26.1, 0)]
    check(readings, turns)
    observations, _ = retiled(readings, turns)
    short = [o for o in observations if o.start == pytest.approx(9.0)]
    assert [o.end for o in short] == [pytest.approx(11.0)]
    assert CROWDED in short[0].flags
    assert short[0].quality < 0.8 * readings.observations[5].quality


def test_a_word_of_somebody_else_is_not_read(readings: VoiceReadings) -> None:
    turns = [Stretch(0.9, 9.0, 0), Stretch(9.0, 9.8, 1), Stretch(9.8, 21.1, 0), Stretch(22.0, 26.1, 0)]
    check(readings, turns)
    _, gaps = retiled(readings, turns)
    assert [(g.start, g.end) for g in gaps if g.reason == TOO_CLOSE] == [(pytest.approx(9.0), pytest.approx(9.8))]


@pytest.mark.parametrize("seed", range(5))
def test_any_turns_leave_the_time_whole(readings: VoiceReadings, seed: int) -> None:
    rng = np.random.default_rng(seed)
    turns: list[Stretch] = []
    for start, end in readings.speech:
        edges = [start, *sorted(rng.uniform(start, end, rng.integers(0, 8))), end]
        turns += [Stretch(a, b, int(rng.integers(3))) for a, b in pairwise(edges) if rng.random() < 0.9]
    check(readings, turns)


def test_one_voice_or_none_changes_nothing(readings: VoiceReadings) -> None:
    for turns in ([], [Stretch(0.9, 26.1, 0)]):
        assert retiled(readings, turns) == (readings.observations, readings.gaps)
