"""What a timeline says of each person: shares, transitions, movement, valence and arousal, in numbers and words."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import TypeAlias

import numpy as np

from mer_batch.fusion.pool import Array
from mer_batch.labels import ADJECTIVES, EMOTIONS, INDEX, VALENCE_AROUSAL
from mer_batch.scores.steps import share_of_steps
from mer_batch.timeline.events import blocks, chains, lanes, verb
from mer_batch.types import Interval, Observation, Probabilities, Segment, Timeline

UNSURE = "not sure"
"""The share of time with a reading too weak to name; stands beside the seven emotions."""
_Pair: TypeAlias = tuple[Probabilities, Probabilities]
_COORDINATES = np.array([VALENCE_AROUSAL[name] for name in EMOTIONS])

TOLD = 0.1
"""Share of the time read without a name from which the sentence says so."""


@dataclass(frozen=True, slots=True)
class Summary:
    """One person's lane in numbers. Times are seconds; None stands where there is nothing to compute.

    `seconds_read` have a reading, named or not, and `coverage` is their share of the file. `shares` are of
    `seconds_read`, by label and `UNSURE`; a lane that was never named has the share of `UNSURE` alone. Everything
    else knows the named steps alone, in chains (`events.chains`): `transitions[i][j]` counts changes of label from
    i to j between consecutive ones (the diagonal counts staying), `switches_per_minute` the changes per minute named;
    `delta_steps` is the mean total variation, 0..1, between neighbours, `delta_frames` that between consecutive face
    readings inside them. `path` holds (time, valence, arousal) of each: the expectation of
    `labels.VALENCE_AROUSAL`; `volatility` is the standard deviation of valence.
    """

    person: str | None
    seconds_read: float
    coverage: float
    shares: Mapping[str, Interval]
    transitions: tuple[tuple[int, ...], ...]
    delta_frames: float | None
    delta_steps: float | None
    volatility: float | None
    switches_per_minute: float | None
    path: tuple[tuple[float, float, float], ...]
    sentence: str


def summarize(timeline: Timeline) -> tuple[Summary, ...]:
    """One summary per person of the timeline, then one for evidence tied to nobody, if there is any."""
    found = lanes(timeline.segments)
    names: list[str | None] = [person.name for person in timeline.people]
    names += [name for name in found if name not in names]
    names.sort(key=lambda name: name is None)
    return tuple(_summary(timeline, name, found.get(name, [])) for name in names)


def _summary(timeline: Timeline, person: str | None, lane: Sequence[Segment]) -> Summary:
    cuts = [shot.start for shot in timeline.shots]
    parts = blocks(lane, cuts)
    read = [segment for part in parts for segment in part]
    seconds = _seconds(read)
    named = chains(lane, cuts)
    known = [segment for chain in named for segment in chain]
    counts = transition_counts(named)
    shares = _shares(read)
    path = np.array([s.probabilities for s in known]).reshape(-1, len(EMOTIONS)) @ _COORDINATES
    switches = int(counts.sum() - np.trace(counts))
    return Summary(
        person=person,
        seconds_read=seconds,
        coverage=min(1.0, seconds / timeline.media.duration) if timeline.media.duration else 0.0,
        shares=shares,
        transitions=tuple(tuple(int(cell) for cell in row) for row in counts),
        delta_frames=mean_variation(_frames(timeline, person, known)),
        delta_steps=mean_variation([pair for chain in named for pair in _touching(chain)]),
        volatility=float(path[:, 0].std()) if len(path) > 1 else None,
        switches_per_minute=60 * switches / _seconds(known) if known else None,
        path=tuple(((s.start + s.end) / 2, float(v), float(a)) for s, (v, a) in zip(known, path, strict=True)),
        sentence=_sentence(person, parts, shares),
    )


def _seconds(segments: Sequence[Segment]) -> float:
    return sum(segment.end - segment.start for segment in segments)


def transition_counts(named: Sequence[Sequence[Segment]]) -> Array:
    """Counts, shape (7, 7), from row to column, of consecutive steps of each chain of named ones."""
    counts = np.zeros((len(EMOTIONS), len(EMOTIONS)))
    for chain in named:
        labels = [segment.label for segment in chain if segment.label is not None]
        for before, after in pairwise(labels):
            counts[INDEX[before], INDEX[after]] += 1
    return counts


def mean_variation(pairs: Sequence[_Pair]) -> float | None:
    """The mean total variation, 0..1, of pairs of distributions; None without any."""
    if not pairs:
        return None
    table = np.array(pairs, np.float64)
    return float(np.abs(table[:, 1] - table[:, 0]).sum(axis=1).mean() / 2)


def _touching(chain: Sequence[Segment]) -> list[_Pair]:
    """The probabilities of neighbours in a chain with no step between."""
    return [
        (before.probabilities or (), after.probabilities or ())
        for before, after in pairwise(chain)
        if after.start - before.end < 1e-3
    ]


def _frames(timeline: Timeline, person: str | None, known: Sequence[Segment]) -> list[_Pair]:
    """Consecutive face readings of a person inside neighbouring steps of `known`, in order."""
    starts = [segment.start for segment in known]
    faces = []
    for face in timeline.observations:
        if face.modality != "face" or face.person != person:
            continue
        at = bisect_right(starts, face.start + 1e-6) - 1
        if at >= 0 and face.start < known[at].end + 1e-6:
            faces.append(face)
    breaks = [after.start for before, after in pairwise(known) if after.start - before.end > 1e-3]
    return _neighbours(faces, [*breaks, *(shot.start for shot in timeline.shots)])


def _neighbours(faces: Sequence[Observation], cuts: Sequence[float]) -> list[_Pair]:
    """Consecutive face readings no further apart than twice the usual, with no cut between."""
    cuts = sorted(cuts)
    ordered = sorted(faces, key=lambda face: face.start)
    if len(ordered) < 2:
        return []
    usual = float(np.median(np.diff([face.start for face in ordered])))
    return [
        (before.probabilities, after.probabilities)
        for before, after in pairwise(ordered)
        if after.start - before.start <= 2 * usual + 1e-6
        and bisect_right(cuts, before.start) == bisect_right(cuts, after.start)
    ]


def _shares(read: Sequence[Segment]) -> dict[str, Interval]:
    names = (*EMOTIONS, UNSURE) if any(segment.label for segment in read) else (UNSURE,)
    if not read:
        return {}
    seconds = np.array([segment.end - segment.start for segment in read])
    labels = np.array([segment.label or UNSURE for segment in read])
    return {name: share_of_steps(labels == name, seconds) for name in names}


def clock(seconds: float) -> str:
    """m:ss, or h:mm:ss from an hour on, rounded down."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _length(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 59.5 else f"{clock(seconds + 0.5)} min"


def _sentence(person: str | None, parts: Sequence[Sequence[Segment]], shares: Mapping[str, Interval]) -> str:
    """Such as: Person 1 looks mostly neutral (61 % of the 40 s read), happy at 0:42 and 3:10."""
    who = person or "Speech tied to nobody in view"
    read = [segment for part in parts for segment in part]
    if not read:
        return f"{who} could not be read: there is no evidence."
    length = _length(_seconds(read))
    named = {name: share.value for name, share in shares.items() if name != UNSURE and share.value > 0}
    if not named:
        return f"{who} could not be read surely enough to name an emotion in the {length} with evidence."
    top = max(named, key=named.__getitem__)
    verbs = [verb(segment) for segment in read if segment.label == top]
    most = "mostly" if named[top] > 0.5 else "most often"
    start = (
        f"{who} {max(verbs, key=verbs.count)} {most} {ADJECTIVES[top]} ({100 * named[top]:.0f} % of the {length} read)"
    )
    others = sorted((name for name in named if name != top), key=lambda name: -named[name])
    told = ", ".join([start, *filter(None, (_moments(name, parts) for name in others[:3]))])
    unsure = shares[UNSURE].value
    return f"{told}; too weak to name for {100 * unsure:.0f} %." if unsure >= TOLD else f"{told}."


def _moments(emotion: str, parts: Sequence[Sequence[Segment]]) -> str:
    """Where the three longest runs of the label begin, such as "happy at 0:42 and 3:10"; single steps do not count."""
    runs = [list(run) for part in parts for label, run in groupby(part, key=lambda s: s.label) if label == emotion]
    longest = sorted((run for run in runs if len(run) > 1), key=len, reverse=True)[:3]
    times = [clock(run[0].start) for run in sorted(longest, key=lambda run: run[0].start)]
    if not times:
        return ""
    return f"{ADJECTIVES[emotion]} at {times[0] if len(times) == 1 else ', '.join(times[:-1]) + ' and ' + times[-1]}"
