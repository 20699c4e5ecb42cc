"""Crops: framing, edges, alignment."""

from __future__ import annotations

import numpy as np
import pytest

from face.fakes import five_points
from mer_batch.face.crop import _cut, crop_face

GRADIENT = np.broadcast_to(np.arange(200, dtype=np.uint8)[None, :, None], (100, 200, 3)).copy()


def test_a_crop_shows_the_box_and_nothing_else() -> None:
    crop = crop_face(GRADIENT, (0.25, 0.25, 0.5, 0.75), {"size": 50})
    assert crop.shape == (50, 50, 3)
    assert crop.dtype == np.uint8
    assert crop[0, :, 0].astype(int) == pytest.approx(np.arange(50, 100), abs=1)


def test_the_longer_side_makes_the_square() -> None:
    crop = crop_face(GRADIENT, (0.45, 0.1, 0.55, 0.9), {"size": 80})
    assert crop[0, [0, -1], 0].astype(int) == pytest.approx([60, 139], abs=1)
    stretched = crop_face(GRADIENT, (0.45, 0.1, 0.55, 0.9), {"size": 80, "square": False})
    assert stretched[0, [0, -1], 0].astype(int) == pytest.approx([90, 109], abs=1)


@pytest.mark.parametrize(("margin", "first", "last"), [(0.5, 25, 124), (-0.1, 55, 94)])
def test_the_margin_grows_or_shrinks_each_side(margin: float, first: int, last: int) -> None:
    crop = crop_face(GRADIENT, (0.25, 0.25, 0.5, 0.75), {"size": 50, "margin": margin})
    assert crop[0, [0, -1], 0].astype(int) == pytest.approx([first, last], abs=2)


def test_the_shift_moves_down_by_a_share_of_the_height() -> None:
    upright = np.ascontiguousarray(GRADIENT.transpose(1, 0, 2))
    box = (0.25, 0.25, 0.75, 0.5)
    moved = crop_face(upright, box, {"size": 50, "shift": 0.2})
    assert moved[[0, -1], 0, 0].astype(int) == pytest.approx([60, 109], abs=1)


def test_the_edge_is_repeated_outside_the_picture() -> None:
    crop = crop_face(GRADIENT, (-0.25, 0.25, 0.25, 1.25), {"size": 100})
    assert (crop[:, :45, 0] == 0).all()
    assert int(crop[-1, -1, 0]) == pytest.approx(49, abs=1)


def test_shrinking_averages_areas() -> None:
    checks = np.indices((96, 96)).sum(0) % 2 * 255
    picture = np.repeat(checks[..., None], 3, 2).astype(np.uint8)
    crop = crop_face(picture, (0, 0, 1, 1), {"size": 24})
    assert crop.mean() == pytest.approx(127.5, abs=1)
    assert crop.std() < 2


def test_enlarging_interpolates() -> None:
    crop = crop_face(GRADIENT, (0.5, 0.4, 0.55, 0.5), {"size": 60})
    steps = np.diff(crop[0, :, 0].astype(int))
    assert steps.min() >= 0
    assert steps.max() <= 1


def test_alignment_levels_the_eyes() -> None:
    picture = np.zeros((200, 200, 3), np.uint8)
    picture[78:83, 68:73] = 255  # left eye
    picture[118:123, 128:133] = 255  # right eye, lower
    eyes = ((0.3525, 0.4025), (0.6525, 0.6025))
    points = (*eyes, *five_points((0.2, 0.2, 0.8, 0.8))[2:])
    crop = crop_face(picture, (0.2, 0.2, 0.8, 0.8), {"size": 120, "align": True}, points)
    bright = crop[..., 0] > 100
    left, right = bright[:, :60].nonzero()[0].mean(), bright[:, 60:].nonzero()[0].mean()
    assert left == pytest.approx(right, abs=1.5)


def test_a_monstrous_box_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot cut"):
        crop_face(GRADIENT, (-50, 0, 50, 1), {"size": 48})


@pytest.mark.parametrize("top", [-40, -12, -3, 0, 4, 18, 40])
@pytest.mark.parametrize("left", [-70, -12, -1, 0, 5, 28, 60])
@pytest.mark.parametrize("side", [1, 12, 50])
def test_outside_the_picture_the_nearest_pixel_stands_in(top: int, left: int, side: int) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    rows = np.clip(np.arange(top, top + side), 0, 19)
    columns = np.clip(np.arange(left, left + side), 0, 29)
    assert np.array_equal(_cut(picture, left, top, left + side, top + side), picture[rows[:, None], columns])
