"""Which person in view is meant by a speaker's name that came with the words.

A transcript knows who speaks but not how they look; a picture the other way round. What joins them is the
speech under a name: whose mouth moves with it, or who alone is in view (`align.Presence`). A name joins a
person who has clearly most of its speech, and who is not claimed by another name; no person gets two names,
no name two people. Who has a name by their face keeps it, and words under it are theirs. A name that nobody in
view speaks is a person of its own, heard and not seen; one that several may be stays apart too, and is told of.
Joining two people would be worse than leaving one in two.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from mer_batch.fusion.align import (
    BOUND_ALONE,
    BOUND_MOUTH,
    BOUND_NAMED,
    BOUND_OFF_SCREEN,
    BOUND_SEVERAL,
    ENOUGH_TIME,
    HOW_BOUND,
    Presence,
)
from mer_batch.fusion.named import key, stretches
from mer_batch.fusion.speaking import Turn
from mer_batch.types import Gap, Observation, Person, Utterance
from mer_batch.wording import listed

_NUMBERED: Final = re.compile(r"Person \d+")
"""Who has another name is known by their face."""
CLEARLY: Final = 2.0
"""Times by which a person or a name must be ahead of the next one."""
SEEN_SPEAKING: Final = 1.0
"""Seconds of a mouth moving with a name's words that are evidence by themselves."""


@dataclass(frozen=True)
class Naming:
    """What names mean: `called` maps people in view to their new names, where they change.

    `seen` are the speakers' names that are people in view, `unseen` those whom nobody in view can be,
    `unsure` those who may be somebody in view.
    """

    called: Mapping[str, str] = field(default_factory=dict)
    seen: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()

    def name(self, person: str | None) -> str | None:
        """The name by which a person of the face stage goes now."""
        return None if person is None else self.called.get(person, person)

    def people(self, people: Iterable[Person]) -> tuple[Person, ...]:
        """People under their names."""
        return tuple(replace(person, name=self.called.get(person.name, person.name)) for person in people)

    def observations(self, observations: Iterable[Observation]) -> tuple[Observation, ...]:
        """Faces under their names; words that brought a name are marked with how they were bound."""
        return tuple(self._observation(observation) for observation in observations)

    def _observation(self, observation: Observation) -> Observation:
        if observation.modality == "face":
            return replace(observation, person=self.name(observation.person))
        if observation.person is None or HOW_BOUND & {*observation.flags}:
            return observation
        return replace(observation, flags=(*observation.flags, BOUND_NAMED))

    def gaps(self, gaps: Iterable[Gap]) -> tuple[Gap, ...]:
        """Gaps of faces under their names; words already carry theirs."""
        return tuple(replace(gap, person=self.name(gap.person)) if gap.modality == "face" else gap for gap in gaps)

    def turns(self, turns: Iterable[Turn]) -> tuple[Turn, ...]:
        """Turns under the names."""
        return tuple(turn._replace(person=self.name(turn.person)) for turn in turns)

    def notices(self) -> list[str]:
        """What was assumed of the names, in at most one sentence."""
        told = [f"{listed(self.seen)} {_are(self.seen)} in view"] if self.seen else []
        told += [f"{listed(self.unseen)} {_are(self.unseen)} heard and not seen"] if self.unseen else []
        if self.unsure:
            told.append(f"who in view {listed(self.unsure)} may be is unclear, so their words stand apart")
        return [f"speakers named in the words: {'; '.join(told)}"] if told else []


def _are(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"


class _Claim(NamedTuple):
    """What a name's speech says of one person, in seconds: their mouth moves with it, or they alone are in view."""

    mouth: float = 0.0
    alone: float = 0.0

    @property
    def support(self) -> float:
        return self.mouth + self.alone


@dataclass
class _Evidence:
    """The speech of one name, in seconds: all of it, with somebody in view, and by person."""

    total: float = 0.0
    visible: float = 0.0
    several: float = 0.0
    claims: dict[str, _Claim] = field(default_factory=dict)

    def add(self, person: str | None, how: str, seconds: float) -> None:
        """Count an answer of `Presence.answers`."""
        self.total += seconds
        self.visible += seconds if how != BOUND_OFF_SCREEN else 0.0
        self.several += seconds if how == BOUND_SEVERAL else 0.0
        if person is not None:
            old = self.of(person)
            mouth, alone = seconds * (how == BOUND_MOUTH), seconds * (how == BOUND_ALONE)
            self.claims[person] = _Claim(old.mouth + mouth, old.alone + alone)

    def of(self, person: str) -> _Claim:
        return self.claims.get(person, _Claim())

    def claims_person(self, person: str) -> bool:
        """Whether most of the speech with somebody in view may be theirs."""
        return self.visible > 0 and self.of(person).support >= ENOUGH_TIME * self.visible - 1e-9

    def speaks(self, person: str) -> bool:
        """Whether their mouth is seen to speak the words for long enough."""
        return self.of(person).mouth >= min(SEEN_SPEAKING, ENOUGH_TIME * self.total) - 1e-9 and self.total > 0

    def best(self) -> str | None:
        """The person with clearly most of the speech, if it is enough to tell."""
        if not self.claims:
            return None
        person, claim = max(self.claims.items(), key=lambda pair: pair[1].support)
        others = (other.support for name, other in self.claims.items() if name != person)
        # A glance at somebody while a narrator talks for minutes is no evidence, if their mouth was not seen to speak.
        enough = self.speaks(person) or claim.support >= ENOUGH_TIME * self.total - 1e-9
        clear = all(claim.support >= CLEARLY * other for other in others)
        return person if self.claims_person(person) and enough and clear else None


def name_people(utterances: Sequence[Utterance], people: Sequence[Person], turns: Sequence[Turn]) -> Naming:
    """Which of the `people` in view are the named speakers of `utterances`, by `turns` of speech (sorted)."""
    found = _evidence(utterances, people, turns)
    known = {key(person.name): person.name for person in people if not _NUMBERED.fullmatch(person.name)}
    joined = {name: known[key(name)] for name in found if key(name) in known}
    for name, evidence in found.items():
        person = evidence.best()
        if name in joined or person in known.values():
            continue
        if person is not None and all(_ahead(evidence, rival, person) for rival in _others(found, name)):
            joined[name] = person
    apart = [name for name in found if name not in joined]
    unsure = [name for name in apart if _may_be_seen(found[name])]
    called = {person: name for name, person in joined.items()}
    return Naming(
        called={**_renumbered(people, called, found), **called},
        seen=tuple(joined),
        unseen=tuple(name for name in apart if name not in unsure),
        unsure=tuple(unsure),
    )


def _evidence(utterances: Sequence[Utterance], people: Sequence[Person], turns: Sequence[Turn]) -> dict[str, _Evidence]:
    presence = Presence(people, True, turns)
    found = {said.person: _Evidence() for said in utterances if said.person is not None}
    for part in stretches(utterances):
        if len(part.names) == 1:  # where two talk at once nothing can be told
            for (person, how), seconds in presence.answers(part.start, part.end):
                found[next(iter(part.names))].add(person, how, seconds)
    return found


def _others(found: Mapping[str, _Evidence], name: str) -> Iterator[_Evidence]:
    return (evidence for other, evidence in found.items() if other != name)


def _ahead(own: _Evidence, rival: _Evidence, person: str) -> bool:
    """Whether a name has a clearly better claim on a person than a rival one."""
    mine, theirs = own.of(person), rival.of(person)
    if own.speaks(person):
        return mine.mouth >= CLEARLY * theirs.mouth
    # Who alone is in view while two speak may be either.
    return mine.support >= CLEARLY * theirs.support and not rival.claims_person(person)


def _may_be_seen(evidence: _Evidence) -> bool:
    """Whether at least half of the speech may be somebody's in view."""
    possible = evidence.several + sum(claim.support for claim in evidence.claims.values())
    return evidence.total > 0 and possible >= ENOUGH_TIME * evidence.total - 1e-9


def _renumbered(people: Sequence[Person], called: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    """New numbers for people in view whose name a speaker has who is not them."""
    taken = {key(name) for name in names}
    used = taken | {key(person.name) for person in people}
    found: dict[str, str] = {}
    for person in people:
        if key(person.name) in taken and person.name not in called:
            number = next(n for n in range(1, len(used) + 2) if key(f"Person {n}") not in used)
            found[person.name] = f"Person {number}"
            used.add(key(found[person.name]))
    return found
