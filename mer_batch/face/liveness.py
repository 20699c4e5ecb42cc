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

from mer_batch.face.flow import FLAT, REACH, Array, Curve, fit, grid, pixels, rms, smooth, spans, square, ways_of
from mer_batch.face.scaled import shrunk
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
SURE: Final = 20
"""The same for a face that moves in half of them: a portrait that seems to would be taken for living anyway."""
LEAST_KNOWN: Final = 0.25
"""Share of a crop that both pictures must hold."""
SMALLEST: Final = 24.0
"""Half of a crop in pixels below which a face is not judged: a few pixels of it cannot tell."""
UNCHANGED: Final = 3.0
"""Grey levels by which no pixel of small copies may differ in two pictures that are one."""
_SIZE: Final = 64  # pixels of a crop
_AROUND: Final = 2.0  # side of a crop in sides of the face's square
_STEPS: Final = 3  # of fitting: each crop is cut anew where the one before was found
_FINE: Final = 2  # pixels of what is kept of a picture for one of a crop: so much finer that nothing is lost
_SPARE: Final = 1.3  # side of what is kept in sides of the crop, since another place is looked at, too
_NARROW: Final = 2  # pixels at a crop's border, whose slopes are not known

_ROWS, _COLUMNS = grid(_SIZE)
_FACE: Final = ((_COLUMNS - 0.5) * 2 * _AROUND) ** 2 + ((_ROWS - 0.5) * 1.6 * _AROUND) ** 2 < 1


@dataclass(frozen=True, slots=True, eq=False)
class Around:
    """A part of a picture, grey (h, w), `shrink` times smaller; `left` and `top` are its corner in the picture."""

    grey: Image
    left: float
    top: float
    shrink: int

    @classmethod
    def of(cls, image: Image, middle: Curve, half: float) -> Around:
        """What a comparison needs around a crop of `half` pixels: of a large face far fewer pixels than there are."""
        height, width = image.shape[:2]
        shrink, reach = max(int(2 * half / (_FINE * _SIZE)), 1), half * _SPARE
        left, top = (
            min(max(int(place - reach), 0), side - 1) for place, side in zip(middle, (width, height), strict=True)
        )
        # Whole pixels alone, so that all are shrunk alike; what is left over at the border is not looked at anyway.
        wide = (min(int(middle[0] + reach) + 1, width) - left) // shrink
        tall = (min(int(middle[1] + reach) + 1, height) - top) // shrink
        part = image[top : top + max(tall, 1) * shrink, left : left + max(wide, 1) * shrink]
        if shrink > 1 and wide > 0 and tall > 0:
            part = shrunk(part, wide, tall)
        return cls(np.asarray(Pictures.fromarray(part).convert("L")), left, top, shrink)

    def crop(self, middle: Curve, half: float) -> Array:
        """The square `half` pixels around a place in the picture, of shape (_SIZE, _SIZE)."""
        return square(self.grey, (middle - (self.left, self.top)) / self.shrink, half / self.shrink, _SIZE, exact=True)

    def known(self, middle: Curve, half: float) -> tuple[range, range]:
        """The rows and columns of that crop which are here and whose neighbours are."""
        x, y = (middle - half - (self.left, self.top)) / self.shrink
        pixel = 2 * half / _SIZE / self.shrink
        height, width = self.grey.shape
        return _within(y, pixel, height), _within(x, pixel, width)


def _within(first: float, pixel: float, size: int) -> range:
    """The pixels of a crop, from `first` on, that lie in 0 .. `size` by more than one and a half of them."""
    middles = first + pixel * np.arange(_SIZE) + 0.5 * pixel
    inside = np.flatnonzero((middles > 1.5 * pixel) & (middles < size - 1.5 * pixel))
    if not len(inside):
        return range(0)
    return range(max(int(inside[0]), _NARROW), min(int(inside[-1]) + 1, _SIZE - _NARROW))


class _Seen(NamedTuple):
    """A face in a picture: where it is, in pixels, and what is around it, None where nobody will look at it."""

    middle: Curve
    half: float
    around: Around | None


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
        often = self.pairs >= SURE and self.moved * 2 >= self.pairs
        return often or (self.pairs >= ENOUGH and self.moved * 4 >= self.pairs)

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
    """Compares the faces of every other frame that is far enough from the one before; what is around them is held."""

    def __init__(self) -> None:
        self._counts: dict[int, Count] = {}
        self._held: tuple[float, Mapping[int, _Seen]] | None = None
        self._whole = Liveness({})
        self._begun: Collection[int] = ()

    def go_on(self, trails: Collection[int]) -> None:
        """Say which trails began before what is seen here: how much was enough of them is known elsewhere."""
        self._begun = trails

    def see(self, frame: Frame, faces: Sequence[Sighting], small: Image) -> None:
        """Take the next frame with the faces in it and a small grey copy of it (see `cuts.CutFinder.small`)."""
        if self._held is not None and frame.time - self._held[0] < APART - 1e-3:
            return
        copy = small.astype(np.float64)
        self._whole = self._whole.followed_by(Liveness({}, frame.time, frame.time, copy, copy, copy), {})
        seen = {one.trail: self._place(one, frame.image) for one in faces}
        if self._held is None or frame.time - self._held[0] > LONGEST:
            self._held = frame.time, seen
        else:
            self._compare(frame.time, seen, *self._held)
            self._held = None

    def _place(self, one: Sighting, image: Image) -> _Seen:
        points = pixels(one.face, image)
        middle, half = points.mean(0), _AROUND * REACH / 2 * max(spans(points))
        return _Seen(middle, half, None if self._told(one.trail) else Around.of(image, middle, half))

    def _told(self, trail: int) -> bool:
        """Whether enough is known of a face."""
        return trail in self._counts and self._counts[trail].lives and trail not in self._begun

    def _compare(self, time: float, faces: Mapping[int, _Seen], before: float, others: Mapping[int, _Seen]) -> None:
        for trail in faces.keys() & others.keys():
            count = self._counts.setdefault(trail, Count(first=before))
            way = None if self._told(trail) else _way(others[trail], faces[trail])
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


def _way(first: _Seen, last: _Seen) -> float | None:
    """How far a face has moved from one picture to another, None where that cannot be told."""
    half, between = (first.half + last.half) / 2, (first.middle + last.middle) / 2
    if half < SMALLEST or first.around is None or last.around is None:
        return None
    # Where the landmarks jitter the one place holds better, where the camera moves each its own.
    way = motion(first.around, last.around, between, between, half)
    return way if way is None or way <= MOVED else motion(first.around, last.around, first.middle, last.middle, half)


def motion(earlier: Around, later: Around, first: Curve, last: Curve, half: float) -> float | None:
    """How far a face moved beside its surroundings, in sides of a crop of `half` pixels around `first` and `last`.

    None where too little of both lies inside the pictures.
    """
    before, wide = earlier.crop(first, half), half
    mine = earlier.known(first, half)
    for step in range(_STEPS):
        after = later.crop(last, wide)
        rows, columns = (_both(*pair) for pair in zip(mine, later.known(last, wide), strict=True))
        if len(rows) * len(columns) < LEAST_KNOWN * _SIZE**2:
            return None
        known = slice(rows.start, rows.stop), slice(columns.start, columns.stop)
        change, ways = smooth(after - before), ways_of(smooth(0.5 * (before + after)))
        change, ways = change[known], ways[(slice(None), *known)]
        amount = fit(ways.reshape(len(ways), -1), change.ravel())
        if step < _STEPS - 1:
            last = last - np.asarray(amount[:2], dtype=np.float64) * (2 * wide / _SIZE)
            wide *= 1 - float(amount[2] + amount[5]) / (2 * _SIZE)
    face = _FACE[known]
    left, slopes = (change - np.tensordot(amount, ways, 1))[face], ways[:2, face]
    return rms(left) / (rms(np.sqrt(slopes[0] ** 2 + slopes[1] ** 2)) + FLAT) / _SIZE


def _both(first: range, second: range) -> range:
    return range(max(first.start, second.start), min(first.stop, second.stop))
