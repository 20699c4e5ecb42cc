"""The overall table of a batch: a row a file and person, as CSV and Parquet, from the ledger alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any, Final

from mer_batch.batch.ledger import Entry
from mer_batch.files import whole_file
from mer_batch.labels import EMOTIONS
from mer_batch.tables_out import write_rows
from mer_batch.wording import counted, printable

NAME: Final = "overview"
TOLD: Final = 5
"""Files that a sentence names."""
Row = dict[str, Any]


@dataclass(frozen=True)
class Groups:
    """Groups by file, as a table names them: by the name of the report, the path, or the bare name of the file."""

    by_file: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    """What is wrong with the table by itself: files named twice with two groups, rows without a group."""

    def of(self, entry: Entry) -> str:
        """The group of a file: as the table says, "" where it says nothing; its folder where there is no table."""
        if not self.by_file:
            return str(entry.facts.get("group", ""))
        return next((self.by_file[name] for name in _names(entry) if name in self.by_file), "")

    def said(self, entries: Sequence[Entry]) -> Iterator[str]:
        """What is to be said of the table for these files."""
        yield from self.problems
        if not self.by_file:
            return
        known = {name for entry in entries for name in _names(entry)}
        yield from _named([name for name in self.by_file if name not in known], "in the table of groups but not read")
        without = [str(entry.facts.get("name", entry.uri)) for entry in entries if not self.of(entry)]
        yield from _named(without, "without a group in the table")


def _names(entry: Entry) -> list[str]:
    """What a table may call a file, the most exact first."""
    bare = PurePath(entry.uri).name
    return [entry.uri, str(entry.facts.get("name", entry.uri)), bare, PurePath(bare).stem]


def _named(names: Sequence[str], what: str) -> Iterator[str]:
    if names:
        more = f" and {len(names) - TOLD} more" if len(names) > TOLD else ""
        yield f"{counted(len(names), 'file')} {what}: {', '.join(names[:TOLD])}{more}"


def rows(entries: Iterable[Entry], groups: Groups | None = None) -> list[Row]:
    """A row for every person of every file, and one for a file that has nobody or could not be read.

    `seconds` and `duration` are seconds; `share_EMOTION` is of the steps that were named, whose number is `named`.
    """
    return [row for entry in entries for row in _rows(entry, groups or Groups())]


def _rows(entry: Entry, groups: Groups) -> Iterator[Row]:
    facts = entry.facts
    name = str(facts.get("name", entry.uri))
    summary = facts.get("summary") or {}
    base: Row = {
        "file": printable(name),
        "group": printable(groups.of(entry)),
        "state": entry.state,
        "error": printable(str(facts.get("error", ""))),
        "duration": summary.get("duration"),
        "seconds": facts.get("seconds"),
        "sha256": (facts.get("media") or {}).get("sha256", ""),
    }
    nobody: Row = {"person": "", "steps": 0, "read": 0, "named": 0, "shares": {}}
    for person in summary.get("people") or [nobody]:
        shares = person["shares"]
        yield {
            **base,
            "person": person["person"] or "",
            **{key: person[key] for key in ("steps", "read", "named")},
            **{f"share_{emotion}": shares.get(emotion) for emotion in EMOTIONS},
        }


def read_groups(path: Path) -> Groups:
    """Files and their groups from a CSV with the columns file and group. Raises `DataError` for any other.

    A file that is named twice with different groups keeps the first, and is told.
    """
    from mer_batch.tables import read_csv

    table = read_csv(path)
    file, group = table.needed("file"), table.needed("group")
    found: dict[str, str] = {}
    twice: list[str] = []
    empty: list[str] = []
    for row in table.rows:
        name, value = row[file].strip(), row[group].strip()
        if not name:
            continue
        if not value:
            empty.append(name)
        elif found.setdefault(name, value) != value:
            twice.append(name)
    doubled = _named(list(dict.fromkeys(twice)), "in two groups of the table, of which the first counts")
    return Groups(found, (*doubled, *_named(empty, "in the table of groups without a group")))


def write(folder: Path, table: list[Row]) -> list[Path]:
    """Write overview.csv and overview.parquet, each whole or not at all; returns both."""
    columns = list(table[0]) if table else ["file"]
    text, binary = folder / f"{NAME}.csv", folder / f"{NAME}.parquet"
    write_rows(text, columns, ([row[name] for name in columns] for row in table))
    import pyarrow as pa
    import pyarrow.parquet as pq

    with whole_file(binary) as part:
        pq.write_table(pa.Table.from_pylist(table) if table else pa.table({"file": pa.array([], pa.string())}), part)
    return [text, binary]
