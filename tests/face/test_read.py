"""The face stage as a whole: observations, gaps with reasons, people, shots."""

from __future__ import annotations

import random
import threading
import time
import weakref
from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from face.fakes import BrightnessReader, SquareDetector, read_faces
from mer_batch.face.detect import CascadeDetector, Detection
from mer_batch.face.gaps import HIDDEN, LEFT, NOBODY, NOT_YET, OTHER_SHOT, find_gaps, shots_between, spans_of
from mer_batch.face.read import NOT_MATCHED, FaceReadings
from mer_batch.types import Floats, Frame, Gap, Image


def _picture(x: int | None, size: int = 40, light: int = 70) -> Image:
    picture = np.full((120, 240, 3), light, np.uint8)
    picture[:, :80] = np.random.default_rng(light).integers(0, 200, (120, 80, 1))
    if x is not None:
        picture[30 : 30 + size, x : x + size] = (255, 0, 0)
        # Something to see in the face, so that it is not called blurred.
        picture[30 : 30 + size : 4, x : x + size] = (255, 0, 50)
    return picture


def _frames(*places: int | None, **options: int) -> list[Frame]:
    return [Frame(i / 5, _picture(x, **options)) for i, x in enumerate(places)]


def _read(frames: list[Frame], squares: SquareDetector, reader: BrightnessReader) -> FaceReadings:
    return read_faces(frames, reader, detector=squares, batch=4)


def test_every_sampled_frame_stands_for_its_time(squares: SquareDetector, reader: BrightnessReader) -> None:
    times = [0.0, 0.2, 0.45, 0.6, 1.4]
    readings = _read([Frame(time, _picture(150)) for time in times], squares, reader)
    assert [o.start for o in readings.observations] == times
    assert [o.end for o in readings.observations] == pytest.approx([0.2, 0.45, 0.6, 1.4, 1.625])
    assert {(o.modality, o.person) for o in readings.observations} == {("face", "Person 1")}
    assert readings.gaps == ()
    assert readings.seconds == pytest.approx(1.625)
    assert readings.people[0].spans == ((0.0, pytest.approx(1.625)),)
    assert [s.start for s in readings.shots] == [0]


def test_an_observation_shows_where_the_face_was(squares: SquareDetector, reader: BrightnessReader) -> None:
    readings = _read(_frames(*[150] * 5), squares, reader)
    first = readings.observations[0]
    assert first.evidence.box == pytest.approx((150 / 240, 30 / 120, 190 / 240, 70 / 120))
    assert first.label == "sad", "a dark red square"
    assert 0 < first.quality <= 1


def test_leaving_and_returning_is_a_gap(squares: SquareDetector, reader: BrightnessReader) -> None:
    readings = _read(_frames(*[150] * 10, *[None] * 10, *[150] * 10), squares, reader)
    (person,) = readings.people
    assert [start for start, _ in person.spans] == pytest.approx([0, 4.2], abs=0.3)
    assert [end for _, end in person.spans] == pytest.approx([2, 6])
    back = person.spans[1][0]
    assert readings.gaps == (
        Gap("face", 2.0, back, NOBODY),
        Gap("face", 2.0, back, LEFT, "Person 1"),
    )
    assert not [o for o in readings.observations if 2 <= o.start < 4]


def test_a_face_that_is_too_small_is_a_gap_not_a_guess(squares: SquareDetector, reader: BrightnessReader) -> None:
    readings = _read(_frames(*[150] * 6, size=14), squares, reader)
    assert readings.observations == ()
    assert [person.name for person in readings.people] == ["Person 1"]
    assert {(gap.person, gap.reason) for gap in readings.gaps} == {
        (None, "face too small"),
        ("Person 1", "face too small"),
    }


def test_nobody_at_all(squares: SquareDetector, reader: BrightnessReader) -> None:
    readings = _read(_frames(*[None] * 7), squares, reader)
    assert readings.people == ()
    assert readings.gaps == (Gap("face", 0.0, pytest.approx(1.4), NOBODY),)


def test_no_frames_at_all(squares: SquareDetector, reader: BrightnessReader) -> None:
    readings = _read([], squares, reader)
    assert (readings.observations, readings.gaps, readings.people, readings.shots) == ((), (), (), ())
    assert readings.seconds == 0


def test_progress_is_told_in_seconds(squares: SquareDetector, reader: BrightnessReader) -> None:
    told: list[float] = []
    read_faces(_frames(*[150] * 10), reader, detector=squares, batch=4, on_progress=told.append)
    assert told == pytest.approx([0.6, 1.4, 1.8])


def test_the_real_scene(scene: list[Frame], reader: BrightnessReader) -> None:
    """A portrait leaves, returns, and is cut away: with the real detector and the real cut finder."""
    readings = read_faces(scene, reader, detector=CascadeDetector("cpu"))
    assert [shot.start for shot in readings.shots] == [0.0, 9.0, 12.0]
    assert [person.name for person in readings.people] == ["Person 1", "Person 2"]
    first = readings.people[0].spans
    assert first[0][0] == 0
    assert first[0][1] == pytest.approx(3.4, abs=0.5)
    assert first[-1][0] == pytest.approx(6.8, abs=0.6)
    assert first[-1][1] == 9
    reasons = [(gap.reason, gap.person) for gap in readings.gaps]
    assert (LEFT, "Person 1") in reasons
    assert (OTHER_SHOT, "Person 1") in reasons
    assert (NOT_YET, "Person 2") in reasons
    assert readings.notices == (NOT_MATCHED,)
    assert readings.people[1].spans == ((12.0, pytest.approx(14.0)),)


def test_frames_are_let_go(squares: SquareDetector, reader: BrightnessReader, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long the film, about two batches of pictures are alive at once, and those that wait between threads."""
    monkeypatch.setattr("mer_batch.media.ahead.MOST", 3)
    alive = most = 0

    def gone() -> None:
        nonlocal alive
        alive -= 1

    def film() -> Iterator[Frame]:
        nonlocal alive, most
        for i in range(200):
            picture = _picture(150)
            weakref.finalize(picture, gone)
            alive += 1
            most = max(most, alive)
            yield Frame(i / 5, picture)

    read_faces(film(), reader, detector=squares, batch=4)
    assert 4 <= most <= 2 * 4 + 2 * (3 + 1) + 2


def test_a_flash_is_no_shot_of_its_own(squares: SquareDetector, reader: BrightnessReader) -> None:
    frames = _frames(*[150] * 16)
    frames[8] = Frame(frames[8].time, np.full((120, 240, 3), 255, np.uint8))
    readings = _read(frames, squares, reader)
    assert all(shot.end - shot.start > 0.5 for shot in readings.shots)


def test_spans_of_one_frame_and_none() -> None:
    assert spans_of([]) == []
    assert spans_of([3.0]) == [(3.0, 3.2)]


def test_shots_between_cuts() -> None:
    spans = spans_of([0.0, 1.0, 2.0, 3.0])
    assert [(s.start, s.end) for s in shots_between(spans, [1, 3])] == [(0, 1), (1, 3), (3, 4)]
    assert list(shots_between([], [])) == []


def test_reasons_for_gaps() -> None:
    spans = spans_of([float(i) / 2 for i in range(12)])
    seen = {"Person 1": {2: "", 4: "", 9: "face too small"}}
    gaps = [(g.start, g.end, g.reason) for g in find_gaps(spans, [6, 8], seen) if g.person]
    assert gaps == [
        (0.0, 1.0, NOT_YET),
        (1.5, 2.0, HIDDEN),
        (2.5, 3.0, LEFT),
        (3.0, 4.0, OTHER_SHOT),
        (4.0, 4.5, NOT_YET),
        (4.5, 5.0, "face too small"),
        (5.0, 6.0, LEFT),
    ]
    overall = [(g.start, g.end, g.reason) for g in find_gaps(spans, [6, 8], seen) if g.person is None]
    assert overall == [
        (0.0, 1.0, NOBODY),
        (1.5, 2.0, NOBODY),
        (2.5, 4.5, NOBODY),
        (4.5, 5.0, "face too small"),
        (5.0, 6.0, NOBODY),
    ]


class _Slow(SquareDetector):
    """Takes a moment over some pictures, so that threads meet in another order."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._chance = random.Random(seed)

    def detect(self, images: Sequence[Image]) -> list[list[Detection]]:
        time.sleep(self._chance.random() / 100)
        return super().detect(images)


def test_readings_do_not_depend_on_which_thread_is_faster(reader: BrightnessReader) -> None:
    def hurried(seed: int) -> Iterator[Frame]:
        chance = random.Random(seed)
        for frame in _frames(*[150, 160, None, 170] * 12):
            time.sleep(chance.random() / 200)
            yield frame

    first, *others = (read_faces(hurried(n), reader, detector=_Slow(-n), batch=4) for n in range(4))
    assert first.observations
    assert all(other == first for other in others)


def test_an_error_in_any_thread_ends_all(squares: SquareDetector, reader: BrightnessReader) -> None:
    def broken() -> Iterator[Frame]:
        yield from _frames(*[150] * 9)
        raise OSError("no more pictures")

    class Breaking(SquareDetector):
        def detect(self, images: Sequence[Image]) -> list[list[Detection]]:
            raise RuntimeError("no search")

    class Wordless(BrightnessReader):
        def logits(self, items: Sequence[Image]) -> Floats:
            raise ArithmeticError("no reading")

    before = threading.active_count()
    for frames, detector, judge, message in (
        (broken(), squares, reader, "no more pictures"),
        (iter(_frames(*[150] * 90)), Breaking(), reader, "no search"),
        (iter(_frames(*[150] * 90)), squares, Wordless(), "no reading"),
    ):
        with pytest.raises((OSError, RuntimeError, ArithmeticError), match=message):
            read_faces(frames, judge, detector=detector, batch=4)
    assert threading.active_count() == before
