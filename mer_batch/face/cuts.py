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
        self._last: _Print | None = None
        self._recent: deque[Difference] = deque(maxlen=_MEMORY)

    def begins_shot(self, image: Image) -> bool:
        """True when `image` does not continue the picture before it (False for the very first)."""
        last, self._last = self._last, _Print.of(image)
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

    grey: NDArray[np.float32]
    brightness: NDArray[np.float64]
    hue: NDArray[np.float64]

    @staticmethod
    def of(image: Image) -> _Print:
        from PIL import Image as Pictures

        small = Pictures.fromarray(shrunk(image, *_SIZE))
        hsv = np.asarray(small.convert("HSV"))
        rows, columns = _SIZE[1] // 2, _SIZE[0] // 2
        quarters = [hsv[y : y + rows, x : x + columns].reshape(-1, 3) for y in (0, rows) for x in (0, columns)]
        return _Print(
            np.asarray(small.convert("L"), dtype=np.float32),
            np.stack(
                [_smooth(np.histogram(part[:, 2], _BRIGHTNESS_BINS, (0, 256))[0] / len(part)) for part in quarters]
            ),
            np.stack(
                [
                    np.histogram(part[:, 0], _HUE_BINS, (0, 256), weights=part[:, 1] / 255)[0] / len(part)
                    for part in quarters
                ]
            ),
        )


def difference(first: _Print, second: _Print) -> Difference:
    """How far two prints are apart."""
    brightness = 1 - np.minimum(first.brightness, second.brightness).sum(1).mean()
    hue = np.abs(first.hue - second.hue).sum(1).mean() / 2
    return Difference(float(brightness + hue), 1 - _correlation(first.grey, second.grey))


def _smooth(histogram: NDArray[np.float64]) -> NDArray[np.float64]:
    """Neighbouring bins share, so that noise at a bin's edge is no change; mass at the ends is kept."""
    padded = np.pad(histogram, 1, mode="edge")
    return (padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4


def _correlation(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """Pearson correlation of the middle of `second` with `first`, at the best of the allowed shifts."""
    rows, columns = _REACH
    height, width = first.shape[0] - 2 * rows, first.shape[1] - 2 * columns
    windows = np.lib.stride_tricks.sliding_window_view(first, (height, width)).reshape(-1, height * width)
    middle = second[rows : rows + height, columns : columns + width].ravel()
    middle = middle - middle.mean()
    centred = windows - windows.mean(1, keepdims=True)
    # The constant keeps two blank pictures (no structure at all) from counting as different.
    floor = height * width
    power = np.sqrt(((centred**2).sum(1) + floor) * ((middle**2).sum() + floor))
    blank = np.sqrt(floor / ((middle**2).sum() + floor) * floor / ((centred**2).sum(1) + floor))
    return float(np.max((centred @ middle) / power + blank))
