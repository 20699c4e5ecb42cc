"""Faces from picture files, as labelled sets have them: crops already, or whole portraits."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np

from mer_batch.face.crop import crop_face
from mer_batch.face.detect import CascadeDetector, Detection, area
from mer_batch.media.pictures import read_picture
from mer_batch.types import Image

SMALLEST: Final = 80
"""Pixels of the shorter side under which a picture is taken for a face crop without looking."""
LARGEST: Final = 1280
"""Pixels of the longer side to which a picture is shrunk before faces are searched."""


class StillReader:
    """Reads picture files as the crops that a model's card asks for.

    A small picture, or one in which no face is found, counts as a crop as it is; in others the largest
    face is cut out as it would be from a video, so that sets with other framings are judged fairly.
    """

    def __init__(self, device: str, card_input: Mapping[str, Any]) -> None:
        self._device, self._input = device, card_input

    @cached_property
    def _detector(self) -> CascadeDetector:
        return CascadeDetector(self._device, min_face=SMALLEST / 2)

    def read(self, path: Path) -> Image:
        """The face in a picture file, RGB. Raises `DataError` for a file that is no picture."""
        return self.frame(read_picture(path).rgb())

    def frame(self, picture: Image) -> Image:
        """The face in a picture, RGB uint8 (height, width, 3), or the picture itself where none is found."""
        face = self.face(picture)
        return shrunk(picture) if face is None else face

    def face(self, picture: Image) -> Image | None:
        """The largest face in a picture, or None where none is found; a small picture is one as it is."""
        picture = shrunk(picture)
        if min(picture.shape[:2]) < SMALLEST:
            return picture
        faces = self.faces(picture)
        return self._cut(picture, max(faces, key=lambda face: area(face.box))) if faces else None

    def faces(self, picture: Image) -> list[Detection]:
        """All faces in a picture of no more than `LARGEST` pixels a side."""
        return self._detector.detect([picture])[0]

    def _cut(self, picture: Image, face: Detection) -> Image:
        framing = {"size": 224} | dict(self._input)  # readers from elsewhere resize for themselves
        return crop_face(picture, face.box, framing, face.landmarks)


def shrunk(picture: Image) -> Image:
    """A picture of which no side is longer than `LARGEST`."""
    from PIL import Image as Pillow

    if max(picture.shape[:2]) <= LARGEST:
        return picture
    small = Pillow.fromarray(picture)
    small.thumbnail((LARGEST, LARGEST))
    return np.asarray(small)
