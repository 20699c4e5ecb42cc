"""One face takes the place of another before the same backdrop: two people, although no cut is seen."""

from __future__ import annotations

import numpy as np
import pytest

from face.fakes import BrightnessReader, GreenEmbedder, SquareDetector, read_faces
from mer_batch.face.mouth import MouthWatcher
from mer_batch.face.read import FaceReadings
from mer_batch.types import Frame


def film(greens: list[int], beside: bool = True) -> list[Frame]:
    """Five frames a second; a face of 50 pixels whose green is who it is, which moves by 8 where that changes.

    From the fourth second on somebody stands `beside`; when the face is gone, a third one comes.
    """
    frames = []
    shift = 0
    for number, green in enumerate(greens):
        shift += 8 * (number > 0 and green != greens[number - 1])
        picture = np.full((160, 320, 3), 70, np.uint8)
        faces = [(40 + shift % 16, 30, green)] if number < len(greens) - 8 else [(130, 100, 80)]
        for x, y, shade in [*faces, *([(220, 30, 50)] if beside and number >= 20 else [])]:
            picture[y : y + 50, x : x + 50] = (255, shade, 0)
            # Something to see, so that the face is not called blurred.
            picture[y : y + 50 : 4, x : x + 50, 1] = shade + 2
        frames.append(Frame(number / 5, picture))
    return frames


def read(frames: list[Frame], batch: int = 16, mouths: bool = False) -> FaceReadings:
    class Marked(SquareDetector):
        """Scores do not depend on the green."""

        def detect(self, images):  # type: ignore[no-untyped-def]
            from dataclasses import replace

            return [[replace(face, score=1.0) for face in faces] for faces in super().detect(images)]

    return read_faces(
        frames,
        BrightnessReader(),
        detector=Marked(),
        embedder=GreenEmbedder(),
        batch=batch,
        watcher=MouthWatcher(5) if mouths else None,
    )


@pytest.mark.parametrize("batch", [1, 16, 64])
def test_who_takes_the_place_of_another_has_a_number_of_their_own(batch: int) -> None:
    found = read(film([2] * 13 + [22] * 38), batch)
    spans = {person.name: person.spans for person in found.people}
    assert spans["Person 1"] == ((0.0, pytest.approx(2.6)),)
    assert spans["Person 2"][0][0] == pytest.approx(2.6)
    assert len(spans) == 4
    assert [shot.start for shot in found.shots][:2] == pytest.approx([0, 2.6])
    readings = {reading.person for reading in found.observations if reading.end <= 2.6}
    assert readings == {"Person 1"}


def test_who_comes_back_so_is_known_again() -> None:
    found = read(film([2] * 20 + [22] * 20 + [2] * 28), mouths=True)
    assert len(found.people) == 4
    assert found.people[0].spans == ((0.0, pytest.approx(4.0)), (pytest.approx(8.0), pytest.approx(12.0)))


def test_somebody_who_goes_on_is_no_cut() -> None:
    found = read(film([2] * 30 + [22] * 30))
    assert len(found.people) == 4
    assert 6.0 not in [round(shot.start, 3) for shot in found.shots]


def test_one_face_stays_one() -> None:
    assert len(read(film([2] * 60)).people) == 3
