"""Small pictures are the same wherever a film is divided, and show what they say."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image as Pictures

from mer_batch.face.glimpses import HEIGHT, Glimpse, GlimpseKeeper, both, small_picture
from mer_batch.types import Box, Frame, Image

BOX: Box = (0.25, 0.25, 0.75, 0.75)
CUTS = (0, 12, 31, 32)
"""Frames, five a second, that begin a shot."""


def painted(number: int) -> Image:
    image = np.zeros((120, 160, 3), np.uint8)
    image[:] = (number * 3, 100, 200 - number)
    return image


def kept(first: int, last: int, own: int, trails: dict[int, range], damaged: int = -1) -> tuple[Glimpse, ...]:
    """What is kept of frames `first` to `last`, of which those from `own` on are a piece's own."""
    keeper = GlimpseKeeper(begun=first > 0)
    for number in range(first, last):
        frame = Frame(number / 5, painted(number), float(number == damaged))
        faces = [(trail, BOX) for trail, frames in trails.items() if number in frames]
        keeper.see(frame, number in CUTS[1:], faces, own=number >= own)
    return keeper.finish()


@pytest.mark.parametrize("joint", range(8, 40))
def test_two_pieces_keep_what_the_whole_keeps(joint: int) -> None:
    whole = kept(0, 50, 0, {4: range(12, 50), 9: range(30)})
    first = kept(0, joint, 0, {4: range(12, 50), 9: range(30)})
    second = kept(max(joint - 7, 0), 50, joint, {0: range(12, 50), 1: range(30)})
    assert both(first, second, {0: 4, 1: 9}) == whole


def test_every_half_second_shows_a_face_and_every_shot_itself() -> None:
    found = kept(0, 50, 0, {4: range(12, 50)}, damaged=12)
    faces = [one.time for one in found if one.trail == 4]
    assert faces[:3] == [2.6, 3.0, 3.6]  # the first whole frame of each half second
    shots = [(one.cell, one.time) for one in found if one.trail is None]
    assert shots == [(0.0, 1.0), (2.4, 3.4), (6.2, 6.2), (6.4, 7.4)]


def decoded(picture: bytes) -> Iterator[int]:
    image = Pictures.open(io.BytesIO(picture))
    yield from (image.width, image.height, *np.asarray(image).mean((0, 1)).round().astype(int).tolist())


@pytest.mark.parametrize(
    ("size", "box", "shown"),
    [
        ((720, 1280), None, (171, HEIGHT)),
        ((1280, 720), None, (54, HEIGHT)),
        ((40, 60), None, (60, 40)),
        ((720, 1280), (0.4, 0.3, 0.6, 0.7), (HEIGHT, HEIGHT)),  # what is around a face is square
        ((720, 1280), (0.99, 0.99, 1.0, 1.0), (16, 13)),
    ],
)
def test_a_picture_is_small_and_shows_the_face_alone(
    size: tuple[int, int], box: Box | None, shown: tuple[int, int]
) -> None:
    image = np.zeros((*size, 3), np.uint8)
    image[:] = (200, 100, 50)
    wide, tall, *colour = decoded(small_picture(image, box))
    assert max(tall, wide / 2) <= HEIGHT
    assert np.abs(np.subtract(colour, (200, 100, 50))).max() <= 3
    assert (wide, tall) == shown
