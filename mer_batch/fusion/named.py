"""Who speaks when by the names that came with the words: one spelling each, changes of the speaker, turns."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import groupby, pairwise
from typing import Final, NamedTuple

from mer_batch.fusion.align import Span, merge_spans
from mer_batch.fusion.speaking import Turn
from mer_batch.types import Person, Utterance

PAUSE: Final = 1.0
"""Seconds between two speakers up to which the change lies halfway; in longer ones the speech may be anybody's."""


class Stretch(NamedTuple):
    """A time in which the same named people speak; more than one where their words overlap."""

    start: float
    end: float
    names: frozenset[str]


def key(name: str) -> str:
    """What names that differ only in case and spaces share."""
    return " ".join(name.split()).casefold()


def one_spelling(utterances: Sequence[Utterance]) -> tuple[Utterance, ...]:
    """The utterances with one spelling of each name, the most frequent; a name of spaces is none."""
    spellings: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for said in utterances:
        if said.person is not None and key(said.person):
            spellings[key(said.person)][" ".join(said.person.split())] += 1
    best = {name: counts.most_common(1)[0][0] for name, counts in spellings.items()}
    return tuple(
        said if said.person is None else replace(said, person=best.get(key(said.person))) for said in utterances
    )


def stretches(utterances: Iterable[Utterance]) -> list[Stretch]:
    """Who is named as speaking when, in order; times without a name are left out."""
    edges: defaultdict[float, Counter[str]] = defaultdict(Counter)
    for said in utterances:
        if said.person is not None and said.end > said.start:
            edges[said.start][said.person] += 1
            edges[said.end][said.person] -= 1
    active: Counter[str] = Counter()
    parts = []
    for start, end in pairwise(sorted(edges)):
        active.update(edges[start])
        parts.append(Stretch(start, end, frozenset(name for name, count in active.items() if count > 0)))
    runs = (list(run) for _, run in groupby(parts, key=lambda part: part.names))
    return [Stretch(run[0].start, run[-1].end, run[0].names) for run in runs if run[0].names]


def speaker_changes(utterances: Iterable[Utterance]) -> tuple[float, ...]:
    """The times at which somebody else is named as speaking, so that no window of the voice reaches across."""
    changes: list[float] = []
    for before, after in pairwise(stretches(utterances)):
        if before.names != after.names:
            pause = after.start - before.end
            changes += [before.end + pause / 2] if pause <= PAUSE else [before.end, after.start]
    return tuple(changes)


def all_changes(handovers: Iterable[float], utterances: Sequence[Utterance]) -> tuple[float, ...]:
    """Changes of the speaker by name, and those that mouths show (`speaking.handovers`) where no name is known."""
    known = merge_spans((part.start - PAUSE, part.end + PAUSE) for part in stretches(utterances))
    free = _outside(sorted(handovers), known)
    return tuple(sorted({*speaker_changes(utterances), *free}))


def _outside(times: Sequence[float], spans: Sequence[Span]) -> list[float]:
    """Those of the sorted times that no span holds."""
    found, at = [], 0
    for time in times:
        while at < len(spans) and spans[at][1] < time:
            at += 1
        if at == len(spans) or time < spans[at][0]:
            found.append(time)
    return found


def by_name(turns: Sequence[Turn], utterances: Iterable[Utterance]) -> tuple[Turn, ...]:
    """The turns (sorted), with those parts in which one name speaks given to it."""
    parts = [part for part in stretches(utterances) if len(part.names) == 1]
    found: list[Turn] = []
    first = 0
    for turn in turns:
        while first < len(parts) and parts[first].end <= turn.start:
            first += 1
        found += _divided(turn, parts, first)
    return tuple(found)


def _divided(turn: Turn, parts: Sequence[Stretch], first: int) -> list[Turn]:
    """A turn and what is named of it, from the `first` of the stretches on."""
    found: list[Turn] = []
    reached = turn.start
    for place in range(first, len(parts)):
        part = parts[place]
        if part.start >= turn.end:
            break
        start, end = max(part.start, reached), min(part.end, turn.end)
        if start > reached:
            found.append(turn._replace(start=reached, end=start))
        found.append(Turn(start, end, next(iter(part.names)), True, named=True))
        reached = end
    return found if reached >= turn.end else [*found, turn._replace(start=reached)]


def only_speaker(utterances: Sequence[Utterance], otherwise: str) -> str | None:
    """Who speaks where no faces are read and no name is told: the only name there is, None for one of several.

    `otherwise` where there are no names, or beside one name words of somebody without one.
    """
    names = {said.person for said in utterances if said.person is not None}
    if len(names) > 1:
        return None
    return next(iter(names)) if names and all(said.person for said in utterances) else otherwise


def heard(utterances: Iterable[Utterance], people: Iterable[Person]) -> tuple[Person, ...]:
    """The named speakers who are not among `people`, with the times of their words."""
    known = {person.name for person in people}
    spans: defaultdict[str, list[Span]] = defaultdict(list)
    for said in utterances:
        if said.person is not None and said.person not in known:
            spans[said.person].append((said.start, said.end))
    return tuple(Person(name, merge_spans(own)) for name, own in spans.items())
