"""What another model or option changed: two batches, or two timelines, compared segment by segment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mer_batch.errors import NOTED, MerError, UsageError, one_line
from mer_batch.types import Segment, Timeline
from mer_batch.wording import clock, counted, percent, person_name

ENDING: Final = ".timeline.json"
SAME: Final = 1e-6
"""Probabilities that differ by less are equal: what rounding leaves."""


@dataclass(frozen=True, slots=True)
class Change:
    """A stretch of equal change: what a person's steps were named before and after; None = not named."""

    start: float
    end: float
    person: str | None
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class FileDiff:
    """How two timelines of one file differ.

    `steps` are in both; `renamed` of them have another label, `moved` another probability; `most` is the largest
    difference of a probability and `mean` the mean largest difference over the steps that both read. `only` tells
    people (or a whole file) that one side alone has.
    """

    name: str
    steps: int
    renamed: int
    moved: int
    mean: float
    most: float
    only: tuple[str, ...]
    changes: tuple[Change, ...]

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        return not (self.renamed or self.moved or self.only)

    def as_json(self) -> dict[str, Any]:
        """For JSON; times in seconds."""
        return {
            "file": self.name, "steps": self.steps, "renamed": self.renamed, "moved": self.moved,
            "mean_difference": self.mean, "largest_difference": self.most, "only": list(self.only),
            "changes": [{"start": c.start, "end": c.end, "person": c.person, "before": c.before, "after": c.after}
                        for c in self.changes],
        }  # fmt: skip


def diff(first: Path, second: Path) -> list[FileDiff]:
    """Compare two folders of batches file by file, or two timelines. Raises `UsageError` where nothing is in common."""
    if first.is_file() and second.is_file():
        return [compare(first.name.removesuffix(ENDING), _read(first), _read(second))]
    ours, theirs = _timelines(first), _timelines(second)
    common = [name for name in ours if name in theirs]
    if not common:
        raise UsageError(f"{first} and {second} have no file in common; give two folders that mer analyze wrote")
    found = [_compared(name, ours[name], theirs[name]) for name in common]
    return [*found, *(_alone(name, first if name in ours else second) for name in sorted(set(ours) ^ set(theirs)))]


def _compared(name: str, ours: Path, theirs: Path) -> FileDiff:
    """The two compared, or why they cannot be: one damaged timeline costs itself alone."""
    try:
        return compare(name, _read(ours), _read(theirs))
    except MerError as error:
        return FileDiff(name, 0, 0, 0, 0.0, 0.0, (f"cannot be compared: {one_line(error, NOTED)}",), ())


def _alone(name: str, where: Path) -> FileDiff:
    return FileDiff(name, 0, 0, 0, 0.0, 0.0, (f"only in {where}",), ())


def _timelines(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder; give two folders, or two timeline.json files")
    return {p.relative_to(folder).as_posix().removesuffix(ENDING): p for p in sorted(folder.rglob(f"*{ENDING}"))}


def _read(path: Path) -> Timeline:
    from mer_batch.output import read_timeline

    return read_timeline(path)


def compare(name: str, before: Timeline, after: Timeline) -> FileDiff:
    """Two timelines of one file; a step is compared with the one that holds its middle."""
    ours, theirs = _by_person(before.segments), _by_person(after.segments)
    only = [f"{person_name(who)} only before" for who in ours if who not in theirs]
    only += [f"{person_name(who)} only after" for who in theirs if who not in ours]
    pairs = [pair for who in ours if who in theirs for pair in _pairs(ours[who], theirs[who])]
    gaps = [abs(a - b) for a, b in map(_likeliest, pairs) if a is not None and b is not None]
    far = [_difference(a, b) for a, b in pairs]
    return FileDiff(
        name,
        len(pairs),
        sum(a.label != b.label for a, b in pairs),
        sum(value > SAME for value in far),
        round(sum(gaps) / len(gaps), 6) if gaps else 0.0,
        round(max(far, default=0.0), 6),
        tuple(only),
        tuple(_changes(pairs)),
    )


def _by_person(segments: Sequence[Segment]) -> Mapping[str | None, list[Segment]]:
    found: dict[str | None, list[Segment]] = {}
    for segment in segments:
        found.setdefault(segment.person, []).append(segment)
    return found


def _pairs(ours: Sequence[Segment], theirs: Sequence[Segment]) -> Iterator[tuple[Segment, Segment]]:
    place = 0
    for segment in ours:
        middle = (segment.start + segment.end) / 2
        while place < len(theirs) and theirs[place].end <= middle:
            place += 1
        if place < len(theirs) and theirs[place].start <= middle:
            yield segment, theirs[place]


def _likeliest(pair: tuple[Segment, Segment]) -> tuple[float | None, float | None]:
    return pair[0].confidence, pair[1].confidence


def _difference(before: Segment, after: Segment) -> float:
    """The largest difference of a probability; 1 where one side alone read the step."""
    if before.probabilities is None or after.probabilities is None:
        return float((before.probabilities is None) != (after.probabilities is None))
    return max(abs(a - b) for a, b in zip(before.probabilities, after.probabilities, strict=True))


def _changes(pairs: Sequence[tuple[Segment, Segment]]) -> Iterator[Change]:
    """Neighbouring steps of one person that changed alike, as one."""
    open_: Change | None = None
    for a, b in pairs:
        change = Change(a.start, a.end, a.person, a.label, b.label) if a.label != b.label else None
        if open_ and change and (change.person, change.before, change.after, change.start) == (
            open_.person, open_.before, open_.after, open_.end
        ):  # fmt: skip
            open_ = Change(open_.start, change.end, open_.person, open_.before, open_.after)
            continue
        if open_:
            yield open_
        open_ = change
    if open_:
        yield open_


def lines(found: Sequence[FileDiff], most: int = 10) -> Iterator[str]:
    """For a terminal: the sum first, then each file that differs with its longest changes."""
    steps, renamed = sum(one.steps for one in found), sum(one.renamed for one in found)
    differing = [one for one in found if not one.same]
    yield (
        f"{counted(len(found), 'file')}, {len(differing)} of them differ; {renamed:,} of {counted(steps, 'step')} have "
        f"another label ({percent(renamed / steps) if steps else '0 %'})"
    )
    for one in differing:
        yield (
            f"{one.name}: {one.renamed} of {one.steps} steps renamed, {one.moved} moved, "
            f"by {one.most:.3f} at most, {one.mean:.4f} in the mean"
        )
        for text in one.only:
            yield f"  {text}"
        ranked = sorted(one.changes, key=lambda change: change.start - change.end)
        for change in sorted(ranked[:most], key=lambda change: change.start):
            yield (
                f"  {clock(change.start)} to {clock(change.end)}  {person_name(change.person)}: "
                f"{change.before or 'not named'} -> {change.after or 'not named'}"
            )
        if len(ranked) > most:
            yield f"  and {counted(len(ranked) - most, 'shorter change')}"
