"""`Levels`: pictures at ever smaller sizes, equal to pooling to the last bit however they are made."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from mer_batch.face import cascade
from mer_batch.face.cascade import Levels


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
    monkeypatch.setattr(cascade, "_EXACT", 1)
    pixels = torch.randint(0, 256, (1, 197, 203, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    levels = Levels(pixels)
    assert torch.equal(levels[3], pooled(pixels)[3])
    assert sorted(levels._made) == [1, 2, 3]
