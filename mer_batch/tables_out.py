"""The one writer of CSV tables: whole files, in which no text is a formula to a spreadsheet.

Names of speakers and files come from outside, and a spreadsheet runs a cell such as `=HYPERLINK(...)`. A text that
begins with one of `STARTS` therefore gets an apostrophe before it, which spreadsheets take as "this is text"; numbers
such as -0.5 stay as they are. `plain` takes the apostrophe off again, as `tables.read_csv` does, and texts that had one
of their own come back with it: reading what was written gives what there was. (OWASP, "CSV Injection".)
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, TypeVar

from mer_batch.files import whole_file

if TYPE_CHECKING:
    import pandas as pd

Cell = TypeVar("Cell")

STARTS: Final = "=+-@\t\r\n＝＋－＠"
"""First signs of cells that some spreadsheet runs; the wide ones are signs of East Asian fonts."""
_QUOTED: Final = "\r\n"
"""Line end given to the csv module, which before Python 3.13 quotes a line break only where it is part of that."""
_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_RUN: Final = re.compile(f"'*[{re.escape(STARTS)}]")
_MADE_TEXT: Final = re.compile(f"'+[{re.escape(STARTS)}]")


def cell(value: Cell) -> Cell | str:
    """A value as a cell: a text that a spreadsheet would run gets an apostrophe; all else is as it was."""
    if isinstance(value, str) and _RUN.match(value) and not _NUMBER.fullmatch(value):
        return f"'{value}"
    return value


def plain(value: Cell) -> Cell | str:
    """What `cell` made a cell from."""
    return value[1:] if isinstance(value, str) and _MADE_TEXT.match(value) else value


class _Lines:
    """A file that takes one row at a time, each ended by `_QUOTED`, and ends it as wanted."""

    def __init__(self, file: IO[str], line_end: str) -> None:
        self._file, self._line_end = file, line_end

    def write(self, row: str) -> int:
        return self._file.write(row.removesuffix(_QUOTED) + self._line_end)


@contextmanager
def _lines(path: Path, line_end: str) -> Iterator[Any]:
    with whole_file(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        yield _Lines(file, line_end)


def write_rows(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]], line_end: str = "\n") -> None:
    """Write a CSV in UTF-8, whole or not at all. Raises `UsageError` where it cannot be written."""
    with _lines(path, line_end) as lines:
        writer = csv.writer(lines, lineterminator=_QUOTED)
        writer.writerow([cell(name) for name in header])
        writer.writerows([cell(value) if value and type(value) is str else value for value in row] for row in rows)


def append_row(path: Path, header: Sequence[str], row: Sequence[object]) -> None:
    """Add a row to a CSV in UTF-8 that only grows; a new one gets its header first. Raises `OSError`."""
    new = not path.exists()
    with path.open("a", encoding="utf-8", newline="") as file:
        writer = csv.writer(_Lines(file, "\n"), lineterminator=_QUOTED)
        if new:
            writer.writerow([cell(name) for name in header])
        writer.writerow([cell(value) for value in row])


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a table without its index, as `write_rows` does; what is missing is an empty cell."""
    shown = table.rename(columns=cell)
    for place, kind in enumerate(table.dtypes):
        if kind.kind not in "biufcmM":
            shown.isetitem(place, table.iloc[:, place].map(cell, na_action="ignore"))
    with _lines(path, "\n") as lines:
        shown.to_csv(lines, index=False, lineterminator=_QUOTED)
