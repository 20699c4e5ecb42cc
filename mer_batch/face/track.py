"""Following people from frame to frame.

The whole picture is searched at the start, after cuts, every `SEARCH_EVERY` seconds, more often while
nobody is in view, and when somebody known was lost; in between, known faces are only refined at the
place where they must be now. Small faces take most of a search: they are looked for at the start, after cuts, and
every `SEARCH_SMALL_EVERY` seconds, while nobody is in view every `SEARCH_EVERY`.
A trail is one face followed without a break in one shot; a person is one or more trails.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import permutations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mer_batch.face.detect import GLANCED, Detection, Detector, overlap
from mer_batch.face.identity import likeness, look
from mer_batch.face.people import PATIENCE, SAME_LOOK, Followed, Sure, number_people
from mer_batch.types import Box, Frame, Image

SEARCH_EVERY: Final = 1.0
"""Seconds after which new faces are looked for beside those in view, counted on the clock of the file.

Not from the last search: then a film followed from its middle would be searched in other pictures.
"""
SEARCH_SMALL_EVERY: Final = 3.0
"""Seconds after which small faces are looked for too, counted like `SEARCH_EVERY`."""
SEARCH_EMPTY_EVERY: Final = 0.5
"""Seconds after which faces are looked for while nobody is in view."""
# On the test clips without a readable face (crowds, dark stages, drawings) false trails last for
# seconds and reach 0.988, but no two of their sightings reach 0.99; real faces do within a second.
_STRONG: Final = 0.99
_STRONG_HITS: Final = 2
_MATCH_COST: Final = 10.0
_FEW: Final = 4  # faces and trails whose pairs are all tried
_JITTER: Final = 0.01  # seconds by which sampled times may be early


class _Search(Enum):
    """What is looked for in a picture."""

    ALL = "all faces"
    LARGE = "faces that a glance finds"


@dataclass(frozen=True, slots=True)
class Sighting:
    """A face in one frame, on the trail `trail`; `Tracker.person` says whose that is."""

    trail: int
    face: Detection


@dataclass(slots=True, eq=False)
class _Trail:
    """A face being followed; the only thing here that changes."""

    number: int
    face: Detection
    time: float
    look: NDArray[np.float64]
    first: float
    strong: int = 0
    hits: int = 0
    sure: Sure | None = None
    lost: bool = False
    drift: tuple[float, float] = (0.0, 0.0)

    def see(self, face: Detection, time: float) -> None:
        """Take a new sighting; positions and speed follow it."""
        step = time - self.time
        if self.hits and not self.lost and step > 0:
            (x0, y0), (x1, y1) = _centre(self.face.box), _centre(face.box)
            self.drift = ((x1 - x0) / step, (y1 - y0) / step)
        elif self.lost:
            self.drift = (0.0, 0.0)
        self.face, self.time, self.lost = face, time, False
        self.hits += 1
        self.strong += face.score >= _STRONG

    def expected(self, time: float) -> Box:
        """Where the face should be now, if it moves on."""
        # Half the step: faces stop and turn more often than they keep their speed.
        dx, dy = (0.5 * speed * (time - self.time) for speed in self.drift)
        left, top, right, bottom = self.face.box
        return left + dx, top + dy, right + dx, bottom + dy


class Tracker:
    """Follows faces through frames given in order, a batch at a time.

    `detector` finds and refines faces.
    """

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self._trails: list[_Trail] = []
        self._ended: list[Followed] = []
        self._owner: Mapping[int, int] | None = None
        self._made = 0
        self._shot = 0
        self._shot_frames = 0
        self._searched = dict.fromkeys(_Search, -np.inf)
        self._due = _Due()

    @property
    def person(self) -> Mapping[int, int]:
        """Trail numbers to person numbers (from 1) after `end`, by looks; trails that were no face are absent."""
        if self._owner is None:
            self._owner = number_people(self._ended).of
        return self._owner

    @property
    def trails(self) -> Sequence[Followed]:
        """The trails that have ended: all of them after `end`."""
        return self._ended

    def follow(self, frames: Sequence[Frame], cuts: Sequence[bool]) -> list[list[Sighting]]:
        """The faces in each frame; `cuts[i]` says that frame i begins a shot."""
        return list(self.each(frames, cuts))

    def each(self, frames: Sequence[Frame], cuts: Sequence[bool]) -> Iterator[list[Sighting]]:
        """The same, each as soon as it is known."""
        ahead = self._search_ahead(frames, cuts)
        for position, (frame, cut) in enumerate(zip(frames, cuts, strict=True)):
            if cut:
                self._end_shot()
            self._shot_frames += 1
            yield self._step(frame, ahead.get(position))

    def end(self, goes_on: bool = False) -> None:
        """Say that no frame follows; `goes_on`: none of this piece, while the shot goes on in the next one."""
        if not goes_on:
            self._end_shot()
        self._end(self._trails)
        self._trails = []

    def _search_ahead(
        self, frames: Sequence[Frame], cuts: Sequence[bool]
    ) -> dict[int, tuple[_Search, list[Detection]]]:
        """The searches that are due whatever happens, done as one batch: what they were and found, by frame."""
        due = [self._due(frame.time, cut) for frame, cut in zip(frames, cuts, strict=True)]
        done: dict[int, tuple[_Search, list[Detection]]] = {}
        for search in _Search:
            places = [place for place, wanted in enumerate(due) if wanted is search]
            found = self._look([frames[place].image for place in places], search)
            done |= {place: (search, faces) for place, faces in zip(places, found, strict=True)}
        return done

    def _look(self, images: Sequence[Image], search: _Search) -> list[list[Detection]]:
        return self._detector.detect(images) if search is _Search.ALL else self._detector.glance(images)

    def _step(self, frame: Frame, done: tuple[_Search, list[Detection]] | None) -> list[Sighting]:
        self._refine(frame)
        needed = self._needed(frame, None if done is None else done[1])
        if needed is not None:
            done = needed, self._look([frame.image], needed)[0]
        if done is not None:
            search, found = done
            self._searched[search] = frame.time
            self._match(frame, found)
        self._forget(frame.time)
        self._confirm()
        return [Sighting(trail.number, trail.face) for trail in self._trails if not trail.lost]

    def _needed(self, frame: Frame, found: Sequence[Detection] | None) -> _Search | None:
        """The search that is needed when a known person was lost, or when nobody is in view for a while.

        `found` is what the search in this frame that was due anyway found, None without one.
        """
        if found is None and (lost := [trail for trail in self._trails if trail.lost and trail.sure]):
            return _Search.ALL if any(_size(trail.face, frame) < GLANCED for trail in lost) else _Search.LARGE
        if not found and all(trail.lost for trail in self._trails):
            if frame.time - self._searched[_Search.ALL] >= SEARCH_EVERY - _JITTER:
                return _Search.ALL
            if found is None and frame.time - max(self._searched.values()) >= SEARCH_EMPTY_EVERY - _JITTER:
                return _Search.LARGE
        return None

    def _refine(self, frame: Frame) -> None:
        """Keep the faces that are still where they should be; mark the others as lost."""
        live = [trail for trail in self._trails if not trail.lost]
        faces = self._detector.refine(frame.image, [trail.expected(frame.time) for trail in live])
        taken: list[Box] = []
        for trail, face in sorted(zip(live, faces, strict=True), key=lambda pair: -pair[0].hits):
            if face is None or any(overlap(face.box, box) > 0.4 for box in taken):
                trail.lost = True
            else:
                trail.see(face, frame.time)
                taken.append(face.box)

    def _match(self, frame: Frame, found: list[Detection]) -> None:
        """Give the faces of a search to the trails they continue; the rest begin trails."""
        looks = [look(frame.image, face.box) for face in found]
        costs = np.array(
            [
                [_cost(trail, face, seen, frame) for face, seen in zip(found, looks, strict=True)]
                for trail in self._trails
            ]
        ).reshape(len(self._trails), len(found))
        left_over = set(range(len(found)))
        for row, column in _assigned(costs):
            if costs[row, column] >= _MATCH_COST:
                continue
            trail = self._trails[row]
            left_over.discard(int(column))
            if trail.lost:
                trail.see(found[column], frame.time)
            else:
                # The refined face was counted already; the search only puts its box right. What the boxes before it
                # said is forgotten with them, so that a film followed from its middle goes on alike from here.
                trail.face, trail.drift = found[column], (0.0, 0.0)
            trail.look = looks[column]
        kept = [trail.face.box for trail in self._trails if not trail.lost]
        for column in sorted(left_over):
            if all(overlap(found[column].box, box) < 0.4 for box in kept):
                self._begin(found[column], frame.time, looks[column])

    def _begin(self, face: Detection, time: float, seen: NDArray[np.float64]) -> None:
        trail = _Trail(self._made, face, time, seen, time)
        trail.see(face, time)
        self._made += 1
        self._trails.append(trail)

    def _forget(self, time: float) -> None:
        """End the trails that have been lost for too long."""
        gone = [trail for trail in self._trails if trail.lost and time - trail.time > PATIENCE]
        self._end(gone)
        self._trails = [trail for trail in self._trails if trail not in gone] if gone else self._trails

    def _end(self, trails: Sequence[_Trail]) -> None:
        self._ended += [
            Followed(trail.number, self._shot, trail.first, trail.time, trail.look, trail.hits, trail.sure)
            for trail in trails
        ]

    def _confirm(self) -> None:
        """Take the look of those who are now known to be faces."""
        for trail in self._trails:
            if trail.sure is None and not trail.lost and trail.strong >= _STRONG_HITS:
                trail.sure = Sure(trail.time, trail.look)

    def _end_shot(self) -> None:
        """A cut or the end: every trail ends. A shot too short to confirm a face takes one very clear sighting."""
        for trail in self._trails:
            throughout = trail.hits == self._shot_frames <= _STRONG_HITS
            if trail.sure is None and throughout and trail.strong == trail.hits:
                trail.sure = Sure(trail.time, trail.look, brief=True)
        self._end(self._trails)
        self._trails = []
        self._shot += 1
        self._shot_frames = 0


class _Due:
    """Says which search is due whatever happens: after cuts and by the clock, once in a number of seconds."""

    def __init__(self) -> None:
        self._steps: tuple[int, int] | None = None
        self._cut = -np.inf

    def __call__(self, time: float, cut: bool) -> _Search | None:
        """The one that is due in the next frame, if any."""
        before = self._steps
        self._steps = int((time + _JITTER) // SEARCH_EVERY), int((time + _JITTER) // SEARCH_SMALL_EVERY)
        if cut:
            self._cut = time
        if cut or before is None:
            return _Search.ALL
        # Soon after a cut everything was looked for already.
        if self._steps == before or time - self._cut < SEARCH_EVERY / 2:
            return None
        return _Search.LARGE if self._steps[1] == before[1] else _Search.ALL


def _size(face: Detection, frame: Frame) -> float:
    """The longer side of a face as a share of the shorter side of the picture."""
    height, width = frame.image.shape[:2]
    longer = max((face.box[2] - face.box[0]) * width, (face.box[3] - face.box[1]) * height)
    return float(longer / min(height, width))


def _cost(trail: _Trail, face: Detection, seen: NDArray[np.float64], frame: Frame) -> float:
    """How badly a face continues a trail: below `_MATCH_COST` it may."""
    box = trail.face.box if not trail.lost else trail.expected(frame.time)
    shared = overlap(box, face.box)
    if shared > 0.3:
        return float(1 - shared)
    if not trail.lost:
        return _MATCH_COST
    # A lost face may have moved by its own size, if it still looks the same.
    height, width = frame.image.shape[:2]
    size = (box[3] - box[1]) * height
    (x0, y0), (x1, y1) = _centre(box), _centre(face.box)
    distance = float(np.hypot((x1 - x0) * width, (y1 - y0) * height)) / size
    growth = (face.box[3] - face.box[1]) / (box[3] - box[1])
    if distance < 1.5 and 0.6 < growth < 1.6 and likeness(trail.look, seen) >= SAME_LOOK - 0.1:
        return float(1 + distance)
    return _MATCH_COST


def _assigned(costs: NDArray[np.float64]) -> list[tuple[int, int]]:
    """(row, column) of the pairs that cost least together, by row."""
    rows, columns = costs.shape
    if rows > columns:
        return sorted((row, column) for column, row in _assigned(costs.T))
    if columns <= _FEW:  # scipy.optimize takes a third of a second to load
        table = costs.tolist()
        ways = permutations(range(columns), rows)
        return list(enumerate(min(ways, key=lambda way: sum(table[row][column] for row, column in enumerate(way)))))
    from scipy.optimize import linear_sum_assignment

    return [(int(row), int(column)) for row, column in zip(*linear_sum_assignment(costs), strict=True)]


def _centre(box: Box) -> tuple[float, float]:
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
