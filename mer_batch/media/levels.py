"""Levels of any kind of number to 8 bits: 0 is black, and white is the end of the scale that the levels fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Pixels: TypeAlias = "NDArray[np.uint8]"
Levels: TypeAlias = tuple[Pixels, list[str]]
"""Levels of 8 bits, and what was assumed to get them."""

SCALES: Final = (0xFF, 0x3FF, 0xFFF, 0x3FFF, 0xFFFF, 0xFFFFFF, 0xFFFFFFFF)
"""White of whole numbers: cameras put 10, 12 and 14 bits into 16, and tools 8 into 16 or 32."""
OVER: Final = 0.1
"""Share of its scale by which a float may leave it: resampling overshoots."""
BRIGHT: Final = 16.0
"""Floats with nothing above this are of 0 to 1 with highlights, not an all but black picture of 0 to 255."""


def eight_bits(values: NDArray[Any], stated: int = 0) -> Levels:
    """Numbers of any type and shape as levels of 8 bits; `stated` is white where the file says so.

    Raises `ValueError` for numbers on no known scale.
    """
    if values.dtype == np.uint8:
        return values, []
    if values.dtype == np.bool_:
        return (values * np.uint8(255)), []
    if values.dtype.kind == "f":
        return _floats(values.astype(np.float32))
    low, high = int(values.min()), int(values.max())
    own = np.iinfo(values.dtype).max
    scales = [scale for scale in SCALES if scale < own] + [own]
    white = stated or next((scale for scale in scales if high <= scale), 0)
    if low < 0 or not white:
        raise ValueError(_off(low, high))
    notes = [] if stated or white == own else [f"its levels fit {white.bit_length()} bits and were read so"]
    return _scaled(values, 255 / white), notes


def on_white(pixels: Pixels, alpha: Pixels) -> Pixels:
    """Colour (height, width, 3) over white paper, as its `alpha` (height, width) lets it through."""
    dark = (255 - pixels) * (alpha[..., None].astype(np.float32) / 255)
    return _scaled(dark, -1.0, 255.0)


def _floats(values: NDArray[np.float32]) -> Levels:
    """Floats of 0 to 1, -1 to 1, 0 to 255 or 0 to 65,535."""
    known = np.isfinite(values)
    if not known.any():
        raise ValueError("none of its levels is a number")
    notes = [] if known.all() else ["levels that are no numbers count as black"]
    low, high = float(values[known].min()), float(values[known].max())
    values = np.where(known, values, np.float32(0))
    if -1 - OVER <= low < -OVER and high <= 1 + OVER:
        return _scaled(values, 127.5, 127.5), [*notes, "its levels were taken for a scale of -1 to 1"]
    white = next((scale for scale in (255.0, 65535.0) if high <= scale * (1 + OVER)), 0.0)
    if high <= BRIGHT:
        white = 1.0
    if low < -OVER * max(high, 1.0) or not white:
        raise ValueError(_off(low, high))
    cut = ["levels above 1 were cut"] if white == 1 and high > 1 + OVER else []
    return _scaled(values, 255 / white), notes + cut


def _off(low: float, high: float) -> str:
    return f"its levels run from {low:g} to {high:g}, which is no known scale"


def _scaled(values: NDArray[Any], by: float, plus: float = 0.0) -> Pixels:
    # In place: a picture may have a hundred million numbers.
    levels = values.astype(np.float32)
    levels *= np.float32(by)
    levels += np.float32(plus)
    return np.rint(np.clip(levels, 0, 255, out=levels), out=levels).astype(np.uint8)
