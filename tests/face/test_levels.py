"""`Levels`: pictures at ever smaller sizes, equal to pooling to the last bit however they are made."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image as Pictures
from torch import Tensor
from torch.nn.functional import avg_pool2d

from mer_batch.face import levels as room
from mer_batch.face.levels import Levels, Scaled


def pooled(pixels: Tensor) -> list[Tensor]:
    """All levels, one after the other, by torch's own pooling."""
    levels = [pixels.permute(0, 3, 1, 2).contiguous().float().sub_(127.5).div_(128)]
    while min(levels[-1].shape[2:]) >= 24:
        levels.append(avg_pool2d(levels[-1], 2))
    return levels


@pytest.mark.parametrize("size", [(1, 97, 203), (3, 250, 131), (1, 24, 24), (2, 5, 7)])
def test_every_level_alone_or_after_others_equals_pooling(size: tuple[int, int, int]) -> None:
    pixels = torch.randint(0, 256, (*size, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    wanted = pooled(pixels)
    assert Levels(pixels).sizes == [tuple(level.shape[2:]) for level in wanted]
    in_order = Levels(pixels)
    for number, level in enumerate(wanted):
        assert torch.equal(Levels(pixels)[number], level)
        assert torch.equal(in_order[number], level)


def test_a_level_beyond_exact_sums_is_made_from_the_one_above(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "_EXACT", 1)
    pixels = torch.randint(0, 256, (1, 197, 203, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    levels = Levels(pixels)
    assert torch.equal(levels[3], pooled(pixels)[3])
    assert sorted(levels._made) == [1, 2, 3]


@pytest.mark.parametrize("scale", [1.0, 0.8, 0.57, 0.533, 0.37])
def test_crops_of_a_scaled_picture_are_those_of_all_of_it(scale: float) -> None:
    image = np.random.default_rng(3).integers(0, 256, (331, 487, 3), dtype=np.uint8)
    size = (round(487 * scale), round(331 * scale))
    whole = np.asarray(Pictures.fromarray(image).resize(size, Pictures.Resampling.BOX)) if scale < 1 else image
    levels, parts = Levels(torch.from_numpy(whole.copy())[None]), Scaled(image, scale, torch.device("cpu"))
    assert parts.sizes == levels.sizes
    for level, (height, width) in list(enumerate(levels.sizes))[:3]:
        corners = [(0, 0, width, height), (0, 0, 9.3, 7.7), (width - 8.4, height - 20.1, width, height)]
        corners += [(3.3, 4.7, width / 2 + 0.1, height / 3), (width / 2, height / 2, width / 2 + 1, height / 2 + 1)]
        regions = torch.tensor([(0.0, *corner) for corner in corners])
        apart = (parts.crops(level, regions, 24) - levels.crops(level, regions, 24)).abs()
        # In noise one line of pixels that is another's shows; elsewhere hardly.
        assert float(apart[:4].mean()) < 2e-3
    assert torch.equal(parts[0], levels[0])
