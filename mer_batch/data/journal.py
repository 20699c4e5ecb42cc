"""What an import has already read, so that an interrupted one goes on where it stopped."""

from __future__ import annotations

import json
from pathlib import Path
from types import TracebackType
from typing import Any, Final

JOURNAL: Final = ".import.jsonl"
_FLUSHED: Final = 100
"""Lines after which the file is written out."""


class Journal:
    """Facts by path in a file of JSON lines, the first of which names the import. A context manager."""

    def __init__(self, path: Path, kind: str, source: str) -> None:
        self._path = path
        self.known: dict[str, dict[str, Any]] = {}
        head = {"kind": kind, "source": source}
        if path.is_file() and read_head(path) == (kind, source):
            self.known = dict(_entries(path))
        # Written anew, so that a line cut by the interruption does not spoil the next one.
        self._file = path.open("w", encoding="utf-8")
        self._file.write(json.dumps(head) + "\n")
        for name, facts in self.known.items():
            self._file.write(json.dumps([name, facts]) + "\n")
        self._file.flush()
        self._added = 0

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, name: str, facts: dict[str, Any]) -> None:
        """Note what is known of a file."""
        self.known[name] = facts
        self._file.write(json.dumps([name, facts]) + "\n")
        self._added += 1
        if self._added % _FLUSHED == 0:
            self._file.flush()

    def remove(self) -> None:
        """The import is complete."""
        self._file.close()
        self._path.unlink(missing_ok=True)


def read_head(path: Path) -> tuple[str, str] | None:
    """Kind and source of the import that a journal belongs to."""
    with path.open(encoding="utf-8", errors="replace") as file:
        try:
            head = json.loads(file.readline())
            return str(head["kind"]), str(head["source"])
        except (ValueError, KeyError, TypeError):
            return None


def _entries(path: Path) -> list[tuple[str, dict[str, Any]]]:
    entries = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines()[1:]:
        try:
            name, facts = json.loads(line)
        except (ValueError, TypeError):
            continue
        entries.append((str(name), dict(facts)))
    return entries
