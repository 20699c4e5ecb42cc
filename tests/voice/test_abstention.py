"""`mer analyze` on sound without speech, and on speech that noise covers, with the shipped model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from mer_batch.cli import app
from mer_batch.timeline import io
from mer_batch.types import SAMPLE_RATE, Samples, Timeline
from sounds import chord, hiss, rumble, silence, song, speech
from toy_voice import wav

SILENT = ("sb_noise2_no_speech.wav", "wt_empty_hallucination.wav", "wt_empty_hallucination.mp3")
"""Recordings of the shared data that hold no speech by their manifest."""


def analyzed(path: Path, folder: Path) -> Timeline:
    result = CliRunner().invoke(
        app, ["analyze", str(path), "--modalities", "voice", "--out", str(folder / "r.html"), "--device", "cpu", "-q"]
    )
    assert result.exit_code == 0, result.output
    return io.from_json((folder / "r.timeline.json").read_text())


def saved(sound: Samples, folder: Path) -> Path:
    path = folder / "sound.wav"
    path.write_bytes(wav(sound))
    return path


def is_silent_about(timeline: Timeline) -> None:
    """No emotion is read, and every moment says why."""
    assert timeline.observations == ()
    gaps = [gap for gap in timeline.gaps if gap.modality == "voice"]
    assert {gap.reason for gap in gaps} == {"no speech"}
    assert sum(gap.end - gap.start for gap in gaps) == pytest.approx(timeline.media.duration, abs=0.1)
    for segment in timeline.segments:
        assert segment.probabilities is None
        assert segment.label is None
        assert "speech" in segment.reason


def test_music_noise_and_silence_have_no_emotion(tmp_path: Path) -> None:
    parts = [silence(3), hiss(5, 0.02), hiss(5, 0.3), rumble(5, 0.2), chord(5), song(10)]
    sound = np.concatenate([part for one in parts for part in (one, silence(0.5))])
    timeline = analyzed(saved(sound, tmp_path), tmp_path)
    assert timeline.media.duration == pytest.approx(len(sound) / SAMPLE_RATE, abs=0.1)
    is_silent_about(timeline)


@pytest.mark.parametrize("name", SILENT)
def test_recordings_without_speech_have_no_emotion(name: str, shared_data: Path, tmp_path: Path) -> None:
    is_silent_about(analyzed(shared_data / "media" / "speech" / name, tmp_path))


def test_only_the_speech_between_music_and_noise_is_read(tmp_path: Path) -> None:
    words = speech(tmp_path)
    start = 4.5
    sound = np.concatenate([song(4), silence(0.5), words, silence(0.5), rumble(4, 0.1)])
    timeline = analyzed(saved(sound, tmp_path), tmp_path)
    assert timeline.observations
    assert min(o.start for o in timeline.observations) == pytest.approx(start, abs=0.4)
    assert max(o.end for o in timeline.observations) == pytest.approx(start + len(words) / SAMPLE_RATE, abs=0.4)


def test_speech_in_noise_is_flagged_and_weighs_less(tmp_path: Path) -> None:
    words = np.concatenate([silence(3), speech(tmp_path), silence(3)])
    power = np.square(words[words != 0]).mean()
    found = {}
    for ratio in (30, 0):
        noisy = words + rumble(len(words) / SAMPLE_RATE, float(np.sqrt(power / 10 ** (ratio / 10))))[: len(words)]
        (tmp_path / str(ratio)).mkdir()
        found[ratio] = analyzed(saved(noisy / 4, tmp_path / str(ratio)), tmp_path / str(ratio)).observations
    assert found[30]
    assert found[0]
    assert not [reading for reading in found[30] if "noisy" in reading.flags]
    assert all("noisy" in reading.flags for reading in found[0])
    assert max(reading.quality for reading in found[0]) < 0.9 < min(reading.quality for reading in found[30])
