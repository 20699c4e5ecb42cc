"""The part of a timeline that the page draws, as columns of small whole numbers.

Times are milliseconds; probabilities are in 250ths and box edges per mille, which are finer than a screen shows. Steps
come as (gap to the step before, length) pairs, which are short numbers that repeat. What was named is kept exactly, as
runs of equal labels, so that shares are true at every scale; beyond `MAX_STEPS` readings are averaged with neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mer_batch.config import DEFAULTS
from mer_batch.labels import EMOTIONS, INDEX
from mer_batch.report.thin import (
    GAP,
    UNNAMED,
    Steps,
    absences,
    averaged,
    groups,
    label_runs,
    leading,
    majority,
    trimmed,
)
from mer_batch.types import MODALITIES, Gap, Modality, Observation, Segment, Timeline
from mer_batch.wording import image_uri

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"
Columns: TypeAlias = dict[str, Any]
"""Columns of numbers by a letter, and small lists of texts that they point into."""

MAX_STEPS: Final = 20_000
"""Steps a lane keeps; an hour at five a second is 18,000. No screen has more columns to draw."""
MAX_READINGS: Final = 60_000
"""Readings of one modality that a page keeps, all people together."""
MAX_PICTURES: Final = 120
"""Pictures of shots, and of events, that a page keeps."""
UNIT: Final = 250
"""Probabilities are in 250ths: one byte each."""
SILENCE_DB: Final = -90
"""Where loudness is cut off: digital silence is minus infinity."""
NO_DISAGREEMENT: Final = 255


def page_data(timeline: Timeline) -> dict[str, Any]:
    """What the script draws: lanes by person, shots, speech, utterances and events."""
    options = timeline.provenance.options
    size = _readings_together(timeline)
    return {
        "duration": _ms(timeline.media.duration),
        "step": _number(options.get("step"), DEFAULTS.step),
        "abstain": _number(options.get("abstain"), DEFAULTS.abstain),
        "lanes": [_lane(timeline, person, size) for person in lane_people(timeline)],
        "shots": _shots(timeline),
        "speech": [[_ms(start), _ms(end)] for start, end in timeline.speech],
        "loudness": _loudness(timeline),
        "words": _words(timeline),
        "events": _events(timeline),
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
        sure = round(reading.confidence * UNIT) if reading else 0
        rows.append([_ms(said.start), _ms(said.end), said.text, said.person, label, sure])
    return rows


def _shots(timeline: Timeline) -> list[Json]:
    every = max(1, len(timeline.shots) // MAX_PICTURES)
    return [
        [_ms(shot.start), _ms(shot.end), image_uri(shot.thumbnail) if place % every == 0 else None]
        for place, shot in enumerate(timeline.shots)
    ]


def _events(timeline: Timeline) -> list[Json]:
    pictured = sorted((e for e in timeline.events if e.thumbnail), key=lambda e: e.strength, reverse=True)[
        :MAX_PICTURES
    ]
    kept = {id(event) for event in pictured}
    return [
        [
            _ms(event.time), event.kind, event.person, INDEX.get(event.emotion or "", -1), event.detail,
            image_uri(event.thumbnail) if id(event) in kept else None,
        ]
        for event in timeline.events
    ]  # fmt: skip


def _loudness(timeline: Timeline) -> dict[str, Json]:
    """Levels at even times: the first, the distance and the dBFS."""
    times = [time for time, _ in timeline.loudness]
    step = (times[-1] - times[0]) / (len(times) - 1) if len(times) > 1 else 0.5
    levels: list[Json] = [round(max(level, SILENCE_DB)) for _, level in timeline.loudness]
    return {"start": _ms(times[0]) if times else 0, "step": _ms(step), "levels": levels}


def _lane(timeline: Timeline, person: str | None, size: dict[Modality, int]) -> dict[str, Any]:
    segments = sorted((s for s in timeline.segments if s.person == person), key=lambda s: s.start)
    readings = [reading for reading in timeline.observations if reading.person == person]
    gaps = [gap for gap in timeline.gaps if gap.person in (person, None)]
    known = next((one for one in timeline.people if one.name == person), None)
    # What is tied to nobody is not missing where it is absent: it was tied to somebody.
    told = person is not None or not timeline.people
    return {
        "person": person,
        "thumbnail": image_uri(known.thumbnail) if known else None,
        "colour": known.colour if known else None,
        "runs": _runs(segments),
        "fused": _fused(segments),
        **{m: _modality(timeline, m, readings, gaps if told else None, size[m]) for m in MODALITIES},
    }


def _runs(segments: Sequence[Segment]) -> Columns:
    labels = [GAP if s.probabilities is None else UNNAMED if s.label is None else INDEX[s.label] for s in segments]
    reasons = {reason: n for n, reason in enumerate(dict.fromkeys(s.reason for s in segments if not s.probabilities))}
    codes = [reasons[s.reason] if s.probabilities is None else 0 for s in segments]
    runs = label_runs(_spans(segments), np.array(labels, np.int8), np.array(codes, np.int32))
    return {"t": _times(runs.spans), "l": runs.labels, "n": runs.counts, "r": runs.codes, "reasons": list(reasons)}


def _fused(segments: Sequence[Segment]) -> Columns:
    read = [segment for segment in segments if segment.probabilities is not None]
    spans, named = _spans(read), np.array([segment.label is not None for segment in read], bool)
    first = groups(spans, MAX_STEPS)
    kept = majority(named, first)
    steps = averaged(
        Steps(spans, _table([s.probabilities for s in read]), _table([s.spread or _NOTHING for s in read])), first, kept
    )
    shown = [read[place] for place in leading([s.label for s in read], first, kept)]
    return {
        "t": _times(steps.spans),
        "p": _bytes(steps.values),
        "s": _bytes(steps.beside),
        "w": np.array([[round(100 * w) for w in s.weights] for s in shown], np.uint8).reshape(-1, 3),
        "d": np.array([_disagreement(s) for s in shown], np.uint8),
        "l": np.array([UNNAMED if s.label is None else INDEX[s.label] for s in shown], np.int8),
    }


def _disagreement(segment: Segment) -> int:
    return NO_DISAGREEMENT if segment.disagreement is None else round(segment.disagreement * UNIT)


_NOTHING: Final = (0.0,) * len(EMOTIONS)


def _modality(
    timeline: Timeline, modality: Modality, readings: Sequence[Observation], gaps: Sequence[Gap] | None, limit: int
) -> Columns:
    own = sorted((reading for reading in readings if reading.modality == modality), key=lambda o: o.start)
    spans = trimmed(_spans(own))
    boxes = np.array([reading.evidence.box or (0, 0, 0, 0) for reading in own]).reshape(-1, 4)
    steps = averaged(Steps(spans, _table([o.probabilities for o in own]), boxes), groups(spans, limit))
    flags = {texts: place for place, texts in enumerate(dict.fromkeys(reading.flags for reading in own))}
    missing = [gap for gap in gaps or () if gap.modality == modality]
    data: Columns = {
        "t": _times(steps.spans),
        "p": _bytes(steps.values),
        "q": np.array([round(o.quality * 100) for o in own], np.uint8)[steps.first],
        "f": np.array([flags[o.flags] for o in own], np.int32)[steps.first],
        "flags": [", ".join(names) for names in flags],
        "gaps": absences(spans, missing, _ms(timeline.media.duration)) if gaps is not None else [],
    }
    if modality == "face":
        data["b"] = np.rint(steps.beside * 1000).astype(np.int16)
    return data


def _readings_together(timeline: Timeline) -> dict[Modality, int]:
    """How many readings a lane may keep of each modality, in proportion to what it has."""
    limits: dict[Modality, int] = {}
    for modality in MODALITIES:
        own: dict[str | None, int] = {}
        for reading in timeline.observations:
            if reading.modality == modality:
                own[reading.person] = own.get(reading.person, 0) + 1
        total = sum(own.values())
        limits[modality] = max(1, round(max(own.values(), default=1) * min(1.0, MAX_READINGS / max(1, total))))
    return limits


def _spans(items: Sequence[Segment] | Sequence[Observation]) -> NDArray[np.int64]:
    """Starts and ends in milliseconds, shape (n, 2)."""
    table = np.array([(one.start, one.end) for one in items], np.float64).reshape(-1, 2)
    spans: NDArray[np.int64] = np.rint(table * 1000).astype(np.int64)
    return spans


def _table(rows: Sequence[Sequence[float] | None]) -> NDArray[np.float64]:
    return np.array(rows, np.float64).reshape(-1, len(EMOTIONS))


def _bytes(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    return np.rint(values * UNIT).astype(np.uint8)


def _times(spans: NDArray[np.int64]) -> NDArray[np.int32]:
    """(gap to the step before, length) of each step, shape (n, 2)."""
    before = np.r_[0, spans[:-1, 1]] if len(spans) else np.empty(0, np.int64)
    return np.column_stack([spans[:, 0] - before, spans[:, 1] - spans[:, 0]]).astype(np.int32)


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _number(value: object, otherwise: float) -> float:
    return float(value) if isinstance(value, int | float) else otherwise
