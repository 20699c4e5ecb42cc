"""Which trails are one person: numbers in order of appearance, from what every trail tells of itself.

It is asked when all trails are known, so that a film may be followed in pieces: the trails of all pieces, joined, are
numbered as those of the whole film are.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mer_batch.face.identity import SAME_EMBEDDING, likeness
from mer_batch.types import Floats

PATIENCE: Final = 1.0
"""Seconds a lost face keeps its trail, so that a blink of the detector is no departure."""
RETURN_WITHIN: Final = 20.0
"""Seconds within which somebody who left may come back in the same shot under the same number."""
SAME_LOOK: Final = 0.75
"""Likeness (see `identity.likeness`) from which a returning face is taken for the one that left."""


@dataclass(frozen=True, slots=True, eq=False)
class Sure:
    """When a trail was known to be a face, its look then (see `identity.look`) and, if there is one, its embedding.

    `brief`: the shot was too short to be sure in the usual way, so that nobody is recognised in it.
    """

    time: float
    look: NDArray[np.float64]
    embedding: Floats | None = None
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


@dataclass(slots=True)
class _Known:
    """What is remembered of a person."""

    shot: int
    time: float
    look: NDArray[np.float64]
    embedding: Floats | None


def number_people(trails: Iterable[Followed]) -> dict[int, int]:
    """Trail numbers to person numbers (from 1); trails that were no face are absent."""
    known: list[_Known] = []
    owner: dict[int, int] = {}
    open_: list[tuple[Followed, int]] = []
    for trail, sure in sorted(_certain(trails), key=lambda pair: (pair[1].time, pair[1].brief, pair[0].trail)):
        for past in [pair for pair in open_ if not _in_view(pair[0], trail.shot, sure.time)]:
            open_.remove(past)
            _remember(known[past[1] - 1], past[0])
        number = None if sure.brief else _recognised(trail, sure, known, {of for _, of in open_})
        if number is None:
            known.append(_Known(trail.shot, sure.time, sure.look, sure.embedding))
            number = len(known)
        owner[trail.trail] = number
        open_.append((trail, number))
    return owner


def _certain(trails: Iterable[Followed]) -> Iterable[tuple[Followed, Sure]]:
    return ((trail, trail.sure) for trail in trails if trail.sure is not None)


def _in_view(trail: Followed, shot: int, time: float) -> bool:
    return trail.shot == shot and time - trail.last <= PATIENCE


def _remember(person: _Known, trail: Followed) -> None:
    assert trail.sure is not None
    if trail.last > trail.sure.time:
        person.time, person.look, person.shot = trail.last, trail.look, trail.shot


def _recognised(trail: Followed, sure: Sure, known: list[_Known], present: set[int]) -> int | None:
    """The number of the absent person who looks like this one, if any does."""
    best: tuple[float, int] | None = None
    for number, person in enumerate(known, 1):
        if number in present:
            continue
        if sure.embedding is not None and person.embedding is not None:
            score, enough = float(sure.embedding @ person.embedding), SAME_EMBEDDING
        elif person.shot == trail.shot and sure.time - person.time <= RETURN_WITHIN:
            score, enough = likeness(sure.look, person.look), SAME_LOOK
        else:
            continue
        if score >= enough and (best is None or score > best[0]):
            best = score, number
    return best[1] if best else None
