"""A few good pictures of everybody who is followed, spread in time, from which it is told who they are.

Of every second the best one is a candidate, and the best of these are kept, good ones at random places first. Which
ones that are does not depend on where a film is divided: what two pieces keep, put together, is what the whole keeps.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mer_batch.face.identity import Embedder
from mer_batch.face.people import Known
from mer_batch.face.track import Sighting
from mer_batch.types import FaceQuality, Floats, Frame, Image

MOST: Final = 5
"""Pictures of a trail."""
CELL: Final = 1.0
"""Seconds of which at most one is kept."""
GOOD: Final = 0.5
"""Score from which a picture counts in full."""
_LEVELS: Final = 5  # of quality; on one level places in time decide
_LARGE: Final = 96.0  # pixels from which a larger face tells no more
_LEAST: Final = 0.05  # score below which a picture tells nothing
_JPEG: Final = 95
_BITS: Final = 16
Weights: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Portrait:
    """A face at a time in seconds, cut as an embedder wants it, as JPEG; `score` in 0..1 tells how good it is."""

    time: float
    score: float
    picture: bytes


class PortraitKeeper:
    """Keeps portraits while frames come in order."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._kept: dict[int, tuple[Portrait, ...]] = {}

    def see(self, frame: Frame, faces: Iterable[tuple[Sighting, FaceQuality]]) -> None:
        """Take the faces of a frame."""
        if frame.damage:
            return
        for seen, quality in faces:
            score = quality.score * (0.3 + 0.7 * min(quality.size / _LARGE, 1.0))
            before = self._kept.get(seen.trail, ())
            new = Portrait(frame.time, score, b"")
            if score >= _LEAST and new in (chosen := best((*before, new))):
                filled = Portrait(frame.time, score, _written(self._embedder.cut(frame.image, seen.face)))
                self._kept[seen.trail] = tuple(filled if one == new else one for one in chosen)

    @property
    def portraits(self) -> Mapping[int, tuple[Portrait, ...]]:
        """The portraits kept so far, by trail."""
        return dict(self._kept)


def best(portraits: Iterable[Portrait]) -> tuple[Portrait, ...]:
    """Those of one trail that are kept, in order of time; see the module."""
    cells: dict[int, Portrait] = {}
    for one in sorted(portraits, key=lambda one: one.time):
        cell = int(one.time // CELL)
        if cell not in cells or one.score > cells[cell].score:
            cells[cell] = one
    ranked = sorted(cells, key=lambda cell: (-int(cells[cell].score * _LEVELS), _scattered(cell)))
    return tuple(cells[cell] for cell in sorted(ranked[:MOST]))


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """Somebody's portraits as an embedder sees them: times in seconds, weights in 0..1 and vectors, shape (n, d)."""

    times: tuple[float, ...]
    weights: Weights
    rows: Floats

    @property
    def known(self) -> Known:
        """Their mean, in which good pictures count more."""
        total = float(self.weights.sum())
        return Known((self.weights @ self.rows / total).astype(np.float32), total)

    def part(self, begin: int, end: int) -> Seen:
        """Those from one place to another."""
        return Seen(self.times[begin:end], self.weights[begin:end], self.rows[begin:end])


def embedded(portraits: Mapping[int, Sequence[Portrait]], trails: Iterable[int], embedder: Embedder) -> dict[int, Seen]:
    """What an embedder sees of trails, those that have portraits."""
    return {trail: _seen(portraits[trail], embedder) for trail in trails if portraits.get(trail)}


def _seen(portraits: Sequence[Portrait], embedder: Embedder) -> Seen:
    rows = embedder.embed([_read(one.picture) for one in portraits])
    return Seen(tuple(one.time for one in portraits), np.minimum([one.score / GOOD for one in portraits], 1), rows)


def _scattered(cell: int) -> int:
    """The bits of a number in reverse: any few numbers in a row, in this order, are spread over all of them."""
    return int(f"{cell % (1 << _BITS):0{_BITS}b}"[::-1], 2)


def _written(picture: Image) -> bytes:
    from PIL import Image as Pictures

    memory = io.BytesIO()
    Pictures.fromarray(picture).save(memory, "JPEG", quality=_JPEG, subsampling=0)
    return memory.getvalue()


def _read(picture: bytes) -> Image:
    from PIL import Image as Pictures

    return np.asarray(Pictures.open(io.BytesIO(picture)).convert("RGB"))
