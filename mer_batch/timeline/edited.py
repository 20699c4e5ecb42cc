"""What people wrote down about who is who (`people.edits`), put into a timeline.

Names and colours alone change no reading. Where two are one, or one is two, readings change hands: then the lanes of
those people are fused anew from the observations with the options, reliabilities and gate of the timeline, and its
events are found anew. What was done is recorded in the provenance, so that nothing is done twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeVar

from mer_batch.config import DEFAULTS
from mer_batch.errors import MerError, UsageError, unknown_name
from mer_batch.fusion import fuse, pool
from mer_batch.fusion.align import merge_spans
from mer_batch.fusion.named import key
from mer_batch.people.edits import Change, Edits, as_table, from_table
from mer_batch.timeline.events import find_events
from mer_batch.types import Event, Gap, Modality, Observation, Person, Segment, Timeline, Utterance
from mer_batch.wording import Renamer, clock

RECORD: Final = "people"
"""The option under which the provenance holds what was done."""
_CLOSE: Final = 1e-3  # seconds by which views may overlap through rounding
Timed = TypeVar("Timed", Observation, Utterance, Gap)
Span = tuple[float, float]


def edited(timeline: Timeline, edits: Edits, strict: bool = True) -> Timeline:
    """The timeline with what people said of who is in it.

    Raises `UsageError` for a name that nobody has, for two people in one frame who are to be one, and for a merge or
    split that an earlier edit stands in the way of. Not `strict`, these edits are left out, and told of in notices.
    """
    told = list(edits.notices)
    work = _Work(timeline)
    for name, change in work.new(edits, told, strict).items():
        error = work.unknown(name, change)
        if error is None:
            work.take(name, change)
        elif strict:
            raise error
        else:
            told.append(f"{name} is left as found: {error}")
    work.settle(told, strict)
    found = work.result()
    return replace(found, notices=tuple(dict.fromkeys((*found.notices, *told)))) if told else found


@dataclass
class _Part:
    """Somebody as found, from one time to another, with who they are now."""

    name: str
    start: float
    end: float
    called: str
    colour: str | None = None


@dataclass
class _Work:
    """A timeline being edited: `parts` say who everybody is, by the name they were found under."""

    timeline: Timeline
    parts: dict[str, list[_Part]] = field(default_factory=dict)
    done: dict[str, Change] = field(default_factory=dict)
    moved: set[str] = field(default_factory=set)
    """Names found whose readings change hands."""

    def __post_init__(self) -> None:
        for person in self.timeline.people:
            self.parts[person.name] = [_Part(person.name, 0.0, float("inf"), person.name, person.colour)]
        self.before = _recorded(self.timeline)

    def new(self, edits: Edits, told: list[str], strict: bool) -> dict[str, Change]:
        """The changes that are not done yet, by the name under which people are found now."""
        found: dict[str, Change] = {}
        for name, change in edits.people.items():
            old = self.before.get(name)
            if old == change:
                continue
            if old is None:
                found[name] = change
            elif old.structural or change.structural:
                line = f"{name} was edited otherwise when this timeline was made; run mer analyze again to change that"
                if strict:
                    raise UsageError(line)
                told.append(line)
            else:
                found[old.name or name] = replace(change, name=change.name or name)
        return found

    def unknown(self, name: str, change: Change) -> UsageError | None:
        """What to say of a change about somebody who is not there."""
        strange = next((one for one in (name, *change.merge) if one not in self.parts), None)
        if strange is not None:
            return unknown_name("person", strange, self.parts)
        spans = self._spans(name)
        first, last = (spans[0][0], spans[-1][1]) if spans else (0.0, 0.0)
        late = next((cut.at for cut in change.split if not first < cut.at < last), None)
        if late is None:
            return None
        return UsageError(f"{name} cannot be split at {late:g} s: they are there from {first:.1f} to {last:.1f} s")

    def take(self, name: str, change: Change) -> None:
        """Note a change about people who are there."""
        parts = self.parts[name]
        parts[0].called, parts[0].colour = change.name or parts[0].called, change.colour or parts[0].colour
        for cut in change.split:
            last = parts[-1]
            last.end = cut.at
            parts.append(_Part(name, cut.at, float("inf"), cut.name or self._free(), cut.colour))
            self.moved.add(name)
        for other in change.merge:
            for part in self.parts[other]:
                part.called = parts[0].called
        self.done[name] = change

    def _free(self) -> str:
        taken = {key(part.called) for parts in self.parts.values() for part in parts} | set(map(key, self.parts))
        return next(f"Person {number}" for number in range(1, len(taken) + 2) if key(f"Person {number}") not in taken)

    def settle(self, told: list[str], strict: bool) -> None:
        """Refuse to make one of people who are seen at once. Raises `UsageError` where that is `strict`."""
        for same in self._groups():
            if len(same) < 2:
                continue
            clash = _clash([(part, self._in_view(part)) for part in same])
            if clash is None:
                spelling = next((part.called for part in same if part.called != part.name), same[0].called)
                for part in same:
                    part.called = spelling
                    self.moved.add(part.name)
                continue
            first, second, time = clash
            line = f"{first} and {second} cannot both be {same[0].called}: both are in view at {clock(time)}"
            if strict:
                raise UsageError(line)
            told.append(f"{line}; they are left as found")
            for part in same:
                part.called = part.name
                self.done.pop(part.name, None)

    def _groups(self) -> list[list[_Part]]:
        groups: dict[str, list[_Part]] = {}
        for parts in self.parts.values():
            for part in parts:
                groups.setdefault(key(part.called), []).append(part)
        return list(groups.values())

    def _in_view(self, part: _Part) -> list[Span]:
        """When somebody's face was in view; for a voice never."""
        faces = {o.person for o in self.timeline.observations if o.modality == "face"}
        faces |= {gap.person for gap in self.timeline.gaps if gap.modality == "face"}
        return _within(self._spans(part.name), part) if part.name in faces else []

    def _spans(self, name: str) -> Sequence[Span]:
        return next((person.spans for person in self.timeline.people if person.name == name), ())

    def now(self, name: str | None, time: float) -> str | None:
        """Who somebody is at a time."""
        parts = self.parts.get(name or "", ())
        return next((part.called for part in parts if part.start <= time < part.end), name)

    def result(self) -> Timeline:
        """The timeline as it is now."""
        if not self.done:
            return self.timeline
        old = self.timeline
        simple = {name: parts[0].called for name, parts in self.parts.items() if name not in self.moved}
        rename = Renamer({a: b for a, b in simple.items() if a != b} | self._merged_names())
        made = replace(
            old,
            people=self._people(),
            observations=tuple(self._own(one) for one in old.observations),
            utterances=tuple(self._own(one) for one in old.utterances),
            gaps=tuple(part for gap in old.gaps for part in self._gaps(gap)),
            segments=tuple(replace(s, person=simple.get(s.person or "", s.person)) for s in old.segments),
            events=tuple(
                replace(e, person=simple.get(e.person or "", e.person), detail=rename(e.detail)) for e in old.events
            ),
            notices=tuple(rename(notice) for notice in old.notices),
            provenance=self._provenance(),
        )
        return _fused_anew(old, made, self.moved) if self.moved else made

    def _merged_names(self) -> dict[str, str]:
        """New names of those whose readings change hands as one."""
        whole = {name: parts[0].called for name, parts in self.parts.items() if len(parts) == 1}
        return {name: called for name, called in whole.items() if name in self.moved and name != called}

    def _provenance(self) -> Any:
        record = as_table(Edits({**self.before, **self.done}))
        made = self.timeline.provenance
        return replace(made, options={**made.options, RECORD: record})

    def _people(self) -> tuple[Person, ...]:
        found: dict[str, Person] = {}
        for person in self.timeline.people:
            for number, part in enumerate(self.parts[person.name]):
                spans = tuple(_within(person.spans, part))
                new = Person(part.called, spans, person.thumbnail if not number else None, part.colour)
                if not spans and number:
                    continue
                old = found.get(part.called)
                found[part.called] = new if old is None else _one(old, new)
        return tuple(found.values())

    def _own(self, one: Timed) -> Timed:
        return replace(one, person=self.now(one.person, (one.start + one.end) / 2))

    def _gaps(self, gap: Gap) -> Iterable[Gap]:
        """A gap as the gaps of whoever it is of now; who is in view under another old name is not away."""
        parts = self.parts.get(gap.person or "")
        if parts is None or gap.person not in self.moved:
            yield replace(gap, person=self.now(gap.person, gap.start))
            return
        for part in parts:
            start, end = max(gap.start, part.start), min(gap.end, part.end)
            if end <= start:
                continue
            others = [p for own in self.parts.values() for p in own if p.called == part.called and p is not part]
            seen = (
                merge_spans(span for other in others for span in self._in_view(other)) if gap.modality == "face" else ()
            )
            for free in _outside((start, end), seen):
                yield replace(gap, start=free[0], end=free[1], person=part.called)


def _recorded(timeline: Timeline) -> dict[str, Change]:
    try:
        return dict(from_table(timeline.provenance.options.get(RECORD) or {}).people)
    except (ValueError, TypeError):
        return {}


def _clash(parts: Sequence[tuple[_Part, list[Span]]]) -> tuple[str, str, float] | None:
    """Two who are in view at once, and when."""
    for place, (first, ours) in enumerate(parts):
        for second, theirs in parts[:place]:
            for start, end in ours:
                for begin, stop in theirs:
                    if min(end, stop) - max(start, begin) > _CLOSE:
                        return second.name, first.name, max(start, begin)
    return None


def _one(first: Person, second: Person) -> Person:
    return Person(
        first.name,
        merge_spans((*first.spans, *second.spans)),
        first.thumbnail or second.thumbnail,
        first.colour or second.colour,
    )


def _within(spans: Iterable[Span], part: _Part) -> list[Span]:
    cut = ((max(start, part.start), min(end, part.end)) for start, end in spans)
    return [(start, end) for start, end in cut if end > start]


def _outside(span: Span, others: Sequence[Span]) -> list[Span]:
    """What of a span no other one covers."""
    found, start = [], span[0]
    for begin, end in others:
        if begin > start and min(begin, span[1]) > start:
            found.append((start, min(begin, span[1])))
        start = max(start, end)
    return [*found, (start, span[1])] if start < span[1] else found


def _fused_anew(old: Timeline, made: Timeline, moved: set[str]) -> Timeline:
    """The timeline with the lanes and events of those whose readings changed hands made again."""
    kept = [now for was, now in zip(old.segments, made.segments, strict=True) if was.person not in moved]
    kept_names = {segment.person for segment in kept}
    lanes, notice = _lanes(made, [person for person in made.people if person.name not in kept_names])
    order = {person.name: place for place, person in enumerate(made.people)}
    segments = sorted([*kept, *lanes], key=lambda one: order.get(one.person or "", len(order)))
    seen = {reading.person for reading in made.observations if reading.modality == "face"}
    seen |= {gap.person for gap in made.gaps if gap.modality == "face"}
    in_view = [person for person in made.people if person.name in seen]
    events = find_events(segments, made.shots, in_view, made.observations)
    return replace(
        made,
        segments=tuple(segments),
        events=_illustrated(events, old.events),
        notices=(*made.notices, *notice),
    )


def _lanes(made: Timeline, people: Sequence[Person]) -> tuple[list[Segment], list[str]]:
    names = {person.name for person in people}
    own = [reading for reading in made.observations if reading.person in names]
    gaps = [gap for gap in made.gaps if gap.person is None or gap.person in names]
    options = made.provenance.options
    end = options.get("end")
    duration = min(float(end), made.media.duration) if isinstance(end, int | float) else made.media.duration
    reliabilities, weigh, notices = _weights(made, {reading.modality for reading in own})
    fused = fuse(
        own,
        gaps,
        duration=duration,
        people=people,
        cuts=[shot.start for shot in made.shots[1:]],
        reliabilities=reliabilities,
        step=_number(options.get("step"), DEFAULTS.step),
        abstain=_number(options.get("abstain"), DEFAULTS.abstain),
        weigh=weigh,
    )
    return list(fused.segments), notices


def _weights(made: Timeline, read: set[Modality]) -> tuple[dict[Modality, float], pool.Weigh, list[str]]:
    """Reliabilities and gate of the timeline, as far as they are known; else a notice."""
    found: dict[Modality, float] = {}
    gate_sum = None
    for model in made.provenance.models:
        if model.modality == "fusion":
            gate_sum = model.sha256
        elif model.reliability is not None:
            found[model.modality] = model.reliability
    notices = []
    if missing := sorted(read - found.keys()):
        found.update(dict.fromkeys(missing, 1.0))
        notices.append(
            "the timeline does not tell how reliable its models are, so all weigh the same in readings of people "
            "who were merged or split; run mer analyze again for exact ones"
        )
    weigh: pool.Weigh = pool.weights
    if gate_sum is not None:
        gate = _gate(str(made.provenance.options.get("fusion_model", "default")), gate_sum)
        if gate is None:
            notices.append("the gate of this timeline is not here: people merged or split are weighed without it")
        else:
            weigh = gate.weights
    return found, weigh, notices


def _gate(spec: str, wanted: str) -> Any:
    from mer_batch.fusion.learned import gate_sum, load_gate

    try:
        return load_gate(spec, "cpu") if gate_sum(spec) == wanted else None
    except (MerError, OSError):
        return None


def _number(value: object, otherwise: float) -> float:
    return float(value) if isinstance(value, int | float) else otherwise


def _illustrated(events: Iterable[Event], old: Iterable[Event]) -> tuple[Event, ...]:
    """The events with the pictures that those at the same time had."""
    pictures = {(event.kind, round(event.time, 1)): event.thumbnail for event in old if event.thumbnail}
    return tuple(replace(event, thumbnail=pictures.get((event.kind, round(event.time, 1)))) for event in events)
