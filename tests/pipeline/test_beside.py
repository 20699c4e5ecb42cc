"""Stages beside each other: the sound is heard before it is known who speaks, and an error costs its own stage only."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import clips
from mer_batch import media
from mer_batch.config import Options
from mer_batch.pipeline import analyze, hearing, sound
from mer_batch.pipeline.levels import EARLY, LATE
from mer_batch.types import Timeline

SPEECH = "media/speech/jfk.flac"


def told_apart(timeline: Timeline) -> Timeline:
    """The timeline without when and how long it was made."""
    return replace(timeline, provenance=replace(timeline.provenance, seconds={}, created=""))


@pytest.mark.parametrize("breaks", [(), (4.0, 7.5)])
def test_a_voice_heard_ahead_is_the_same_as_one_heard_afterwards(
    breaks: tuple[float, ...], shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sound, "handovers", lambda turns: breaks)
    options = Options(asr="none", modalities=("voice",))
    beside = analyze(shared_data / SPEECH, options)
    monkeypatch.setattr(sound.VoiceStage, "begin", lambda stage: setattr(stage, "_reader", stage.asked.reader("voice")))
    # Without a beginning nothing is heard before it is known where the word is passed on.
    afterwards = analyze(shared_data / SPEECH, options)
    assert beside.observations
    assert told_apart(beside) == told_apart(afterwards)
    edges = {edge for reading in beside.observations for edge in (reading.start, reading.end)}
    assert all(any(-LATE <= edge - cut <= EARLY for edge in edges) for cut in breaks)


@pytest.mark.parametrize("held", [True, False])
def test_sound_that_is_heard_again_is_decoded_once_unless_it_is_long(
    held: bool, shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sound, "handovers", lambda turns: (4.0, 7.5))
    if not held:
        monkeypatch.setattr(hearing, "_TAPE", 16_000)
    decoded = []
    read_audio = media.read_audio
    monkeypatch.setattr(media, "read_audio", lambda *a, **k: decoded.append(a) or read_audio(*a, **k))
    assert analyze(shared_data / SPEECH, Options(asr="none", modalities=("voice",))).observations
    assert len(decoded) == (1 if held else 2)


def test_an_error_of_the_voice_beside_faces_costs_the_voice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = clips.make(tmp_path / "a.mp4", *clips.clock(2, size="96x64"), *clips.tone(2), *clips.X264)

    def broken(*_: object, **__: object) -> None:
        raise ArithmeticError("no ear")

    monkeypatch.setattr("mer_batch.voice.read.read_voice", broken)
    before, threads = threading.active_count(), torch.get_num_threads()
    timeline = analyze(clip, Options(asr="none", modalities=("face", "voice")))
    assert timeline.lost == ("voice",)
    assert [shot.start for shot in timeline.shots] == [0.0]
    assert any("no ear" in notice for notice in timeline.notices)
    assert (threading.active_count(), torch.get_num_threads()) == (before, threads)


def test_what_is_told_comes_in_the_order_of_the_stages(tmp_path: Path) -> None:
    clip = clips.make(tmp_path / "a.mp4", *clips.clock(2, size="96x64"), *clips.tone(2), *clips.X264)
    told: list[str] = []
    analyze(clip, Options(asr="none"), on_progress=lambda stage, _: told.append(stage))
    assert list(dict.fromkeys(told)) == ["loading", "faces", "voice", "fusion"]
    assert told == sorted(told, key=["loading", "faces", "voice", "words", "fusion"].index)
