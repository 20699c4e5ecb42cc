"""Labels made by people, from a table with start, end, emotion and maybe person, and how they fit a recording."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mer_batch.errors import DataError
from mer_batch.labels import canonical, no_counterpart
from mer_batch.tables import Row, lines_of, read_csv, seconds
from mer_batch.types import Timeline

EMOTION: Final = ("emotion", "label")
SLACK: Final = 0.5
"""Seconds by which a row may end behind the file without a word: people round."""
MOST: Final = 0.9
"""Share of the rows that may lie behind the file, where they reach far beyond it: these are not of this recording."""
OVERLAP: Final = 0.05
"""Seconds that two rows may share without a word."""


@dataclass(frozen=True, slots=True)
class TruthRow:
    """What somebody showed from `start` to `end` seconds; person None means everybody."""

    start: float
    end: float
    person: str | None
    emotion: str


class Truth(tuple[TruthRow, ...]):
    """The rows that can be used; `notes` say which were left out, and why."""

    notes: tuple[str, ...] = ()

    @staticmethod
    def of(rows: Iterable[TruthRow], notes: Iterable[str] = ()) -> Truth:
        """Rows with their notes."""
        made = Truth(rows)
        made.notes = tuple(notes)
        return made


def read_truth(path: Path) -> Truth:
    """The rows of a CSV table with the columns start, end, emotion and, optionally, person.

    Times are seconds or clocks such as 1:02.5; an empty person means everybody; emotions may carry any name that
    `labels.canonical` knows. Rows that cannot be used are left out, with a note that names their lines, and equal rows
    count once. Raises `DataError` for a table that cannot be read or has no row to use.
    """
    table = read_csv(path)
    emotion = table.column(*EMOTION)
    if emotion is None or not all(table.column(name) for name in ("start", "end")):
        raise table.lacks("start, end and emotion, maybe person")
    rows: dict[TruthRow, int] = {}
    wrong: dict[str, list[int]] = {}
    for line, reason in table.left_out:
        wrong.setdefault(reason, []).append(line)
    for row in table.rows:
        try:
            made = _row(row, emotion)
        except ValueError as error:
            wrong.setdefault(str(error), []).append(row.line)
            continue
        if rows.setdefault(made, row.line) != row.line:
            wrong.setdefault("it repeats an earlier one", []).append(row.line)
    told = [f"{lines_of(lines)} left out: {reason}" for reason, lines in wrong.items()]
    if not rows:
        raise DataError(f"{path} has no row that can be used; {told[0]}")
    return Truth.of(rows, [*(f"labels: {note}" for note in table.notes), *(f"labels: {note}" for note in told)])


def _row(row: Row, emotion: str) -> TruthRow:
    """One row. Raises `ValueError` for one that cannot be used."""
    try:
        start, end = seconds(row["start"]), seconds(row["end"])
    except ValueError:
        raise ValueError(f"start and end must be seconds, got {row['start']!r} and {row['end']!r}") from None
    if not 0 <= start < end:
        raise ValueError(f"it needs 0 <= start < end, got {start:g} and {end:g}")
    name = canonical(row[emotion])
    if name is None:
        raise ValueError(no_counterpart(row[emotion]))
    return TruthRow(start, end, row["person"] or None, name)


def same(one: str, other: str | None) -> bool:
    """Whether two names are one person's."""
    return other is not None and one.casefold() == other.casefold()


def fitted(timeline: Timeline, truth: Sequence[TruthRow]) -> Truth:
    """The rows that lie in the recording and name people whom the timeline has, with notes on all others.

    Raises `DataError` where none is left, and for times that are no seconds of this recording.
    """
    duration = timeline.media.duration
    _check_unit(truth, duration)
    known = [person.name for person in timeline.people]
    strangers: Counter[str | None] = Counter(
        row.person for row in truth if row.person is not None and not any(same(row.person, name) for name in known)
    )
    rows = [row for row in truth if row.person not in strangers]
    if not rows:
        raise DataError(f"{_unknown(strangers, known)}; leave the person empty to label everybody")
    inside = [row for row in rows if row.start < duration]
    if not inside:
        raise DataError(f"no labelled time lies inside the file, which is {duration:.1f} s long")
    notes = [f"labels: {_unknown(strangers, known)}; {sum(strangers.values())} rows left out"] if strangers else []
    notes += _outside(rows, inside, duration)
    notes += _overlapping(inside)
    return Truth.of(inside, [*getattr(truth, "notes", ()), *notes])


def _check_unit(truth: Sequence[TruthRow], duration: float) -> None:
    """Raise `DataError` for times in milliseconds or frames: read as seconds, the first row would be the whole file."""
    last = max(row.end for row in truth)
    beyond = sum(row.start >= duration for row in truth)
    long = any(row.start < duration and row.end > 2 * duration + 10 for row in truth)
    far = last > 5 * duration and (0.2 * duration <= last / 1000 <= 1.1 * duration + 1 or beyond >= MOST * len(truth))
    if far or (long and 2 * beyond >= len(truth)):
        raise DataError(
            f"the labels reach {last:,.0f} s, but the file is {duration:.1f} s long: their times look like "
            "milliseconds or frames, or are of another recording; write seconds of this one"
        )


def _unknown(strangers: Counter[str | None], known: Sequence[str]) -> str:
    named = ", ".join(f"{name!r} ({count})" if count > 1 else repr(name) for name, count in strangers.items())
    return f"the labels name {named}, whom the timeline does not have; it has {', '.join(known) or 'nobody'}"


def _outside(rows: Sequence[TruthRow], inside: Sequence[TruthRow], duration: float) -> Iterator[str]:
    if len(rows) > len(inside):
        count = len(rows) - len(inside)
        yield f"labels: {count} of {len(rows)} rows lie behind the end of the file ({duration:.1f} s) and are left out"
    late = sum(row.end > duration + SLACK for row in inside)
    if late:
        yield f"labels: {late} of {len(rows)} rows end behind the end of the file and count up to it"


def _overlapping(rows: Sequence[TruthRow]) -> Iterator[str]:
    """A note where rows of one person contradict each other."""
    count = 0
    people = {row.person for row in rows}
    for person in people:
        own = sorted((row for row in rows if row.person == person), key=lambda row: (row.start, row.end))
        reached, emotion = float("-inf"), ""
        for row in own:
            count += row.start < reached - OVERLAP and row.emotion != emotion
            if row.end > reached:
                reached, emotion = row.end, row.emotion
    if count:
        yield f"labels: {count} of {len(rows)} rows overlap another of the same person; of each step the longest counts"
