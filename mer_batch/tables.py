"""The one reader of CSV tables that people make: sets, splits, labels and predictions, with one set of messages.

Spreadsheets write them in any encoding, with commas, semicolons or tabs, with decimal commas, a line `sep=;`, blank
lines and rows of the wrong length. A row that cannot be used is left out and named by its line; it never spoils others.
What `tables_out` marked as text comes back as it was.
"""

from __future__ import annotations

import csv
import io
import math
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mer_batch.errors import DataError
from mer_batch.plaintext import decode_text
from mer_batch.tables_out import plain

SEPARATORS: Final = ",;\t|"
_NO_TEXT: Final = (
    (b"PK\x03\x04", "a spreadsheet or an archive; save the sheet as CSV"),
    (b"\xd0\xcf\x11\xe0", "an old spreadsheet; save it as CSV"),
    (b"PAR1", "a Parquet file; write it as CSV"),
)
_OPEN_QUOTES: Final = 20
"""Quotes that never close which are left out by their lines; with more it is no table."""
_CLOCK: Final = re.compile(r"(?:(\d+):)?(\d{1,3}):(\d{1,2}(?:[.,]\d*)?)")
_NUMBER: Final = re.compile(r"([+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:e[+-]?\d+)?)\s*(s|sec|ms)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its line in the file, counted from 1, and its cells by the names of the columns."""

    line: int
    cells: tuple[str, ...]
    places: Mapping[str, int]

    def __getitem__(self, column: str) -> str:
        """A cell without the spaces around it; "" where the row or the table has none."""
        place = self.places.get(column, len(self.cells))
        return self.cells[place] if place < len(self.cells) else ""


@dataclass(frozen=True)
class Table:
    """A table in text. `columns` are in lower case with `_` for spaces, `headers` as they are written; those without
    a name are left away.

    `left_out` are the lines that cannot be used, with the reason; `notes` say what was assumed of the file.
    """

    path: Path
    columns: tuple[str, ...]
    headers: tuple[str, ...]
    rows: tuple[Row, ...]
    left_out: tuple[tuple[int, str], ...] = ()
    notes: tuple[str, ...] = ()

    def column(self, *names: str) -> str | None:
        """The first of `names` that the table has. Raises `DataError` where it has that column twice."""
        for name in names:
            count = self.columns.count(name)
            if count > 1:
                raise DataError(f"{self.path} has {count} columns {name!r}; keep one")
            if count:
                return name
        return None

    def needed(self, *names: str) -> str:
        """The first of `names` that the table has. Raises `DataError` where it has none of them."""
        found = self.column(*names)
        if found is None:
            raise self.lacks(" or ".join(names))
        return found

    def lacks(self, wanted: str) -> DataError:
        """The message for a table without the columns that it must have."""
        has = ", ".join(self.columns) or "none"
        noun = "columns" if " " in wanted else "column"
        return DataError(f"{self.path} needs the {noun} {wanted}; it has {has}")

    def whole(self) -> Table:
        """The table itself. Raises `DataError` where a line had to be left out, for tables in which each counts."""
        for line, reason in self.left_out:
            raise DataError(f"{self.path}: line {line} {reason}")
        return self

    def place(self, row: Row) -> str:
        """Where a row stands, for messages."""
        return f"{self.path}: line {row.line}"


def read_csv(path: Path) -> Table:
    """The table in a file. Raises `DataError` where it cannot be read, is none, or has no rows."""
    try:
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        raise DataError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from error
    for magic, what in _NO_TEXT:
        if data.startswith(magic):
            raise DataError(f"{path} is {what}")
    decoded = decode_text(data)
    head, separator, rest = _separated(decoded.text.replace("\0", ""))
    records, left_out = _records(path, head, rest, separator)
    if not records:
        raise DataError(f"{path} is empty; it needs a line with the names of its columns, and rows")
    names = [_name(cell) for cell in records[0][1]]
    places = {name: place for place, name in reversed(list(enumerate(names))) if name}
    rows = []
    for line, cells in records[1:]:
        if len(cells) > len(names) and any(cells[len(names) :]):
            sign = {"\t": "tab"}.get(separator, separator)
            reason = f"has {len(cells)} cells where the header has {len(names)}; a cell with a {sign!r} needs quotes"
            left_out.append((line, reason))
        else:
            rows.append(Row(line, tuple(cells[: len(names)]), places))
    if not rows:
        more = f"; line {left_out[0][0]} {left_out[0][1]}" if left_out else ""
        raise DataError(f"{path} has no rows{more}")
    notes = (f"{path.name} was read as {decoded.assumed}",) if decoded.assumed else ()
    headers = tuple(cell for cell in records[0][1] if _name(cell))
    return Table(path, tuple(name for name in names if name), headers, tuple(rows), tuple(sorted(left_out)), notes)


def _separated(text: str) -> tuple[int, str, list[str]]:
    """Lines before the table, the sign between its cells, and its lines."""
    lines = list(io.StringIO(text if text.endswith(("\n", "\r")) else f"{text}\n", newline=""))
    first = next((number for number, line in enumerate(lines) if line.strip()), len(lines))
    told = re.fullmatch(r"\s*\"?sep=(.)\"?\s*", lines[first] if first < len(lines) else "", re.IGNORECASE)
    if told:
        return first + 1, told[1], lines[first + 1 :]
    head = re.sub(r'"[^"]*"', "", lines[first]) if first < len(lines) else ""
    return first, max(SEPARATORS, key=head.count), lines[first:]


def _records(
    path: Path, before: int, lines: Sequence[str], separator: str
) -> tuple[list[tuple[int, list[str]]], list[tuple[int, str]]]:
    """The records with the line at which each begins, and the lines at which a quote opens and never closes."""
    found: list[tuple[int, list[str]]] = []
    broken: list[tuple[int, str]] = []
    start = 0
    while start < len(lines):
        start, whole = _parse(lines, start, separator, found)
        if not whole:
            broken.append((start, "has a quote that never closes"))
        if len(broken) > _OPEN_QUOTES:
            raise DataError(f"{path} is no CSV table: more than {_OPEN_QUOTES} quotes in it never close")
    shifted = [(line + before, cells) for line, cells in found if any(cells)]
    return shifted, [(line + before, reason) for line, reason in broken]


def _parse(lines: Sequence[str], start: int, separator: str, found: list[tuple[int, list[str]]]) -> tuple[int, bool]:
    """Append the records from line `start` (from 0) on; where to go on, and whether the line before is a record."""
    rest = (lines[place] for place in range(start, len(lines)))
    reader = csv.reader(rest, delimiter=separator, skipinitialspace=separator != "\t", strict=True)
    at = start
    try:
        for record in reader:
            found.append((at + 1, [plain(cell.strip()) for cell in record]))
            at = start + reader.line_num
    except csv.Error:
        # A quote that closes before the cell does, as in `"Well" he said`, spoils nothing within its line.
        if start + reader.line_num == at + 1 and lines[at].count('"') % 2 == 0:
            loose = next(csv.reader([lines[at]], delimiter=separator, skipinitialspace=separator != "\t"))
            found.append((at + 1, [plain(cell.strip()) for cell in loose]))
            return at + 1, True
        return at + 1, False
    return len(lines), True


def _name(cell: str) -> str:
    return re.sub(r"\s+", "_", unicodedata.normalize("NFC", cell).strip().casefold())


def number(cell: str) -> float:
    """A number, also with a decimal comma. Raises `ValueError` for anything else, infinite ones included."""
    found = _NUMBER.fullmatch(cell.strip())
    if not found or found[2]:
        raise ValueError(f"{cell!r} is no number")
    return _finite(found[1])


def seconds(cell: str) -> float:
    """Seconds: 1.5, 1,5, "1.5 s", "1500 ms", 1:02.5 or 0:01:02.5. Raises `ValueError` for anything else."""
    clock = _CLOCK.fullmatch(cell.strip())
    if clock:
        return 3600 * int(clock[1] or 0) + 60 * int(clock[2]) + _finite(clock[3])
    found = _NUMBER.fullmatch(cell.strip())
    if not found:
        raise ValueError(f"{cell!r} is no time in seconds")
    return _finite(found[1]) / (1000 if (found[2] or "").lower() == "ms" else 1)


def _finite(digits: str) -> float:
    value = float(digits.replace(",", "."))
    if not math.isfinite(value):
        raise ValueError(f"{digits} is no finite number")
    return value


def lines_of(rows: Iterator[int] | Sequence[int], shown: int = 5) -> str:
    """Lines for a message: "line 3", "lines 3 and 7", "lines 3, 7, 9, 12, 15 and 20 more"."""
    numbers = list(rows)
    if len(numbers) == 1:
        return f"line {numbers[0]}"
    if len(numbers) > shown:
        return f"lines {', '.join(map(str, numbers[:shown]))} and {len(numbers) - shown:,} more"
    return f"lines {', '.join(map(str, numbers[:-1]))} and {numbers[-1]}"
