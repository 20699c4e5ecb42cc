"""What the three networks of MTCNN look at: pictures made smaller, and parts cut out of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from mer_batch.face.scaled import lines
from mer_batch.types import Image


class Views:
    """Pictures (h, w, 3) uint8 of one size, as the networks were trained on them: float32 around 0, channels first.

    Torch's antialiased filter makes them of whole numbers on the processor, which is several times faster than means
    of floats; only what comes of it is brought to the `device`.
    """

    def __init__(self, images: Sequence[Image], device: torch.device, together: bool | None = None) -> None:
        """`together`: all pictures are made smaller at once, on the device; by default not on a processor.

        One at a time stays in a processor's cache.
        """
        self._images = images
        self._together = device.type != "cpu" if together is None else together
        self.device = device
        """Where the views are."""
        self.height, self.width = images[0].shape[:2]

    @property
    def width_height(self) -> Tensor:
        """The size of the pictures in pixels, shape (2,)."""
        return torch.tensor([self.width, self.height], dtype=torch.float32, device=self.device)

    def pyramids(self, sizes: Sequence[tuple[int, int]]) -> Iterator[tuple[int, list[Tensor]]]:
        """Pictures at all `sizes` (rows, columns), largest first, and the number of the first of them.

        Each time a list of (n, 3, rows, columns), until there were all pictures.
        """
        if self._together:
            # A device has no antialiased filter for bytes.
            pixels = torch.cat([_channels_first(image) for image in self._images]).to(self.device).float()
            yield 0, self._pyramid(pixels, sizes)
        else:
            for number, image in enumerate(self._images):
                yield number, self._pyramid(_channels_first(image), sizes)

    def _pyramid(self, pixels: Tensor, sizes: Sequence[tuple[int, int]]) -> list[Tensor]:
        made = [pixels]
        for height, width in sizes:
            # A picture of twice the size holds all that is left at this one.
            last = next(view for view in reversed(made) if view is pixels or view.shape[2] >= 2 * height)
            made.append(_resized(last, height, width))
        return [self._ready(view) for view in made[1:]]

    def crops(self, boxes: Tensor, frame: Tensor, size: int) -> Tensor:
        """Boxes (k, 4) on whole pixels of the pictures `frame` (k,) as crops (k, 3, size, size)."""
        cut = torch.empty(len(boxes), 3, size, size, dtype=torch.uint8)
        for crop, number, (left, top, right, bottom) in zip(cut, frame.tolist(), boxes.int().tolist(), strict=True):
            # Two lines of a large face for each of a crop leave out nothing that is seen.
            part = lines(self._images[number][top:bottom, left:right], 2 * size)
            crop[:] = _resized(_channels_first(part), size, size)[0]
        return self._ready(cut)

    def _ready(self, pixels: Tensor) -> Tensor:
        views = pixels.to(self.device).float().sub(127.5).div_(128)
        # Pooling is four times faster on a processor when the channels of a pixel lie side by side.
        return views.contiguous(memory_format=torch.channels_last)


def _channels_first(image: Image) -> Tensor:
    # Torch warns of memory that it must not write to, and does not write here; a copy costs less than the filter.
    return torch.from_numpy(image if image.flags.writeable else np.array(image)).permute(2, 0, 1)[None]


def _resized(pixels: Tensor, height: int, width: int) -> Tensor:
    return interpolate(pixels, size=(height, width), mode="bilinear", antialias=True, align_corners=False)
