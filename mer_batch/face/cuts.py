"""Cuts between sampled frames.

Two pictures are compared in two ways: by their colours (histograms of brightness and of
saturation-weighted hue in four quarters) and by their structure (correlation of small grey
pictures, at the best of a few shifts, so that a moving camera is not a cut). A cut changes both at
once, and far more than the frames before it did. Whip pans, flashes and fades change one of the two
or change for long. Dissolves longer than a few samples are not found.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mer_batch.face.scaled import shrunk
from mer_batch.types import Image

_SIZE: Final = (64, 36)
_REACH: Final = (3, 4)  # rows and columns by which the camera may move between two samples
_BRIGHTNESS_BINS: Final = 16
_HUE_BINS: Final = 12
# Chosen on the sampled test clips: real cuts have structure >= 0.21, colour >= 0.35 and a total of at
# least 5 times the recent mean; the largest change without a cut, a swung phone, has a ratio of 2.9.
_STRUCTURE: Final = 0.2
_COLOUR: Final = 0.15
_COLOUR_ALONE: Final = 0.3  # right after a cut nothing is usual yet: ask for more
_TOTAL: Final = 0.5
_RATIO: Final = 3.0
_MEMORY: Final = 4  # earlier differences that say what is usual
_BRIGHTNESS_BIN: Final = np.arange(256) * _BRIGHTNESS_BINS // 256
_HUE_BIN: Final = np.arange(256) * _HUE_BINS // 256
_QUARTER: Final = np.arange(4).reshape(2, 2).repeat(_SIZE[1] // 2, 0).repeat(_SIZE[0] // 2, 1)
_QUARTER_PIXELS: Final = _SIZE[0] * _SIZE[1] / 4


@dataclass(frozen=True, slots=True)
class Difference:
    """How far two pictures are apart: colour in [0, 2], structure in [0, 2] (0 is equal)."""

    colour: float
    structure: float

    @property
    def total(self) -> float:
        """Both together."""
        return self.colour + self.structure


class CutFinder:
    """Takes frames in order and says which of them begins a new shot."""

    def __init__(self) -> None:
        self.small: Image = np.zeros((_SIZE[1], _SIZE[0]), dtype=np.uint8)
        """A small grey copy (36, 64) of the last picture."""
        self._last: _Print | None = None
        self._recent: deque[Difference] = deque(maxlen=_MEMORY)

    def begins_shot(self, image: Image) -> bool:
        """True when `image` does not continue the picture before it (False for the very first)."""
        last, self._last = self._last, _Print.of(image)
        self.small = self._last.grey
        if last is None:
            return False
        step = difference(last, self._last)
        if self._is_cut(step):
            self._recent.clear()
            return True
        self._recent.append(step)
        return False

    def _is_cut(self, step: Difference) -> bool:
        usual_colour = float(np.mean([past.colour for past in self._recent])) if self._recent else 0.0
        usual_total = float(np.mean([past.total for past in self._recent])) if self._recent else 0.0
        return (
            step.structure > _STRUCTURE
            and step.colour - usual_colour > (_COLOUR if self._recent else _COLOUR_ALONE)
            and step.total > _TOTAL
            and step.total > _RATIO * usual_total
        )


@dataclass(frozen=True, slots=True)
class _Print:
    """What is kept of a picture: a small grey copy and the histograms of its quarters."""

    grey: Image
    brightness: NDArray[np.float64]
    hue: NDArray[np.float64]

    @staticmethod
    def of(image: Image) -> _Print:
        from PIL import Image as Pictures

        small = Pictures.fromarray(shrunk(image, *_SIZE))
        hue, saturation, brightness = (np.asarray(band) for band in small.convert("HSV").split())
        lights = _counted(_BRIGHTNESS_BIN[brightness], _BRIGHTNESS_BINS) / _QUARTER_PIXELS
        hues = _counted(_HUE_BIN[hue], _HUE_BINS, saturation / 255) / _QUARTER_PIXELS
        return _Print(np.asarray(small.convert("L")), _smooth(lights), hues)


def _counted(bins: NDArray[np.int64], count: int, weights: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
    """The histograms (4, count) of a picture's quarters, whose pixels are in the `bins` (36, 64)."""
    given = None if weights is None else weights.ravel()
    return np.bincount((bins + count * _QUARTER).ravel(), given, 4 * count).reshape(4, count).astype(np.float64)


def difference(first: _Print, second: _Print) -> Difference:
    """How far two prints are apart."""
    brightness = 1 - np.minimum(first.brightness, second.brightness).sum(1).mean()
    hue = np.abs(first.hue - second.hue).sum(1).mean() / 2
    return Difference(float(brightness + hue), 1 - _correlation(first.grey, second.grey))


def _smooth(histogram: NDArray[np.float64]) -> NDArray[np.float64]:
    """Neighbouring bins (n, bins) share, so that noise at a bin's edge is no change; mass at the ends is kept."""
    padded = np.concatenate([histogram[:, :1], histogram, histogram[:, -1:]], axis=1)
    smooth: NDArray[np.float64] = (padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]) / 4
    return smooth


def _correlation(first: Image, second: Image) -> float:
    """Pearson correlation of the middle of `second` with `first`, at the best of the allowed shifts."""
    rows, columns = _REACH
    height, width = first.shape[0] - 2 * rows, first.shape[1] - 2 * columns
    floor = height * width
    windows = np.lib.stride_tricks.sliding_window_view(first.astype(np.float32), (height, width)).reshape(-1, floor)
    middle = second[rows : rows + height, columns : columns + width].ravel().astype(np.float32)
    middle -= middle.mean()
    # Grey levels and their squares are whole numbers, so that these sums are exact.
    sums, squares = _sums(first.astype(np.float64), height, width), _sums(first.astype(np.float64) ** 2, height, width)
    own, other = squares - sums**2 / floor + floor, float(middle @ middle) + floor
    # The constant keeps two blank pictures (no structure at all) from counting as different.
    return float(np.max((windows @ middle) / np.sqrt(own * other) + np.sqrt(floor / other * floor / own)))


def _sums(values: NDArray[np.float64], height: int, width: int) -> NDArray[np.float64]:
    """The sums of all windows of (height, width), in order."""
    total = np.pad(values.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    found = total[height:, width:] - total[:-height, width:] - total[height:, :-width] + total[:-height, :-width]
    flat: NDArray[np.float64] = found.ravel()
    return flat
