"""Transcripts made once are kept: one JSON file, keyed by everything that could change the words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from mer_batch.resources import cache_dir

VERSION: Final = 2
PATIENCE: Final = 10.0
"""Seconds that a process waits for another one to have written."""
LIMIT: Final = 10_000
"""Transcripts kept; the oldest go first, so that the file stays quick to read."""


def cache_file() -> Path:
    """Where transcripts are kept."""
    return cache_dir("transcripts") / "transcriptions.json"


def key_of(**facts: object) -> str:
    """A key for the facts that decide a transcript (media hash, recognizer, track, language, spans)."""
    return sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def recall(key: str) -> Mapping[str, Any] | None:
    """The entry stored under `key`, or None; an unreadable cache counts as empty."""
    return recall_all().get(key)


def recall_all() -> dict[str, Mapping[str, Any]]:
    """All entries by key, for many look-ups."""
    return {key: entry for key, entry in _entries().items() if isinstance(entry, dict)}


def remember(key: str, entry: Mapping[str, Any]) -> None:
    """Store an entry; see `remember_all`."""
    remember_all({key: entry})


def remember_all(new: Mapping[str, Mapping[str, Any]]) -> None:
    """Store entries; the file is replaced in one step, by one process at a time, so that none loses another's.

    A cache that cannot be written, or that others write for longer than `PATIENCE`, is not an error.
    """
    from filelock import FileLock

    try:
        path = cache_file()
        # The system lets go of the lock however the process ends; its file lies beside the folder and stays.
        with FileLock(path.parent.parent / f"{path.parent.name}.lock", timeout=PATIENCE):
            _write(path, {key: entry for key, entry in _entries().items() if key not in new} | dict(new))
    except (OSError, NotImplementedError):  # among them filelock's Timeout; a file system may know no locks
        return


def _write(path: Path, entries: Mapping[str, Any]) -> None:
    """Replace the file. Only the holder of the lock comes here, so what a killed one has left is written over."""
    kept = dict(list(entries.items())[-LIMIT:])
    partial = path.with_name(f"{path.name}.partial")
    try:
        partial.write_text(json.dumps({"version": VERSION, "entries": kept}, ensure_ascii=False), encoding="utf-8")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    for left in path.parent.glob(f"{path.name}.*.partial"):  # as versions before this one named them
        left.unlink(missing_ok=True)


def _entries() -> dict[str, Any]:
    try:
        table = json.loads(cache_file().read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(table, dict) or table.get("version") != VERSION:
        return {}
    entries = table.get("entries")
    return entries if isinstance(entries, dict) else {}
