"""Which data sets are there, and how to get the others: what `mer data list` shows."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from mer_batch.data.files import SUFFIXES
from mer_batch.data.importers import Importer, known
from mer_batch.data.manifest import CARD, TABLE, Manifest, read_card, read_manifest
from mer_batch.data.sets import roots
from mer_batch.data.texts import is_texts, read_texts
from mer_batch.errors import DataError

DEPTH: Final = 3
"""Folders below a root in which sets are looked for."""


@dataclass(frozen=True)
class Found:
    """A set that is there, or the reason why it cannot be read."""

    folder: Path
    manifest: Manifest | None
    problem: str = ""

    @property
    def kind(self) -> str:
        """The kind by which it was imported, else by its folder's name where that is a known kind."""
        if self.manifest is not None and self.manifest.kind in known():
            return self.manifest.kind
        return self.folder.name if self.folder.name in known() else "table"


def found() -> list[Found]:
    """All sets in `MER_DATA`, else in ./data and the user's own folder of sets."""
    return [_read(folder) for root in roots() if root.is_dir() for folder in _folders(root, DEPTH)]


def absent(sets: list[Found]) -> list[Importer]:
    """Known kinds of which no set is there."""
    there = {one.kind for one in sets}
    if any(one.manifest is not None and one.manifest.has_votes for one in sets):
        there.add("ferplus")
    return [importer for kind, importer in known().items() if kind not in there and kind != "folder"]


def _folders(root: Path, depth: int) -> Iterator[Path]:
    """Folders that hold a set, and nothing below those."""
    if (root / CARD).is_file() or _is_table(root / TABLE) or is_texts(root):
        yield root
    elif depth:
        for entry in sorted(os.scandir(root), key=lambda entry: entry.name):
            if entry.is_dir() and not entry.name.startswith("."):
                yield from _folders(Path(entry.path), depth - 1)


def _is_table(path: Path) -> bool:
    """Whether a manifest lists labelled pictures or sounds: others describe recordings."""
    if not path.is_file():
        return False
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        first = next(csv.DictReader(file), {})
    known_endings = SUFFIXES["face"] | SUFFIXES["voice"]
    return "label" in first and PurePosixPath(first.get("path") or "").suffix.lower() in known_endings


def _read(folder: Path) -> Found:
    try:
        if is_texts(folder):
            return Found(folder, read_texts(folder))
        if (folder / CARD).is_file():
            read_card(folder)
        return Found(folder, read_manifest(folder))
    except DataError as error:
        return Found(folder, None, str(error))
