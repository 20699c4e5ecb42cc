"""From observations to fused segments, one lane per person."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from mer_batch.config import DEFAULTS
from mer_batch.fusion import pool
from mer_batch.fusion.align import Span, bind_observations, merge_spans, spread_over, time_grid
from mer_batch.fusion.noise import Part, noise_of, spread
from mer_batch.types import MODALITIES, Gap, Modality, Observation, Person, Segment

_NO_EVIDENCE = {"face": "not in view", "voice": "no speech tied to this person", "text": "no words tied to this person"}
SMOOTHING = (0.25, 0.5, 0.25)
"""Weights of the step before, the step itself and the one after, on log-probabilities."""


@dataclass(frozen=True, slots=True)
class Fused:
    """What fusion makes: the segments, the observations with their person, and the people with the speaker."""

    segments: tuple[Segment, ...]
    observations: tuple[Observation, ...]
    people: tuple[Person, ...]


def fuse(
    observations: Iterable[Observation],
    gaps: Iterable[Gap],
    *,
    duration: float,
    people: Sequence[Person],
    cuts: Sequence[float],
    reliabilities: Mapping[Modality, float],
    step: float = DEFAULTS.step,
    abstain: float = DEFAULTS.abstain,
    weigh: pool.Weigh = pool.weights,
) -> Fused:
    """Fuse the readings of all modalities into one lane of segments per person.

    `reliabilities` holds the modalities that took part, with the weight from each model's card; without
    "face" among them all speech that nobody has yet belongs to one "Speaker". Whoever has readings and is not
    among the people is added to them, with the times heard. A lane covers the
    steps from the person's first to their last appearance; in it, a step without evidence has
    no probabilities and the reason. Evidence that could not be tied to anybody is the lane of person
    None, which has segments only where there is evidence. Raises ValueError for a modality without
    reliability. `weigh` gives the weights of the pool: a trained gate's (`learned.Gate.weights`), or
    reliability x quality x overlap.
    """
    bound = bind_observations(observations, people, "face" in reliabilities)
    if missing := {observation.modality for observation in bound} - set(reliabilities):
        raise ValueError(f"no reliability given for {', '.join(sorted(missing))}")
    by_person: dict[str | None, list[Observation]] = {person.name: [] for person in people}
    for observation in bound:
        by_person.setdefault(observation.person, []).append(observation)
    everybody = _with_speakers(people, by_person)
    grid = time_grid(duration, cuts, step)
    reasons = _Reasons(grid, gaps, reliabilities)
    spans = {person.name: person.spans for person in everybody}
    segments: list[Segment] = []
    for name in sorted(by_person, key=lambda name: name is None):
        lane = _Lane(name, _steps_of(grid, spans.get(name or "", ()), by_person[name]), by_person[name], set(cuts))
        segments += lane.segments(weigh, reliabilities, abstain, reasons)
    return Fused(tuple(segments), bound, everybody)


def _with_speakers(people: Sequence[Person], lanes: Mapping[str | None, Sequence[Observation]]) -> tuple[Person, ...]:
    known = {person.name for person in people}
    heard = {name: merge_spans((o.start, o.end) for o in own) for name, own in lanes.items() if name is not None}
    return (*people, *(Person(name, spans) for name, spans in heard.items() if name not in known))


def _steps_of(grid: Sequence[Span], spans: Iterable[Span], observations: Iterable[Observation]) -> Sequence[Span]:
    """The steps of the grid from somebody's first to last appearance."""
    times = [*spans, *((o.start, o.end) for o in observations)]
    if not times:
        return ()
    first = bisect_right([start for start, _ in grid], min(start for start, _ in times) + 1e-6) - 1
    last = bisect_left([start for start, _ in grid], max(end for _, end in times) - 1e-6)
    return grid[max(0, first) : max(last, first + 1)]


@dataclass
class _Reasons:
    """Why a step has no evidence, from the gaps that the stages reported."""

    grid: Sequence[Span]
    gaps: Iterable[Gap]
    reliabilities: Mapping[Modality, float]
    _at: dict[float, list[Gap]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        starts = [start for start, _ in self.grid]
        found = set(self.reliabilities)
        for gap in self.gaps:
            found.add(gap.modality)
            for start in starts[max(0, bisect_right(starts, gap.start) - 1) : bisect_left(starts, gap.end)]:
                self._at.setdefault(start, []).append(gap)
        self._modalities = [name for name in MODALITIES if name in found]

    def of(self, person: str | None, step: Span) -> str:
        """The reasons of all modalities that could have spoken, in words."""
        texts = [self._of_modality(name, person, step) for name in self._modalities]
        texts = list(dict.fromkeys(texts)) or ["no evidence"]
        return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"

    def _of_modality(self, modality: Modality, person: str | None, step: Span) -> str:
        own = [g for g in self._at.get(step[0], ()) if g.modality == modality and g.person in (None, person)]
        if not own:
            return _NO_EVIDENCE[modality]
        return max(own, key=lambda gap: min(gap.end, step[1]) - max(gap.start, step[0])).reason


class _Lane:
    """The steps of one person."""

    def __init__(
        self, person: str | None, steps: Sequence[Span], observations: Sequence[Observation], cuts: set[float]
    ) -> None:
        self.person, self.steps = person, steps
        shares = spread_over(steps, observations)
        self.readings = [pool.read_step(part) for part in shares]
        self.observed = [bool(part) for part in shares]
        self.breaks = {round(cut, 6) for cut in cuts}
        self.noise = {name: noise_of([o for o in observations if o.modality == name]) for name in MODALITIES}

    def segments(
        self, weigh: pool.Weigh, reliabilities: Mapping[Modality, float], abstain: float, reasons: _Reasons
    ) -> list[Segment]:
        weights = weigh(self.readings, reliabilities)
        pooled = [
            _pooled(readings, raw) if raw.sum() > 0 else None
            for readings, raw in zip(self.readings, weights, strict=True)
        ]
        segments = []
        for index, step in enumerate(self.steps):
            if pooled[index] is not None:
                segments.append(self._read(index, pooled, weights[index], abstain))
            elif self.person is not None:
                reason = "readings too poor to use" if self.observed[index] else reasons.of(self.person, step)
                segments.append(Segment(*step, self.person, None, None, None, (0.0, 0.0, 0.0), None, reason))
        return segments

    def _read(self, index: int, pooled: Sequence[pool.Array | None], weights: pool.Array, abstain: float) -> Segment:
        near = [i for i in (index - 1, index, index + 1) if self._joined(index, i, pooled)]
        parts = np.array([SMOOTHING[i - index + 1] for i in near])
        fused = pool.softmax(parts / parts.sum() @ np.array([pooled[i] for i in near]))
        widths, lead = spread(fused, weights, {name: self._parts(name, near, parts) for name in MODALITIES}, self.noise)
        label, reason = pool.decide(fused, lead, abstain)
        opinions = [r.probabilities for n, r in self.readings[index].items() if weights[MODALITIES.index(n)] > 0]
        face, voice, text = (float(value) for value in weights / weights.sum())
        values, halves = tuple(map(float, fused)), tuple(map(float, widths))
        apart = pool.disagreement(opinions)
        return Segment(*self.steps[index], self.person, values, halves, label, (face, voice, text), apart, reason)

    def _parts(self, name: Modality, near: Sequence[int], weights: pool.Array) -> list[Part]:
        """The readings of a modality that entered the smoothed step, each once."""
        found: dict[int, Part] = {}
        for index, weight in zip(near, weights, strict=True):
            if name not in self.readings[index]:
                continue
            reading = self.readings[index][name]
            for observation, share in zip(reading.observations, reading.parts, strict=True):
                before = found.get(id(observation))
                time = (observation.start + observation.end) / 2
                found[id(observation)] = Part(time, float(weight) * share + (before.weight if before else 0.0))
        return list(found.values())

    def _joined(self, index: int, other: int, pooled: Sequence[pool.Array | None]) -> bool:
        """Whether the neighbour may help to smooth: it has evidence and no cut lies between."""
        if not 0 <= other < len(self.steps) or pooled[other] is None:
            return False
        return other == index or self.steps[max(index, other)][0] not in self.breaks


def _pooled(readings: Mapping[Modality, pool.Reading], weights: pool.Array) -> pool.Array:
    names = [name for name in MODALITIES if name in readings]
    shares = np.array([weights[MODALITIES.index(name)] for name in names])
    return np.log(pool.log_pool(np.array([readings[name].probabilities for name in names]), shares))
