"""How often the modalities agree, and how much of the file each of them covers."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mer_batch.fusion.align import merge_spans, spread_over
from mer_batch.fusion.pool import log_probabilities
from mer_batch.labels import EMOTIONS
from mer_batch.scores.steps import share_of_steps
from mer_batch.timeline.events import lanes
from mer_batch.types import MODALITIES, Interval, Modality, Observation, Segment, Timeline

_Pairs: TypeAlias = "tuple[NDArray[Any], ...]"


@dataclass(frozen=True, slots=True)
class Agreement:
    """Two modalities over the segments in which both have a reading.

    `counts[i][j]`: segments that the `first` reads as emotion i and the `second` as j. `share` is the
    share of their time with the same label, `kappa` Cohen's kappa (None where it is undefined: no segments, or
    both modalities always say the same one thing).
    """

    first: Modality
    second: Modality
    counts: tuple[tuple[int, ...], ...]
    segments: int
    share: Interval | None
    kappa: float | None


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of the file a modality has readings for, and why not of the rest.

    `missing` maps each reason to minutes; "no reason recorded" is what no gap explains.
    """

    modality: Modality
    readings: int
    minutes: float
    share: float
    missing: Mapping[str, float]


def agreement(timeline: Timeline) -> tuple[Agreement, ...]:
    """Face with voice, face with text, voice with text; all three pairs, also where one is empty."""
    pairs = _label_pairs(timeline)
    return tuple(_agreement(first, second, pairs[first, second]) for first, second in combinations(MODALITIES, 2))


def _label_pairs(timeline: Timeline) -> dict[tuple[Modality, Modality], _Pairs]:
    """For each two modalities the places of both labels, and the seconds, of every step that both read."""
    places = list(combinations(range(len(MODALITIES)), 2))
    found: dict[tuple[int, int], list[_Pairs]] = {pair: [] for pair in places}
    for person, lane in lanes(timeline.segments).items():
        own, spoken = _where_spoken(lane, [o for o in timeline.observations if o.person == person])
        labels, seconds = _labels(spoken, own), np.array([s.end - s.start for s in spoken])
        for first, second in places:
            both = (labels[:, first] >= 0) & (labels[:, second] >= 0)
            found[first, second].append((labels[both, first], labels[both, second], seconds[both]))
    empty = np.empty(0, np.int64)
    return {
        (MODALITIES[first], MODALITIES[second]): tuple(
            np.concatenate([np.asarray(part[column]) for part in parts] or [empty]) for column in range(3)
        )
        for (first, second), parts in found.items()
    }


def _labels(steps: Sequence[Segment], observations: Sequence[Observation]) -> NDArray[np.int64]:
    """What each modality reads as in each step, as `pool.read_step` pools it, shape (n, 3); -1 where it has nothing."""
    place = {id(observation): row for row, observation in enumerate(observations)}
    shares = [
        (number, MODALITIES.index(share.observation.modality), place[id(share.observation)], share.kernel)
        for number, part in enumerate(spread_over([(s.start, s.end) for s in steps], observations))
        for share in part
        if share.observation.quality > 0
    ]
    sums = np.zeros((len(steps), len(MODALITIES), len(EMOTIONS)))
    labels = np.full((len(steps), len(MODALITIES)), -1, np.int64)
    if not shares:
        return labels
    step, modality, row, kernels = (np.array(column) for column in zip(*shares, strict=True))
    logs = log_probabilities([observation.probabilities for observation in observations])
    weights = kernels * np.array([observation.quality for observation in observations])[row]
    np.add.at(sums, (step, modality), weights[:, None] * logs[row])
    labels[step, modality] = sums[step, modality].argmax(axis=1)
    return labels


def _where_spoken(
    lane: Sequence[Segment], observations: Sequence[Observation]
) -> tuple[list[Observation], list[Segment]]:
    """What lies where there is voice or words: in most steps of a long film there is a face alone."""
    spans = merge_spans((o.start, o.end) for o in observations if o.modality != "face")
    ends = [end for _, end in spans]

    def near(start: float, end: float) -> bool:
        place = bisect_left(ends, start)
        return place < len(spans) and spans[place][0] <= end

    spoken = [segment for segment in lane if near(segment.start, segment.end)]
    steps = max((segment.end - segment.start for segment in spoken), default=0.0)
    return [o for o in observations if near(o.start - steps, o.end + steps)], spoken


def _agreement(first: Modality, second: Modality, pairs: _Pairs) -> Agreement:
    one, other, seconds = pairs
    counts = np.zeros((len(EMOTIONS), len(EMOTIONS)), dtype=np.int64)
    np.add.at(counts, (one, other), 1)
    share = share_of_steps(one == other, seconds) if len(one) else None
    rows = tuple(tuple(int(cell) for cell in row) for row in counts)
    return Agreement(first, second, rows, len(one), share, _kappa(counts))


def _kappa(counts: NDArray[np.int64]) -> float | None:
    """Cohen's kappa (1960), by hand because scikit-learn takes seconds to load; None with one label only."""
    total = counts.sum()
    if not total:
        return None
    chance = float(counts.sum(axis=0) @ counts.sum(axis=1)) / float(total) ** 2
    return None if chance >= 1 else (float(np.trace(counts)) / float(total) - chance) / (1 - chance)


def coverage(timeline: Timeline) -> tuple[Coverage, ...]:
    """Face, voice and text: the share of the file that anybody's readings cover, and minutes per reason."""
    return tuple(_coverage(timeline, modality) for modality in MODALITIES)


def _coverage(timeline: Timeline, modality: Modality) -> Coverage:
    own = [o for o in timeline.observations if o.modality == modality]
    covered = sum(end - start for start, end in merge_spans(((o.start, o.end) for o in own), join=_frame_gap(own)))
    duration = timeline.media.duration
    missing: dict[str, float] = {}
    for gap in timeline.gaps:
        # A gap of one person says nothing of the file: somebody else may be read in that time.
        if gap.modality == modality and gap.person is None:
            missing[gap.reason] = missing.get(gap.reason, 0.0) + (gap.end - gap.start) / 60
    rest = (duration - covered) / 60 - sum(missing.values())
    if rest > 0.5 / 60:
        missing["no reason recorded"] = rest
    return Coverage(modality, len(own), covered / 60, min(1.0, covered / duration) if duration else 0.0, missing)


def _frame_gap(own: Sequence[Observation]) -> float:
    """Faces are read at instants: between consecutive frames they cover the time all the same."""
    times = sorted({o.start for o in own if o.modality == "face"})
    return 1.5 * float(np.median(np.diff(times))) if len(times) > 1 else 0.0
