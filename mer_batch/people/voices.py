"""Which voice speaks when: from windows of speech to turns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final, NamedTuple

import numpy as np

from mer_batch.people.encoder import Plda, Vectors
from mer_batch.people.vbx import find_voices
from mer_batch.people.windows import Heard, Span

STEP: Final = 0.05
"""Seconds per vote."""
SHORTEST: Final = 0.8
"""Seconds of a turn inside a region of speech, half a window; what seems shorter is noise."""
PAUSE: Final = 0.5
"""Seconds between two turns of one voice that go on with each other."""
LEAST_SHARE: Final = 0.03
LEAST_SECONDS: Final = 1.5
MOST_SECONDS: Final = 4.0
"""A voice needs so large a share of the speech, but `LEAST_SECONDS` in any case and never more than `MOST_SECONDS`."""
_EDGE: Final = 1e-3  # seconds by which windows and turns may be off each other


class VoiceTurn(NamedTuple):
    """A stretch of speech by one voice; voices are numbered from 0 in the order in which they are first heard.

    `goes_on` is how alike the sound stays: the lowest cosine of windows that follow each other in the turn, and across
    the pause before and after it if the same voice speaks there; 0 where there is nothing to compare.
    """

    start: float
    end: float
    voice: int
    goes_on: float = 0.0


def tell_apart(heard: Heard, regions: Sequence[Span], plda: Plda, count: int | None = None) -> tuple[VoiceTurn, ...]:
    """The turns of voices in the `regions` of speech (sorted); `count` is how many voices there are, if that is known.

    A region in which no window could be read has no turn.
    """
    chances = find_voices(heard.vectors, heard.regions, plda, count)
    if count is None:
        chances = _without_tiny(chances, heard.spans)
    turns: list[VoiceTurn] = []
    for number, rows in groupby(range(len(heard.spans)), key=heard.regions.__getitem__):
        places = list(rows)
        turns += _turns(regions[number], np.array([heard.spans[place] for place in places]), chances[places])
    return numbered(_compared(turns, heard))


def _without_tiny(chances: Vectors, spans: Sequence[Span]) -> Vectors:
    """Chances without voices that hardly speak: what they said is given to the next best."""
    # Neighbours overlap, so a window counts for the time that it alone stands for.
    starts, ends = np.array(spans).reshape(-1, 2).T
    own = np.minimum(ends, np.append(starts[1:], np.inf)) - starts
    own = np.where(own > 0, own, 0)
    while chances.shape[1] > 1:
        seconds = np.bincount(chances.argmax(1), weights=own, minlength=chances.shape[1])
        least = max(min(LEAST_SHARE * own.sum(), MOST_SECONDS), LEAST_SECONDS)
        smallest = int(seconds.argmin())
        if seconds[smallest] >= least:
            break
        chances = np.delete(chances, smallest, 1) + 1e-12
        chances /= chances.sum(1, keepdims=True)
    return chances


def _turns(region: Span, spans: Vectors, chances: Vectors) -> Iterator[VoiceTurn]:
    """Turns of one region: every moment goes to the voice of the windows around it, the nearest counting most."""
    start, end = region
    edges = np.linspace(start, end, max(1, round((end - start) / STEP)) + 1)
    times = (edges[:-1] + edges[1:]) / 2
    votes = np.zeros((len(times), chances.shape[1]))
    reach = spans.copy()
    reach[0, 0], reach[-1, 1] = start, end  # windows may leave out a little at the end of a region
    for (first, last), (left, right), row in zip(spans, reach, chances, strict=True):
        inside = slice(*np.searchsorted(times, (left, right)))
        distance = np.abs(times[inside] - (first + last) / 2) / max((last - first) / 2, 1e-6)
        votes[inside] += np.maximum(1 - distance, 0.05)[:, None] * row
    at = 0
    for voice, length in _steady([(int(voice), len(list(run))) for voice, run in groupby(votes.argmax(1))]):
        yield VoiceTurn(float(edges[at]), float(edges[at + length]), voice)
        at += length


def _steady(runs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Runs of (voice, votes) without those that are too short to be told: each is given to its longer neighbour."""
    while len(runs) > 1:
        place = min(range(len(runs)), key=lambda at: runs[at][1])
        if runs[place][1] * STEP >= SHORTEST:
            break
        near = [at for at in (place - 1, place + 1) if 0 <= at < len(runs)]
        voice = runs[max(near, key=lambda at: runs[at][1])][0]
        runs[place] = (voice, runs[place][1])
        runs = [(who, sum(length for _, length in part)) for who, part in groupby(runs, key=lambda run: run[0])]
    return runs


def _compared(turns: Sequence[VoiceTurn], heard: Heard) -> list[VoiceTurn]:
    """The turns (sorted), each with `goes_on`."""
    starts, ends = np.array(heard.spans).reshape(-1, 2).T
    found = []
    for place, turn in enumerate(turns):
        own = [one for one in turns[max(place - 1, 0) : place + 2] if _goes_on(one, turn)]
        inside = slice(*np.searchsorted(starts, (own[0].start - _EDGE, own[-1].end - _EDGE)))
        lowest = _seam(heard.vectors[inside], starts[inside], ends[inside], turn)
        found.append(turn._replace(goes_on=round(lowest, 3)))
    return found


def _goes_on(one: VoiceTurn, other: VoiceTurn) -> bool:
    pause = max(one.start - other.end, other.start - one.end)
    return one.voice == other.voice and pause <= PAUSE


def _seam(vectors: Vectors, starts: Vectors, ends: Vectors, turn: VoiceTurn) -> float:
    """The lowest cosine of two windows that follow each other without sharing sound, one of them in the turn."""
    cosines = []
    mine = (starts < turn.end - _EDGE) & (ends > turn.start + _EDGE)
    for one, other in enumerate(np.searchsorted(starts, ends - _EDGE)):
        if other < len(starts) and (mine[one] or mine[other]) and starts[other] - ends[one] <= PAUSE:
            lengths = float(np.linalg.norm(vectors[one]) * np.linalg.norm(vectors[other]))
            cosines.append(float(vectors[one] @ vectors[other]) / max(lengths, 1e-9))
    return min(cosines, default=0.0)


def numbered(turns: Sequence[VoiceTurn]) -> tuple[VoiceTurn, ...]:
    """The turns (sorted) with voices numbered by appearance."""
    order = {voice: number for number, voice in enumerate(dict.fromkeys(turn.voice for turn in turns))}
    return tuple(turn._replace(voice=order[turn.voice]) for turn in turns)
