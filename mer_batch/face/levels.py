"""Pictures at ever smaller sizes, as the three networks of MTCNN look at them."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Final

import numpy as np
import torch
from torch import Tensor

from mer_batch.face.operators import roi_align
from mer_batch.types import Image

CELL: Final = 12
"""P-Net looks at windows of 12 pixels."""
_EXACT: Final = 7  # halvings after which sums of pixels still fit into the 24 bits of a float


class Levels:
    """Frames as the three networks were trained on, at ever smaller sizes, each made when it is asked for.

    Level k holds pictures (n, 3, h, w) around 0 at a 2**k-th of the size. A known face needs one level only. Each is
    the mean over squares of pixels to the last bit, whichever level it is made from.
    """

    def __init__(self, pixels: Tensor) -> None:
        """`pixels` (n, h, w, 3) of 0..255."""
        self._given = pixels
        self._begin(int(pixels.shape[1]), int(pixels.shape[2]), pixels.device)

    def _begin(self, height: int, width: int, device: torch.device) -> None:
        self.device = device
        """Where the frames are."""
        self.sizes = [(height, width)]
        """Rows and columns of every level."""
        while min(self.sizes[-1]) >= 2 * CELL:
            height, width = height // 2, width // 2
            self.sizes.append((height, width))
        self._made: dict[int, Tensor] = {}

    @property
    def width_height(self) -> Tensor:
        """The size of the frames in pixels, shape (2,)."""
        height, width = self.sizes[0]
        return torch.tensor([width, height], dtype=torch.float32, device=self.device)

    def __len__(self) -> int:
        return len(self.sizes)

    def crops(self, level: int, regions: Tensor, size: int) -> Tensor:
        """Regions of a level as `roi_align` cuts them."""
        return roi_align(self[level], regions, size)

    def __getitem__(self, level: int) -> Tensor:
        if level not in self._made:
            above = self._made.get(level - 1) if level <= _EXACT else self[level - 1]
            self._made[level] = self._mean(level) if above is None else _halved(above)
        return self._made[level]

    def _mean(self, level: int) -> Tensor:
        return _mean(self._pixels, level, *self.sizes[level])

    @cached_property
    def _pixels(self) -> Tensor:
        return self._given


def _mean(pixels: Tensor, level: int, height: int, width: int) -> Tensor:
    """A level from the pixels: rows first, which lie together, and channels apart only where little is left."""
    step = 2**level
    rows = [pixels[:, first : height * step : step, : width * step] for first in range(step)]
    total = _sum(rows, rows[0].float() if level else rows[0]).permute(0, 3, 1, 2)
    total = total.to(torch.float32, memory_format=torch.contiguous_format)
    if level:
        columns = [total[..., first::step] for first in range(step)]
        total = _sum(columns, columns[0].clone()).div_(step * step)
    return total.sub_(127.5).div_(128)


def _sum(parts: list[Tensor], first: Tensor) -> Tensor:
    """The sum of all parts in `first`, a copy of the first of them; many times faster than pooling on a CPU."""
    for part in parts[1:]:
        first += part
    return first


def _halved(level: Tensor) -> Tensor:
    """Pictures at half the size: the mean of 2 x 2 pixels, rounded as `avg_pool2d` does."""
    height, width = level.shape[2] // 2 * 2, level.shape[3] // 2 * 2
    upper, lower = level[:, :, 0:height:2, :width], level[:, :, 1:height:2, :width]
    total = upper[..., 0::2] + upper[..., 1::2]
    return total.add_(lower[..., 0::2]).add_(lower[..., 1::2]).div_(4)


class Scaled(Levels):
    """The levels of one picture that is scaled down; for crops only what lies under them is.

    Its pixels are those that Pillow's box filter makes of the whole picture but for its rounding: a grey level, and
    whose a pixel is in the middle of which others begin.
    """

    def __init__(self, image: Image, scale: float, device: torch.device) -> None:
        """`image` (h, w, 3) uint8; `scale` at most 1."""
        height, width = image.shape[:2]
        self._image = image
        self._size = (max(1, round(width * scale)), max(1, round(height * scale))) if scale < 1 else (width, height)
        self._begin(self._size[1], self._size[0], device)

    @cached_property
    def _pixels(self) -> Tensor:
        return self._part(0, 0, *self._size)

    def crops(self, level: int, regions: Tensor, size: int) -> Tensor:
        """See `Levels.crops`."""
        if level > _EXACT:
            return super().crops(level, regions, size)
        step, (rows, columns) = 2**level, self.sizes[level]
        cut = []
        for _, left, top, right, bottom in regions.tolist():
            # Between pixels values are interpolated, for which a pixel more is needed on each side.
            x, y = max(math.floor(left) - 1, 0), max(math.floor(top) - 1, 0)
            after_x, after_y = min(math.ceil(right) + 1, columns), min(math.ceil(bottom) + 1, rows)
            part = self._part(x * step, y * step, after_x * step, after_y * step)
            place = torch.tensor([[0.0, left - x, top - y, right - x, bottom - y]], device=self.device)
            cut.append(roi_align(_mean(part, level, after_y - y, after_x - x), place, size))
        return torch.cat(cut)

    def _part(self, left: int, top: int, right: int, bottom: int) -> Tensor:
        """A part of the scaled picture, shape (1, h, w, 3)."""
        from PIL import Image as Pictures

        (height, width), (wide, tall) = self._image.shape[:2], self._size
        if (wide, tall) == (width, height):
            found = self._image[top:bottom, left:right]
        else:
            across, down = width / wide, height / tall
            # What the filter can reach, and no more, is given to Pillow, which copies all of it.
            column, row = max(math.floor(left * across) - 2, 0), max(math.floor(top * down) - 2, 0)
            near = self._image[row : math.ceil(bottom * down) + 2, column : math.ceil(right * across) + 2]
            box = (left * across - column, top * down - row, right * across - column, bottom * down - row)
            picture = Pictures.fromarray(near).resize((right - left, bottom - top), Pictures.Resampling.BOX, box=box)
            found = np.asarray(picture)
        return torch.from_numpy(np.array(found))[None].to(self.device)
