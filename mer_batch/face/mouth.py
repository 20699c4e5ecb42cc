"""How the mouths of followed faces move.

A mouth that speaks goes to and fro several times a second, more often than emotions are read, so that the
frames between the sampled ones are looked at too. Two crops of a face are laid on each other by what the
upper face did (moved, turned, grew, got lighter: one step of Lucas & Kanade 1981, affine, with gain); what
is still different in the mouth moved on its own, and divided by the local contrast that is a length. A smile
or a yawn goes one way: after 0.4 s the mouth is as far from where it was as the way it went. Speech is not.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pictures

from mer_batch.face.flow import (
    FLAT,
    REACH,
    Array,
    Curve,
    fit,
    median,
    pixels,
    rms,
    slopes,
    smooth,
    spans,
    square,
    ways_at,
)
from mer_batch.face.track import Sighting
from mer_batch.types import Frame, Image

Mask: TypeAlias = NDArray[np.bool_]

MOUTH_FPS: Final = 10.0
"""Pictures a second that show speech: syllables open and close a mouth 3 to 8 times a second."""
WINDOW: Final = 0.4
"""Seconds over which way and distance are compared."""
LONGEST_STEP: Final = 0.5
"""Seconds between two sightings of a face beyond which its way is not known well enough to follow the mouth."""
SMALLEST: Final = 32.0
"""Side of the square around a face, in pixels, below which its mouth is not read: lips are 4 pixels high."""
_CLOSEST: Final = 0.05  # seconds between pictures that are compared: nearer ones add only noise
_SIZE: Final = 48  # pixels of a face crop


class Motion(NamedTuple):
    """What `WINDOW` seconds of pictures say of a mouth, in crop widths a second.

    `time` is the middle; `speed` is the way that the mouth went (root mean square over its pixels, summed
    from picture to picture), `drift` the distance between its first and last state; `rest` is the way of
    the upper face (a median): what noise and an imperfect fit make of a face that does nothing.
    """

    time: float
    speed: float
    drift: float
    rest: float


@dataclass(frozen=True, slots=True)
class MouthTrack:
    """The motion of one person's mouth in time order, arrays of shape (n,); see `Motion`."""

    times: Curve
    speeds: Curve
    drifts: Curve
    rests: Curve

    @classmethod
    def of(cls, motions: Iterable[Motion]) -> MouthTrack:
        """From motions in any order."""
        rows = np.array(sorted(motions), dtype=np.float64).reshape(-1, 4)
        return cls(*rows.T)


@dataclass(frozen=True, eq=False)
class Look:
    """A crop (`_SIZE`, `_SIZE`) of a face with its five landmarks (5, 2) in shares of the crop."""

    time: float
    crop: Array
    points: Curve

    @cached_property
    def slopes(self) -> Array:
        """The crop, smoothed, and its slopes across and down, of shape (3, `_SIZE` ** 2).

        A look is compared with several; since all this is linear, means and differences of it do for pairs.
        """
        soft = smooth(self.crop)
        down, across = slopes(soft)
        return np.stack([soft, across, down]).reshape(3, -1)


class _Held(NamedTuple):
    """A picture, in colour (h, w, 3) or grey (h, w)."""

    time: float
    image: Image
    damage: float


class MouthWatcher:
    """Measures mouths while faces are read.

    Feed it frames at `rate` through `sample`, which passes on those that `fps` asks for, and tell it where
    faces are with `see`. Only the pictures since the last `see` are held.
    """

    def __init__(self, fps: float, start: float = 0.0) -> None:
        """`fps` and `start` as for `media.read_frames`: which frames faces are looked for in."""
        self.rate = fps * math.ceil(MOUTH_FPS / fps)
        """Frames a second that `sample` wants."""
        self._fps, self._start = fps, start
        # Only the part around a face need be grey, but where few frames are sampled many are held between them.
        self._hold = _as_it_is if self.rate <= 2 * fps else _grey
        self._held: deque[_Held] = deque()
        self._faces: Mapping[int, Curve] = {}
        self._mouths: dict[int, _Mouth] = {}

    def sample(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        """The first frame of every step of 1/fps seconds, and those that stand for lost ones: many may follow."""
        step = -1
        for frame in frames:
            self._held.append(_Held(frame.time, self._hold(frame.image), frame.damage))
            # 2 ms early is on time, as in `media.read_frames`.
            now = int((frame.time - self._start + 0.002) * self._fps)
            if now != step or frame.damage == 1:
                step = now
                yield frame

    def see(self, frames: Sequence[Frame], sightings: Sequence[Sequence[Sighting]]) -> None:
        """Take the faces found in the frames that `sample` gave."""
        for frame, seen in zip(frames, sightings, strict=True):
            faces = {sighting.trail: pixels(sighting.face, frame.image) for sighting in seen}
            between = self._until(frame.time)
            for trail in self._faces.keys() & faces.keys():
                if between[-1].time - between[0].time <= LONGEST_STEP and _alike(between):
                    mouth = self._mouths.setdefault(trail, _Mouth())
                    mouth.follow(between[0].time, _looks(between, self._faces[trail], faces[trail]))
            self._faces = faces

    def _until(self, time: float) -> list[_Held]:
        """The pictures from the last sampled one to the one at `time`, which stays."""
        taken = []
        while self._held[0].time < time:
            taken.append(self._held.popleft())
        return [*taken, self._held[0]]

    @property
    def motions(self) -> dict[int, tuple[Motion, ...]]:
        """The motions of the mouth on every trail, in order."""
        return {trail: tuple(mouth.motions) for trail, mouth in self._mouths.items() if mouth.motions}

    def tracks(self, person_of: Mapping[int, str]) -> dict[str, MouthTrack]:
        """The motion of every person, from the trails that are theirs."""
        return tracks_of(self.motions, person_of)


def tracks_of(motions: Mapping[int, Sequence[Motion]], person_of: Mapping[int, str]) -> dict[str, MouthTrack]:
    """The motion of every person's mouth, from those on the trails that are theirs."""
    found: dict[str, list[Motion]] = {}
    for trail, those in motions.items():
        if trail in person_of:
            found.setdefault(person_of[trail], []).extend(those)
    return {name: MouthTrack.of(those) for name, those in found.items()}


@dataclass(slots=True)
class _Mouth:
    """One mouth as it goes: the looks of the last `WINDOW` seconds with the ways between them."""

    motions: list[Motion] = field(default_factory=list)
    _looks: deque[Look] = field(default_factory=deque)
    _ways: deque[tuple[float, float]] = field(default_factory=deque)

    def follow(self, start: float, looks: Iterable[tuple[float, Callable[[], Look]]]) -> None:
        """Take the looks from one sighting, at `start`, to the next; after a break what was is forgotten.

        They come with their times, and are taken only where they tell something new.
        """
        if self._looks and start - self._looks[-1].time > _CLOSEST:
            self._looks.clear()
            self._ways.clear()
        for time, look in looks:
            if not self._looks:
                self._looks.append(look())
            elif time - self._looks[-1].time >= _CLOSEST:
                self._add(look())

    def _add(self, look: Look) -> None:
        self._ways.append(motion(self._looks[-1], look))
        self._looks.append(look)
        while len(self._looks) > 2 and look.time - self._looks[1].time >= WINDOW - _CLOSEST / 2:
            self._looks.popleft()
            self._ways.popleft()
        first = self._looks[0]
        seconds = look.time - first.time
        if seconds >= WINDOW - _CLOSEST / 2:
            speed, rest = (sum(parts) / seconds for parts in zip(*self._ways, strict=True))
            drift = motion(first, look)[0] / seconds
            self.motions.append(Motion((first.time + look.time) / 2, speed, drift, rest))


def _alike(pictures: Sequence[_Held]) -> bool:
    """Whether motion can be seen in them: all whole and of one size."""
    return not any(held.damage for held in pictures) and len({held.image.shape for held in pictures}) == 1


def _looks(pictures: Sequence[_Held], first: Curve, last: Curve) -> Iterator[tuple[float, Callable[[], Look]]]:
    """A face in neighbouring pictures, its landmarks going straight from `first` to `last`."""
    half = REACH / 2 * max(spans((first + last) / 2))
    if 2 * half < SMALLEST:
        return
    begin, seconds = pictures[0].time, pictures[-1].time - pictures[0].time
    for picture in pictures:
        points = first + (last - first) * ((picture.time - begin) / seconds)
        yield picture.time, partial(_look, picture, points, half)


def _look(picture: _Held, points: Curve, half: float) -> Look:
    middle = points.mean(0)
    return Look(picture.time, square(picture.image, middle, half, _SIZE), (points - middle + half) / (2 * half))


def _as_it_is(image: Image) -> Image:
    return image


def _grey(image: Image) -> Image:
    return np.asarray(Pictures.fromarray(image).convert("L"))


_LINE: Final = (np.arange(_SIZE, dtype=np.float32) / _SIZE)[None]
"""Columns of a crop in shares of its side, shape (1, `_SIZE`); turned, its rows."""


def _regions(points: Curve) -> tuple[Mask, Mask]:
    """The pixels of the mouth (down to the lower lip of an open one) and of eyes and nose."""
    across, down = spans(points)
    (x0, y0), (x1, y1), nose, (x3, y3), (x4, y4) = points.tolist()
    eyes, mouth = ((x0 + x1) / 2, (y0 + y1) / 2), ((x3 + x4) / 2, (y3 + y4) / 2)
    columns, rows = _LINE, _LINE.T
    lips = ((columns - mouth[0]) / (0.42 * across)) ** 2 + ((rows - mouth[1] - 0.08 * down) / (0.38 * down)) ** 2 < 1
    wide = np.abs(columns - (eyes[0] + nose[0]) / 2) < 0.75 * across
    high = (rows > eyes[1] - 0.45 * down) & (rows < nose[1] + 0.1 * down)
    return lips, wide & high & ~lips


def motion(before: Look, after: Look) -> tuple[float, float]:
    """How far the mouth is from where it was, beside what the upper face did, in crop widths.

    Returns the root mean square over the mouth and the scaled median over eyes and nose.
    """
    regions = _regions((before.points + after.points) / 2)
    mouth, upper = (np.flatnonzero(region) for region in regions)
    # Only these pixels are asked for; those of the mouth stand first.
    places, lips = np.concatenate([mouth, upper]), len(mouth)
    old, new = before.slopes[:, places], after.slopes[:, places]
    change, (middle, across, down) = new[0] - old[0], 0.5 * (old + new)
    ways = ways_at(middle, across, down, *_SHARES[:, places])
    left = change - fit(ways[:, lips:], change[lips:]) @ ways
    contrast = np.sqrt(across**2 + down**2)
    speed = rms(left[:lips]) / (rms(contrast[:lips]) + FLAT)
    rest = 1.48 * median(np.abs(left[lips:])) / (rms(contrast[lips:]) + FLAT)
    return speed / _SIZE, rest / _SIZE


_SHARES: Final = np.stack(np.broadcast_arrays(_LINE, _LINE.T)).reshape(2, -1)
"""Columns and rows of all pixels of a crop in shares of its side, shape (2, `_SIZE` ** 2)."""
