"""What every reader of written words gives: cues as they stand in the file, and what had to be left out.

A line or segment that cannot be used is left out, counted and named; it never costs the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

_NAMED: Final = 3
"""Places that are named in a sentence before the others are only counted."""


@dataclass(frozen=True, slots=True)
class Cue:
    """Words with their times in seconds; `end` None is unknown, and `start` may lie before 0.

    `lines` are as the file has them, `place` is where ("line 12").
    """

    start: float
    end: float | None
    lines: tuple[str, ...]
    place: str
    person: str | None = None
    confidence: float | None = None
    language: str | None = None


@dataclass(slots=True)
class Reading:
    """The cues of a file in its order, with (place, reason) of what was left out, and what was assumed, in words."""

    cues: list[Cue] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    assumed: list[str] = field(default_factory=list)
    language: str | None = None

    def add(self, cue: Cue) -> None:
        """Take a cue, unless its times cannot be."""
        if cue.end is not None and cue.end < cue.start:
            self.skipped.append((cue.place, "the cue ends before it starts"))
        elif cue.start < 0 and (cue.end is None or cue.end <= 0):
            self.skipped.append((cue.place, "the cue lies before 0"))
        else:
            self.cues.append(cue)

    def notices(self, name: str) -> list[str]:
        """One sentence for what was left out, and one for each thing assumed."""
        told = [f"{name}: {sentence}" for sentence in self.assumed]
        if self.skipped:
            count, total = len(self.skipped), len(self.skipped) + len(self.cues)
            are = "is" if count == 1 else "are"
            told.append(f"{name}: {count:,} of {total:,} cues {are} left out: {self.first_skipped()}")
        return told

    def first_skipped(self) -> str:
        """The first places that were left out, with the reasons."""
        return listed([f"{place}: {why}" for place, why in self.skipped])


def listed(places: Sequence[str]) -> str:
    """The first of `places`, and how many more there are."""
    more = len(places) - _NAMED
    return "; ".join(places[:_NAMED]) + (f"; and {more:,} more" if more > 0 else "")
