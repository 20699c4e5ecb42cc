"""How often each test set was read: a ledger beside the lists of parts, to which every reading of one adds a line.

A test set that is read often chooses, whether anybody meant it to or not: its score is then that of the best of
several. So every `mer evaluate` on one, and the end of every training, adds a line to `test_reads.csv` beside the
frozen lists in `train/splits`, and cards tell the sum. A set is known by its items, whatever it is called. Sets that
the ledger of the installation does not know, such as a user's own, are counted in the user's cache.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from datetime import datetime, timezone
from hashlib import sha256
from pathlib import Path
from typing import Final

from mer_batch.errors import DataError
from mer_batch.resources import cache_dir, data_dir
from mer_batch.tables_out import append_row, plain

LEDGER: Final = "test_reads.csv"
ENVIRONMENT: Final = "MER_READS"
"""Names another ledger, as the tests do."""
PATIENCE: Final = 20.0
"""Seconds to wait for another process that writes a line."""


@dataclass(frozen=True)
class Read:
    """A line: how many `reads` of the test set `set` with `n` items (`items` are their fingerprint) by `model`.

    `by` is what read it: evaluate, train, or what is known from before the ledger.
    """

    date: str
    set: str
    n: int
    items: str
    model: str
    by: str
    reads: int = 1


@dataclass(frozen=True)
class Count:
    """How often a set was read, and the ledger that tells; `problem` says why this time could not be written down."""

    reads: int
    ledger: Path
    problem: str = ""

    def sentence(self, name: str) -> str:
        """Such as "FER2013 private test was read 5 times, this one included (train/splits/test_reads.csv)"."""
        times = "once" if self.reads == 1 else f"{self.reads:,} times"
        where = self.problem or "/".join(self.ledger.parts[-3:])
        return f"{name} was read {times}, this one included ({where})"


def fingerprint(ids: Iterable[str]) -> str:
    """What a set of items is known by: 16 digits over their distinct ids in order."""
    return sha256("\n".join(sorted({str(name) for name in ids})).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def shipped() -> Path:
    """The ledger of this installation."""
    return data_dir("train") / "splits" / LEDGER


def ledger_of(items: str) -> Path:
    """The ledger in which a set of this fingerprint is counted."""
    if os.environ.get(ENVIRONMENT):
        return Path(os.environ[ENVIRONMENT])
    own = shipped()
    if any(line.items == items for line in lines(own)):
        return own
    return cache_dir("reads") / LEDGER


def lines(path: Path) -> list[Read]:
    """What a ledger holds; nothing where there is none. Raises `DataError` for one that is damaged."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return [_line(row) for row in csv.DictReader(file)]
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError, KeyError, TypeError, ValueError, csv.Error) as error:
        raise DataError(f"cannot read the ledger of test sets {path}: {error}; restore it, or move it away") from error


def _line(row: Mapping[str, str]) -> Read:
    texts = {name: str(plain(row[name])) for name in ("date", "set", "items", "model", "by")}
    return Read(n=int(row["n"]), reads=int(row["reads"]), **texts)


def count(name: str, items: str, path: Path) -> int:
    """How often a set was read, by a ledger: what has its fingerprint, or its name with more or fewer items."""
    return sum(line.reads for line in lines(path) if line.items == items or line.set == name)


def note(name: str, ids: Sequence[str], model: str, by: str) -> Count:
    """Write down that `model` reads the items `ids` of the test set `name`, and tell how often that has happened.

    A ledger that cannot be written costs no reading: the count is then what it holds and this one, and says so.
    """
    from filelock import FileLock, Timeout

    items, path, known = fingerprint(ids), shipped(), 0
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    try:
        path = ledger_of(items)
        known = count(name, items, path)
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(cache_dir("locks") / f"{LEDGER}.lock", timeout=PATIENCE):
            read = Read(now, name, len(set(ids)), items, model[:16], by)
            append_row(path, [field.name for field in fields(Read)], astuple(read))
        return Count(count(name, items, path), path)
    except (OSError, DataError, Timeout) as error:
        return Count(known + 1, path, f"not written down: {getattr(error, 'strerror', None) or error}")
