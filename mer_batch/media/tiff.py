"""TIFF files of more than 8 bits a sample, signed or floating ones, in colour or grey, which Pillow cuts or refuses."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from mer_batch.media.levels import Levels, eight_bits, on_white
from mer_batch.media.process import one_line

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAGIC: Final = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
MOST: Final = 3 * 178_956_970
"""Numbers of a page; Pillow refuses as many pixels."""
_BITS, _PHOTOMETRIC, _TURN, _SAMPLES = 258, 262, 274, 338
_WHITE_IS_ZERO, _RGB = 0, 2


def read_deep(data: bytes) -> tuple[Levels, int] | None:
    """The first page as levels with its EXIF orientation; None where Pillow is to read it.

    Raises `ValueError` for levels on no known scale, and for damage.
    """
    import tifffile

    values: NDArray[Any] | None = None
    try:
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            page = file.pages.first
            if page.dtype is None or page.dtype in (np.uint8, np.bool_) or page.photometric not in (0, 1, _RGB):
                return None
            values = np.zeros(0)
            tags = {number: page.tags.valueof(number) for number in (_BITS, _PHOTOMETRIC, _TURN, _SAMPLES)}
            if page.size > MOST:
                raise ValueError("too many pixels")
            several = _has_second(file.pages)
            values = _channels_last(page.asarray(), page.axes)
    except Exception as error:  # tifffile raises whatever it meets in a damaged file
        if values is None or "imagecodecs" in str(error):
            return None  # no page that it knows, or a codec that is not there
        raise ValueError(f"it is damaged or cut off ({one_line(str(error))})") from error
    pixels, notes = _flat(values, tags)
    if several:
        notes = ["of several pictures in the file the first was read", *notes]
    return (pixels, notes), int(tags[_TURN] or 1)


def _has_second(pages: Any) -> bool:
    # Counting them all follows the chain of a damaged file for ever so long.
    try:
        return pages[1] is not None
    except IndexError:
        return False


def _channels_last(values: NDArray[Any], axes: str) -> NDArray[Any]:
    if axes in ("YX", "YXS"):
        return values
    if axes == "SYX":
        return np.moveaxis(values, 0, 2)
    raise ValueError(f"pages of axes {axes}")


def _flat(values: NDArray[Any], tags: dict[int, Any]) -> Levels:
    """Grey (h, w) or colour (h, w, 3) over white paper."""
    count = 3 if tags[_PHOTOMETRIC] == _RGB else 1
    planes = values[..., None] if values.ndim == 2 else values
    bits = tags[_BITS][0] if isinstance(tags[_BITS], tuple) else int(tags[_BITS] or 0)
    stated = (1 << bits) - 1 if 8 < bits < 16 else 0
    pixels, notes = eight_bits(planes[..., :count], stated)
    if tags[_PHOTOMETRIC] == _WHITE_IS_ZERO:
        pixels = 255 - pixels
    clear = tags[_SAMPLES] or ()
    if planes.shape[2] > count and any(clear if isinstance(clear, tuple) else (clear,)):
        own = np.iinfo(values.dtype).max if values.dtype.kind in "iu" else 1.0
        alpha = (planes[..., count].astype(np.float64) / own * 255).clip(0, 255).round().astype(np.uint8)
        pixels = on_white(np.repeat(pixels, 3, axis=2) if count == 1 else pixels, alpha)
    return (pixels[..., 0] if pixels.shape[2] == 1 else pixels), notes
