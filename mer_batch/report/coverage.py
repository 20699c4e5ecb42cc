"""Coverage and quality: how much of the file the readings rest on, and why the rest is missing."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

from mer_batch.report.lanes import lane_people
from mer_batch.timeline.agreement import Coverage, coverage
from mer_batch.types import Observation, Timeline
from mer_batch.wording import MODALITY_WORDS, clock, counted, percent, person_name

Rows = list[dict[str, object]]


def context(timeline: Timeline) -> dict[str, object]:
    """Sentences and tables for the section."""
    by_modality = coverage(timeline)
    return {
        "duration": clock(timeline.media.duration),
        "sentences": [*_sentences(timeline), *(_why(part) for part in by_modality)],
        "rows": [*(_modality_row(part, timeline) for part in by_modality), *_person_rows(timeline)],
        "reasons": _reason_rows(timeline),
        "flags": _flag_rows(timeline),
    }


def covered(spans: Iterable[tuple[float, float]]) -> float:
    """Seconds in the union of `spans`."""
    total, reached = 0.0, 0.0
    for start, end in sorted(spans):
        if end > reached:
            total += end - (start if start > reached else reached)
            reached = end
    return total


def _share(seconds: float, timeline: Timeline) -> str:
    return percent(min(1.0, seconds / timeline.media.duration)) if timeline.media.duration else "–"


def _sentences(timeline: Timeline) -> list[str]:
    read = [segment for segment in timeline.segments if segment.probabilities is not None]
    seen = covered((segment.start, segment.end) for segment in read)
    weak = covered((segment.start, segment.end) for segment in read if segment.label is None)
    sentences = [
        f"Somebody has a reading for {clock(seen)}, {_share(seen, timeline)} of the file. "
        "What is missing stays missing: it is never filled in and never counted as neutral."
    ]
    if weak:
        sentences.append(f"For {clock(weak)} a reading is there, but no emotion stands out enough to be named.")
    if timeline.lost:
        names = ", ".join(MODALITY_WORDS[modality] for modality in timeline.lost)
        sentences.append(f"Lost to an error, not to absent evidence: {names}.")
    return sentences


def _why(part: Coverage) -> str:
    """Such as: Face: read for 0:50.0, 83 % of the file. Missing: no face in view, 0:10.0."""
    name = MODALITY_WORDS[part.modality].capitalize()
    if not part.readings:
        start = f"{name}: not read."
    else:
        length = f"{clock(60 * part.minutes)}, {percent(part.share)} of the file"
        start = f"{name}: {counted(part.readings, 'reading')} in {length}."
    missing = sorted(part.missing.items(), key=lambda item: -item[1])
    told = "; ".join(f"{reason}, {clock(60 * minutes)}" for reason, minutes in missing)
    return f"{start} Missing: {told}." if told else start


def _modality_row(part: Coverage, timeline: Timeline) -> dict[str, object]:
    own = [reading for reading in timeline.observations if reading.modality == part.modality]
    return {
        "what": MODALITY_WORDS[part.modality],
        "time": clock(60 * part.minutes),
        "share": percent(part.share),
        "count": f"{part.readings:,}",
        "quality": _quality(own),
    }


def _person_rows(timeline: Timeline) -> Rows:
    rows: Rows = []
    for name in lane_people(timeline):
        fused = [s for s in timeline.segments if s.person == name and s.probabilities is not None]
        own = [reading for reading in timeline.observations if reading.person == name]
        seconds = covered((segment.start, segment.end) for segment in fused)
        row = {"what": f"{person_name(name)}, fused", "time": clock(seconds), "share": _share(seconds, timeline)}
        rows.append({**row, "count": f"{len(own):,}", "quality": _quality(own)})
    return rows


def _quality(readings: list[Observation]) -> str:
    return f"{sum(reading.quality for reading in readings) / len(readings):.2f}" if readings else "–"


def _reason_rows(timeline: Timeline) -> Rows:
    """Why each person has no fused reading."""
    seconds: dict[tuple[str, str], float] = defaultdict(float)
    for segment in timeline.segments:
        if segment.probabilities is None:
            seconds[person_name(segment.person), segment.reason or "no reading"] += segment.end - segment.start
    return [
        {"what": what, "reason": reason, "time": clock(time), "share": _share(time, timeline)}
        for (what, reason), time in seconds.items()
    ]


def _flag_rows(timeline: Timeline) -> Rows:
    totals = Counter(reading.modality for reading in timeline.observations)
    counts = Counter((reading.modality, flag) for reading in timeline.observations for flag in reading.flags)
    return [
        {
            "what": MODALITY_WORDS[modality],
            "flag": flag,
            "count": f"{count:,}",
            "share": percent(count / totals[modality]),
        }
        for (modality, flag), count in counts.most_common()
    ]
