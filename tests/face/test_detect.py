"""Detectors: one contract for all of them, and the real cascade on a real portrait."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Pictures

from face.fakes import SquareDetector, five_points
from mer_batch.face import views as views_room
from mer_batch.face.cascade import _pyramid
from mer_batch.face.detect import GLANCED, CascadeDetector, Detection, Detector, area, overlap
from mer_batch.face.views import Views
from mer_batch.types import Image

# Where the face of the portrait fixture is, by eye (fractions of the 256 x 256 picture).
FACE = (0.31, 0.22, 0.71, 0.80)


@pytest.fixture(scope="module")
def cascade() -> CascadeDetector:
    return CascadeDetector("cpu")


@pytest.fixture(params=["squares", "cascade"])
def detector(request: pytest.FixtureRequest) -> Detector:
    return request.getfixturevalue(request.param)


def _wide(portrait: Image, left: int, height: int = 256) -> Image:
    """The portrait in a wide picture, a red square over its corner for the toy detector."""
    picture = np.full((height, 480, 3), 90, np.uint8)
    picture[:256, left : left + 256] = portrait
    return picture


def _marked(picture: Image, box: tuple[int, int, int, int]) -> Image:
    picture = picture.copy()
    picture[box[1] : box[3], box[0] : box[2]] = (255, 0, 0)
    return picture


@pytest.fixture
def pictures(detector: Detector, portrait: Image) -> list[Image]:
    """A face on the left, nobody, a face on the right in a picture of another size."""
    left, right = _wide(portrait, 0), _wide(portrait, 224, height=300)
    if isinstance(detector, SquareDetector):
        left, right = _marked(left * 0, (80, 60, 180, 200)), _marked(right * 0, (304, 60, 404, 200))
    return [left, np.full((256, 480, 3), 90, np.uint8), right]


def test_contract_one_list_per_picture(detector: Detector, pictures: list[Image]) -> None:
    found = detector.detect(pictures)
    assert [len(faces) for faces in found] == [1, 0, 1]
    assert found[0][0].box[2] < 0.5 < found[2][0].box[0]
    for faces in found:
        for face in faces:
            assert 0 <= face.score <= 1
            left, top, right, bottom = face.box
            assert all(left < x < right and top < y < bottom for x, y in face.landmarks)


def test_contract_pictures_do_not_influence_each_other(detector: Detector, pictures: list[Image]) -> None:
    together = detector.detect(pictures)
    for picture, faces in zip(pictures, together, strict=True):
        alone = detector.detect([picture])[0]
        assert [overlap(a.box, b.box) for a, b in zip(alone, faces, strict=True)] == pytest.approx(
            [1.0] * len(faces), abs=0.02
        )


def test_contract_no_pictures(detector: Detector) -> None:
    assert detector.detect([]) == []


def test_no_candidates_pass_no_stage(cascade: CascadeDetector) -> None:
    nets, views = cascade._cascade, Views([np.zeros((64, 64, 3), np.uint8)], torch.device("cpu"))
    nothing = nets.propose(views, min_face=100)
    assert len(nothing.scores) == 0
    for stage in (nets.filter, nets.answer, nets.locate):
        assert stage(views, nothing).points.shape == (0, 5, 2)


def test_contract_refine_follows_a_small_move(detector: Detector, pictures: list[Image]) -> None:
    face = detector.detect(pictures[:1])[0][0]
    moved = tuple(edge + 0.01 for edge in face.box)
    again = detector.refine(pictures[0], [moved])[0]
    assert again is not None
    assert overlap(again.box, face.box) > 0.8


def test_contract_refine_says_when_the_face_is_gone(detector: Detector, pictures: list[Image]) -> None:
    face = detector.detect(pictures[:1])[0][0]
    assert detector.refine(pictures[1], [face.box, face.box]) == [None, None]
    assert detector.refine(pictures[0], []) == []


def test_cascade_finds_the_portrait(cascade: CascadeDetector, portrait: Image) -> None:
    (face,) = cascade.detect([portrait])[0]
    assert face.score > 0.99
    assert overlap(face.box, FACE) > 0.6
    left_eye, right_eye, nose, mouth_left, mouth_right = face.landmarks
    assert left_eye[0] < nose[0] < right_eye[0]
    assert left_eye[1] < nose[1] < mouth_left[1]
    assert mouth_left[0] < mouth_right[0]


def test_cascade_agrees_with_facenet_pytorch(cascade: CascadeDetector, portrait: Image) -> None:
    from facenet_pytorch import MTCNN

    theirs = MTCNN(keep_all=True).detect(portrait)[0]
    (ours,) = CascadeDetector("cpu", min_face=20).detect([portrait])[0]
    assert len(theirs) == 1
    assert overlap(ours.box, tuple(theirs[0] / 256)) > 0.85


def test_refining_again_and_again_does_not_drift(cascade: CascadeDetector, portrait: Image) -> None:
    first = box = cascade.detect([portrait])[0][0].box
    for _ in range(20):
        (face,) = cascade.refine(portrait, [box])
        assert face is not None
        box = face.box
    assert overlap(first, box) > 0.8


def test_refine_finds_a_face_that_moved_by_a_quarter(cascade: CascadeDetector, portrait: Image) -> None:
    face = cascade.detect([portrait])[0][0]
    step = 0.25 * (face.box[2] - face.box[0])
    left, top, right, bottom = face.box
    (again,) = cascade.refine(portrait, [(left - step, top, right - step, bottom)])
    assert again is not None
    assert overlap(again.box, face.box) > 0.7


def test_refining_in_a_corner_of_a_large_picture(cascade: CascadeDetector, portrait: Image) -> None:
    wide = np.full((900, 1600, 3), 120, np.uint8)
    wide[500:756, 1300:1556] = portrait
    (face,) = cascade.detect([wide])[0]
    (again,) = cascade.refine(wide, [face.box])
    assert again is not None
    assert overlap(again.box, face.box) > 0.8
    assert cascade.refine(wide, [(1.5, 0.2, 1.6, 0.4), (-0.5, -0.5, -0.3, -0.2)]) == [None, None]


def test_large_pictures_are_searched_at_a_small_size(cascade: CascadeDetector, portrait: Image) -> None:
    large = np.kron(portrait, np.ones((6, 6, 1), np.uint8))
    assert _pyramid(1536, 1536, cascade._smallest(1536, 1536))[0] == (288, 288)
    (face,) = cascade.detect([large])[0]
    assert overlap(face.box, FACE) > 0.6


@pytest.mark.parametrize("size", [(720, 1280), (1080, 1920), (360, 640), (250, 333)])
def test_at_a_glance_only_small_faces_are_missed(
    cascade: CascadeDetector, portrait: Image, size: tuple[int, int]
) -> None:
    def with_face(share: float) -> Image:
        """The portrait, of which the face fills 0.58, so that it takes a share of the picture's shorter side."""
        side = round(share * min(size) / 0.58)
        picture = np.full((*size, 3), 120, np.uint8)
        picture[10 : 10 + side, 30 : 30 + side] = Pictures.fromarray(portrait).resize((side, side))
        return picture

    large, small = with_face(1.1 * GLANCED), with_face(1.2 * cascade._smallest(*size) / min(size))
    ((seen,),) = cascade.detect([large])
    ((glanced,),) = cascade.glance([large])
    assert overlap(seen.box, glanced.box) > 0.7
    assert [len(faces) for faces in cascade.detect([small])] == [1]
    if min(size) > 300:  # of a smaller picture no less is searched
        assert cascade.glance([small]) == [[]]


def test_pictures_searched_together_give_what_each_gives(
    cascade: CascadeDetector, portrait: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a GPU, where all of a batch are made smaller at once, as floats."""
    pictures = [_wide(portrait, 0), np.full((256, 480, 3), 90, np.uint8), _wide(portrait, 224)]
    alone = cascade.detect(pictures)
    monkeypatch.setattr(views_room, "Views", partial(Views, together=True))
    together = cascade.detect(pictures)
    assert [len(faces) for faces in together] == [len(faces) for faces in alone] == [1, 0, 1]
    for one, other in zip(alone, together, strict=True):
        for face, same in zip(one, other, strict=True):
            assert overlap(face.box, same.box) > 0.97
            assert face.score == pytest.approx(same.score, abs=0.01)


def test_pictures_smaller_than_any_face(cascade: CascadeDetector) -> None:
    assert cascade.detect([np.zeros((9, 30, 3), np.uint8), np.zeros((1, 1, 3), np.uint8)]) == [[], []]


def test_bad_values_are_refused() -> None:
    with pytest.raises(ValueError, match="left < right"):
        Detection((0.5, 0.1, 0.4, 0.2), five_points((0.4, 0.1, 0.5, 0.2)), 0.9)
    with pytest.raises(ValueError, match="five landmarks"):
        Detection((0.1, 0.1, 0.4, 0.2), (), 0.9)
    with pytest.raises(ValueError, match="min_face"):
        CascadeDetector("cpu", min_face=5)


def test_overlap_and_area() -> None:
    assert overlap((0, 0, 2, 2), (1, 0, 3, 2)) == pytest.approx(1 / 3)
    assert overlap((0, 0, 1, 1), (1, 1, 2, 2)) == 0
    assert area((0.1, 0.2, 0.3, 0.7)) == pytest.approx(0.1)


def test_stills_recall_is_not_below_facenet_pytorch(shared_data: Path) -> None:
    """A sample of the benchmark: two crowded pictures."""
    from facenet_pytorch import MTCNN

    mine, theirs = CascadeDetector("cpu", min_face=20), MTCNN(keep_all=True)
    for name in ("dlib_2008_002079.jpg", "wider416_8_Election_Campain_Election_Campaign_8_32.jpg"):
        picture = np.asarray(Pictures.open(shared_data / "media" / "stills" / name).convert("RGB"))
        assert len(mine.detect([picture])[0]) >= len(theirs.detect(picture)[0])
