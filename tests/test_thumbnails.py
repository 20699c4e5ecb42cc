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
from mer_batch.face.glimpses import CELL, Glimpse
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


def test_what_was_seen_while_faces_were_read_is_not_decoded_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Faces by the box of their reading, the best one for the person and the nearest for a moment; shots by time."""
    timeline = make_timeline(60, thumbnails=False)
    readings = [one for one in timeline.observations if one.evidence.box is not None]
    glimpses = [
        Glimpse(one.start, number.to_bytes(2, "big"), one.evidence.box, trail=0, cell=number)
        for number, one in enumerate(readings)
    ] + [Glimpse(shot.start + 0.9, b"shot%d" % number) for number, shot in enumerate(timeline.shots)]
    monkeypatch.setattr(media, "grab_frames", None)
    shown = illustrated(timeline, glimpses)
    assert [base64.b64decode(shot.thumbnail or "") for shot in shown.shots] == [
        b"shot%d" % number for number in range(len(timeline.shots))
    ]
    assert [person.name for person in shown.people if person.thumbnail] == [person.name for person in timeline.people]
    for person in shown.people:
        place = int.from_bytes(base64.b64decode(person.thumbnail or ""), "big")
        own = [one for one in readings if one.person == person.name]
        assert readings[place].quality == max(one.quality for one in own)
        assert readings[place].person == person.name
    peaks = [event for event in shown.events if event.thumbnail]
    assert peaks
    for event in peaks:
        reading = readings[int.from_bytes(base64.b64decode(event.thumbnail or ""), "big")]
        assert reading.person == event.person
        assert abs(reading.start - event.time) <= CELL
