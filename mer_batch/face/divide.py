"""Trails that go on across a cut which nobody noticed, because one face took the place of another before one backdrop.

The portraits before and after are then of two people. Where they are, the trail is divided at the picture in which its
box moves most.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final

import numpy as np

from mer_batch.face.detect import overlap
from mer_batch.face.log import FaceLog, Record
from mer_batch.face.people import Followed, Sure
from mer_batch.face.portraits import Portrait, Seen

TWO: Final = 1.3
"""Share of an embedder's `same` from which two parts of one trail are two people, each by `ENOUGH` pictures."""
TWO_BY_ONE: Final = 1.5
"""The same where a part is known by one picture that is worth `LEAST`: a single one strays further."""
ENOUGH: Final = 0.9
LEAST: Final = 0.5
"""Good pictures that both parts must be worth."""


def divided(log: FaceLog, seen: Mapping[int, Seen], same: float) -> tuple[FaceLog, dict[int, Seen]]:
    """The log without trails of two people, and what is seen of its trails."""
    found = dict(seen)
    waiting = sorted(seen)
    while waiting:
        trail = waiting.pop()
        place = _between(found[trail], same)
        if place is None:
            continue
        own = [record for record in log.records if record.trail == trail]
        times = found[trail].times
        frame = _jump(own, log.times, times[place - 1], times[place])
        if frame is None:
            continue
        new = max(one.trail for one in log.trails) + 1
        log = _cut(log, trail, new, frame)
        whole = found[trail]
        found[trail], found[new] = whole.part(0, place), whole.part(place, len(times))
        waiting += [trail, new]
    return log, found


def _between(seen: Seen, same: float) -> int | None:
    """The place before which there is another person than from there on."""
    best: tuple[float, int] | None = None
    for place in range(1, len(seen.times)):
        before, after = seen.part(0, place).known, seen.part(place, len(seen.times)).known
        away = float(np.linalg.norm(before.mean - after.mean))
        worth = min(before.pictures, after.pictures)
        far = away > (TWO if worth >= ENOUGH else TWO_BY_ONE) * same
        if far and worth >= LEAST and (best is None or away > best[0]):
            best = away, place
    return best[1] if best else None


def _jump(own: Sequence[Record], times: Sequence[float], begin: float, end: float) -> int | None:
    """The frame between two times in which a face moved most from its place before."""
    inside = [record for record in own if begin <= times[record.frame] <= end]
    steps = [(overlap(a.box, b.box), b.frame) for a, b in pairwise(inside)]
    return min(steps)[1] if steps else None


def _cut(log: FaceLog, trail: int, new: int, frame: int) -> FaceLog:
    """The log in which a trail has another number from a frame on."""
    time = log.times[frame]
    goes_on = any(one.trail != trail and one.first < time <= one.last for one in log.trails if one.sure)
    portraits, motions = dict(log.portraits), dict(log.motions)
    portraits[trail], portraits[new] = _parted(portraits.get(trail, ()), time)
    before = motions.get(trail, ())
    if before:
        motions[trail] = tuple(one for one in before if one.time < time)
        motions[new] = tuple(one for one in before if one.time >= time)
    return replace(
        log,
        records=tuple(
            replace(one, trail=new) if one.trail == trail and one.frame >= frame else one for one in log.records
        ),
        trails=tuple(_trails(log, trail, new, frame)),
        cuts=log.cuts if goes_on else tuple(sorted({*log.cuts, frame})),
        portraits=portraits,
        motions=motions,
    )


def _parted(portraits: Sequence[Portrait], time: float) -> tuple[tuple[Portrait, ...], tuple[Portrait, ...]]:
    return tuple(one for one in portraits if one.time < time), tuple(one for one in portraits if one.time >= time)


def _trails(log: FaceLog, trail: int, new: int, frame: int) -> Iterable[Followed]:
    frames = [record.frame for record in log.records if record.trail == trail]
    for one in log.trails:
        if one.trail != trail or one.sure is None:
            yield one
            continue
        early = [place for place in frames if place < frame]
        last = log.times[max(early)] if early else one.first
        sure = one.sure if one.sure.time <= last else replace(one.sure, time=one.first)
        yield replace(one, last=last, look=one.sure.look, hits=len(early), sure=sure)
        late = Sure(log.times[frame], one.look)
        yield replace(one, trail=new, first=log.times[frame], hits=len(frames) - len(early), sure=late)
