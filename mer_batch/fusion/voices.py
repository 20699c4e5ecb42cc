"""Who a voice belongs to: a person in view whose mouth moves with it, a name in the words, or a voice of its own.

A voice that was heard for long enough with one person's moving mouth is that person, and stays them where the mouth
cannot be seen or leaves it open. It must be clear both ways: no other mouth moves nearly as long with the voice, no
other voice is heard nearly as long with the mouth. A voice that speaks while the mouths in view rest is nobody in view;
it is a person of its own, "Voice A", also over somebody who is alone in view. A voice that mouths say nothing of is a
person of its own too, but may be whoever alone is in view, if only one voice may.

What mouths say at the very moment stands above what the voice says, also where the one in question rests in view: two
voices are taken for one more often than a talker's mouth is for a listener's. Only a short rest inside what one voice
says without a break, with the same mouth moving before and after it, does not take the word from them. Names stand
above both.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from mer_batch.fusion.align import BOUND_ALONE, ENOUGH_TIME, Presence, merge_spans
from mer_batch.fusion.named import key, stretches
from mer_batch.fusion.speaking import Turn
from mer_batch.people.voices import PAUSE, VoiceTurn
from mer_batch.types import Person, Utterance
from mer_batch.wording import listed

CLEARLY: Final = 2.0
"""Times by which the best must be ahead of the next one."""
SEEN_SPEAKING: Final = 1.5
"""Seconds of a mouth moving with a voice, or of mouths at rest, that tell whose the voice is."""
BRIEF: Final = 2.0
"""Seconds of a sentence that a resting mouth may take."""
ALIKE: Final = 0.72
"""Cosine of windows of one voice that go on with each other; those of two people in a row reached 0.71 at most (of 42
pairs in clips of `benchmarks/speaking.py`), those of one person in one mood are 0.8 and more."""
_HARDLY: Final = 0.5  # seconds of a moving mouth that may be a smile or a window at the edge of a turn


@dataclass
class _Heard:
    """The speech of one voice in seconds: by the person whose mouth moves, by who alone is in view, by name."""

    total: float = 0.0
    mouths: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    seen: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    alone: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    names: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    still: float = 0.0

    @property
    def moved(self) -> float:
        return sum(self.mouths.values())

    def moves(self, person: str) -> bool:
        """Whether a mouth moved for long enough, and most of the time that it was in view: listeners smile and chew."""
        return self.mouths[person] >= max(SEEN_SPEAKING, ENOUGH_TIME * self.seen[person])

    @property
    def off_screen(self) -> bool:
        """Whether mouths in view rested while it spoke."""
        return self.still >= SEEN_SPEAKING and self.still >= CLEARLY * self.moved


@dataclass(frozen=True)
class Known:
    """What is known of voices: `turns` of speech with them, and `called`, the person or name that each voice is.

    `apart` are voices of their own.
    """

    turns: tuple[Turn, ...]
    called: Mapping[int, str] = field(default_factory=dict)
    apart: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    @property
    def people(self) -> tuple[Person, ...]:
        """The voices that are people of their own, with the times heard."""
        heard = {name: [(turn.start, turn.end) for turn in self.turns if turn.person == name] for name in self.apart}
        return tuple(Person(name, merge_spans(spans)) for name, spans in heard.items())

    def notices(self) -> list[str]:
        """What was assumed of voices, in at most one sentence."""
        if len(self.names) < 2 and not self.apart:
            return []
        own = [(name, self.called[voice]) for voice, name in enumerate(self.names) if voice in self.called]
        told = [f"{name} is {person}" for name, person in own if name != person]
        if self.apart:
            told.append(f"{listed(self.apart)} {'is' if len(self.apart) == 1 else 'are'} known by sound alone")
        count = f"{len(self.names)} voices were told apart" if len(self.names) > 1 else "one voice was heard"
        return [f"{count}: {'; '.join(told) or 'whose they are is unclear'} (--speakers sets their number or none)"]


def letters(number: int) -> str:
    """A, B, ... Z, AA, AB, ... for 0, 1, ..."""
    found = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        found = chr(ord("A") + rest) + found
    return found


def know_voices(
    turns: Sequence[Turn],
    voices: Sequence[VoiceTurn],
    people: Sequence[Person],
    utterances: Sequence[Utterance],
    has_faces: bool,
) -> Known:
    """Join voices with people and names, and give the speech in `turns` (sorted) to them as far as that is known.

    `voices` (sorted) are turns of voices; `people` are those in view, under the names that `turns` use.
    """
    count = 1 + max((turn.voice for turn in voices), default=-1)
    if not count or (count == 1 and not has_faces):
        return Known(tuple(turns))  # one voice needs no letter
    presence = Presence(people, has_faces, turns)
    heard = _evidence(voices, turns, people, utterances, presence, count)
    joined = _joined(heard)
    names = _lettered(count, people, utterances)
    apart = {voice: names[voice] for voice, one in enumerate(heard) if voice not in joined and _is_own(one)}
    may_be = _who_alone(heard, joined)
    parts = list(_overlaps(turns, voices))
    goes_on = _goes_on(parts, joined)
    found: list[Turn] = []
    for place, (turn, sound) in enumerate(parts):
        voice = None if sound is None else sound.voice
        if voice is None:
            found.append(turn)
        elif place in goes_on:
            found.append(turn._replace(person=joined[voice], decided=True, voice=True))
        elif voice in joined:
            found += _given(turn, joined[voice], people)
        elif voice in apart:
            found += _own(turn, apart[voice], heard[voice], {p for p, who in may_be.items() if who == voice}, people)
        else:
            found.append(turn)
    lone = tuple(name for name in apart.values() if any(turn.person == name for turn in found))
    called = joined | {voice: name for voice, name in apart.items() if name in lone}
    return Known(tuple(found), called, lone, names)


def _lettered(count: int, people: Iterable[Person], utterances: Iterable[Utterance]) -> tuple[str, ...]:
    """A name for each voice that nobody else has."""
    taken = {key(person.name) for person in people} | {key(said.person) for said in utterances if said.person}
    found: list[str] = []
    number = 0
    while len(found) < count:
        name = f"Voice {letters(number)}"
        found += [name] if key(name) not in taken else []
        number += 1
    return tuple(found)


def _evidence(
    voices: Sequence[VoiceTurn],
    turns: Sequence[Turn],
    people: Sequence[Person],
    utterances: Sequence[Utterance],
    presence: Presence,
    count: int,
) -> list[_Heard]:
    found = [_Heard() for _ in range(count)]
    for turn, sound in _overlaps(turns, voices):
        if sound is None:
            continue
        heard, seconds = found[sound.voice], turn.end - turn.start
        heard.total += seconds
        for person in people:
            heard.seen[person.name] += _shared(person.spans, turn.start, turn.end)
        if turn.decided and turn.person is not None:
            heard.mouths[turn.person] += seconds
        elif turn.decided:
            heard.still += seconds
        else:
            for (person_name, how), length in presence.answers(turn.start, turn.end):
                if how == BOUND_ALONE and person_name is not None:
                    heard.alone[person_name] += length
    named = [Turn(part.start, part.end, next(iter(part.names)), True) for part in stretches(utterances)
             if len(part.names) == 1]  # fmt: skip
    for turn, sound in _overlaps(named, voices):
        if sound is not None and turn.person is not None:
            found[sound.voice].names[turn.person] += turn.end - turn.start
    return found


def _joined(heard: Sequence[_Heard]) -> dict[int, str]:
    """The person that a voice is, where that is clear."""
    found: dict[int, str] = {}
    for voice, one in enumerate(heard):
        name = _best(one.names)
        if name is not None and one.names[name] >= min(SEEN_SPEAKING, one.total / 2):
            found[voice] = name  # several voices may be one name: words know better than sound
            continue
        person = _best(one.mouths)
        if person is None or not one.moves(person):
            continue
        rivals = [other.mouths[person] for place, other in enumerate(heard) if place != voice]
        if all(one.mouths[person] >= CLEARLY * rival for rival in rivals):
            found[voice] = person
    return found


def _best(seconds: Mapping[str, float]) -> str | None:
    """Who is clearly ahead of all others."""
    if not seconds:
        return None
    name = max(seconds, key=seconds.__getitem__)
    others = [length for other, length in seconds.items() if other != name]
    return name if all(seconds[name] >= CLEARLY * length for length in others) else None


def _is_own(one: _Heard) -> bool:
    """Whether mouths do not contradict that nobody in view has the voice."""
    return one.off_screen or one.moved < _HARDLY


def _who_alone(heard: Sequence[_Heard], joined: Mapping[int, str]) -> dict[str, int]:
    """Whose voice people may have whose mouth tells nothing: of one that is heard while they alone are in view."""
    taken = set(joined.values())
    claims: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for voice, one in enumerate(heard):
        if voice in joined or one.off_screen:
            continue
        for person, seconds in one.alone.items():
            if person not in taken:
                claims[person][str(voice)] = seconds
    best = {person: _best(voices) for person, voices in claims.items()}
    return {person: int(voice) for person, voice in best.items() if voice is not None}


def _goes_on(parts: Sequence[tuple[Turn, VoiceTurn | None]], joined: Mapping[int, str]) -> set[int]:
    """The places of short stretches in which the mouth rests although its voice goes on: the sentence is theirs.

    Before and after the same mouth is seen to move with the same voice, no other mouth moves in between, and the sound
    stays alike all the way: a narrator who is taken for them sounds otherwise.
    """
    found: set[int] = set()
    sure: int | None = None  # the last part whose voice and mouth belong together
    for place, (turn, sound) in enumerate(parts):
        if place and (sound is None or not _follows(parts[place - 1], parts[place])):
            sure = None
        if sound is None or turn.person is None:
            continue
        if not turn.decided or turn.named or turn.person != joined.get(sound.voice):
            sure = None
            continue
        if sure is not None and turn.start - parts[sure][0].end <= BRIEF + 2 * PAUSE:
            between = parts[sure + 1 : place]
            spoken = sum(rest.end - rest.start for rest, _ in between)
            alike = all(heard is not None and heard.goes_on >= ALIKE for _, heard in between)
            if spoken <= BRIEF and alike:
                found |= set(range(sure + 1, place))
        sure = place
    return found


def _follows(before: tuple[Turn, VoiceTurn | None], after: tuple[Turn, VoiceTurn | None]) -> bool:
    """Whether one voice speaks in both, with no more than a breath between them."""
    (first, one), (second, other) = before, after
    same = one is not None and other is not None and one.voice == other.voice
    return same and second.start - first.end <= PAUSE


def _given(turn: Turn, name: str, people: Sequence[Person]) -> Iterator[Turn]:
    """A turn of a voice that is `name`, but for where a mouth says that it is another's, or theirs in view rests."""
    if turn.decided and turn.person is not None:
        yield turn
        return
    for start, end, seen in _views(turn, people):
        part = turn._replace(start=start, end=end)
        rests = turn.decided and name in seen
        yield part if rests else part._replace(person=name, decided=True, voice=True)


def _own(turn: Turn, name: str, one: _Heard, may_be: set[str], people: Sequence[Person]) -> Iterator[Turn]:
    """A turn of a voice of its own: whoever alone is in view keeps what may be theirs."""
    if turn.decided and turn.person is not None:
        yield turn
        return
    given = turn._replace(person=name, decided=True, voice=True)
    if turn.decided or one.off_screen or not may_be:
        yield given
        return
    for start, end, seen in _views(turn, people):
        theirs = len(seen) == 1 and seen <= may_be
        yield (turn if theirs else given)._replace(start=start, end=end)


def _views(turn: Turn, people: Sequence[Person]) -> Iterator[tuple[float, float, set[str]]]:
    """The turn in parts, each with who is in view all the time."""
    edges = {edge for person in people for span in person.spans for edge in span if turn.start < edge < turn.end}
    for start, end in pairwise([turn.start, *sorted(edges), turn.end]):
        middle = (start + end) / 2
        yield start, end, {person.name for person in people if any(a <= middle < b for a, b in person.spans)}


def _overlaps(turns: Sequence[Turn], voices: Sequence[VoiceTurn]) -> Iterator[tuple[Turn, VoiceTurn | None]]:
    """The turns cut where voices change, each with the turn of a voice heard in it, or None; both are sorted."""
    first = 0
    for turn in turns:
        while first < len(voices) and voices[first].end <= turn.start:
            first += 1
        reached, place = turn.start, first
        while place < len(voices) and voices[place].start < turn.end:
            start, end = max(voices[place].start, reached), min(voices[place].end, turn.end)
            if start > reached:
                yield turn._replace(start=reached, end=start), None
            if end > start:
                yield turn._replace(start=start, end=end), voices[place]
            reached, place = max(reached, end), place + 1
        if reached < turn.end:
            yield turn._replace(start=reached), None


def _shared(spans: Iterable[tuple[float, float]], start: float, end: float) -> float:
    return sum(max(0.0, min(end, b) - max(start, a)) for a, b in merge_spans(spans))
