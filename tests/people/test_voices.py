"""Voices told apart: synthetic ones with known truth, through windows, vectors and turns."""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from mer_batch.people.encoder import Encoder, load_encoder
from mer_batch.people.voices import VoiceTurn, tell_apart
from mer_batch.people.windows import Heard, VoiceListener
from mer_batch.types import SAMPLE_RATE, Samples
from mer_batch.voice.read import read_voice
from sounds import blocks, loud_is_speech
from toy_voices import make_encoder, talk, voice

__all__ = ["loud_is_speech"]
TURNS = ((0, 4.0), (1, 3.0), (0, 2.0), (2, 5.0), (1, 4.0), (2, 2.0))


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    return load_encoder(make_encoder(tmp_path_factory.mktemp("speaker")))


def hear(toy: Encoder, sound: Samples, size: float = 1.0) -> tuple[Heard, tuple[tuple[float, float], ...]]:
    listener = VoiceListener(toy)
    readings = read_voice(blocks(sound, size), None, listener=listener)
    return listener.heard(), readings.speech


def said_right(turns: Sequence[VoiceTurn], truth: Sequence[tuple[float, float, int]]) -> float:
    """The share of the true speech that is given to its voice, voices being numbered by appearance."""
    order = {who: number for number, who in enumerate(dict.fromkeys(who for _, _, who in truth))}
    right = sum(
        max(0.0, min(turn.end, end) - max(turn.start, start))
        for start, end, who in truth
        for turn in turns
        if turn.voice == order[who]
    )
    return right / sum(end - start for start, end, _ in truth)


@pytest.mark.usefixtures("loud_is_speech")
@pytest.mark.parametrize("turns", [((0, 9.0),), TURNS[:2], TURNS, (*TURNS, (3, 4.0), (0, 3.0), (3, 3.0))])
def test_as_many_voices_are_found_as_speak(toy: Encoder, turns: tuple[tuple[int, float], ...]) -> None:
    sound, truth = talk(turns)
    heard, regions = hear(toy, sound)
    found = tell_apart(heard, regions, toy.plda)
    assert len({turn.voice for turn in found}) == len({who for who, _ in turns})
    assert said_right(found, truth) > 0.95


@pytest.mark.usefixtures("loud_is_speech")
def test_a_change_without_a_pause_is_found(toy: Encoder) -> None:
    sound, truth = talk(TURNS, pause=0.0)
    heard, regions = hear(toy, sound)
    assert len(regions) == 1
    found = tell_apart(heard, regions, toy.plda)
    assert said_right(found, truth) > 0.75  # the toy hears the end of a window more than its beginning
    changes = [turn.start for turn in found[1:]]
    for start, _, _ in truth[1:]:
        assert min(abs(change - start) for change in changes) < 1.2
    assert found[0].start == pytest.approx(regions[0][0])
    assert found[-1].end == pytest.approx(regions[0][1])
    assert all(a.end == pytest.approx(b.start) for a, b in pairwise(found))


@pytest.mark.usefixtures("loud_is_speech")
def test_the_number_of_voices_can_be_told(toy: Encoder) -> None:
    sound, _ = talk(TURNS)
    heard, regions = hear(toy, sound)
    for count in (1, 2, 3):
        assert len({turn.voice for turn in tell_apart(heard, regions, toy.plda, count)}) == count


@pytest.mark.usefixtures("loud_is_speech")
def test_blocks_of_any_length_give_the_same(toy: Encoder) -> None:
    sound, _ = talk(TURNS[:3])
    whole, regions = hear(toy, sound, 100)
    for size in (0.1, 1.0):
        parts, same = hear(toy, sound, size)
        assert np.array(same) == pytest.approx(np.array(regions))
        assert np.array(parts.spans) == pytest.approx(np.array(whole.spans))
        assert parts.vectors == pytest.approx(whole.vectors, abs=1e-4)


@pytest.mark.usefixtures("loud_is_speech")
def test_a_hole_in_the_sound_shifts_nothing(toy: Encoder) -> None:
    first, second = voice(0, 4), voice(1, 4)
    listener = VoiceListener(toy)
    parts = [*blocks(first, start=2.0), *blocks(second, start=30.0)]
    readings = read_voice(parts, None, listener=listener)
    found = tell_apart(listener.heard(), readings.speech, toy.plda)
    assert [(round(t.start), round(t.end), t.voice) for t in found] == [(2, 6, 0), (30, 34, 1)]


@pytest.mark.usefixtures("loud_is_speech")
def test_sound_without_speech_and_very_short_speech_give_no_error(toy: Encoder) -> None:
    for seconds in (0.02, 0.3, 0.5):
        heard, regions = hear(toy, np.concatenate([np.zeros(8000, np.float32), voice(0, seconds)]))
        found = tell_apart(heard, regions, toy.plda)
        assert len(found) == len(regions)


@pytest.mark.usefixtures("loud_is_speech")
def test_memory_does_not_grow_with_speech_that_never_pauses(toy: Encoder) -> None:
    sound = np.tile(voice(0, 10), 12)
    peaks = []
    for length in (40, 120):
        tracemalloc.start()
        hear(toy, sound[: length * 16000])
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 2e6


def test_a_voice_that_hardly_speaks_is_nobody(toy: Encoder) -> None:
    vectors = np.zeros((101, 32))
    vectors[:, 0] = 1
    vectors[50] = np.roll(vectors[50], 3)
    spans = tuple((at * 0.4, at * 0.4 + 1.6) for at in range(101))
    found = tell_apart(Heard(vectors, spans, (0,) * 101), [(0.0, 41.6)], toy.plda)
    assert [turn.voice for turn in found] == [0]


@pytest.mark.usefixtures("loud_is_speech")
def test_many_windows_are_linked_in_bounded_memory(toy: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    from mer_batch.people import vbx

    sizes = []
    linked = vbx._linked
    monkeypatch.setattr(vbx, "_linked", lambda table, *rest: sizes.append(len(table)) or linked(table, *rest))
    monkeypatch.setattr(vbx, "MOST", 12)
    sound, truth = talk(TURNS)
    heard, regions = hear(toy, sound)
    found = tell_apart(heard, regions, toy.plda)
    assert max(sizes) <= 12 < len(heard.spans)
    assert said_right(found, truth) > 0.9


def test_the_real_encoder_tells_two_people_apart(shared_data: Path) -> None:
    from mer_batch.media import load_audio, probe
    from mer_batch.people.encoder import encoder_folder

    if not encoder_folder().is_dir():
        pytest.skip("the speaker encoder is not there")
    names = ("jfk.flac", "ps_librivox_0870.wav", "jfk.flac", "sb_LJ050-0131.wav")
    clips = [load_audio(probe(shared_data / "media" / "speech" / name), 0, 6) for name in names]
    sound = np.concatenate([part for clip in clips for part in (clip, np.zeros(8000, np.float32))])
    encoder = load_encoder(encoder_folder())
    heard, regions = hear(encoder, sound)
    found = tell_apart(heard, regions, encoder.plda)
    assert len({turn.voice for turn in found}) == 3


def test_a_sentence_that_goes_on_is_told_from_somebody_else(toy: Encoder) -> None:
    """Turns that a clustering took for one voice's."""
    from mer_batch.people import voices as module

    sound, truth = talk(((0, 4.0), (0, 1.5), (1, 1.5), (0, 3.0), (0, 3.0)), pause=0.3)
    listener = VoiceListener(toy)
    listener.feed(0.0, sound)
    spans = [(start, end) for start, end, _ in truth]
    listener.follow(spans, None, len(sound) / SAMPLE_RATE)
    found = module._compared([VoiceTurn(*span, 0) for span in spans], listener.heard())
    goes_on = [turn.goes_on for turn in found]
    assert max(goes_on[1:4]) < min(goes_on[0], goes_on[4]) - 0.1  # on both sides of the other one
