"""Thumbnails are fetched several at a time; each must land where it belongs."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import clips
from mer_batch import media, thumbnails
from mer_batch.face.album import Album
from mer_batch.face.detect import Detection
from mer_batch.face.track import Sighting
from mer_batch.thumbnails import Taken, illustrated
from mer_batch.types import FaceQuality, Frame, Media, Shot
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


def test_what_was_taken_while_faces_were_read_is_not_decoded_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = media.probe(clips.make(tmp_path / "a.mp4", *clips.clock(9, size="96x64"), *clips.X264))
    asked: list[float] = []
    decode = media.grab_frames

    def grab(source: Media, times: Iterable[float]) -> Iterator[tuple[float, Frame | None]]:
        asked.extend(times)
        yield from decode(source, asked)

    monkeypatch.setattr(media, "grab_frames", grab)
    shots = (Shot(0.0, 4.0, None), Shot(4.0, 9.0, None))
    timeline = replace(make_timeline(9, thumbnails=False), media=clip, people=(), events=(), observations=())
    taken = [Taken(1.2, None, b"near"), Taken(1.6, None, b"later"), Taken(5.6, None, b"far"), Taken(5.0, "A", b"other")]
    found = illustrated(replace(timeline, shots=shots), taken).shots
    assert base64.b64decode(found[0].thumbnail or "") == b"near"
    assert asked == [5.0]
    assert _time_in(found[1].thumbnail) == pytest.approx(5.0, abs=0.15)


def test_an_album_has_each_face_in_its_best_picture_and_shots_in_their_first_second() -> None:
    album, box = Album(), (0.4, 0.3, 0.6, 0.6)
    five = ((0.45, 0.4), (0.55, 0.4), (0.5, 0.45), (0.46, 0.5), (0.54, 0.5))
    for number in range(20):
        frame = Frame(number / 5, np.full((60, 90, 3), 10 * number, np.uint8))
        quality = FaceQuality(40.0, 100.0, 0.0, 0.0, 0.0, 1.0 if number % 3 == 1 else 0.5, ())
        album.see(frame, number == 12, [Sighting(7, Detection(box, five, 0.99))], [quality])
    pictures = album.finish()
    assert [p.time for p in pictures if p.trail is None] == pytest.approx([0.0, 0.6, 1.0, 2.4, 3.0, 3.4])
    faces = [p for p in pictures if p.trail == 7]
    assert [p.time for p in faces] == pytest.approx([0.2, 0.8, 1.4, 1.6, 2.0, 2.6, 3.2, 3.8])
    assert [round(float(np.asarray(Image.open(io.BytesIO(p.jpeg))).mean() / 10)) for p in faces[:3]] == [1, 4, 7]


def test_an_album_of_a_long_film_stays_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mer_batch.face.album.MOST_FACES", 8)
    face = Detection((0.4, 0.3, 0.6, 0.6), ((0.45, 0.4), (0.55, 0.4), (0.5, 0.45), (0.46, 0.5), (0.54, 0.5)), 0.99)
    album, quality = Album(), FaceQuality(40.0, 100.0, 0.0, 0.0, 0.0, 1.0, ())
    for number in range(400):
        album.see(Frame(number / 5, np.zeros((60, 90, 3), np.uint8)), False, [Sighting(1, face)], [quality])
    times = [p.time for p in album.finish() if p.trail == 1]
    assert 4 <= len(times) <= 9
    assert (times[0], max(b - a for a, b in pairwise(times)) < 20) == (0.0, True)
