"""The ledger of a batch: `ledger.jsonl`, one event a line, only ever added to, checked when it is read.

A line that was cut off by a crash or changed by hand fails its checksum; it is left out and counted, the rest counts.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias, get_args

from mer_batch.errors import InputError, MerError

NAME: Final = "ledger.jsonl"
VERSION: Final = 1
State: TypeAlias = Literal["done", "partial", "failed", "left out"]
STATES: Final[tuple[State, ...]] = get_args(State)
"""How a file can end: read, read with a modality lost to an error, not readable, no media after all."""


@dataclass(frozen=True, slots=True)
class Entry:
    """How a file ended the last time: `facts` are what the event noted, `tries` how often it failed in a row."""

    uri: str
    state: State
    facts: Mapping[str, Any]
    tries: int = 0


@dataclass(slots=True)
class History:
    """What a ledger tells: the last end of each file, events in order of time, and how many lines are damaged."""

    entries: dict[str, Entry] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    """The name that each file was first given, so that its report keeps its place."""
    begun: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    """Files that were begun and have not ended since."""
    split: dict[str, str] = field(default_factory=dict)
    """The hashes of long films that were begun in pieces and have not been read since."""
    runs: list[Mapping[str, Any]] = field(default_factory=list)
    damaged: int = 0
    foreign: int = 0
    """Whole lines of a version that this one does not know."""


class Ledger:
    """Adds events to the ledger in a folder."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME

    def add(self, event: str, *, sync: bool = True, **facts: Any) -> None:
        """Write one event, whole or not at all. Raises `MerError` where that cannot be done.

        `sync` waits until it is on the disk, where a power cut leaves it.
        """
        line = _line({"v": VERSION, "at": datetime.now(timezone.utc).isoformat(timespec="milliseconds"),
                      "event": event, **facts})  # fmt: skip
        try:
            with self.path.open("ab") as file:
                before = file.seek(0, os.SEEK_END)
                try:
                    # A line that a crash cut off must not swallow the one that follows.
                    file.write((b"" if _ends_whole(self.path, before) else b"\n") + line)
                    file.flush()
                    if sync:
                        os.fsync(file.fileno())
                except OSError:
                    with suppress(OSError):
                        os.truncate(self.path, before)
                    raise
        except OSError as error:
            raise MerError(f"cannot write {self.path}: {error.strerror}; what was finished stays finished") from error

    def read(self) -> History:
        """What the ledger tells so far; empty where there is none. Raises `InputError` where it cannot be read."""
        history = History()
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return history
        except OSError as error:
            raise InputError(f"cannot read {self.path}: {error.strerror}") from error
        for event in _events(data, history):
            _take(history, event)
        return history


def _line(record: Mapping[str, Any]) -> bytes:
    text = json.dumps(record, ensure_ascii=True, separators=(",", ":"))
    return f'{text[:-1]},"crc":"{zlib.crc32(text.encode()):08x}"}}\n'.encode()


def _ends_whole(path: Path, size: int) -> bool:
    if size == 0:
        return True
    with path.open("rb") as file:
        file.seek(size - 1)
        return file.read(1) == b"\n"


def _events(data: bytes, history: History) -> Iterator[Mapping[str, Any]]:
    for line in data.split(b"\n"):
        if not line.strip():
            continue
        head, mark, tail = line.rpartition(b',"crc":"')
        whole = head + b"}"
        if not mark or tail != f'{zlib.crc32(whole):08x}"}}'.encode():
            history.damaged += 1
            continue
        try:
            event = json.loads(whole)
        except ValueError:
            history.damaged += 1
            continue
        if event.get("v") == VERSION and isinstance(event.get("event"), str):
            yield event
        else:
            history.foreign += 1


def _take(history: History, event: Mapping[str, Any]) -> None:
    kind, uri = event["event"], event.get("file")
    if kind == "run":
        history.runs.append(event)
        history.begun.clear()
    if uri is None:
        return
    if "name" in event:
        history.names.setdefault(uri, event["name"])
    if kind == "begun":
        history.begun[uri] = event
    elif kind == "split" and isinstance(event.get("media"), str):
        history.split[uri] = event["media"]
    elif kind in STATES:
        history.begun.pop(uri, None)
        if kind != "failed":
            history.split.pop(uri, None)
        before = history.entries.get(uri)
        tries = before.tries + 1 if kind == "failed" and before is not None and before.state == "failed" else 1
        history.entries[uri] = Entry(uri, kind, event, tries if kind == "failed" else 0)
