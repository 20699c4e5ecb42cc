"""What moved between two pictures of a face: crops, and one step of Lucas & Kanade (1981), affine and with gain."""

from __future__ import annotations

import math
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pictures

from mer_batch.face.detect import Detection
from mer_batch.types import Image

Array: TypeAlias = NDArray[np.float32]
Curve: TypeAlias = NDArray[np.float64]

REACH: Final = 2.8
"""Side of the square around a face in distances from eyes to mouth: about the detector's box."""
FLAT: Final = 2.0
"""Grey levels a pixel: contrast below this is noise."""
_ROUNDS: Final = 2  # of weighted least squares, so that blinks do not count as motion of the head


def pixels(face: Detection, image: Image) -> Curve:
    """The five landmarks in pixels, shape (5, 2)."""
    height, width = image.shape[:2]
    return np.array(face.landmarks, dtype=np.float64) * (width, height)


def spans(points: Curve) -> tuple[float, float]:
    """Distance between the eyes, and from the eyes to the mouth; a turned head keeps the second."""
    # Plain numbers: numpy takes ten times as long for so few.
    (x0, y0), (x1, y1), _, (x3, y3), (x4, y4) = points.tolist()
    across = math.hypot(x1 - x0, y1 - y0)
    down = math.hypot((x3 + x4 - x0 - x1) / 2, (y3 + y4 - y0 - y1) / 2)
    return max(across, 0.8 * down), down


def square(image: Image, middle: Curve, half: float, size: int, exact: bool = False) -> Array:
    """A square of a picture, `half` pixels around `middle`, as grey float32 of shape (size, size); black outside.

    The picture is RGB (height, width, 3) or grey (height, width); only what lies in the square is touched. `exact`
    weighs pixels by how far they lie from the place, so that parts of a pixel count; it takes longer.
    """
    box = (*(middle - half).tolist(), *(middle + half).tolist())
    outer = (math.floor(box[0]), math.floor(box[1]), math.ceil(box[2]), math.ceil(box[3]))
    region = (box[0] - outer[0], box[1] - outer[1], box[2] - outer[0], box[3] - outer[1])
    height, width = image.shape[:2]
    # One pixel at least is taken along, so that a square beside the picture is cut like any other.
    left, top = min(max(outer[0], 0), width - 1), min(max(outer[1], 0), height - 1)
    near = Pictures.fromarray(image[top : max(outer[3], top + 1), left : max(outer[2], left + 1)]).convert("L")
    cut = near.crop((outer[0] - left, outer[1] - top, outer[2] - left, outer[3] - top))
    coarse = 2 * half > size and not exact
    method = Pictures.Resampling.BOX if coarse else Pictures.Resampling.BILINEAR
    return np.asarray(cut.resize((size, size), method, box=region), dtype=np.float32)


def grid(size: int) -> tuple[Array, Array]:
    """Rows and columns of a crop in shares of its side, each of shape (size, size)."""
    rows, columns = np.mgrid[0:size, 0:size].astype(np.float32) / size
    return rows, columns


def ways_of(middle: Array) -> Array:
    """The changes (8, size, size) that a picture shows when it moves, turns, grows, shears or gets lighter."""
    down, across = slopes(middle)
    rows, columns = grid(len(middle))
    return ways_at(middle, across, down, columns, rows)


def slopes(picture: Array) -> tuple[Array, Array]:
    """How much lighter a picture gets from pixel to pixel, down and across, each of its shape."""
    down, across = (np.gradient(picture, axis=axis).astype(np.float32, copy=False) for axis in (0, 1))
    return down, across


def ways_at(middle: Array, across: Array, down: Array, columns: Array, rows: Array) -> Array:
    """The same at chosen pixels, by their values, slopes and places in shares of the side: (8, ...)."""
    x, y = columns - 0.5, rows - 0.5
    return np.stack([across, down, across * x, across * y, down * x, down * y, middle / 128, np.ones_like(middle)])


def fit(ways: Array, change: Array) -> Array:
    """How much of each way (k, n) explains a change (n,), pixels that do not fit counting less."""
    weight: Array = np.ones_like(change)
    small = 1e-3 * np.eye(len(ways), dtype=np.float32) * len(change)
    for _ in range(_ROUNDS):
        weighted = ways * weight
        amount = np.linalg.solve(weighted @ ways.T + small, weighted @ change).astype(np.float32)
        wrong = np.abs(change - amount @ ways)
        weight = (1 / np.maximum(wrong, 1.5 * median(wrong) + 1e-6)).astype(np.float32, copy=False)
        weight *= len(weight) / weight.sum()
    return amount


def smooth(picture: Array) -> Array:
    """A binomial filter (1 2 1)/4 along both axes, so that gradients hold for motions of a pixel."""
    for axis in (0, 1):
        ahead, behind = np.roll(picture, 1, axis), np.roll(picture, -1, axis)
        picture = ((ahead + 2 * picture + behind) / 4).astype(np.float32, copy=False)
    return picture


def rms(values: Array) -> float:
    """Root mean square of values (n,), 0 of nothing."""
    return math.sqrt(float(values @ values) / len(values)) if len(values) else 0.0


def median(values: Array) -> float:
    """The median of values (n,), NaN of nothing: numpy's own spends most of its time on other shapes."""
    if not len(values):
        return math.nan
    half = len(values) // 2
    parted = np.partition(values, half)
    return float(parted[half] if len(values) % 2 else (parted[half] + parted[:half].max()) / 2)
