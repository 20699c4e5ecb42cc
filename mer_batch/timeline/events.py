"""Moments worth a click: cuts, people entering and leaving, onsets, changes, peaks, disagreements.

Onsets, changes and peaks come from named steps alone: what a lane abstains from naming is not known, whatever its
probabilities are. Disagreements come from what each modality says by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby, pairwise

import numpy as np

from mer_batch.config import DEFAULTS
from mer_batch.fusion.align import SPEAKER, merge_spans, spread_over
from mer_batch.fusion.pool import Reading, read_step
from mer_batch.labels import ADJECTIVES, EMOTIONS, INDEX, VERBS
from mer_batch.timeline.changes import REACH, change_points, refine
from mer_batch.timeline.peaks import find_peaks
from mer_batch.types import MODALITIES, Event, Modality, Observation, Person, Segment, Shot

SHORTEST_ABSENCE = 1.0
"""Seconds out of view that count as leaving; shorter ones are detection gaps."""
BRIDGE = 3.0
"""Seconds without a name that a chain of named steps may span, as where one expression passes into another: a window of
the voice is as long, and blurs them for that time. What happened in longer ones is not known."""
SHORTEST_RUN = 2
"""Steps that an onset or a disagreement must last."""
PEAK_HEIGHT, PEAK_PROMINENCE, PEAKS_PER_PERSON = 0.4, 0.15, 5
DISAGREEMENT = 0.15
"""Normalised Jensen-Shannon divergence above which modalities with different labels disagree: about that
of 0.57 on one emotion against 0.57 on another, the rest evenly spread."""

SURE = DEFAULTS.abstain
"""Probability from which a modality would be named by itself: two that are and contradict each other are often why a
step has no name."""


def find_events(
    segments: Sequence[Segment],
    shots: Sequence[Shot],
    people: Sequence[Person],
    observations: Sequence[Observation] = (),
) -> tuple[Event, ...]:
    """All events in time order.

    `observations` are the bound ones that `fuse` returns; with them the times of changes, onsets and
    peaks are exact to the spacing of the frames instead of the steps, and details name the modalities.
    """
    events = [Event("cut", shot.start, None, None, "cut to another shot") for shot in shots[1:]]
    end = shots[-1].end if shots else max((segment.end for segment in segments), default=0.0)
    for person in people:
        if person.name != SPEAKER:
            events += _presence(person, end)
    cuts = {round(shot.start, 4) for shot in shots}
    own: dict[str | None, list[Observation]] = {}
    for observation in observations:
        own.setdefault(observation.person, []).append(observation)
    for name, lane in lanes(segments).items():
        seen = own.get(name, [])
        peaks: list[Event] = []
        for chain in chains(lane, cuts):
            onsets, changes = _onsets(chain, seen), _changes(chain, seen)
            events += onsets + changes + _missed(onsets, changes)
            peaks += _peaks(chain, seen)
        events += sorted(peaks, key=lambda event: -event.strength)[:PEAKS_PER_PERSON]
        events += _disagreements(lane, seen)
    return tuple(sorted(events, key=lambda event: event.time))


def lanes(segments: Iterable[Segment]) -> dict[str | None, list[Segment]]:
    """The segments of each person, in time order."""
    found: dict[str | None, list[Segment]] = {}
    for segment in sorted(segments, key=lambda segment: segment.start):
        found.setdefault(segment.person, []).append(segment)
    return found


def blocks(lane: Sequence[Segment], cuts: Iterable[float] = ()) -> list[list[Segment]]:
    """The stretches of a lane with readings, without gaps and cuts inside."""
    breaks = {round(cut, 4) for cut in cuts}
    found: list[list[Segment]] = []
    last: Segment | None = None
    for segment in lane:
        if segment.probabilities is None:
            last = None
            continue
        if last is None or abs(segment.start - last.end) > 1e-3 or round(segment.start, 4) in breaks:
            found.append([])
        found[-1].append(segment)
        last = segment
    return found


def chains(lane: Sequence[Segment], cuts: Iterable[float] = ()) -> list[list[Segment]]:
    """The named steps of a lane; a gap, a cut, or more than `BRIDGE` seconds without a name ends a chain."""
    found: list[list[Segment]] = []
    for block in blocks(lane, cuts):
        named = [segment for segment in block if segment.label is not None]
        for place, segment in enumerate(named):
            if not place or segment.start - named[place - 1].end > BRIDGE + 1e-6:
                found.append([])
            found[-1].append(segment)
    return found


def verb(segment: Segment) -> str:
    """How a report speaks of the segment: looks, sounds or reads as, by the modality that weighs most."""
    return VERBS[MODALITIES[int(np.argmax(segment.weights))]]


def per_modality(lane: Sequence[Segment], observations: Sequence[Observation]) -> list[dict[Modality, Reading]]:
    """What each modality says in each segment of one person, from that person's observations."""
    return [read_step(part) for part in spread_over([(s.start, s.end) for s in lane], observations)]


def _presence(person: Person, end: float) -> list[Event]:
    events = []
    for first, last in merge_spans(person.spans, join=SHORTEST_ABSENCE):
        events.append(Event("enter", first, person.name, None, f"{person.name} comes into view", last - first))
        if last < end - SHORTEST_ABSENCE:
            events.append(Event("leave", last, person.name, None, f"{person.name} leaves the view", last - first))
    return events


def _onsets(chain: Sequence[Segment], observations: Sequence[Observation]) -> list[Event]:
    """Emotions other than neutral that are new after another label and last; a few unsure steps do not interrupt."""
    runs = [list(run) for _, run in groupby(chain, key=lambda segment: segment.label)]
    events = []
    for before, run in pairwise(runs):
        label = run[0].label
        if label is None or label == "neutral" or len(run) < SHORTEST_RUN:
            continue
        time = _moment(observations, before, run)
        strength = float(np.mean([segment.confidence for segment in run]))
        detail = f"{_who(run[0])} {verb(run[0])} {ADJECTIVES[label]}, after {ADJECTIVES[before[0].label or label]}"
        events.append(Event("onset", time, run[0].person, label, detail, strength))
    return events


def _moment(observations: Sequence[Observation], before: Sequence[Segment], after: Sequence[Segment]) -> float:
    """When `before` passed into `after`: by the faces in and around what lies between, else when the latter began."""
    gap = after[0].start - before[-1].end
    middle = (before[-1].end + after[0].start) / 2
    found = refine(observations, middle, before[0].start, after[-1].end, REACH + gap / 2)
    return after[0].start if found == middle else found


def _changes(chain: Sequence[Segment], observations: Sequence[Observation]) -> list[Event]:
    table = np.array([segment.probabilities for segment in chain])
    found = change_points(table)
    events = []
    for low, at, high in zip([0, *found], found, [*found[1:], len(chain)], strict=False):
        before, after = table[low:at].mean(axis=0), table[at:high].mean(axis=0)
        size = float(np.abs(after - before).sum() / 2)
        time = _moment(observations, chain[low:at], chain[at:high])
        source, target = EMOTIONS[int(before.argmax())], EMOTIONS[int(after.argmax())]
        who = _who(chain[at])
        detail = f"{who} changes from {source} to {target}" if source != target else f"{who} changes, still {target}"
        events.append(Event("change", time, chain[at].person, target, detail, size))
    return events


def _missed(onsets: Sequence[Event], changes: Sequence[Event]) -> list[Event]:
    """Changes for the onsets that have none near: a short block hides even a large one from the search."""
    return [
        replace(onset, kind="change")
        for onset in onsets
        if all(abs(change.time - onset.time) > REACH for change in changes)
    ]


def _peaks(chain: Sequence[Segment], observations: Sequence[Observation]) -> list[Event]:
    events = []
    for name in EMOTIONS:
        if name == "neutral":
            continue
        curve = np.array([segment.probabilities[INDEX[name]] for segment in chain if segment.probabilities])
        # Padding with the lowest value lets a curve peak at the ends of the chain, but not a flat one.
        padded = np.pad(curve, 1, constant_values=curve.min())
        for after, prominence in find_peaks(padded, PEAK_HEIGHT, PEAK_PROMINENCE):
            place = after - 1
            segment = chain[place]
            if segment.label != name:
                continue
            detail = f"{_who(segment)} {verb(segment)} {ADJECTIVES[name]} most here ({curve[place]:.2f})"
            time = _best_frame(segment, observations, name)
            events.append(Event("peak", time, segment.person, name, detail, prominence))
    return events


def _best_frame(segment: Segment, observations: Sequence[Observation], emotion: str) -> float:
    """The time of the face in the segment that shows the emotion best, else the middle."""
    faces = [o for o in observations if o.modality == "face" and segment.start <= o.start < segment.end]
    if not faces:
        return (segment.start + segment.end) / 2
    return max(faces, key=lambda o: o.quality * o.probabilities[INDEX[emotion]]).start


def _disagreements(lane: Sequence[Segment], observations: Sequence[Observation]) -> list[Event]:
    readings = per_modality(lane, observations)
    marked = [_apart(segment, reading, bool(observations)) for segment, reading in zip(lane, readings, strict=True)]
    events, index = [], 0
    for mark, run in groupby(marked):
        length = len(list(run))
        if mark and length >= SHORTEST_RUN:
            best = max(range(index, index + length), key=lambda i: lane[i].disagreement or 0)
            segment = lane[best]
            detail = f"{_who(segment)} {_said(readings[best])}"
            events.append(Event("disagreement", segment.start, segment.person, None, detail, segment.disagreement or 0))
        index += length
    return events


def _apart(segment: Segment, readings: Mapping[Modality, Reading], known: bool) -> bool:
    """Whether modalities contradict each other; where the step has no name, those that are sure by themselves."""
    if (segment.disagreement or 0) < DISAGREEMENT:
        return False
    if segment.label is None:
        return len({reading.label for reading in readings.values() if reading.probabilities.max() >= SURE}) > 1
    return not known or len({reading.label for reading in readings.values()}) > 1


def _said(readings: Mapping[Modality, Reading]) -> str:
    parts = [f"{VERBS[modality]} {ADJECTIVES[reading.label]}" for modality, reading in readings.items()]
    return ", ".join(parts) or "is read differently by the modalities"


def _who(segment: Segment) -> str:
    return segment.person or "Somebody not in view"
