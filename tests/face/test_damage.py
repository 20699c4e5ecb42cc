"""Damaged pictures: what is read in them, and what a gap in them is called."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import clips
from face.fakes import BrightnessReader, SquareDetector, read_faces
from mer_batch.face.detect import CascadeDetector
from mer_batch.face.gaps import DAMAGED, NOBODY, NOT_YET, find_gaps, spans_of
from mer_batch.face.mouth import MouthWatcher
from mer_batch.face.read import DAMAGE_FLAG
from mer_batch.media import probe, read_frames
from mer_batch.types import Frame, Gap, Image


def _picture(face: bool) -> Image:
    picture = np.full((120, 240, 3), 70, np.uint8)
    picture[:, :80] = np.random.default_rng(1).integers(0, 200, (120, 80, 1))
    if face:
        picture[30:70, 150:190] = (255, 0, 0)
        picture[30:70:4, 150:190] = (255, 0, 50)
    return picture


def _frames(seen: str, damage: float) -> list[Frame]:
    """A letter a frame: f for a face, - for none; in capitals and _ the frame is damaged."""
    return [
        Frame(number / 5, _picture(letter in "fF"), damage if letter in "F_" else 0.0)
        for number, letter in enumerate(seen)
    ]


def test_much_damage_is_a_gap_even_where_a_face_would_be_found(
    squares: SquareDetector, reader: BrightnessReader
) -> None:
    readings = read_faces(_frames("ffffffFFFFFFffffff", 0.6), reader, detector=squares, batch=4)
    assert [observation.start for observation in readings.observations] == pytest.approx(
        [*np.arange(6) / 5, *np.arange(12, 18) / 5]
    )
    assert readings.gaps == (Gap("face", 1.2, 2.4, DAMAGED), Gap("face", 1.2, 2.4, DAMAGED, "Person 1"))
    assert len(readings.shots) == 1


def test_little_damage_leaves_the_reading_with_less_weight(squares: SquareDetector, reader: BrightnessReader) -> None:
    whole, hurt = (
        read_faces(_frames(seen, 0.25), reader, detector=squares).observations for seen in ("ffffff", "fffFFF")
    )
    assert len(hurt) == 6
    assert [DAMAGE_FLAG in observation.flags for observation in hurt] == [False] * 3 + [True] * 3
    assert hurt[4].quality == pytest.approx(0.75 * whole[4].quality)
    assert hurt[4].probabilities == whole[4].probabilities


def test_no_face_in_a_damaged_picture_says_nothing(squares: SquareDetector, reader: BrightnessReader) -> None:
    readings = read_faces(_frames("fffff___----fffff", 0.1), reader, detector=squares)
    assert [(gap.start, gap.end, gap.reason) for gap in readings.gaps if gap.person is None] == [
        (1.0, 1.6, DAMAGED),
        (1.6, pytest.approx(2.4, abs=0.21), NOBODY),
    ]


def test_damage_goes_before_what_a_gap_would_be_called() -> None:
    gaps = find_gaps(spans_of([0, 1, 2, 3, 4, 5]), [], {"Person 1": {4: "", 5: ""}}, damaged={1, 2, 5})
    assert [(gap.start, gap.end, gap.reason) for gap in gaps if gap.person] == [
        (0, 1, NOT_YET),
        (1, 3, DAMAGED),
        (3, 4, NOT_YET),
    ]


def test_a_picture_that_stands_for_lost_ones_is_passed_on() -> None:
    watcher = MouthWatcher(5.0)
    frames = [Frame(time / 10, _picture(False)) for time in range(11)]
    frames[5] = replace(frames[5], damage=1.0)
    assert [frame.time for frame in watcher.sample(frames[:6])] == [0.0, 0.2, 0.4, 0.5]


FACE = Path(__file__).resolve().parent.parent.parent / "examples" / "interview.mp4"


def test_a_face_is_followed_where_the_picture_turns(tmp_path: Path, reader: BrightnessReader) -> None:
    # The same face on a wide and then on a tall picture, on one clock, as phones and calls write it.
    coding = (*clips.X264[:4], "-crf", "20", "-g", "25", "-an", "-muxdelay", "0", "-muxpreload", "0", "-t", "1")
    square = "crop=360:360:140:0"
    for name, pad, start in (("a", "640:360:140:0", 0), ("b", "360:640:0:140", 1)):
        shape = ("-vf", f"{square},pad={pad}", "-output_ts_offset", str(start))
        clips.make(tmp_path / f"{name}.ts", "-i", str(FACE), *coding, *shape)
    turned = tmp_path / "turned.ts"
    turned.write_bytes((tmp_path / "a.ts").read_bytes() + (tmp_path / "b.ts").read_bytes())
    frames = list(read_frames(probe(turned)))
    readings = read_faces(frames, reader, detector=CascadeDetector("cpu"))
    assert readings.gaps == ()
    boxes = [observation.evidence.box for observation in readings.observations]
    sizes = [frame.image.shape[1::-1] for frame in frames]
    assert len(set(sizes)) == 2
    shapes = [
        ((right - left) * width, (bottom - top) * height)
        for (left, top, right, bottom), (width, height) in zip(filter(None, boxes), sizes, strict=True)
    ]
    for width, height in shapes:
        assert width == pytest.approx(shapes[0][0], rel=0.15)
        assert height == pytest.approx(shapes[0][1], rel=0.15)
