"""What pictures are like before anything is done to them, and the size at which they are shown."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from mer_batch.types import VideoStream


@dataclass(frozen=True, slots=True)
class Look:
    """How pictures are shown: upright with square pixels, `width` x `height`, both fields of a picture as one.

    `rotation` in degrees (counter-clockwise, -179..180) makes the stored picture upright; `interlaced` pictures
    hold two moments, line by line.
    """

    width: int
    height: int
    rotation: int
    interlaced: bool

    @classmethod
    def of(cls, width: int, height: int, aspect: Fraction, rotation: int, interlaced: bool) -> Look:
        """From the stored size, the shape of a pixel (width : height) and what `Look` holds."""
        width, height = _square(width, height, aspect)
        if abs(rotation) % 180 == 90:
            width, height = height, width
        return cls(width, height, 180 if rotation == -180 else rotation, interlaced)

    @classmethod
    def at_first(cls, video: VideoStream) -> Look:
        """What probing the file saw."""
        return cls(video.width, video.height, video.rotation, video.interlaced)

    @property
    def shape(self) -> tuple[int, int, int]:
        """What people see of it: width, height and how the stored picture is turned."""
        return self.width, self.height, self.rotation

    def __str__(self) -> str:
        return f"{self.width} x {self.height}"


def pixel_aspect(aspect: Fraction | None) -> Fraction:
    """Width : height of a pixel; 1 where it is unknown or, beyond any format in use, a damaged header."""
    return aspect if aspect and Fraction(1, 4) <= aspect <= 4 else Fraction(1)


def _square(width: int, height: int, aspect: Fraction) -> tuple[int, int]:
    """The size with square pixels; only ever larger, so that no detail is lost."""
    if aspect >= 1:
        return max(1, round(width * aspect)), height
    return width, max(1, round(height / aspect))
