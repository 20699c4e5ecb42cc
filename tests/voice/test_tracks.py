"""A silent first track must not hide that another one speaks."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import clips
from channels import voice, wav
from mer_batch.config import Options
from mer_batch.media import probe
from mer_batch.pipeline import analyze
from mer_batch.voice.tracks import speech_elsewhere


def tracks(folder: Path, *sounds: np.ndarray) -> Path:
    """A file with one track a sound, the second in German."""
    inputs: list[str] = []
    for number, sound in enumerate(sounds):
        inputs += ["-i", str(wav(folder / f"{number}.wav", sound))]
    maps = [part for number in range(len(sounds)) for part in ("-map", str(number))]
    return clips.make(folder / "a.mka", *inputs, *maps, "-c:a", "flac", "-metadata:s:a:1", "language=deu")


def test_speech_on_another_track_is_said(tmp_path: Path) -> None:
    spoken = voice(0, 4)
    path = tracks(tmp_path, np.zeros_like(spoken), spoken)
    sentence = "audio track 0 has no speech, track 1 (deu) has: --audio-track 1 reads it"
    assert speech_elsewhere(probe(path), 0.0, None) == sentence
    options = Options(modalities=("voice",), device="cpu")
    assert sentence in analyze(path, options).notices
    chosen = analyze(path, Options(modalities=("voice",), device="cpu", audio_track=1))
    assert chosen.observations
    assert not any("has no speech" in notice for notice in chosen.notices)


def test_silence_on_all_tracks_is_just_silence(tmp_path: Path) -> None:
    silent = np.zeros(3 * 16_000, dtype=np.float32)
    assert speech_elsewhere(probe(tracks(tmp_path, silent, silent, silent)), 0.0, None) is None


def test_several_tracks_with_speech_are_all_named(tmp_path: Path) -> None:
    spoken = voice(0, 3)
    path = tracks(tmp_path, np.zeros_like(spoken), spoken, spoken)
    assert speech_elsewhere(probe(path), 0.0, None) == (
        "audio track 0 has no speech, tracks 1 (deu), 2 (no language) have: --audio-track 1 reads it"
    )
    assert speech_elsewhere(probe(path), 2.9, None) is None
