"""Which of the people in view speaks: the one whose mouth goes to and fro while speech is heard.

Every tenth of a second a mouth gives evidence for or against its owner: for, when it certainly moves faster
than the mouths of listeners do; against, when it certainly does not; none, when noise or the motion of the
head leave it open, or when nobody could see it. A hidden Markov model over "one of these speaks" and
"nobody in view does" joins the evidence of a region of speech (Rabiner 1989, forward-backward), because
people keep the word for seconds. What stays unsure is said to be so. The constants were set on talkers of
`benchmarks/speaking.py`, which reports on others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mer_batch.types import Person

if TYPE_CHECKING:
    from mer_batch.face.mouth import MouthTrack

Span: TypeAlias = tuple[float, float]
Array: TypeAlias = NDArray[np.float64]

STEP: Final = 0.1
"""Seconds per step of evidence."""
_REACH: Final = 0.2  # seconds around a step whose motion counts: longer than the stop of a consonant
# Crop widths a second that divide talking mouths from listening ones. On the clips that set it 0.025 binds 0.4 points
# more of the speech in view and calls 8 points less of the rest off screen; 0.0275 binds 1.1 less and calls 8 more.
_TALKING: Final = 0.026
_PER_OCTAVE: Final = 2.0  # evidence for twice that speed, in nats
_AT_MOST: Final = 3.0  # evidence of any one moment, in nats: listeners may chew and talkers pause
_MEMORY: Final = 0.3  # seconds after which motion tells something new
_NOISE: Final = 1.5  # times the motion of the upper face that noise may add to the mouth
_FROZEN: Final = 0.002  # crop widths a second below which a face is a picture, not a listener
_CHANGE: Final = 0.04  # chance that the word is passed on within a step
_HESITATION: Final = 1.0  # seconds between two turns that are one handover
_NEVER: Final = -1e3  # evidence for somebody who is not there
SURE: Final = 0.75
"""Probability from which an answer counts."""


class Turn(NamedTuple):
    """A stretch of speech and who speaks in it.

    `decided` says whether mouths told: then `person` speaks, or with None nobody in view does. `named` says that
    the words told instead, `voice` that the voice did.
    """

    start: float
    end: float
    person: str | None
    decided: bool
    named: bool = False
    voice: bool = False


def find_turns(
    mouths: Mapping[str, MouthTrack], people: Sequence[Person], speech: Sequence[Span], cuts: Sequence[float] = ()
) -> tuple[Turn, ...]:
    """Divide the regions of `speech` (sorted) by who speaks; together the turns cover them."""
    tracks = {name: _Evidence(track) for name, track in mouths.items()}
    turns: list[Turn] = []
    for start, end in _divided(speech, cuts):
        turns += _region(start, end, tracks, people)
    return tuple(turns)


def handovers(turns: Sequence[Turn]) -> tuple[float, ...]:
    """The times at which the word passes from one to another, as far as that is known."""
    known = [turn for turn in turns if turn.decided]
    return tuple(
        (before.end + after.start) / 2
        for before, after in pairwise(known)
        if before.person != after.person and after.start - before.end <= _HESITATION
    )


def _divided(spans: Sequence[Span], cuts: Sequence[float]) -> list[Span]:
    """The spans, ending and beginning anew at cuts."""
    parts: list[Span] = []
    for start, end in spans:
        edges = [start, *sorted(cut for cut in cuts if start < cut < end), end]
        parts += pairwise(edges)
    return parts


def _region(start: float, end: float, tracks: Mapping[str, _Evidence], people: Sequence[Person]) -> list[Turn]:
    """The turns of one region of speech in one shot."""
    edges = np.linspace(start, end, max(1, round((end - start) / STEP)) + 1)
    times = (edges[:-1] + edges[1:]) / 2
    near = [person for person in people if any(a < end and b > start for a, b in person.spans)]
    names = [person.name for person in near]
    evidence = np.zeros((len(times), len(near) + 1))
    for column, person in enumerate(near):
        if person.name in tracks:
            evidence[:, column] = tracks[person.name].at(times) * STEP / _MEMORY
        evidence[~_in_view(person, times), column] = _NEVER
    chances = _chances(evidence)
    answers = [(None, False) if not near else _answer(row, names) for row in chances]
    return _joined(edges, answers)


def _in_view(person: Person, times: Array) -> NDArray[np.bool_]:
    """Whether a person is in view at each of `times` (n,)."""
    seen = np.zeros(len(times), dtype=bool)
    for start, end in person.spans:
        seen |= (times >= start) & (times < end)
    return seen


def _answer(chances: Array, names: Sequence[str]) -> tuple[str | None, bool]:
    """Person and whether that is decided, from the chances of everybody and of nobody in view."""
    best = int(chances.argmax())
    if chances[best] < SURE:
        return None, False
    return (names[best] if best < len(names) else None), True


def _joined(edges: Array, answers: Sequence[tuple[str | None, bool]]) -> list[Turn]:
    """Neighbouring steps with one answer as one turn."""
    turns, first = [], 0
    for answer, run in groupby(answers):
        last = first + len(list(run))
        turns.append(Turn(float(edges[first]), float(edges[last]), *answer))
        first = last
    return turns


def _chances(evidence: Array) -> Array:
    """Chances (n, k + 1) of each of k people and of nobody in view, from evidence in nats of the same shape."""
    count, states = evidence.shape
    likely = np.exp(evidence - evidence.max(1, keepdims=True))
    pass_on = _CHANGE / max(states - 1, 1)
    change = np.full((states, states), pass_on) + np.eye(states) * (1 - _CHANGE - pass_on)
    ahead, behind = np.empty_like(likely), np.ones_like(likely)
    at = np.ones(states)
    for step in range(count):
        at = (at @ change if step else at) * likely[step]
        ahead[step] = at = at / at.sum()
    for step in range(count - 2, -1, -1):
        back = change @ (likely[step + 1] * behind[step + 1])
        behind[step] = back / back.sum()
    chances = ahead * behind
    total: Array = chances / chances.sum(1, keepdims=True)
    return total


class _Evidence:
    """What one mouth says about its owner speaking."""

    def __init__(self, track: MouthTrack) -> None:
        self._times = track.times
        # To and fro: at most as measured, at least what noise cannot have added.
        most = np.square(np.maximum(track.speeds - track.drifts, 0))
        self._most = _running(most)
        self._least = _running(np.maximum(most - np.square(_NOISE * track.rests), 0))

    def at(self, times: Array) -> Array:
        """Evidence in nats at each of `times` (n,); 0 where the mouth was not seen."""
        first = np.searchsorted(self._times, times - _REACH)
        last = np.searchsorted(self._times, times + _REACH)
        pairs = np.maximum(last - first, 1)
        least = np.sqrt((self._least[last] - self._least[first]) / pairs)
        most = np.sqrt((self._most[last] - self._most[first]) / pairs)
        talks = np.log2(np.maximum(least, _TALKING) / _TALKING)
        rests = np.log2(np.clip(most, _TALKING / 100, _TALKING) / _TALKING)
        found = np.clip(_PER_OCTAVE * (talks + rests), -_AT_MOST, _AT_MOST)
        return np.where((last > first) & (most > _FROZEN), found, 0.0)


def _running(values: Array) -> Array:
    return np.concatenate([[0.0], np.cumsum(values)])
