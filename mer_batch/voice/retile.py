"""Readings cut anew where the voice changes, after the sound has been read.

Voices are told apart when all of them have been heard, and the sound is read once. So windows were placed without
knowing them: near a change inside a region of speech some hold two voices. Each turn of a voice is then covered by the
windows that are its own; where there are none, by the one that holds most of it, for less; and where even that is
mostly somebody else's, by none, which is said.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final, NamedTuple

from mer_batch.types import Gap, Observation
from mer_batch.voice.activity import Span
from mer_batch.voice.read import VoiceReadings

PURE: Final = 0.85
"""Share of the speech in a window that must be one voice's to be read as that voice alone."""
MIXED: Final = 0.5
"""Share below which a window tells nothing of a voice."""
CROWDED: Final = "another voice in the window"
TOO_CLOSE: Final = "too close to another voice"


class Stretch(NamedTuple):
    """Speech of one voice, in seconds."""

    start: float
    end: float
    voice: int


def retiled(readings: VoiceReadings, turns: Sequence[Stretch]) -> tuple[tuple[Observation, ...], tuple[Gap, ...]]:
    """The readings and gaps, so that no reading stands for two voices of `turns` (sorted)."""
    if len({turn.voice for turn in turns}) < 2:
        return readings.observations, readings.gaps
    windows = _Windows(readings, turns)
    found: list[Observation] = []
    gaps = list(readings.gaps)
    for start, end, one in _pieces(readings.observations, turns):
        if len(one) == 1:
            found += [replace(o, start=max(o.start, start), end=min(o.end, end)) for o in windows.tiles(start, end)]
            continue
        at = start
        for first, last, voice in one:
            if first > at:
                found += windows.as_they_are(at, first)
            for cut in windows.cover(first, last, voice):
                (found if isinstance(cut, Observation) else gaps).append(cut)  # type: ignore[arg-type]
            at = last
        if at < end:
            found += windows.as_they_are(at, end)
    found = [observation for observation in found if observation.end > observation.start]
    return tuple(found), tuple(sorted(gaps, key=lambda gap: gap.start))


def _pieces(
    observations: Sequence[Observation], turns: Sequence[Stretch]
) -> Iterator[tuple[float, float, list[Stretch]]]:
    """Stretches of readings without a hole, each with the turns in it, those of one voice joined."""
    ends = [turn.end for turn in turns]
    for start, end in _whole(observations):
        inside: list[Stretch] = []
        for place in range(bisect_right(ends, start), len(turns)):
            if turns[place].start >= end:
                break
            first, last = max(turns[place].start, start), min(turns[place].end, end)
            if inside and inside[-1].voice == turns[place].voice:
                inside[-1] = inside[-1]._replace(end=last)
            else:
                inside.append(Stretch(first, last, turns[place].voice))
        yield start, end, inside or [Stretch(start, end, -1)]


def _whole(observations: Sequence[Observation]) -> Iterator[Span]:
    first = last = None
    for observation in observations:
        if last is not None and first is not None and observation.start - last > 1e-6:
            yield first, last
            first = None
        first = observation.start if first is None else first
        last = observation.end
    if first is not None and last is not None:
        yield first, last


class _Windows:
    """The windows behind the readings, and whose voice they hold."""

    def __init__(self, readings: VoiceReadings, turns: Sequence[Stretch]) -> None:
        self._readings = readings.observations
        self._spans = readings.windows
        self._tile_ends = [observation.end for observation in readings.observations]
        self._longest = max((end - start for start, end in readings.windows), default=0.0)
        self._starts = [start for start, _ in readings.windows]
        self._turns, self._ends = turns, [turn.end for turn in turns]

    def tiles(self, start: float, end: float) -> list[Observation]:
        """The readings in a span."""
        found = []
        for place in range(bisect_right(self._tile_ends, start), len(self._readings)):
            if self._readings[place].start >= end:
                break
            found.append(self._readings[place])
        return found

    def as_they_are(self, start: float, end: float) -> list[Observation]:
        """The readings in a span, cut to it."""
        return [replace(o, start=max(o.start, start), end=min(o.end, end)) for o in self.tiles(start, end)]

    def cover(self, start: float, end: float, voice: int) -> Iterator[Observation | Gap]:
        """A turn of a voice, covered by the windows that are its own."""
        near = self._near(start, end)
        shares = {place: self._share(self._spans[place], voice) for place in near}
        own = [place for place in near if shares[place] >= PURE]
        if own:
            middles = [sum(self._spans[place]) / 2 for place in own]
            borders = [(a + b) / 2 for a, b in pairwise(middles)]
            edges = [start, *(min(max(border, start), end) for border in borders), end]
            for place, first, last in zip(own, edges[:-1], edges[1:], strict=True):
                if last > first:
                    yield replace(self._readings[place], start=first, end=last)
            return
        best = max(near, key=shares.__getitem__, default=None)
        if best is None or shares[best] < MIXED:
            yield Gap("voice", start, end, TOO_CLOSE)
            return
        mixed = self._readings[best]
        quality, flags = mixed.quality * shares[best], (*mixed.flags, CROWDED)
        yield replace(mixed, start=start, end=end, quality=quality, flags=flags)

    def _near(self, start: float, end: float) -> list[int]:
        """The windows with their middle in a span, or else those that reach into it."""
        first, last = bisect_left(self._starts, start - self._longest), bisect_left(self._starts, end)
        reaching = [place for place in range(first, last) if self._spans[place][1] > start]
        return reaching

    def _share(self, span: Span, voice: int) -> float:
        """The share of the speech in a span that is a voice's."""
        own = total = 0.0
        for place in range(bisect_right(self._ends, span[0]), len(self._turns)):
            turn = self._turns[place]
            if turn.start >= span[1]:
                break
            seconds = min(turn.end, span[1]) - max(turn.start, span[0])
            total += seconds
            own += seconds if turn.voice == voice else 0.0
        return own / total if total else 0.0
