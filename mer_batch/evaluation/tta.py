"""Test-time augmentation: the same item seen in several ways, readings averaged."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mer_batch.errors import UsageError
from mer_batch.evaluation.run import Views
from mer_batch.types import Image, Modality

INSET = 0.08
"""Share of the side that a corner view leaves out."""


def five_crops(pictures: Sequence[Image]) -> list[Sequence[Image]]:
    """The whole picture and its four corner crops; with the reader's own mirroring this is ten-crop.

    Source: Krizhevsky, Sutskever & Hinton (2012), "ImageNet classification with deep CNNs", section 4.1.
    """
    return [list(pictures), *([_corner(picture, down, right) for picture in pictures] for down, right in _CORNERS)]


_CORNERS = ((False, False), (False, True), (True, False), (True, True))


def _corner(picture: Image, down: bool, right: bool) -> Image:
    height, width = picture.shape[:2]
    rows, columns = round(height * INSET), round(width * INSET)
    top, left = rows * down, columns * right
    return np.ascontiguousarray(picture[top : height - rows + top, left : width - columns + left])


def views_for(modality: Modality) -> Views:
    """The views of a modality. Raises `UsageError` where none make sense."""
    if modality != "face":
        raise UsageError(f"--tta has no views for {modality}; leave it out")
    return five_crops
