"""Fixtures of the face stage: toy parts, and a real portrait moved about with known truth."""

from __future__ import annotations

import numpy as np
import pytest

from face.fakes import BrightnessReader, SquareDetector
from mer_batch.types import Frame, Image


@pytest.fixture
def squares() -> SquareDetector:
    return SquareDetector()


@pytest.fixture
def reader() -> BrightnessReader:
    return BrightnessReader()


@pytest.fixture(scope="session")
def portrait() -> Image:
    """The public-domain portrait of Eileen Collins: head and shoulders, 256 x 256."""
    from skimage.data import astronaut

    return np.ascontiguousarray(astronaut()[:256, 96:352])


@pytest.fixture(scope="session")
def scene(portrait: Image) -> list[Frame]:
    """14 s at 5 fps, 320 x 180: leaves at 3 s, is back from 6.5 s; cuts at 9 s to an empty room and at 12 s back."""
    return [Frame(time / 5, _picture(time / 5, portrait)) for time in range(70)]


def _picture(time: float, portrait: Image) -> Image:
    small = portrait[::2, ::2]
    if 9 <= time < 12:
        return _room((150, 40, 60), stripes=9)
    if time >= 12:
        return _pasted(_room((150, 40, 60), stripes=9), small, 20)
    if time < 2.4:
        x = 40 + int(30 * time)
    elif time < 6:
        x = 112 + int(170 * (time - 2.4))
    else:
        x = max(100, 320 - int(280 * (time - 6)))
    return _pasted(_room((70, 90, 110), stripes=4), small, x)


def _room(colour: tuple[int, int, int], stripes: int) -> Image:
    picture = np.empty((180, 320, 3), np.uint8)
    picture[:] = colour
    picture[:, :: 320 // stripes] //= 2
    picture[40 + 5 * stripes :, : 20 * stripes] += 40
    return picture


def _pasted(picture: Image, portrait: Image, x: int) -> Image:
    width = max(0, min(portrait.shape[1], 320 - x))
    picture[40 : 40 + portrait.shape[0], x : x + width] = portrait[:140, :width]
    return picture
