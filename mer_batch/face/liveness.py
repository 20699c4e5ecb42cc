"""Which faces never move: photos on a wall, portraits on a screen, videos that are one picture with sound.

A face that is there moves beside what is around it: it turns, blinks, speaks, breathes. Two pictures of a face and its
surroundings, a fifth of a second or more apart, are laid on each other (moved, grown, got lighter: so that a camera
may shake, pan or zoom); what is still different inside the face, divided by the local contrast, is a length. Of
portraits composed beside a living face, with noise, a camera that shakes and a zoom, 95 of 100 such lengths stay below
0.0007 of the crop's side; of 22 living people each exceeds 0.0018 in one of ten. Strong compression of a picture that
shakes reaches that too: such a portrait counts as living, which is the lesser mistake.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

import numpy as np
from PIL import Image as Pictures

from mer_batch.face.flow import FLAT, REACH, Curve, fit, grid, pixels, rms, smooth, spans, square, ways_of
from mer_batch.face.track import Sighting
from mer_batch.types import Frame, Image
from mer_batch.wording import listed

STILL: Final = "never moves: perhaps a picture"
"""The flag of such a face's readings."""
APART: Final = 0.2
"""Seconds between two pictures that are compared: in less, people do not move enough."""
LONGEST: Final = 3.0
"""Seconds between them beyond which nothing is told."""
MOVED: Final = 0.0012
"""Share of the crop's side by which a face has moved on its own."""
SELDOM: Final = 0.05
"""Share of comparisons with motion below which a face never moves: a coder that begins anew shows some."""
LEAST_PAIRS: Final = 7
LEAST_SECONDS: Final = 3.0
"""Comparisons and seconds of a face below which it is not judged: who listens may sit still for a while."""
ENOUGH: Final = 40
"""Comparisons after which a face that moves in a quarter of them is not watched any more."""
LEAST_KNOWN: Final = 0.25
"""Share of a crop that both pictures must hold."""
SMALLEST: Final = 24.0
"""Half of a crop in pixels below which a face is not judged: a few pixels of it cannot tell."""
UNCHANGED: Final = 3.0
"""Grey levels by which no pixel of a `_THUMBNAIL` may differ in two pictures that are one."""
_SIZE: Final = 64  # pixels of a crop
_AROUND: Final = 2.0  # side of a crop in sides of the face's square
_STEPS: Final = 3  # of fitting: each crop is cut anew where the one before was found
_THUMBNAIL: Final = (64, 36)


_NOTHING: Final = np.zeros((0, 0), dtype=np.uint8)
"""A picture that nobody will look at."""


class _Seen(NamedTuple):
    """A face in the picture held: where it is, in pixels."""

    middle: Curve
    half: float


@dataclass(slots=True)
class Count:
    """What was seen of a face: of each comparison whether it moved (1) or not (0), and when, in seconds."""

    ways: bytearray = field(default_factory=bytearray)
    moved: int = 0
    first: float = 0.0
    last: float = 0.0

    @property
    def pairs(self) -> int:
        """Comparisons."""
        return len(self.ways)

    @property
    def lives(self) -> bool:
        """Whether it need not be watched any more."""
        return self.pairs >= ENOUGH and self.moved * 4 >= self.pairs

    def add(self, moved: bool, time: float) -> None:
        """Take a comparison."""
        self.ways.append(moved)
        self.moved, self.last = self.moved + moved, time

    def followed_by(self, later: Count) -> Count:
        """This count, and what was seen afterwards until it was enough."""
        both = Count(bytearray(self.ways), self.moved, self.first, self.last)
        for way in later.ways:
            if both.lives:
                break
            both.add(bool(way), later.last)
        return both


@dataclass(frozen=True, slots=True, eq=False)
class Liveness:
    """What was seen of all faces, by trail, and of the whole pictures.

    `start`, `darkest` and `lightest` are small grey pictures (36, 64): the first one, and pixel by pixel of all that
    were seen from `first` to `last`, in seconds; None where there was none.
    """

    counts: Mapping[int, Count]
    first: float = 0.0
    last: float = 0.0
    start: Curve | None = None
    darkest: Curve | None = None
    lightest: Curve | None = None

    def still(self, person_of: Mapping[int, str]) -> tuple[str, ...]:
        """The people whose face never moves, in the order of `person_of`."""
        found: dict[str, list[Count]] = {}
        for trail, name in person_of.items():
            if trail in self.counts:
                found.setdefault(name, []).append(self.counts[trail])
        return tuple(name for name, counts in found.items() if _is_still(counts))

    @property
    def changes(self) -> bool:
        """Whether two pictures differ."""
        if self.start is None or self.darkest is None or self.lightest is None:
            return False
        return float(np.maximum(self.lightest - self.start, self.start - self.darkest).max()) >= UNCHANGED

    @property
    def unchanging(self) -> bool:
        """Whether all pictures, over `LEAST_SECONDS` at least, are one."""
        return self.start is not None and self.last - self.first >= LEAST_SECONDS and not self.changes

    def followed_by(self, later: Liveness, trails: Mapping[int, int]) -> Liveness:
        """This, and what was seen afterwards; `trails` says which trail here each of `later` goes on."""
        counts = dict(self.counts)
        for trail, count in later.counts.items():
            number = trails[trail]
            counts[number] = counts[number].followed_by(count) if number in counts else count
        if self.darkest is None or later.darkest is None or self.lightest is None or later.lightest is None:
            seen = later if self.darkest is None else self
            return replace(seen, counts=counts)
        darkest, lightest = np.minimum(self.darkest, later.darkest), np.maximum(self.lightest, later.lightest)
        return replace(self, counts=counts, last=later.last, darkest=darkest, lightest=lightest)


class LivenessWatcher:
    """Compares the faces of every other frame that is far enough from the one before; one grey picture is held."""

    def __init__(self) -> None:
        self._counts: dict[int, Count] = {}
        self._held: tuple[float, Image, Mapping[int, _Seen]] | None = None
        self._whole = Liveness({})
        self._begun: Collection[int] = ()

    def go_on(self, trails: Collection[int]) -> None:
        """Say which trails began before what is seen here: how much was enough of them is known elsewhere."""
        self._begun = trails

    def see(self, frames: Sequence[Frame], sightings: Sequence[Sequence[Sighting]]) -> None:
        """Take frames in order with the faces in them."""
        for frame, seen in zip(frames, sightings, strict=True):
            if self._held is not None and frame.time - self._held[0] < APART - 1e-3:
                continue
            if self._knows(seen):
                self._whole = replace(self._whole, last=frame.time)
                grey = _NOTHING
            else:
                grey = np.asarray(Pictures.fromarray(frame.image).convert("L"))
                self._compare_whole(frame.time, grey)
            faces = {one.trail: _place(pixels(one.face, frame.image)) for one in seen}
            if self._held is None or frame.time - self._held[0] > LONGEST:
                self._held = frame.time, grey, faces
            else:
                self._compare(frame.time, grey, faces, *self._held)
                self._held = None

    def _knows(self, seen: Sequence[Sighting]) -> bool:
        """Whether a frame can tell nothing new: the pictures change, and all its faces live."""
        counts = (self._counts.get(one.trail) for one in seen)
        return self._whole.changes and not self._begun and all(count is not None and count.lives for count in counts)

    def _compare_whole(self, time: float, grey: Image) -> None:
        small = np.asarray(Pictures.fromarray(grey).resize(_THUMBNAIL, Pictures.Resampling.BOX), dtype=np.float64)
        self._whole = self._whole.followed_by(Liveness({}, time, time, small, small, small), {})

    def _compare(
        self,
        time: float,
        grey: Image,
        faces: Mapping[int, _Seen],
        before: float,
        earlier: Image,
        others: Mapping[int, _Seen],
    ) -> None:
        for trail in faces.keys() & others.keys():
            count = self._counts.setdefault(trail, Count(first=before))
            if count.lives and trail not in self._begun:
                continue
            first, last = others[trail], faces[trail]
            half = (first.half + last.half) / 2
            between = (first.middle + last.middle) / 2
            # Where the landmarks jitter the one place holds better, where the camera moves each its own.
            way = motion(earlier, grey, between, between, half) if half >= SMALLEST else None
            if way is not None and way > MOVED:
                way = motion(earlier, grey, first.middle, last.middle, half)
            if way is not None:
                count.add(way > MOVED, time)

    @property
    def seen(self) -> Liveness:
        """What was seen so far."""
        return replace(self._whole, counts=dict(self._counts))

    def still(self, person_of: Mapping[int, str]) -> tuple[str, ...]:
        """The people whose face never moves, in the order of `person_of`."""
        return self.seen.still(person_of)

    @property
    def unchanging(self) -> bool:
        """Whether all pictures, over `LEAST_SECONDS` at least, are one."""
        return self.seen.unchanging


def notices(still: Sequence[str], unchanging: bool) -> list[str]:
    """What to say of people who never move, and of a video that is one picture."""
    if unchanging:
        return [f"the picture never changes: a still{f', and {listed(still)} perhaps a photo' if still else ''}"]
    return [f"{name} never moves: perhaps a picture on a wall" for name in still]


def _is_still(counts: Sequence[Count]) -> bool:
    pairs = sum(count.pairs for count in counts)
    seconds = sum(count.last - count.first for count in counts)
    return (
        pairs >= LEAST_PAIRS
        and seconds >= LEAST_SECONDS
        and not any(count.lives for count in counts)
        and sum(count.moved for count in counts) < SELDOM * pairs
    )


def _place(points: Curve) -> _Seen:
    return _Seen(points.mean(0), _AROUND * REACH / 2 * max(spans(points)))


def motion(earlier: Image, later: Image, first: Curve, last: Curve, half: float) -> float | None:
    """How far a face moved beside its surroundings, in sides of a crop of `half` pixels around `first` and `last`.

    None where too little of both lies inside the pictures.
    """
    rows, columns = grid(_SIZE)
    face = ((columns - 0.5) * 2 * _AROUND) ** 2 + ((rows - 0.5) * 1.6 * _AROUND) ** 2 < 1
    before, wide = square(earlier, first, half, _SIZE, exact=True), half
    for step in range(_STEPS):
        after = square(later, last, wide, _SIZE, exact=True)
        known = _inside(earlier, first, half) & _inside(later, last, wide)
        if known.mean() < LEAST_KNOWN:
            return None
        change, ways = smooth(after - before), ways_of(smooth(0.5 * (before + after)))
        amount = fit(ways[:, known], change[known])
        if step < _STEPS - 1:
            last = last - np.asarray(amount[:2], dtype=np.float64) * (2 * wide / _SIZE)
            wide *= 1 - float(amount[2] + amount[5]) / (2 * _SIZE)
    left, inside = change - np.tensordot(amount, ways, 1), face & known
    contrast = np.sqrt(ways[0] ** 2 + ways[1] ** 2)
    return rms(left[inside]) / (rms(contrast[inside]) + FLAT) / _SIZE


def _inside(picture: Image, middle: Curve, half: float) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """The pixels of a crop that the picture has and whose neighbours it has, shape (_SIZE, _SIZE)."""
    rows, columns = grid(_SIZE)
    pixel = 2 * half / _SIZE
    x, y = middle[0] - half + pixel * (_SIZE * columns + 0.5), middle[1] - half + pixel * (_SIZE * rows + 0.5)
    edge = 1.5 * pixel
    known = (x > edge) & (x < picture.shape[1] - edge) & (y > edge) & (y < picture.shape[0] - edge)
    known[:2] = known[-2:] = False
    known[:, :2] = known[:, -2:] = False
    found: np.ndarray[tuple[int, ...], np.dtype[np.bool_]] = known
    return found
