from __future__ import annotations

import tracemalloc
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from mer_batch.types import AudioWindow, Floats, Samples
from mer_batch.voice.quality import assess
from mer_batch.voice.read import VoiceReadings, read_voice
from sounds import Recorder, blocks, hiss, loud_is_speech, silence, speech

__all__ = ["loud_is_speech"]


def check(readings: VoiceReadings, start: float, end: float) -> None:
    """What holds for every reading: observations and gaps tile the time, observations lie in speech."""
    spans = sorted([(o.start, o.end) for o in readings.observations] + [(g.start, g.end) for g in readings.gaps])
    assert spans[0][0] == pytest.approx(start)
    assert spans[-1][1] == pytest.approx(end)
    assert all(a[1] == pytest.approx(b[0]) for a, b in pairwise(spans))
    for observation in readings.observations:
        assert observation.modality == "voice"
        assert observation.person is None
        assert any(a <= observation.start and observation.end <= b for a, b in readings.speech)
    assert all(gap.reason for gap in readings.gaps)


@pytest.mark.usefixtures("loud_is_speech")
def test_observations_and_gaps_tile_the_sound() -> None:
    sound = np.concatenate([silence(2), hiss(6), silence(1), hiss(0.4), silence(1), hiss(2), silence(3)])
    reader = Recorder()
    readings = read_voice(blocks(sound, 0.7), reader)
    check(readings, 0, len(sound) / 16000)
    assert {gap.reason for gap in readings.gaps} == {"no speech", "too little speech"}
    assert len(readings.observations) == len(reader.seen) > 4
    assert {observation.label for observation in readings.observations} == {"angry"}


@pytest.mark.usefixtures("loud_is_speech")
def test_sound_that_is_missing_is_a_gap_of_its_own() -> None:
    parts = [*blocks(hiss(3), start=5.0), *blocks(hiss(3), start=20.0)]
    readings = read_voice(parts, Recorder())
    check(readings, 0, 23)
    assert [(g.start, g.end) for g in readings.gaps if g.reason == "no sound"] == [(0, 5), (8, 20)]
    check(read_voice(parts, Recorder(), start=5.0), 5, 23)


@pytest.mark.usefixtures("loud_is_speech")
def test_no_reading_reaches_across_a_change_of_speaker() -> None:
    sound = np.concatenate([silence(1), hiss(8), silence(1)])
    breaks = (0.5, 4.3, 6.0)
    readings = read_voice(blocks(sound, 0.7), Recorder(), breaks=breaks)
    check(readings, 0, 10)
    assert [start for start, _ in readings.speech] == pytest.approx([1, 4.3, 6.0], abs=0.1)
    assert [end for _, end in readings.speech] == pytest.approx([4.3, 6.0, 9], abs=0.1)
    assert not [o for o in readings.observations for at in breaks if o.start < at - 1e-6 < o.end - 1e-3]
    whole = read_voice(blocks(sound, 0.7), Recorder())
    assert len(whole.speech) == 1
    assert sum(b - a for a, b in readings.speech) == pytest.approx(sum(b - a for a, b in whole.speech), abs=0.15)


@pytest.mark.usefixtures("loud_is_speech")
def test_windows_are_read_in_batches_in_order() -> None:
    reader = Recorder()
    readings = read_voice(blocks(hiss(60), 30), reader, hop=1.0)
    assert max(reader.batches) == 16
    assert [o.start for o in readings.observations] == sorted(o.start for o in readings.observations)
    assert len(readings.observations) == 58


class Failing(Recorder):
    """Reads one batch and no more."""

    def logits(self, items: Sequence[AudioWindow]) -> Floats:
        if self.batches:
            raise MemoryError("not enough memory")
        return super().logits(items)


@pytest.mark.usefixtures("loud_is_speech")
@pytest.mark.parametrize("reader", [Failing(), None])
def test_speech_and_loudness_outlive_the_reader_of_emotions(reader: Failing | None) -> None:
    sound = np.concatenate([silence(2), hiss(30), silence(1), hiss(5), silence(2)])
    readings = read_voice(blocks(sound), reader, breaks=(10.0,))
    whole = read_voice(blocks(sound), Recorder(), breaks=(10.0,))
    assert (readings.speech, readings.loudness) == (whole.speech, whole.loudness)
    assert len(readings.speech) == 3
    assert readings.observations == readings.gaps == ()
    assert str(readings.failure) == ("not enough memory" if reader else "None")


def test_no_sound_at_all_reads_nothing() -> None:
    readings = read_voice([], Recorder())
    assert readings == VoiceReadings((), (), (), ())


def test_silence_is_one_gap() -> None:
    readings = read_voice(blocks(silence(5)), Recorder())
    assert [(g.start, g.end, g.reason) for g in readings.gaps] == [(0, 5, "no speech")]
    assert readings.observations == ()
    assert readings.loudness == tuple((0.25 + index / 2, -100.0) for index in range(10))


def test_loudness_is_what_it_is() -> None:
    sound = np.concatenate([hiss(1, 0.1), hiss(1, 0.01)])
    loudness = read_voice(blocks(sound, 0.3), Recorder()).loudness
    assert [level for _, level in loudness] == [pytest.approx(db, abs=0.5) for db in (-20, -20, -40, -40)]


def test_spoken_words_are_read_and_progress_is_told(tmp_path: Path) -> None:
    sound = np.concatenate([silence(1), speech(tmp_path), silence(1)])
    told: list[float] = []
    readings = read_voice(blocks(sound), Recorder(), on_progress=told.append)
    check(readings, 0, len(sound) / 16000)
    assert readings.observations
    assert told == sorted(told)
    assert told[-1] == pytest.approx(len(sound) / 16000)


@pytest.mark.usefixtures("loud_is_speech")
@pytest.mark.parametrize("level", [0.0, 0.1])
def test_an_hour_needs_no_more_memory_than_minutes(level: float) -> None:
    """Nothing but the readings themselves stays: silence leaves only its loudness curve."""

    def peak(minutes: int) -> int:
        def stream() -> Iterator[tuple[float, Samples]]:
            block = hiss(30, level) if level else silence(30)
            yield from ((index * 30.0, block) for index in range(minutes * 2))

        tracemalloc.start()
        read_voice(stream(), Recorder())
        _, highest = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return highest

    assert peak(6) - peak(1) < 2_000_000


def window(seconds: float = 3.0, share: float = 1.0, level: float = -20.0, snr: float | None = 30.0) -> AudioWindow:
    return AudioWindow(0, seconds, hiss(seconds), share, level, snr)


def test_quality_names_what_is_wrong() -> None:
    good = assess(window())
    assert (good.score, good.flags) == (1.0, ())
    cases = {"short": window(1.0), "quiet": window(level=-55), "noisy": window(snr=0.0)}
    cases["clipped"] = AudioWindow(0, 3, np.clip(hiss(3) * 50, -1, 1), 1.0, -5, 30)
    assert {flag: assess(item).flags for flag, item in cases.items()} == {flag: (flag,) for flag in cases}


def test_quality_falls_with_less_speech_and_more_noise() -> None:
    speech = [assess(window(seconds)).score for seconds in (0.3, 0.6, 1.2, 1.8, 3.0)]
    assert speech == [0.25, 0.25, pytest.approx(0.625), 1.0, 1.0]
    assert assess(window(3.0, share=0.4)).score == pytest.approx(assess(window(1.2)).score)
    noise = [assess(window(snr=snr)).score for snr in (-20, 0, 8, 40)]
    assert noise == [0.25, pytest.approx(0.625), 1.0, 1.0]
    assert noise[1] < assess(window(snr=None)).score < 1.0
