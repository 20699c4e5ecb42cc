"""The overall table of a batch: a row a file and person, as CSV and Parquet, from the ledger alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from mer_batch.batch.ledger import Entry
from mer_batch.files import whole_file
from mer_batch.labels import EMOTIONS
from mer_batch.tables_out import write_rows

NAME: Final = "overview"
Row = dict[str, Any]


def rows(entries: Iterable[Entry], groups: Mapping[str, str] | None = None) -> list[Row]:
    """A row for every person of every file, and one for a file that has nobody or could not be read.

    `seconds` and `duration` are seconds; `share_EMOTION` is of the steps that were named, whose number is `named`.
    """
    return [row for entry in entries for row in _rows(entry, groups or {})]


def _rows(entry: Entry, groups: Mapping[str, str]) -> Iterator[Row]:
    facts = entry.facts
    name = str(facts.get("name", entry.uri))
    summary = facts.get("summary") or {}
    base: Row = {
        "file": name,
        "group": group_of(name, str(facts.get("group", "")), groups),
        "state": entry.state,
        "error": facts.get("error", ""),
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


def group_of(name: str, folder: str, groups: Mapping[str, str]) -> str:
    """The group of a file: as the table of groups says by its name or its bare name, else its folder."""
    return groups.get(name) or groups.get(Path(name).name) or ("" if groups else folder)


def read_groups(path: Path) -> dict[str, str]:
    """Files and their groups from a CSV with the columns file and group. Raises `DataError` for any other."""
    from mer_batch.tables import read_csv

    table = read_csv(path)
    file, group = table.needed("file"), table.needed("group")
    return {row[file]: row[group] for row in table.rows}


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
