"""`Views`: pictures made smaller and cut out, as weighted means of what is in them."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch

from mer_batch.face.views import Views
from mer_batch.types import Image

CPU = torch.device("cpu")


def slope(height: int, width: int) -> Image:
    """Red grows downwards, green to the right, from 0 to 255 over the whole picture; blue is half."""
    rows, columns = np.mgrid[0:height, 0:width]
    parts = np.stack([(rows + 0.5) / height, (columns + 0.5) / width, 0 * rows + 0.5], 2)
    return (parts * 255).round().astype(np.uint8)


def wanted(size: int, left: float, top: float, right: float, bottom: float) -> torch.Tensor:
    """A crop of a slope, whose edges are shares of the picture, as the networks see it."""
    middle = (torch.arange(size) + 0.5) / size
    down, across = top + (bottom - top) * middle, left + (right - left) * middle
    parts = [down[:, None].expand(size, size), across[None].expand(size, size), torch.full((size, size), 0.5)]
    return (torch.stack(parts) * 255 - 127.5) / 128


@pytest.mark.parametrize("size", [(97, 203), (24, 24), (720, 1280)])
@pytest.mark.parametrize("together", [False, True])
def test_pyramids_hold_what_is_in_the_pictures(size: tuple[int, int], together: bool) -> None:
    sizes = [(round(size[0] * s), round(size[1] * s)) for s in (0.9, 0.7, 0.44, 0.3, 0.2)]
    pyramids = list(Views([slope(*size), 255 - slope(*size)], CPU, together).pyramids(sizes))
    assert [number for number, _ in pyramids] == ([0] if together else [0, 1])
    for number, (height, width) in enumerate(sizes):
        both = torch.cat([levels[number] for _, levels in pyramids])
        assert both.shape == (2, 3, height, width)
        first, second = both[:1], both[1:]
        expected = ((torch.arange(height) + 0.5) / height * 255 - 127.5) / 128
        inner = slice(height // 5 + 1, -(height // 5) - 1)
        # A grey level twice, and half a pixel of a small picture.
        apart = 2.5 / 128 + 2 / min(size)
        assert (first[0, 0].mean(1) - expected)[inner].abs().max() < apart
        assert (second[0, 0].mean(1) + expected)[inner].abs().max() < apart


@pytest.mark.parametrize("box", [(0, 0, 500, 400), (3, 17, 67, 81), (100, 50, 441, 391), (499, 399, 500, 400)])
@pytest.mark.parametrize("size", [24, 48])
def test_crops_are_taken_from_their_place(box: tuple[int, int, int, int], size: int) -> None:
    views = Views([np.zeros((400, 500, 3), np.uint8), slope(400, 500)], CPU)
    crops = views.crops(torch.tensor([box, box], dtype=torch.float32), torch.tensor([1, 0]), size)
    left, top, right, bottom = box
    expected = wanted(size, left / 500, top / 400, right / 500, bottom / 400)
    assert (crops[0] - expected)[:, 2:-2, 2:-2].abs().max() < 0.03
    assert torch.equal(crops[1], torch.full((3, size, size), -127.5 / 128))


def test_pictures_that_must_not_be_written_to_are_read_without_a_warning() -> None:
    picture = slope(60, 80)
    picture.flags.writeable = False
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        views = Views([picture], CPU)
        assert views.crops(torch.tensor([[0.0, 0.0, 20.0, 20.0]]), torch.tensor([0]), 24).shape == (1, 3, 24, 24)
        assert [len(levels) for _, levels in views.pyramids([(30, 40)])] == [1]
