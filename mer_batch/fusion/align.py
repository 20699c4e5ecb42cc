"""Which observations speak for whom, and when: the time grid, the people they are bound to, the kernel.

Faces come with their person. Voice and words are bound to whoever speaks for at least half of the speech
they span: the speaker whom the words name (`naming`); the person whose mouth moves with it (`speaking`); whoever
is known by the voice (`voices`); where none of these tells, the only person in view; nobody where several are in
view, or nobody is, or every mouth rests; one "Speaker" where no faces are read at all. Every bound observation
carries one of the `BOUND_*` texts among its flags, which says how.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final, NamedTuple, TypeAlias

from mer_batch.fusion.speaking import Turn
from mer_batch.types import Observation, Person, Utterance

Span: TypeAlias = tuple[float, float]
_Answer: TypeAlias = tuple[str | None, str]

SPEAKER: Final = "Speaker"
BOUND_NAMED: Final = "bound: named by the words"
BOUND_MOUTH: Final = "bound: mouth moves with the voice"
BOUND_VOICE: Final = "bound: the voice is known"
BOUND_ALONE: Final = "bound: only person in view"
BOUND_SEVERAL: Final = "not bound: unknown which of several people"
BOUND_STILL: Final = "not bound: off screen, no mouth in view moves"
BOUND_OFF_SCREEN: Final = "not bound: off screen, nobody in view"
BOUND_NO_FACES: Final = "bound: no faces read, one speaker assumed"
HOW_BOUND: Final = frozenset(
    {BOUND_NAMED, BOUND_MOUTH, BOUND_VOICE, BOUND_ALONE, BOUND_SEVERAL, BOUND_STILL, BOUND_OFF_SCREEN, BOUND_NO_FACES}
)
ENOUGH_TIME: Final = 0.5
"""Share of an observation's speech that a person must be speaking."""


class Share(NamedTuple):
    """An observation's part in one step: `kernel` in (0, 1] falls with the distance in time."""

    observation: Observation
    kernel: float


def time_grid(duration: float, cuts: Iterable[float], step: float) -> tuple[Span, ...]:
    """Steps of `step` seconds that cover the file and never straddle a cut.

    The grid starts anew at every cut; the last step of a shot takes what is left, so that it is
    between 1 and 2 steps long (shorter only in a shot shorter than a step).
    """
    if not step > 0:
        raise ValueError(f"the step must be positive, got {step}")
    edges = [0.0, *sorted({cut for cut in cuts if 0 < cut < duration}), duration]
    grid: list[Span] = []
    for start, end in pairwise(edges):
        count = max(1, int((end - start) / step + 1e-6))
        times = [round(start + index * step, 6) for index in range(count)] + [round(end, 6)]
        grid += [span for span in pairwise(times) if span[1] > span[0]]
    return tuple(grid)


def kernel(span: Span, step: Span) -> float:
    """The weight of an observation over `span` in the step: overlap times an Epanechnikov taper, in [0, 1].

    The overlap is a share of the shorter of the two. The taper favours, among overlapping windows, the
    one centred on the step; observations no longer than the step (a frame) are not tapered.
    """
    length, width = span[1] - span[0], step[1] - step[0]
    if length <= 0:
        return float(step[0] <= span[0] < step[1])
    overlap = min(span[1], step[1]) - max(span[0], step[0])
    if overlap <= 0:
        return 0.0
    part = min(1.0, overlap / min(length, width))
    if length <= width:
        return part
    distance = abs(span[0] + span[1] - step[0] - step[1]) / 2
    return float(part * (1 - (distance / ((length + width) / 2)) ** 2))


def spread_over(grid: Sequence[Span], observations: Iterable[Observation]) -> list[list[Share]]:
    """For every step of `grid` (sorted) the observations of one lane that speak in it, in time order."""
    starts = [start for start, _ in grid]
    shares: list[list[Share]] = [[] for _ in grid]
    for observation in sorted(observations, key=lambda o: (o.start, o.end)):
        span = (observation.start, observation.end)
        first = max(0, bisect_right(starts, span[0]) - 1)
        for index in range(first, max(first + 1, bisect_left(starts, span[1]))):
            if index < len(grid) and (weight := kernel(span, grid[index])) > 1e-6:
                shares[index].append(Share(observation, weight))
    return shares


class Presence:
    """Who is in view and who speaks when, and so to whom speech is bound."""

    def __init__(
        self,
        people: Sequence[Person],
        has_faces: bool,
        turns: Sequence[Turn] = (),
        speaker: str | None = SPEAKER,
    ) -> None:
        """`has_faces` says whether faces were looked for at all; without, all that is not named is `speaker`'s.

        `turns` (sorted) say who speaks where speech was heard.
        """
        self._has_faces, self._speaker = has_faces, speaker
        self._turns = turns
        self._ends = [turn.end for turn in turns]
        self._edges = sorted({edge for person in people for span in person.spans for edge in span})
        self._visible: list[set[str]] = [set() for _ in self._edges]
        for person in people:
            for start, end in person.spans:
                for index in range(bisect_left(self._edges, start), bisect_left(self._edges, end)):
                    self._visible[index].add(person.name)

    def bind(self, start: float, end: float) -> tuple[str | None, str]:
        """The person for speech from `start` to `end` seconds (or None), and the `BOUND_*` text saying how."""
        # A span without length is asked about at its instant.
        seconds: dict[_Answer, float] = {}
        for answer, length in self.answers(start, max(end, start + 1e-6)):
            seconds[answer] = seconds.get(answer, 0.0) + length
        return _most(seconds)

    def answers(self, start: float, end: float) -> Iterator[tuple[_Answer, float]]:
        """Answers for the speech in a span with their seconds; for all of it where no speech is known."""
        heard = False
        for index in range(bisect_right(self._ends, start), len(self._turns)):
            turn = self._turns[index]
            if turn.start >= end:
                break
            heard, first, last = True, max(start, turn.start), min(end, turn.end)
            if turn.decided:
                yield (turn.person, _how(turn)), last - first
            else:
                yield from self._in_view(first, last)
        if not heard:
            yield from self._in_view(start, end)

    def _in_view(self, start: float, end: float) -> Iterator[tuple[_Answer, float]]:
        """Answers as far as they follow from who is in view, with their seconds."""
        if not self._has_faces:
            yield (self._speaker, BOUND_NO_FACES if self._speaker else BOUND_SEVERAL), end - start
            return
        nobody = end - start
        for index in range(max(0, bisect_right(self._edges, start) - 1), bisect_left(self._edges, end)):
            visible = self._visible[index]
            if index + 1 == len(self._edges) or not visible:
                continue
            seconds = max(0.0, min(end, self._edges[index + 1]) - max(start, self._edges[index]))
            nobody -= seconds
            yield (next(iter(visible)), BOUND_ALONE) if len(visible) == 1 else (None, BOUND_SEVERAL), seconds
        yield (None, BOUND_OFF_SCREEN), max(nobody, 0.0)


def _how(turn: Turn) -> str:
    if turn.named:
        return BOUND_NAMED
    if turn.voice:
        return BOUND_VOICE
    return BOUND_MOUTH if turn.person else BOUND_STILL


def _most(seconds: Mapping[_Answer, float]) -> _Answer:
    """The person who has at least `ENOUGH_TIME`, if there is one; else off screen if that has more, else unknown."""
    enough = ENOUGH_TIME * sum(seconds.values())
    people = {name for name, _ in seconds if name is not None}
    found = [name for name in people if sum(s for (who, _), s in seconds.items() if who == name) >= enough - 1e-9]
    person = found[0] if len(found) == 1 else None
    own = {answer: s for answer, s in seconds.items() if answer[0] == person and answer[1] != BOUND_SEVERAL}
    if person is None and sum(own.values()) <= enough + 1e-9:
        return None, BOUND_SEVERAL
    return max(own, key=own.__getitem__)


def bind_observations(
    observations: Iterable[Observation],
    people: Sequence[Person],
    has_faces: bool,
    turns: Sequence[Turn] = (),
    speaker: str | None = SPEAKER,
) -> tuple[Observation, ...]:
    """The observations with person and binding flag set; those that have either keep it unchanged. See `Presence`."""
    presence = Presence(people, has_faces, turns, speaker)
    bound = []
    for observation in observations:
        if observation.modality != "face" and observation.person is None and not HOW_BOUND & {*observation.flags}:
            person, how = presence.bind(observation.start, observation.end)
            observation = replace(observation, person=person, flags=(*observation.flags, how))
        bound.append(observation)
    return tuple(bound)


def bind_utterances(
    utterances: Iterable[Utterance],
    people: Sequence[Person],
    has_faces: bool,
    turns: Sequence[Turn] = (),
    speaker: str | None = SPEAKER,
) -> tuple[Utterance, ...]:
    """The utterances with their person set by the same rule as observations."""
    presence = Presence(people, has_faces, turns, speaker)
    return tuple(
        utterance if utterance.person else replace(utterance, person=presence.bind(utterance.start, utterance.end)[0])
        for utterance in utterances
    )


def merge_spans(spans: Iterable[Span], join: float = 0.0) -> tuple[Span, ...]:
    """The union of spans, in order; those at most `join` seconds apart become one."""
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1] + join + 1e-9:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return tuple(merged)
