"""Which trails are one person: numbers in order of appearance, from what every trail tells of itself.

It is asked when all trails are known, so that a film may be followed in pieces: the trails of all pieces, joined, are
numbered as those of the whole film are, whatever the order and number of frames worked on together.

Trails become people by agglomerative clustering: again and again the two that are most surely one person are joined,
and their means are taken anew. Two faces seen at one time are never one person. What tells that two are one:

- their faces, where there are embeddings: the distance of their means is below a bound that is stricter for few or
  poor pictures (`bound`), and no third person, known not to be one of the two, is about as near (`CLEARLY`);
- within one shot the look of head and clothes of whoever comes back within `RETURN_WITHIN`. Where faces are known,
  they must agree as well, if less strictly.

Joining two people is worse than leaving one in two, so that in doubt nobody is joined.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mer_batch.face.identity import likeness
from mer_batch.types import Floats

PATIENCE: Final = 1.0
"""Seconds a lost face keeps its trail, so that a blink of the detector is no departure."""
RETURN_WITHIN: Final = 20.0
"""Seconds within which somebody who left may come back in the same shot under the same number."""
SAME_LOOK: Final = 0.75
"""Likeness (see `identity.likeness`) from which a returning face is taken for the one that left."""
FEW: Final = 0.06
"""Share of `same` by which the bound is lower where both are known by one picture; it falls with their number."""
BACK: Final = 0.1
"""Share of `same` by which the bound is higher for who comes back in one shot with the same look."""
CLEARLY: Final = 0.06
"""Share of `same` by which somebody must be nearer than another person who may be meant."""
_NONE: Final = 1e-3
_Square = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Sure:
    """When a trail was known to be a face, and its look then (see `identity.look`).

    `brief`: the shot was too short to be sure in the usual way, so that nobody is recognised in it by looks.
    """

    time: float
    look: NDArray[np.float64]
    brief: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Followed:
    """A face that was followed without a break: the number of its trail, its shot, when it was first and last seen.

    `look` is the last one; `hits` counts its sightings; `sure` is None for what perhaps was no face.
    """

    trail: int
    shot: int
    first: float
    last: float
    look: NDArray[np.float64]
    hits: int
    sure: Sure | None


class Known(NamedTuple):
    """The mean of the embeddings of somebody's pictures, shape (d,), and how many good pictures they are worth."""

    mean: Floats
    pictures: float


@dataclass(frozen=True, slots=True, eq=False)
class Faces:
    """Faces by trail, the distance below which two well-known people are one, and faces that are known by name."""

    same: float
    trails: Mapping[int, Known] = field(default_factory=dict)
    gallery: Mapping[str, Known] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class People:
    """Person numbers (from 1) by trail; trails that were no face are absent. `names` are those that a gallery gave."""

    of: Mapping[int, int]
    names: Mapping[int, str] = field(default_factory=dict)

    def name(self, number: int) -> str:
        """What a person is called."""
        return self.names.get(number, f"Person {number}")


def certain(trails: Iterable[Followed]) -> list[Followed]:
    """The trails that are faces, in order of appearance."""
    found = [(trail.sure.time, trail.sure.brief, trail.trail, trail) for trail in trails if trail.sure is not None]
    return [trail for *_, trail in sorted(found, key=lambda one: one[:3])]


def comparable(trails: Sequence[Followed]) -> list[Followed]:
    """Those trails of `certain` ones that may be the person of another one, since the two are never seen at once."""
    apart = _seen_at_once(trails)
    return [trail for trail, row in zip(trails, apart, strict=True) if not row.all()]


def number_people(trails: Iterable[Followed], faces: Faces | None = None, looks: bool = True) -> People:
    """Who is who among the trails; without `faces` by their looks within a shot, without `looks` everybody is new."""
    known = certain(trails)
    groups = _Groups(known, faces or Faces(1.0), looks)
    while groups.join():
        pass
    owner: dict[int, int] = {}
    names: dict[int, str] = {}
    for number, (members, name) in enumerate(groups.found(), 1):
        owner.update({known[place].trail: number for place in members})
        if name is not None:
            names[number] = name
    return People(owner, names)


class _Groups:
    """People as they are being found: trails first, each a group of its own, then those of the gallery."""

    def __init__(self, trails: Sequence[Followed], faces: Faces, looks: bool) -> None:
        self._names = list(faces.gallery)
        self._trails = len(trails)
        self._same = faces.same
        self._members = [[place] for place in range(len(trails) + len(self._names))]
        own = [faces.trails.get(trail.trail) for trail in trails] + list(faces.gallery.values())
        self._counts = np.array([0.0 if one is None else one.pictures for one in own])
        width = next((len(one.mean) for one in own if one is not None), 1)
        sums = [np.zeros(width) if one is None else one.mean.astype(np.float64) * one.pictures for one in own]
        self._sums = np.array(sums).reshape(len(own), width)
        size = len(own)
        self._apart = np.ones((size, size), bool)
        self._apart[: len(trails), : len(trails)] = _seen_at_once(trails)
        self._apart[: len(trails), len(trails) :] = self._apart[len(trails) :, : len(trails)] = False
        self._back = np.zeros((size, size))
        if looks:
            self._back[: len(trails), : len(trails)] = _returns(trails)
        self._distance = np.array([self._distances(row) for row in range(size)]).reshape(size, size)
        self._sureness = np.array([self._surely(row) for row in range(size)]).reshape(size, size)

    def join(self) -> bool:
        """Join the two that are most surely one; False where none are."""
        while self._sureness.size and (best := float(self._sureness.max())) > 0:
            first, second = divmod(int((self._sureness == best).argmax()), len(self._sureness))
            if not (self._rivals(first, second) or self._rivals(second, first)):
                self._merge(min(first, second), max(first, second))
                return True
            self._sureness[first, second] = self._sureness[second, first] = 0
        return False

    def _rivals(self, one: int, other: int) -> bool:
        """Whether `one` may as well be somebody who is known not to be `other`."""
        clear = self._distance[one] >= self._distance[one, other] + CLEARLY * self._same
        may = ~self._apart[one] & self._apart[other] & ~clear
        may[[one, other]] = False
        return bool(may.any())

    def _merge(self, one: int, gone: int) -> None:
        self._members[one] += self._members[gone]
        self._members[gone] = []
        self._counts[one] += self._counts[gone]
        self._sums[one] += self._sums[gone]
        self._apart[one] |= self._apart[gone]
        self._apart[:, one] |= self._apart[:, gone]
        self._back[one] = np.maximum(self._back[one], self._back[gone])
        self._back[:, one] = self._back[one]
        self._apart[gone], self._apart[:, gone] = True, True
        self._counts[gone], self._distance[gone], self._distance[:, gone] = 0, np.inf, np.inf
        self._sureness[gone], self._sureness[:, gone] = 0, 0
        self._distance[one] = self._distance[:, one] = self._distances(one)
        self._sureness[one] = self._sureness[:, one] = self._surely(one)

    def _distances(self, row: int) -> NDArray[np.float64]:
        """From one group to all: of the means of their embeddings, infinite where one has none."""
        means = self._sums / np.maximum(self._counts, _NONE)[:, None]
        away = np.linalg.norm(means - means[row], axis=1)
        return np.where((self._counts > 0) & (self._counts[row] > 0), away, np.inf)

    def _surely(self, row: int) -> NDArray[np.float64]:
        """How surely a group is one with each other one: above 0 they may be joined."""
        back = self._back[row]
        known = np.isfinite(self._distance[row])
        limit = bound(self._counts[row], self._counts, self._same) + BACK * self._same * (back > 0)
        by_face = np.divide(limit - self._distance[row], self._same, out=np.zeros(len(known)), where=known)
        # Half of it: what a face says comes first.
        found: NDArray[np.float64] = np.where(known, by_face, back / 2)
        found[self._apart[row]] = 0
        found[row] = 0
        return np.maximum(found, 0)

    def found(self) -> list[tuple[list[int], str | None]]:
        """The places of each person's trails and their name, in order of appearance."""
        people = []
        for members in self._members:
            own = sorted(place for place in members if place < self._trails)
            names = [self._names[place - self._trails] for place in members if place >= self._trails]
            if own:
                people.append((own, names[0] if names else None))
        return sorted(people, key=lambda one: one[0][0])


def bound(count: float, counts: NDArray[np.float64], same: float) -> NDArray[np.float64]:
    """The distance below which two are one who are known by `count` and each of `counts` good pictures."""
    few: NDArray[np.float64] = (1 / max(count, _NONE) + 1 / np.maximum(counts, _NONE)) / 2
    return same * (1 - np.minimum(FEW * few, 1))


def _seen_at_once(trails: Sequence[Followed]) -> NDArray[np.bool_]:
    """Whether two trails share a time, by their places; a trail does so with itself."""
    first, last = np.array([trail.first for trail in trails]), np.array([trail.last for trail in trails])
    both: NDArray[np.bool_] = (first[:, None] <= last) & (first <= last[:, None])
    return both


def _returns(trails: Sequence[Followed]) -> _Square:
    """How well two trails of one shot, the later of which begins soon after the other one ended, look like one person.

    0 = not at all, else up to 1.
    """
    found = np.zeros((len(trails), len(trails)))
    for later, trail in enumerate(trails):
        for earlier in range(later):
            before, sure = trails[earlier], trail.sure
            if sure is None or sure.brief or before.shot != trail.shot:
                continue
            away = sure.time - before.last
            if PATIENCE < away <= RETURN_WITHIN and (alike := likeness(sure.look, before.look)) >= SAME_LOOK:
                found[later, earlier] = found[earlier, later] = (alike - SAME_LOOK) / (1 - SAME_LOOK) * 0.9 + 0.1
    return found
