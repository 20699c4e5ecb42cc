"""Whole-batch augmentation of pictures on tensors, on any device, driven by one generator."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import Tensor


def uniform(shape: tuple[int, ...], low: float, high: float, generator: torch.Generator, like: Tensor) -> Tensor:
    """Numbers between `low` and `high` on the device and of the kind of `like`, reproducible on any device."""
    import torch

    return (torch.rand(shape, generator=generator) * (high - low) + low).to(like)


def _chance(n: int, share: float, generator: torch.Generator, like: Tensor) -> Tensor:
    return (uniform((n,), 0, 1, generator, like) < share).view(n, 1, 1, 1)


def affine(
    pictures: Tensor, generator: torch.Generator, degrees: float = 15, zoom: float = 0.15, shift: float = 0.1
) -> Tensor:
    """Random mirror, rotation, zoom and shift in one resampling; edges are continued."""
    import torch
    from torch.nn import functional

    n = len(pictures)
    angle = uniform((n,), -math.radians(degrees), math.radians(degrees), generator, pictures)
    scale = uniform((n,), 1 - zoom, 1 + zoom, generator, pictures)
    mirror = torch.where(uniform((n,), 0, 1, generator, pictures) < 0.5, -1.0, 1.0).to(pictures)
    move = uniform((n, 2), -2 * shift, 2 * shift, generator, pictures)
    cosine, sine = torch.cos(angle) * scale, torch.sin(angle) * scale
    first = torch.stack([cosine * mirror, -sine * mirror, move[:, 0]], dim=1)
    second = torch.stack([sine, cosine, move[:, 1]], dim=1)
    grid = functional.affine_grid(torch.stack([first, second], dim=1), list(pictures.shape), align_corners=False)
    return functional.grid_sample(pictures, grid, padding_mode="border", align_corners=False)


def light(pictures: Tensor, generator: torch.Generator, amount: float = 0.35) -> Tensor:
    """Random contrast about the mean, brightness and gamma, kept in [0, 1]."""
    n = len(pictures)
    mean = pictures.mean(dim=(1, 2, 3), keepdim=True)
    contrast = uniform((n, 1, 1, 1), 1 - amount, 1 + amount, generator, pictures)
    brightness = uniform((n, 1, 1, 1), -amount / 2, amount / 2, generator, pictures)
    gamma = uniform((n, 1, 1, 1), 1 - amount, 1 + amount, generator, pictures)
    return ((pictures - mean) * contrast + mean + brightness).clamp(1e-3, 1) ** gamma


def degrade(pictures: Tensor, generator: torch.Generator, share: float = 0.2) -> Tensor:
    """Low resolution for some pictures and sensor noise for others, as small or compressed faces have."""
    import torch
    from torch.nn import functional

    n, size = len(pictures), pictures.shape[-1]
    factor = float(uniform((1,), 0.4, 0.8, generator, pictures))
    small = functional.interpolate(pictures, size=max(8, int(size * factor)), mode="area")
    coarse = functional.interpolate(small, size=size, mode="bilinear", align_corners=False)
    pictures = torch.where(_chance(n, share, generator, pictures), coarse, pictures)
    noise = torch.randn(pictures.shape, generator=generator).to(pictures) * 0.04
    return torch.where(_chance(n, share, generator, pictures), (pictures + noise).clamp(0, 1), pictures)


def erase(pictures: Tensor, generator: torch.Generator, share: float = 0.3) -> Tensor:
    """Random erasing (Zhong et al., arXiv:1708.04896): a rectangle of the mean grey in some pictures."""
    import torch

    n, _, height, width = pictures.shape
    size = uniform((n, 2), 0.15, 0.4, generator, pictures)
    corner = uniform((n, 2), 0, 1, generator, pictures) * (1 - size)
    rows = (torch.arange(height).to(pictures) + 0.5) / height
    columns = (torch.arange(width).to(pictures) + 0.5) / width
    inside_rows = (rows >= corner[:, :1]) & (rows < corner[:, :1] + size[:, :1])
    inside_columns = (columns >= corner[:, 1:]) & (columns < corner[:, 1:] + size[:, 1:])
    hole = inside_rows[:, None, :, None] & inside_columns[:, None, None, :] & _chance(n, share, generator, pictures)
    return torch.where(hole, pictures.mean(dim=(1, 2, 3), keepdim=True), pictures)


def pictures(batch: Tensor, generator: torch.Generator, strength: float = 1.0) -> Tensor:
    """All of the above for a batch (n, c, h, w) in [0, 1]; amounts and shares scale with `strength`."""
    moved = affine(batch, generator, 15 * strength, 0.15 * strength, 0.1 * strength)
    lit = light(moved, generator, 0.35 * strength)
    return erase(degrade(lit, generator, 0.2 * strength), generator, 0.3 * strength)
