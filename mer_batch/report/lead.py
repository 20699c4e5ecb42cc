"""The sentences at the head of a report."""

from __future__ import annotations

from collections.abc import Sequence

from mer_batch.report.confusion import pair_name
from mer_batch.timeline.agreement import Agreement
from mer_batch.timeline.summary import Summary
from mer_batch.types import Timeline
from mer_batch.wording import interval_text, listed, percent

PEOPLE = 6
"""People told of in the head; the rest have their sentence in their own section."""


def lead(timeline: Timeline, summaries: Sequence[Summary], pairs: Sequence[Agreement]) -> list[str]:
    """One paragraph on the people, one on how much of the file was read and how far the modalities agree."""
    read = [summary for summary in summaries if summary.seconds_read > 0]
    if not read:
        return ["Nothing in this file could be read; below it says why."]
    longest = sorted(read, key=lambda summary: -summary.seconds_read)[:PEOPLE]
    told = [summary.sentence for summary in read if summary in longest]
    if len(read) > PEOPLE:
        told.append(f"{len(read) - PEOPLE} more are told of under People.")
    return [" ".join(told), " ".join([_covered(timeline), *_agreeing(pairs)])]


def _covered(timeline: Timeline) -> str:
    from mer_batch.report.coverage import covered

    seconds = covered((s.start, s.end) for s in timeline.segments if s.probabilities is not None)
    share = min(1.0, seconds / timeline.media.duration) if timeline.media.duration else 0.0
    return f"Evidence covers {percent(share)} of the file."


def _agreeing(pairs: Sequence[Agreement]) -> list[str]:
    known = [(pair_name(pair), interval_text(pair.share)) for pair in pairs if pair.share is not None]
    if not known:
        return []
    first, *others = known
    parts = [f"{first[0].capitalize()} have the same label in {first[1]} of the segments they share"]
    return [listed([*parts, *(f"{name} in {share}" for name, share in others)]) + "."]
