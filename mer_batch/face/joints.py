"""Pieces of a film, followed apart, as one: who goes on across a joint is known by the pictures that both pieces saw.

What a tracker does depends on the last seconds before, so that a piece begins `WARM` seconds early. There trails are
matched with those of the piece before, face by face in the same pictures; from the joint on the later piece counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import reduce
from typing import Final

from mer_batch.errors import MerError
from mer_batch.face.detect import overlap
from mer_batch.face.glimpses import both
from mer_batch.face.log import FaceLog, Record
from mer_batch.face.mouth import WINDOW, Motion
from mer_batch.face.people import Followed
from mer_batch.face.portraits import Portrait, best

WARM: Final = 6.0
"""Seconds by which a piece begins early.

In a film of 147 s with 20 cuts and as many people, in twelve pieces, one of 654 readings differs by 0.006 after 2 s,
and none by more than 0.0002 after 4 and 6 s (`benchmarks/pieces.py`).
"""
WARM_FRAMES: Final = 12
"""Frames by which it does at least: what is usual between cuts is told by the last few."""
_SAME: Final = 0.5
"""Overlap of two boxes in one picture that are one face."""
_CLOSE: Final = 1e-6  # seconds


class JointError(MerError):
    """Two pieces do not fit together, so that the film must be read as a whole; the text says why."""


def join(pieces: Iterable[FaceLog]) -> FaceLog:
    """One log from those of all pieces in order. Raises `JointError` where their pictures are not the same."""
    return reduce(_joined, pieces)


def _joined(first: FaceLog, second: FaceLog) -> FaceLog:
    if unfit := first.unfit or second.unfit:
        raise JointError(unfit)
    shared = _shared(first, second)
    same = _matches(first, second, shared)
    fresh = max((trail.trail for trail in first.trails), default=-1) + 1
    numbers = {trail.trail: same.get(trail.trail, fresh + trail.trail) for trail in second.trails}
    past = len(first.times) - second.warm
    return FaceLog(
        times=first.times + second.times[second.warm :],
        cuts=first.cuts + tuple(cut + past for cut in second.cuts if cut >= second.warm),
        records=first.records
        + tuple(
            replace(record, frame=record.frame + past, trail=numbers[record.trail])
            for record in second.records
            if record.frame >= second.warm and record.trail in numbers
        ),
        damage={},
        trails=tuple(_trails(first, second, same, numbers)),
        motions=_motions(first, second, numbers),
        liveness=first.liveness.followed_by(second.liveness, numbers),
        warm=first.warm,
        prints={frame + past: value for frame, value in second.prints.items() if frame >= second.warm},
        portraits=_portraits(first, second, numbers),
        glimpses=both(first.glimpses, second.glimpses, numbers),
    )


def _shared(first: FaceLog, second: FaceLog) -> dict[int, int]:
    """Frames of the second piece's beginning by those of the first that show the same. Raises `JointError`."""
    begin = second.times[0] if second.warm else first.times[-1] + 1
    ours = {frame for frame in first.prints if first.times[frame] >= begin - _CLOSE}
    pairs = dict(zip(sorted(ours), range(second.warm), strict=False))
    # Right after a place where decoding began, pictures may still differ.
    late = [(a, b) for a, b in pairs.items() if b >= second.warm // 2]
    alike = all(first.prints[a] == second.prints.get(b) and first.times[a] == second.times[b] for a, b in late)
    if not late or len(ours) != second.warm or not alike:
        place = f" at {second.times[second.warm]:.2f} s" if len(second.times) > second.warm else ""
        raise JointError(f"decoded from the middle, the pictures{place} are not the same as decoded from the start")
    return pairs


def _matches(first: FaceLog, second: FaceLog, shared: Mapping[int, int]) -> dict[int, int]:
    """Trails of the second piece that are trails of the first: as their faces lie in the last frames of both."""
    ours, theirs = _by_frame(first.records, set(shared)), _by_frame(second.records, set(shared.values()))
    found: dict[int, int] = {}
    for frame in sorted(shared, reverse=True):
        pairs = [
            (overlap(a.box, b.box), a.trail, b.trail)
            for a in ours.get(frame, ())
            for b in theirs.get(shared[frame], ())
            if b.trail not in found and a.trail not in found.values()
        ]
        for share, a, b in sorted(pairs, reverse=True):
            if share >= _SAME and b not in found and a not in found.values():
                found[b] = a
    return found


def _by_frame(records: Iterable[Record], frames: set[int]) -> dict[int, list[Record]]:
    found: dict[int, list[Record]] = {}
    for record in records:
        if record.frame in frames:
            found.setdefault(record.frame, []).append(record)
    return found


def _trails(first: FaceLog, second: FaceLog, same: Mapping[int, int], numbers: Mapping[int, int]) -> Iterable[Followed]:
    """The trails of both, those across the joint once. What ended before it only the first piece tells."""
    begin = second.times[second.warm] if len(second.times) > second.warm else float("inf")
    past = len(first.cuts) - sum(cut < second.warm for cut in second.cuts)
    known = {trail.trail: trail for trail in first.trails}
    for theirs in second.trails:
        number = numbers[theirs.trail]
        if theirs.trail in same:
            known[number] = _one(known[number], theirs)
        elif theirs.last >= begin - _CLOSE:
            known[number] = replace(theirs, trail=number, shot=theirs.shot + past)
    yield from (known[number] for number in sorted(known))


def _one(before: Followed, after: Followed) -> Followed:
    sure = before.sure or after.sure
    # A shot counts as brief only for who saw all of it.
    if before.sure is None and sure is not None and sure.brief and before.hits > after.hits:
        sure = None
    later = after.last > before.last
    return replace(
        before,
        last=max(before.last, after.last),
        look=after.look if later else before.look,
        hits=max(before.hits, after.hits),
        sure=sure,
    )


def _portraits(first: FaceLog, second: FaceLog, numbers: Mapping[int, int]) -> dict[int, tuple[Portrait, ...]]:
    found = dict(first.portraits)
    for trail, portraits in second.portraits.items():
        found[numbers[trail]] = best((*found.get(numbers[trail], ()), *portraits))
    return found


def _motions(first: FaceLog, second: FaceLog, numbers: Mapping[int, int]) -> dict[int, tuple[Motion, ...]]:
    begin = (second.times[second.warm] if len(second.times) > second.warm else float("inf")) - WINDOW
    found = dict(first.motions)
    for trail, motions in second.motions.items():
        before = found.get(numbers[trail], ())
        known = max(begin, before[-1].time + _CLOSE if before else begin)
        found[numbers[trail]] = before + tuple(motion for motion in motions if motion.time > known)
    return found
