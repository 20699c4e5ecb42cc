"""The people of a timeline: share of time per emotion, transitions, movement, valence and arousal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from mer_batch.labels import INDEX
from mer_batch.report.charts import Matrix, valence_arousal
from mer_batch.timeline.summary import Summary
from mer_batch.types import Interval, Timeline
from mer_batch.wording import clock, image_uri, interval_text, percent, person_name

UNFOLDED: Final = 6
"""People shown at once; the rest stand in a fold."""


def context(timeline: Timeline, summaries: Sequence[Summary]) -> dict[str, object]:
    """What the section shows."""
    faces = {person.name: image_uri(person.thumbnail) for person in timeline.people}
    cards = [_card(number, summary) for number, summary in enumerate(summaries)]
    for card, summary in zip(cards, summaries, strict=True):
        card["image"] = faces.get(summary.person or "")
    return {"first": cards[:UNFOLDED], "more": cards[UNFOLDED:]}


def _card(number: int, summary: Summary) -> dict[str, object]:
    card: dict[str, object] = {"name": person_name(summary.person), "sentence": summary.sentence}
    card["never"] = ", ".join(name for name, share in summary.shares.items() if name in INDEX and share.value == 0)
    card["short"] = any(share.low is None for share in summary.shares.values())
    card |= {"shares": _shares(summary), "numbers": _numbers(summary), "transitions": None, "path": None}
    matrix = Matrix(summary.transitions, "from", "to", unit="changes", diagonal=False)
    if any(map(any, matrix.kept())):
        table = matrix.table("Steps from one label to the next; the diagonal counts staying")
        card["transitions"] = {"id": f"transitions-{number}", "svg": matrix.svg(), "table": table}
    if len(summary.path) > 1:
        svg = valence_arousal(*(list(column) for column in zip(*summary.path, strict=True)))
        card["path"] = {"id": f"path-{number}", "svg": svg}
    return card


def _shares(summary: Summary) -> list[dict[str, object]]:
    rows = [_share(name, share) for name, share in summary.shares.items() if share.value > 0]
    return sorted(rows, key=lambda row: (row["label"] is None, -float(str(row["width"]))))


def _share(name: str, share: Interval) -> dict[str, object]:
    row: dict[str, object] = {
        "name": name,
        "label": name if name in INDEX else None,
        "text": interval_text(share) if share.low is not None else percent(share.value),
    }
    row |= {"width": round(100 * share.value, 1), "low": None, "span": None}
    if share.low is not None and share.high is not None:
        row |= {"low": round(100 * share.low, 1), "span": round(100 * (share.high - share.low), 1)}
    return row


def _numbers(summary: Summary) -> list[tuple[str, str, str]]:
    """Name, value and explanation of each figure that could be computed."""
    numbers = [("Time read", clock(summary.seconds_read), f"{percent(summary.coverage)} of the file")]
    if summary.switches_per_minute is not None:
        numbers.append(("Changes of label", f"{summary.switches_per_minute:.1f}", "a minute named"))
    if summary.volatility is not None:
        numbers.append(("Volatility", f"{summary.volatility:.2f}", "standard deviation of valence"))
    if summary.delta_frames is not None:
        numbers.append(("Frame to frame", f"{summary.delta_frames:.2f}", "mean change of the face readings, 0 to 1"))
    if summary.delta_steps is not None:
        numbers.append(("Step to step", f"{summary.delta_steps:.2f}", "mean change of the fused reading, 0 to 1"))
    return numbers
