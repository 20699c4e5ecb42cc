"""Clips are decoded within our process to the samples that ffmpeg gives, and by ffmpeg where anything is odd."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import clips
from mer_batch.errors import InputError
from mer_batch.media import clips as module
from mer_batch.media import load_audio, probe, read_clip

TONE = ("-f", "lavfi", "-i", "aevalsrc=0.3*sin(2*PI*t*(200+100*t)):s=48000:d=2.3")
SIMPLE = {
    "a.wav": ("-ar", "44100"),
    "b.wav": ("-ar", "16000", "-c:a", "pcm_f32le"),
    "c.wav": ("-ar", "8000", "-c:a", "pcm_alaw"),
    "d.flac": (
        "-ar",
        "22050",
    ),
    "e.mp3": (
        "-ar",
        "44100",
    ),
    "f.m4a": (
        "-ar",
        "48000",
    ),
    "g.opus": (),
    "h.aiff": (
        "-ar",
        "11025",
    ),
    "i.ogg": ("-ar", "44100", "-c:a", "libvorbis"),
}
ODD = {
    "stereo.wav": ("-ac", "2"),
    "loud.wav": ("-af", "volume=9", "-c:a", "pcm_f32le"),
    "late.mka": ("-af", "asetpts=PTS+1/TB", "-c:a", "libopus"),
    "two.mka": ("-map", "0:a", "-map", "0:a", "-c:a", "flac"),
}


@pytest.mark.parametrize("name", [*SIMPLE, *ODD])
def test_samples_are_those_of_ffmpeg(tmp_path: Path, name: str) -> None:
    path = clips.make(tmp_path / name, *TONE, *{**SIMPLE, **ODD}[name])
    clip = probe(path)
    expected = load_audio(clip, 0, clip.duration)
    found = read_clip(clip)
    assert found.dtype == np.float32
    assert len(found) == len(expected)
    assert np.abs(found - expected).max() < 1e-6
    within = module._is_simple(clip) and module._decoded(clip) is not None
    assert within == (name in SIMPLE)


def test_a_part_of_a_clip(tmp_path: Path) -> None:
    clip = probe(clips.make(tmp_path / "a.wav", *TONE, "-ar", "16000"))
    assert np.abs(read_clip(clip, 0.5, 1.5) - read_clip(clip)[8000:24000]).max() < 1e-4


def test_damage_is_told_and_no_sound_is_a_line(tmp_path: Path) -> None:
    path = clips.make(tmp_path / "a.flac", *TONE)
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 4000] = bytes(4000)
    path.write_bytes(data)
    told: list[str] = []
    assert len(read_clip(probe(path), on_warning=told.append))
    assert told
    silent = probe(clips.make(tmp_path / "a.mp4", *clips.clock(1), *clips.X264))
    with pytest.raises(InputError, match=r"'a\.mp4' has no sound"):
        read_clip(silent)
