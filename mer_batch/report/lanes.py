"""The part of a timeline that the page draws, as compact columns for its script.

Times are milliseconds, probabilities and box edges per mille: integers keep an hour at five
steps a second near two megabytes. Steps come as (gap to the step before, length) pairs, which
are short numbers that repeat. Beyond `MAX_STEPS` neighbouring steps are averaged.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final, TypeAlias, TypeVar

from mer_batch.labels import INDEX
from mer_batch.types import MODALITIES, Gap, Modality, Observation, Probabilities, Segment, Timeline
from mer_batch.wording import image_uri

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"
Step = TypeVar("Step", Segment, Observation)

MAX_STEPS: Final = 20_000
"""Steps a lane keeps; an hour at five a second is 18,000. No screen has more columns to draw."""

SILENCE_DB: Final = -90
"""Where loudness is cut off: digital silence is minus infinity."""

SHORTEST_ABSENCE: Final = 0.3
"""Seconds without a reading that are drawn as a gap; shorter ones are the spacing of frames."""

GAP: Final = -2
UNNAMED: Final = -1


def page_data(timeline: Timeline) -> dict[str, Json]:
    """What the script draws: lanes by person, shots, speech, utterances and events."""
    return {
        "duration": _ms(timeline.media.duration),
        "lanes": [_lane(timeline, person) for person in lane_people(timeline)],
        "shots": [[_ms(shot.start), _ms(shot.end), image_uri(shot.thumbnail)] for shot in timeline.shots],
        "speech": [[_ms(start), _ms(end)] for start, end in timeline.speech],
        "loudness": [n for time, level in timeline.loudness for n in (_ms(time), round(max(level, SILENCE_DB)))],
        "words": _words(timeline),
        "events": [
            [
                _ms(event.time),
                event.kind,
                event.person,
                INDEX.get(event.emotion or "", -1),
                event.detail,
                image_uri(event.thumbnail),
            ]
            for event in timeline.events
        ],
    }


def lane_people(timeline: Timeline) -> list[str | None]:
    """Who gets a lane, in the order of `people`; None stands for voices and words of nobody in particular."""
    found: dict[str | None, None] = {person.name: None for person in timeline.people}
    found.update({segment.person: None for segment in timeline.segments})
    found.update({reading.person: None for reading in timeline.observations})
    return sorted(found, key=lambda name: name is None)


def utterance_readings(timeline: Timeline) -> list[Observation | None]:
    """For each utterance the text reading that overlaps it most, or None where it was not read."""
    readings = [reading for reading in timeline.observations if reading.modality == "text"]
    exact = {(reading.start, reading.end): reading for reading in readings}
    return [
        exact.get((said.start, said.end)) or _overlapping(readings, said.start, said.end)
        for said in timeline.utterances
    ]


def _overlapping(readings: Sequence[Observation], start: float, end: float) -> Observation | None:
    shared = [(min(reading.end, end) - max(reading.start, start), reading) for reading in readings]
    best = max(shared, key=lambda pair: pair[0], default=None)
    return best[1] if best and best[0] > 0 else None


def _words(timeline: Timeline) -> list[Json]:
    rows: list[Json] = []
    for said, reading in zip(timeline.utterances, utterance_readings(timeline), strict=True):
        label = INDEX[reading.label] if reading else GAP
        rows.append([_ms(said.start), _ms(said.end), said.text, said.person, label])
    return rows


def _lane(timeline: Timeline, person: str | None) -> dict[str, Json]:
    segments = [segment for segment in timeline.segments if segment.person == person]
    readings = [reading for reading in timeline.observations if reading.person == person]
    gaps = [gap for gap in timeline.gaps if gap.person in (person, None)]
    thumbnails: dict[str | None, str | None] = {known.name: known.thumbnail for known in timeline.people}
    return {
        "person": person,
        "thumbnail": image_uri(thumbnails.get(person)),
        "fused": _fused(segments, person, timeline.media.duration),
        **{modality: _modality(timeline, modality, readings, gaps, person) for modality in MODALITIES},
    }


def _fused(segments: Sequence[Segment], person: str | None, duration: float) -> dict[str, Json]:
    steps = _thinned(_merged_gaps(segments))
    reasons = {reason: place for place, reason in enumerate(dict.fromkeys(step.reason for step in steps))}
    return {
        "t": _times(steps),
        "p": [n for step in steps for n in _permille(step.probabilities)],
        "s": [n for step in steps for n in _permille(step.spread)],
        "w": [round(weight * 100) for step in steps for weight in step.weights],
        "d": [-1 if step.disagreement is None else round(step.disagreement * 1000) for step in steps],
        "l": [_label(step) for step in steps],
        "r": [reasons[step.reason] for step in steps],
        "reasons": list(reasons),
        "gaps": _absences(steps, (), duration) if person is not None else [],
    }


def _modality(
    timeline: Timeline,
    modality: Modality,
    readings: Sequence[Observation],
    gaps: Sequence[Gap],
    person: str | None,
) -> dict[str, Json]:
    steps = _thinned(_trimmed([reading for reading in readings if reading.modality == modality]))
    own = [gap for gap in gaps if gap.modality == modality]
    flags = {flags: place for place, flags in enumerate(dict.fromkeys(step.flags for step in steps))}
    data: dict[str, Json] = {
        "t": _times(steps),
        "p": [n for step in steps for n in _permille(step.probabilities)],
        "q": [round(step.quality * 100) for step in steps],
        "f": [flags[step.flags] for step in steps],
        "flags": [", ".join(names) for names in flags],
        # What is tied to nobody is not missing where it is absent: it was tied to somebody.
        "gaps": _absences(steps, own, timeline.media.duration) if person or not timeline.people else [],
    }
    if modality == "face":
        data["b"] = [round(edge * 1000) for step in steps for edge in step.evidence.box or (0, 0, 0, 0)]
    return data


def _absences(steps: Sequence[Segment] | Sequence[Observation], gaps: Sequence[Gap], duration: float) -> list[Json]:
    """The stretches without a reading as (start, end, reason); none where the modality never spoke here."""
    rows: list[Json] = []
    at = 0.0
    for start, end in [*((step.start, step.end) for step in steps), (duration, duration)] if steps else []:
        if start - at > SHORTEST_ABSENCE:
            longest = max(gaps, key=lambda gap: min(gap.end, start) - max(gap.start, at), default=None)
            known = longest is not None and min(longest.end, start) > max(longest.start, at)
            rows.append([_ms(at), _ms(start), longest.reason if longest and known else "no reading of this person"])
        at = max(at, end)
    return rows


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _permille(values: Probabilities | None) -> list[int]:
    return [0] * len(INDEX) if values is None else [round(value * 1000) for value in values]


def _label(step: Segment) -> int:
    if step.label is not None:
        return INDEX[step.label]
    return GAP if step.probabilities is None else UNNAMED


def _times(steps: Sequence[Segment] | Sequence[Observation]) -> list[Json]:
    numbers: list[Json] = []
    before = 0
    for step in steps:
        numbers += [_ms(step.start) - before, _ms(step.end) - _ms(step.start)]
        before = _ms(step.end)
    return numbers


def _merged_gaps(segments: Sequence[Segment]) -> list[Segment]:
    merged: list[Segment] = []
    for segment in sorted(segments, key=lambda item: item.start):
        last = merged[-1] if merged else None
        both_empty = last is not None and last.probabilities is None and segment.probabilities is None
        if last is not None and both_empty and last.reason == segment.reason and _touch(last, segment):
            merged[-1] = replace(last, end=segment.end)
        else:
            merged.append(segment)
    return merged


def _trimmed(readings: Sequence[Observation]) -> list[Observation]:
    """Overlapping windows cut at the middle of their overlap, so that each time has one reading."""
    trimmed: list[Observation] = []
    for reading in sorted(readings, key=lambda reading: reading.start):
        last = trimmed[-1] if trimmed else reading
        if last.end > reading.start and trimmed:
            middle = max(last.start, min((last.end + reading.start) / 2, reading.end))
            trimmed[-1] = replace(last, end=middle)
            reading = replace(reading, start=middle)
        trimmed.append(reading)
    return trimmed


def _touch(first: Segment | Observation, second: Segment | Observation) -> bool:
    return second.start - first.end < 1e-3


def _thinned(steps: list[Step]) -> list[Step]:
    size = math.ceil(len(steps) / MAX_STEPS)
    return steps if size <= 1 else [_average(run) for run in _runs(steps, size)]


def _runs(steps: Sequence[Step], size: int) -> Iterator[list[Step]]:
    """Lists of at most `size` neighbours that touch and are all readings or all gaps."""
    run: list[Step] = []
    for step in steps:
        if run and (len(run) == size or not _touch(run[-1], step) or _empty(run[-1]) != _empty(step)):
            yield run
            run = []
        run.append(step)
    if run:
        yield run


def _empty(step: Segment | Observation) -> bool:
    return step.probabilities is None


def _average(run: Sequence[Step]) -> Step:
    first, end = run[0], run[-1].end
    if isinstance(first, Segment):
        steps = [step for step in run if isinstance(step, Segment)]
        kept = _kept(steps)
        label = Counter(step.label for step in kept).most_common(1)[0][0]
        present = [step.probabilities for step in kept if step.probabilities is not None]
        return replace(
            kept[0], start=first.start, end=end, label=label, probabilities=_mean(present) if present else None
        )
    return replace(first, end=end, probabilities=_mean([step.probabilities for step in run if step.probabilities]))


def _kept(steps: Sequence[Segment]) -> list[Segment]:
    """The named ones where they are most, else the others: what is not known enters no mean of what is."""
    named = [step for step in steps if step.label is not None]
    return named if 2 * len(named) > len(steps) else [step for step in steps if step.label is None] or named


def _mean(rows: Sequence[Probabilities]) -> Probabilities:
    return tuple(sum(column) / len(rows) for column in zip(*rows, strict=True))
