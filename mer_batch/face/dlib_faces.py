"""Who somebody is by dlib's face recognition network: 128 numbers a face, from weights that pip installs.

The network (`dlib_face_recognition_resnet_model_v1`, CC0, Davis King) comes with the package face-recognition-models,
which is never imported: it asks for pkg_resources, which new Pythons do not have. Its file is found by the list of
installed files and checked by hash, and torch runs it (`nets.dlib_resnet`): dlib itself takes fifteen times as long.
Faces are laid on the network's template by their five landmarks.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from mer_batch.errors import ModelError
from mer_batch.face.detect import Detection
from mer_batch.face.identity import Embedder
from mer_batch.files import known_sum
from mer_batch.types import Floats, Image

if TYPE_CHECKING:
    from mer_batch.nets.dlib_resnet import DlibResNet

PACKAGE: Final = "face-recognition-models"
_FILE: Final = "dlib_face_recognition_resnet_model_v1.dat"
SHA256: Final = "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30"
SIDE: Final = 150
"""Pixels of the picture of a face that the network takes."""
_TEMPLATE: Final = np.array([(47.7, 46.0), (101.8, 46.0), (74.6, 77.4), (52.0, 106.6), (97.4, 106.6)])
"""Eyes, nose tip and corners of the mouth there: medians of our landmarks on 613 faces that dlib's own five-point
predictor had laid on its template."""


class DlibEmbedder(Embedder):
    """dlib's network of 2017, 7 ms a face on one processor. Raises `ModelError` for damaged weights."""

    name = "dlib"
    same = 0.48
    """Of means of five pictures of all people in `benchmarks/identity.py`, both parts: 99 of 100 of one person are
    nearer than 0.45, of two people none. dlib's own 0.6 is for one picture each of many thousands of people."""

    def __init__(self) -> None:
        path = weights_file()
        if path is None:
            raise ModelError(f"face recognition needs weights; run: pip install {PACKAGE}")
        if known_sum(path) != SHA256:
            raise ModelError(f"the face recognition weights {path} are damaged; {AGAIN}")
        self._path = path

    def cut(self, image: Image, face: Detection) -> Image:
        """See `Embedder.cut`."""
        height, width = image.shape[:2]
        return _laid(image, np.array([(x * width, y * height) for x, y in face.landmarks]))

    def embed(self, crops: Sequence[Image]) -> Floats:
        """See `Embedder.embed`."""
        import torch

        if not crops:
            return np.zeros((0, 128), np.float32)
        pictures = torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2).float()
        with torch.inference_mode():
            vectors: Floats = _net(self._path)(pictures).numpy()
        return vectors


@lru_cache(maxsize=1)
def _net(path: Path) -> DlibResNet:
    """The network, loaded when the first face is to be told, once a process."""
    from mer_batch.nets.dlib_resnet import read_dlib

    return read_dlib(path.read_bytes())


AGAIN: Final = f"run: pip install --force-reinstall {PACKAGE}"


@lru_cache(maxsize=1)
def weights_file() -> Path | None:
    """Where pip has put the weights (22 MB); None where the package is not installed or has lost them."""
    try:
        files = metadata.files(PACKAGE) or ()
    except metadata.PackageNotFoundError:
        return None
    found = next((Path(str(file.locate())) for file in files if file.name == _FILE), None)
    return found if found is not None and found.is_file() else None


def _laid(image: Image, points: NDArray[np.float64]) -> Image:
    """A face turned, grown and moved so that its landmarks lie on the template as well as they can (least squares)."""
    from PIL import Image as Pictures

    here, there = points[:, 0] + 1j * points[:, 1], _TEMPLATE[:, 0] + 1j * _TEMPLATE[:, 1]
    spread = there - there.mean()
    # Read backwards: a pixel of the template at p is the pixel turn * p + shift of the picture.
    turn = np.vdot(spread, here - here.mean()) / np.vdot(spread, spread).real
    shift = here.mean() - turn * there.mean()
    corners = turn * np.array([0, SIDE, SIDE * 1j, SIDE * (1 + 1j)]) + shift
    left, top = max(int(corners.real.min()) - 2, 0), max(int(corners.imag.min()) - 2, 0)
    part = image[top : max(int(corners.imag.max()) + 3, top + 1), left : max(int(corners.real.max()) + 3, left + 1)]
    if not part.size:
        return np.zeros((SIDE, SIDE, 3), np.uint8)
    picture, shift = Pictures.fromarray(part), shift - complex(left, top)
    shrink = int(abs(turn))
    if shrink > 1:  # linear interpolation alone would leave pixels out
        picture, turn, shift = picture.reduce(shrink), turn / shrink, shift / shrink
    way = (turn.real, -turn.imag, shift.real, turn.imag, turn.real, shift.imag)
    return np.asarray(picture.transform((SIDE, SIDE), Pictures.Transform.AFFINE, way, Pictures.Resampling.BILINEAR))
