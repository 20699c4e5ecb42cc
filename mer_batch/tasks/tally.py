"""What became of everything that a set holds: found = read + left out, and why."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from mer_batch.wording import counted

SHOWN: Final = 3
"""Items that are named for each reason."""
LINES: Final = 12
"""Reasons that are told at a terminal; the JSON has them all."""
_NUMBER: Final = re.compile(r"\d+(?:[.,:]\d+)*")


@dataclass
class Tally:
    """Counts of a set. `left_out` and `assumed` are pairs of an item and a reason; `ignored` files are no items:
    hidden ones, and those that operating systems leave behind.
    """

    found: int = 0
    ignored: list[str] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)
    assumed: list[tuple[str, str]] = field(default_factory=list)

    @property
    def read(self) -> int:
        """Items that were not left out."""
        return self.found - len(self.left_out)

    def sentence(self) -> str:
        """Such as "found 7: 5 read, 2 left out; 1 hidden file ignored (happy/._a.jpg)"."""
        told = f"found {self.found:,}: {self.read:,} read, {len(self.left_out):,} left out"
        if self.ignored:
            told += f"; {counted(len(self.ignored), 'hidden file')} ignored ({_some(self.ignored)})"
        return told

    def notes(self) -> list[str]:
        """A line for each reason why items were left out, and for each assumption that was made."""
        told = [f"left out: {line}" for line in _told(self.left_out)] + list(_told(self.assumed))
        return told if len(told) <= LINES else [*told[:LINES], f"and {len(told) - LINES} more notes; --json has them"]

    def as_json(self) -> dict[str, Any]:
        """Everything, item by item."""
        return {
            "found": self.found,
            "read": self.read,
            "left_out": len(self.left_out),
            "ignored": len(self.ignored),
            "reasons": [{"item": item, "reason": reason} for item, reason in self.left_out],
            "assumed": [{"item": item, "note": note} for item, note in self.assumed],
            "hidden": self.ignored,
        }


def _told(pairs: Iterable[tuple[str, str]]) -> Iterator[str]:
    groups: dict[str, list[tuple[str, str]]] = {}
    for item, reason in pairs:
        # Reasons that differ in their numbers only are one.
        groups.setdefault(reason if reason.startswith("label ") else _NUMBER.sub("#", reason), []).append(
            (item, reason)
        )
    for group in groups.values():
        named = [item for item, _ in group if item]
        if len(group) == 1:
            yield ": ".join([*named, group[0][1]])
        else:
            yield f"{len(group):,} x {group[0][1]}" + (f" ({_some(named)})" if named else "")


def _some(items: Sequence[str]) -> str:
    """The first few items, and how many there are more."""
    more = f" and {len(items) - SHOWN:,} more" if len(items) > SHOWN else ""
    return f"{', '.join(items[:SHOWN])}{more}"
