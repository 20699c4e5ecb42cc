"""Where face evidence is missing, and why."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import groupby, pairwise
from statistics import median

from mer_batch.types import Gap, Shot

Span = tuple[float, float]
NOBODY = "no face in view"
NOT_YET = "not in view yet"
OTHER_SHOT = "not in this shot"
HIDDEN = "face turned away or hidden"
LEFT = "left the picture"
DAMAGED = "the picture is damaged here"
_ALONE = 0.2  # seconds a single frame stands for
_HIDDEN_AT_MOST = 1.0  # seconds: longer absences count as having left


def spans_of(times: Sequence[float]) -> list[Span]:
    """The time each sampled frame stands for: until the next frame, the last one as long as is usual."""
    if not times:
        return []
    steps = [later - earlier for earlier, later in pairwise(times)]
    end = times[-1] + (median(steps) if steps else _ALONE)
    return list(pairwise([*times, end]))


def shots_between(spans: Sequence[Span], cuts: Sequence[int]) -> Iterator[Shot]:
    """The shots that cuts (indices of frames that begin one) divide the frames into."""
    if not spans:
        return
    edges = [0, *cuts, len(spans)]
    for first, after in pairwise(edges):
        yield Shot(spans[first][0], spans[after - 1][1])


def find_gaps(
    spans: Sequence[Span],
    cuts: Sequence[int],
    seen: Mapping[str, Mapping[int, str]],
    damaged: Collection[int] = (),
) -> Iterator[Gap]:
    """Gaps of everybody together (person None), then of each person.

    Args:
        spans: the time of each sampled frame.
        cuts: indices of the frames that begin a shot.
        seen: for each person the frames in which the face was found, with "" where it was read,
            else the reason why not.
        damaged: indices of the frames whose picture is damaged: that no face is found there says nothing.
    """
    shot = _shot_numbers(len(spans), cuts)
    yield from _runs(spans, [_overall(frame, seen, damaged) for frame in range(len(spans))], None)
    for name, frames in seen.items():
        reasons = _reasons(spans, shot, frames)
        missing = [frame in damaged and frame not in frames for frame in range(len(spans))]
        yield from _runs(spans, [DAMAGED if lost else why for lost, why in zip(missing, reasons, strict=True)], name)


def _shot_numbers(count: int, cuts: Sequence[int]) -> list[int]:
    begins = set(cuts)
    numbers, number = [], 0
    for frame in range(count):
        number += frame in begins
        numbers.append(number)
    return numbers


def _overall(frame: int, seen: Mapping[str, Mapping[int, str]], damaged: Collection[int]) -> str:
    """Why nobody was read in a frame, or "" when somebody was."""
    reasons = [frames[frame] for frames in seen.values() if frame in frames]
    if "" in reasons:
        return ""
    if reasons:
        return reasons[0]
    return DAMAGED if frame in damaged else NOBODY


def _reasons(spans: Sequence[Span], shot: Sequence[int], frames: Mapping[int, str]) -> list[str]:
    """Why one person was not read, frame by frame."""
    present = sorted(frames)
    shots = {shot[frame] for frame in present}
    reasons = []
    following = iter([*present, len(spans)])
    after, before = next(following), -1
    for frame in range(len(spans)):
        if frame == after:
            before, after = after, next(following)
            reasons.append(frames[frame])
        elif shot[frame] not in shots:
            reasons.append(OTHER_SHOT if before >= 0 else NOT_YET)
        else:
            reasons.append(_absence(spans, shot, before, frame, after))
    return reasons


def _absence(spans: Sequence[Span], shot: Sequence[int], before: int, frame: int, after: int) -> str:
    """Why a person who is in a shot is not seen in one of its frames, between two sightings."""
    if before < 0 or shot[before] != shot[frame]:
        return NOT_YET
    returns = after < len(spans) and shot[after] == shot[frame]
    if returns and spans[after][0] - spans[before][1] <= _HIDDEN_AT_MOST:
        return HIDDEN
    return LEFT


def _runs(spans: Sequence[Span], reasons: Iterable[str], person: str | None) -> Iterator[Gap]:
    """Neighbouring frames with one reason as one gap; "" is no gap."""
    for reason, run in groupby(enumerate(reasons), key=lambda pair: pair[1]):
        frames = [frame for frame, _ in run]
        if reason:
            yield Gap("face", spans[frames[0]][0], spans[frames[-1]][1], reason, person)
