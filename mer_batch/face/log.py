"""What the pictures of a video, or of a piece of one, tell of faces, before people have numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from mer_batch.face.glimpses import Glimpse
from mer_batch.face.liveness import Liveness
from mer_batch.face.mouth import Motion
from mer_batch.face.people import Followed
from mer_batch.face.portraits import Portrait
from mer_batch.types import Box, FaceQuality, Probabilities

_SHORTEST_SHOT: Final = 0.3  # seconds


@dataclass(frozen=True, slots=True)
class Record:
    """One face in one sampled frame; `probabilities` is None where it could not be read."""

    frame: int
    trail: int
    box: Box
    quality: FaceQuality
    probabilities: Probabilities | None


@dataclass(frozen=True, slots=True, eq=False)
class FaceLog:
    """All that is kept of sampled frames, in order.

    `times` are seconds; `cuts` are the numbers of the frames that do not continue the one before; `records` are the
    faces; `damage` is how much of a frame is, where it is not whole. `trails`, `motions` (of mouths, by trail),
    `liveness` and `portraits` (by trail, where people are known by their faces) are of all frames. In a piece of a
    film the first `warm` frames are read only to find into it, and `prints` are checksums of pictures that the
    neighbours see too, by frame. `said` is what the reader of pictures had to say. `glimpses` are small pictures for
    the report, if any are wanted.
    """

    times: tuple[float, ...]
    cuts: tuple[int, ...]
    records: tuple[Record, ...]
    damage: Mapping[int, float]
    trails: tuple[Followed, ...]
    motions: Mapping[int, tuple[Motion, ...]]
    liveness: Liveness
    warm: int = 0
    prints: Mapping[int, int] = field(default_factory=dict)
    said: tuple[str, ...] = ()
    portraits: Mapping[int, tuple[Portrait, ...]] = field(default_factory=dict)
    glimpses: tuple[Glimpse, ...] = ()

    @property
    def unfit(self) -> str:
        """Why it cannot be joined to other pieces; empty where it perhaps can."""
        return (*self.said, *(["its pictures are damaged"] if self.damage else []), "")[0]

    @property
    def shots(self) -> list[int]:
        """The cuts that part two shots: flashes and black frames between two are not shots of their own."""
        found: list[int] = []
        for cut in self.cuts:
            if not found or self.times[cut] - self.times[found[-1]] > _SHORTEST_SHOT:
                found.append(cut)
        return found
