"""Transcripts made once are kept: one JSON file, keyed by everything that could change the words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from mer_batch.resources import cache_dir

VERSION: Final = 2
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
    """Store entries; the file is replaced in one step. A cache that cannot be written is not an error."""
    entries = {key: entry for key, entry in _entries().items() if key not in new} | dict(new)
    kept = dict(list(entries.items())[-LIMIT:])
    try:
        path = cache_file()
        partial = path.with_name(f"{path.name}.{uuid4().hex}.partial")
        partial.write_text(json.dumps({"version": VERSION, "entries": kept}, ensure_ascii=False), encoding="utf-8")
        partial.replace(path)
    except OSError:
        return


def _entries() -> dict[str, Any]:
    try:
        table = json.loads(cache_file().read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(table, dict) or table.get("version") != VERSION:
        return {}
    entries = table.get("entries")
    return entries if isinstance(entries, dict) else {}
