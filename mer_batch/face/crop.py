"""Cutting faces out of full-resolution frames the way a model's card asks for."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mer_batch.types import Box, Image

_LARGEST_SIDE = 4096.0  # pixels: a box far beyond any frame is a broken detection, not a face


def crop_face(
    image: Image, box: Box, card_input: Mapping[str, Any], landmarks: Sequence[tuple[float, float]] = ()
) -> Image:
    """A face as RGB uint8 of shape (size, size, 3), framed by the input section of a model card.

    Keys read (all lengths are fractions of the box): `size` in pixels; `margin`, by which the region
    grows on each side (negative shrinks); `shift`, by which its centre moves down, of the box's
    height; `square`, on the longer side of the box (default), else the box is stretched;
    `align`, turned so that the eyes lie level (needs `landmarks`). Where the region leaves the
    picture the edge is repeated. Shrinking averages areas, enlarging interpolates linearly.

    Args:
        image: the whole frame.
        box: the detector's box in fractions of the frame; it may reach beyond.
        card_input: the `input` table of the card.
        landmarks: the five points in fractions of the frame, eyes first.
    """
    size = int(card_input["size"])
    centre, half = _region(image, box, card_input)
    angle = _eye_angle(image, landmarks) if card_input.get("align") and landmarks else 0.0
    return _sample(image, centre, half, angle, size)


def _region(image: Image, box: Box, card_input: Mapping[str, Any]) -> tuple[tuple[float, float], tuple[float, float]]:
    """Centre and half sizes, in pixels, of what is to be cut."""
    height, width = image.shape[:2]
    wide, tall = (box[2] - box[0]) * width, (box[3] - box[1]) * height
    centre = (box[0] + box[2]) / 2 * width, (box[1] + box[3]) / 2 * height + float(card_input.get("shift", 0)) * tall
    if card_input.get("square", True):
        wide = tall = max(wide, tall)
    grow = 1 + 2 * float(card_input.get("margin", 0))
    if not (grow > 0 and max(wide, tall) * grow <= _LARGEST_SIDE):
        raise ValueError(f"cannot cut a face of {wide:.0f}x{tall:.0f} pixels with margin {card_input.get('margin', 0)}")
    return centre, (max(wide * grow, 1.0) / 2, max(tall * grow, 1.0) / 2)


def _eye_angle(image: Image, landmarks: Sequence[tuple[float, float]]) -> float:
    """Degrees by which the line between the eyes falls to the right."""
    (left_x, left_y), (right_x, right_y) = landmarks[:2]
    return math.degrees(math.atan2((right_y - left_y) * image.shape[0], (right_x - left_x) * image.shape[1]))


def _sample(image: Image, centre: tuple[float, float], half: tuple[float, float], angle: float, size: int) -> Image:
    from PIL import Image as Pictures

    reach = (math.hypot(*half), math.hypot(*half)) if angle else half
    left, top = math.floor(centre[0] - reach[0]), math.floor(centre[1] - reach[1])
    right, bottom = math.ceil(centre[0] + reach[0]), math.ceil(centre[1] + reach[1])
    picture = Pictures.fromarray(_cut(image, left, top, right, bottom))
    x, y = centre[0] - left, centre[1] - top
    if angle:
        picture = picture.rotate(angle, Pictures.Resampling.BILINEAR, center=(x, y))
    shrinks = 2 * min(half) >= size
    region = (
        max(x - half[0], 0.0),
        max(y - half[1], 0.0),
        min(x + half[0], float(picture.width)),
        min(y + half[1], float(picture.height)),
    )
    method = Pictures.Resampling.BOX if shrinks else Pictures.Resampling.BILINEAR
    return np.asarray(picture.resize((size, size), method, box=region))


def _cut(image: Image, left: int, top: int, right: int, bottom: int) -> Image:
    """The pixels of a rectangle that may leave the picture; the nearest pixel stands in outside."""
    rows, above_below = _within(top, bottom, image.shape[0])
    columns, beside = _within(left, right, image.shape[1])
    inside = image[rows, columns]
    outside = any(above_below + beside)
    return np.pad(inside, (above_below, beside, (0, 0)), mode="edge") if outside else inside


def _within(first: int, after: int, size: int) -> tuple[slice, tuple[int, int]]:
    """What of `first` .. `after` lies in 0 .. `size`, one place at least, and how many are missing on either side."""
    begin, end = min(max(first, 0), size - 1), max(min(after, size), 1)
    before = min(begin - min(first, begin), after - first - 1)
    return slice(begin, end), (before, after - first - (end - begin) - before)
