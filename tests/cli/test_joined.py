"""Two recordings joined byte by byte, analysed from end to end with the shipped models."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import clips
from mer_batch.config import DEFAULTS
from mer_batch.pipeline import analyze
from mer_batch.timeline import io

FACE = Path(__file__).resolve().parent.parent.parent / "examples" / "interview.mp4"


def test_face_and_voice_of_the_second_recording_come_at_their_time(tmp_path: Path) -> None:
    coding = (
        *clips.X264[:4],
        "-crf",
        "24",
        "-g",
        "25",
        "-pix_fmt",
        "yuv420p",
        "-c:a",
        "aac",
        "-ar",
        "16000",
        "-ac",
        "1",
    )
    red = ("-f", "lavfi", "-i", "color=red:s=640x360:r=25:d=2")
    first = clips.make(tmp_path / "a.ts", *red, *clips.silence(2), *coding)
    second = clips.make(tmp_path / "b.ts", "-t", "3", "-i", str(FACE), "-map", "0:v", "-map", "0:a", *coding)
    joined = tmp_path / "joined.ts"
    joined.write_bytes(first.read_bytes() + second.read_bytes())
    options = replace(DEFAULTS, modalities=("face", "voice"), asr="none", device="cpu")
    timeline = analyze(joined, options)
    assert timeline.media.duration == pytest.approx(5, abs=0.2)
    assert [person.name for person in timeline.people] == ["Person 1"]
    assert timeline.people[0].spans[0][0] == pytest.approx(2.1, abs=0.2)
    assert timeline.speech[0][0] == pytest.approx(2.4, abs=0.2)
    assert timeline.people[0].thumbnail
    assert any("2 recordings are joined" in notice for notice in timeline.notices)
    assert len(timeline.media.joins) == 1
    assert io.from_json(io.to_json(timeline)).media.joins == timeline.media.joins
