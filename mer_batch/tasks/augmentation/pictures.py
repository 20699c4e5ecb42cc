"""Whole-batch augmentation of pictures on tensors, on any device, driven by one generator."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, Final, Literal, ParamSpec, TypeAlias

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    Policy: TypeAlias = Callable[[Tensor, torch.Generator, float], Tensor]

CHUNKS: Final = 16
"""Parts of a batch that RandAugment changes in different ways."""
Rest = ParamSpec("Rest")


def unless_empty(change: Callable[Concatenate[Tensor, Rest], Tensor]) -> Callable[Concatenate[Tensor, Rest], Tensor]:
    """A transform that hands a batch of no rows back as it is.

    Chance may choose no row, and FFTs, grids and resamplings of nothing are errors, some on some processors only.
    """

    @wraps(change)
    def changed(batch: Tensor, /, *rest: Rest.args, **named: Rest.kwargs) -> Tensor:
        return change(batch, *rest, **named) if len(batch) else batch

    return changed


def uniform(shape: tuple[int, ...], low: float, high: float, generator: torch.Generator, like: Tensor) -> Tensor:
    """Numbers between `low` and `high` on the device and of the kind of `like`, reproducible on any device."""
    import torch

    return (torch.rand(shape, generator=generator) * (high - low) + low).to(like)


def _chance(n: int, share: float, generator: torch.Generator, like: Tensor) -> Tensor:
    return (uniform((n,), 0, 1, generator, like) < share).view(n, 1, 1, 1)


@unless_empty
def affine(
    pictures: Tensor,
    generator: torch.Generator,
    degrees: float = 15,
    zoom: float = 0.15,
    shift: float = 0.1,
    border: Literal["border", "zeros"] = "border",
) -> Tensor:
    """Random mirror, rotation, zoom and shift in one resampling; edges are continued, or black (`border`)."""
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
    return functional.grid_sample(pictures, grid, padding_mode=border, align_corners=False)


@unless_empty
def light(pictures: Tensor, generator: torch.Generator, amount: float = 0.35) -> Tensor:
    """Random contrast about the mean, brightness and gamma, kept in [0, 1]."""
    n = len(pictures)
    mean = pictures.mean(dim=(1, 2, 3), keepdim=True)
    contrast = uniform((n, 1, 1, 1), 1 - amount, 1 + amount, generator, pictures)
    brightness = uniform((n, 1, 1, 1), -amount / 2, amount / 2, generator, pictures)
    gamma = uniform((n, 1, 1, 1), 1 - amount, 1 + amount, generator, pictures)
    return ((pictures - mean) * contrast + mean + brightness).clamp(1e-3, 1) ** gamma


@unless_empty
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


@unless_empty
def blur(pictures: Tensor, generator: torch.Generator, share: float = 0.2, most: float = 1.6) -> Tensor:
    """A Gaussian blur of up to `most` pixels for some pictures, as faces out of focus or in motion have."""
    import torch
    from torch.nn import functional

    sigma = float(uniform((1,), 0.4, most, generator, pictures))
    reach = min(math.ceil(3 * sigma), pictures.shape[-1] // 2)
    steps = torch.arange(-reach, reach + 1).to(pictures)
    kernel = torch.exp(-((steps / sigma) ** 2) / 2)
    kernel = kernel / kernel.sum()
    flat = pictures.flatten(0, 1)[:, None]
    flat = functional.pad(flat, (reach,) * 4, mode="replicate")
    flat = functional.conv2d(functional.conv2d(flat, kernel.view(1, 1, -1, 1)), kernel.view(1, 1, 1, -1))
    return torch.where(_chance(len(pictures), share, generator, pictures), flat.view_as(pictures), pictures)


@unless_empty
def compress(pictures: Tensor, generator: torch.Generator, share: float = 0.2) -> Tensor:
    """JPEG's loss for some pictures: 8x8 cosine blocks at a random offset, high frequencies rounded coarsely."""
    import torch
    from torch.nn import functional

    n, c, height, width = pictures.shape
    order = torch.arange(8).to(pictures)
    basis = torch.cos(math.pi * (2 * order[None] + 1) * order[:, None] / 16) / 2
    basis[0] = 1 / math.sqrt(8)
    top, left = (int(torch.randint(8, (1,), generator=generator)) for _ in range(2))
    padded = functional.pad(pictures, (left, 8 - left + (-width) % 8, top, 8 - top + (-height) % 8), mode="replicate")
    rows, columns = padded.shape[2] // 8, padded.shape[3] // 8
    blocks = padded.reshape(n, c, rows, 8, columns, 8).transpose(3, 4)
    step = (2 + order[:, None] + order[None]) * uniform((n, 1, 1, 1, 1, 1), 0.005, 0.03, generator, pictures)
    coefficients = basis @ blocks @ basis.T
    blocks = basis.T @ (torch.round(coefficients / step) * step) @ basis
    whole = blocks.transpose(3, 4).reshape(padded.shape)[:, :, top : top + height, left : left + width]
    return torch.where(_chance(n, share, generator, pictures), whole.clamp(0, 1), pictures)


@unless_empty
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


@unless_empty
def colour(pictures: Tensor, generator: torch.Generator, amount: float = 0.3, grey_share: float = 0.15) -> Tensor:
    """Random saturation and a gain per channel (tinted light), and no colour at all in some pictures.

    Grey pictures (one channel) are left as they are.
    """
    import torch

    if pictures.shape[1] == 1:
        return pictures
    n = len(pictures)
    luma = torch.tensor([0.299, 0.587, 0.114]).to(pictures).view(1, 3, 1, 1)
    grey = (pictures * luma).sum(dim=1, keepdim=True)
    saturation = uniform((n, 1, 1, 1), 1 - 2 * amount, 1 + amount, generator, pictures)
    saturation = torch.where(_chance(n, grey_share, generator, pictures), 0.0, saturation)
    gains = uniform((n, 3, 1, 1), 1 - amount / 2, 1 + amount / 2, generator, pictures)
    return ((grey + (pictures - grey) * saturation) * gains).clamp(0, 1)


@unless_empty
def faces(batch: Tensor, generator: torch.Generator, strength: float = 1.0) -> Tensor:
    """Framing, light, colour, wear and holes, as faces in video differ; amounts and shares scale with `strength`."""
    moved = affine(batch, generator, 15 * strength, 0.15 * strength, 0.1 * strength)
    lit = colour(light(moved, generator, 0.35 * strength), generator, 0.3 * strength, 0.15 * strength)
    worn = compress(degrade(lit, generator, 0.25 * strength), generator, 0.25 * strength)
    return erase(worn, generator, 0.3 * strength)


@unless_empty
def wild(batch: Tensor, generator: torch.Generator, strength: float = 1.0) -> Tensor:
    """As `faces`, with more turning, black corners in a quarter of the batches, blur, and fewer pixels."""
    import torch

    black = float(torch.rand(1, generator=generator)) < 0.25
    moved = affine(batch, generator, 20 * strength, 0.18 * strength, 0.1 * strength, "zeros" if black else "border")
    lit = colour(light(moved, generator, 0.4 * strength), generator, 0.3 * strength, 0.15 * strength)
    soft = blur(lit, generator, 0.2 * strength, 1.6 * strength + 0.4)
    worn = compress(degrade(soft, generator, 0.25 * strength), generator, 0.25 * strength)
    return erase(worn, generator, 0.3 * strength)


@unless_empty
def reference(batch: Tensor, generator: torch.Generator, strength: float = 1.0) -> Tensor:
    """The augmentation named in the ResNet-18 reference: flips, rotation, colour jitter, random erasing.

    Its amounts are not reported; these are common ones: 10 degrees, 0.2, half of the pictures.
    """
    turned = affine(batch, generator, 10 * strength, 0.0, 0.0)
    lit = light(turned, generator, 0.2 * strength)
    return erase(colour(lit, generator, 0.2 * strength, 0.0), generator, 0.5 * strength)


@unless_empty
def randaugment(batch: Tensor, generator: torch.Generator, strength: float = 1.0) -> Tensor:
    """RandAugment (Cubuk et al., arXiv:1909.13719) with two operations of magnitude 9 at full strength, and mirroring.

    The batch is cut into `CHUNKS` parts; all pictures of a part get the same operations.
    """
    import torch
    from torchvision.transforms import v2

    magnitude = min(30, round(9 * strength))
    # torchvision draws from the global generator, which must not change what dropout draws afterwards.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(torch.randint(2**31, (1,), generator=generator)))
        change = v2.RandAugment(num_ops=2, magnitude=magnitude)
        pixels = (batch * 255).round().to(torch.uint8)
        changed = torch.cat([change(chunk) for chunk in pixels.chunk(CHUNKS)])
    mirrored = _chance(len(batch), 0.5, generator, batch)
    changed = changed.to(batch) / 255
    return torch.where(mirrored, changed.flip(3), changed)


def unchanged(batch: Tensor, _generator: torch.Generator, _strength: float = 1.0) -> Tensor:
    """The batch as it is."""
    return batch


POLICIES: Final[dict[str, Policy]] = {
    "faces": faces,
    "wild": wild,
    "randaugment": randaugment,
    "r1": reference,
    "none": unchanged,
}
"""What `augment` in a recipe's `[data]` names: batch (n, c, h, w) in [0, 1], generator and strength to a new batch."""
