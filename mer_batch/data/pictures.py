"""Pictures as bytes to pixels, and what a check needs to know of each."""

from __future__ import annotations

import hashlib
import io
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from mer_batch.media.pictures import read_picture

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIDE: Final = 48
"""Side of the thumbnails by which pictures are compared; scores on FER2013 are then those of its own pixels."""
PLAIN_ENTROPY: Final = 1.9
PLAIN_FLAT: Final = 0.55
"""A card, drawing or black frame has few grey levels and is mostly flat.

On FER2013 these limits flag 83 pictures, 66 of them without a face by the FER+ votes (10 of 10 NF) or not matched
to votes, the rest drawings and faces on black or white.
"""


def decode_picture(data: bytes, name: str) -> NDArray[np.uint8]:
    """An encoded picture, upright, (height, width) if it is grey, else (height, width, 3).

    A colour file whose three channels are equal is grey. Raises `DataError` when it cannot be decoded.
    """
    return read_picture(data, name).pixels


def pixel_hash(picture: NDArray[Any]) -> str:
    """The SHA-256 of the pixels in rows, as hexadecimal digits: equal for the same picture in another container."""
    return hashlib.sha256(np.ascontiguousarray(picture).tobytes()).hexdigest()


def thumbnail(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A grey picture (SIDE, SIDE) of the whole, whatever its shape."""
    from PIL import Image as Pillow

    grey = Pillow.fromarray(picture).convert("L")
    small = grey if grey.size == (SIDE, SIDE) else grey.resize((SIDE, SIDE), Pillow.Resampling.BILINEAR)
    return np.asarray(small)


def is_plain(small: NDArray[np.uint8]) -> bool:
    """Whether a thumbnail looks like a card, a drawing or an empty frame rather than a photograph."""
    share = np.bincount(small.ravel() // 8, minlength=32) / small.size
    entropy = -float(np.sum(share[share > 0] * np.log(share[share > 0])))
    steps = small.astype(np.int16)
    flat = (np.abs(np.diff(steps, axis=0)) < 3).mean() + (np.abs(np.diff(steps, axis=1)) < 3).mean()
    return entropy < PLAIN_ENTROPY and float(flat) / 2 > PLAIN_FLAT


def describe_picture(data: bytes, name: str) -> tuple[dict[str, Any], NDArray[np.uint8]]:
    """What a check looks at, and the thumbnail. Raises `DataError`."""
    found = read_picture(data, name)
    picture = found.pixels
    height, width = picture.shape[:2]
    small = thumbnail(picture)
    content = f"{height}x{width}:{pixel_hash(picture)}"
    facts = {
        "content": content,
        "height": height,
        "width": width,
        "colour": picture.ndim == 3,
        "plain": is_plain(small),
        "assumed": "; ".join(found.notes),
    }
    return facts, small


def encode_png(picture: NDArray[np.uint8]) -> bytes:
    """A picture as PNG, which loses nothing."""
    from PIL import Image as Pillow

    buffer = io.BytesIO()
    Pillow.fromarray(picture).save(buffer, "PNG")
    return buffer.getvalue()
