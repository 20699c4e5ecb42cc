"""Thumbnails are fetched several at a time; each must land where it belongs."""

from __future__ import annotations

import base64
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import clips
from mer_batch import media, thumbnails
from mer_batch.thumbnails import illustrated
from mer_batch.types import Shot
from timelines import make_timeline


def _time_in(thumbnail: str | None) -> float:
    assert thumbnail is not None
    return clips.clock_time(np.asarray(Image.open(io.BytesIO(base64.b64decode(thumbnail))).convert("L")))


def test_every_shot_has_its_own_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thumbnails, "MOST_SHOTS", 8)
    clip = media.probe(clips.make(tmp_path / "a.mp4", *clips.clock(9, size="96x64"), *clips.X264))
    shots = tuple(Shot(float(second), second + 1.0, None) for second in range(9))
    timeline = make_timeline(9, thumbnails=False)
    found = illustrated(replace(timeline, media=clip, people=(), events=(), observations=(), shots=shots)).shots
    assert [shot.start for shot in found] == [shot.start for shot in shots]
    assert [_time_in(shot.thumbnail) for shot in found[:8]] == pytest.approx([s + 0.5 for s in range(8)], abs=0.15)
    assert found[8].thumbnail is None
