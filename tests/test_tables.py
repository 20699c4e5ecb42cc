"""Tables as spreadsheets and people write them."""

from __future__ import annotations

import csv
import io
from itertools import product
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mer_batch.errors import DataError
from mer_batch.tables import Table, lines_of, number, read_csv, seconds

PLAIN = "path,label\na.jpg,happy\nb.jpg,Wut\nmusée/ça.jpg,dégoût\n"


@pytest.fixture
def read(tmp_path: Path):  # type: ignore[no-untyped-def]
    def write_and_read(content: str | bytes) -> Table:
        path = tmp_path / "t.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_csv(path)

    return write_and_read


def cells(table: Table) -> list[list[str]]:
    return [[row[name] for name in table.columns] for row in table.rows]


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "iso8859-15"]
)
def test_every_dialect_reads_the_same(read, encoding: str) -> None:  # type: ignore[no-untyped-def]
    for separator, end in product(",;\t|", ("\n", "\r\n", "\r")):
        table = read(PLAIN.replace(",", separator).replace("\n", end).encode(encoding))
        assert table.columns == ("path", "label")
        assert cells(table) == [["a.jpg", "happy"], ["b.jpg", "Wut"], ["musée/ça.jpg", "dégoût"]]
        assert [row.line for row in table.rows] == [2, 3, 4]
        assert bool(table.notes) == (encoding in ("cp1252", "iso8859-15", "utf-16-le", "utf-16-be")), "what was assumed"


def test_what_spreadsheets_add(read) -> None:  # type: ignore[no-untyped-def]
    table = read('sep=;\r\n"Path ";"  LABEL";Start Time;;\r\n\r\na b.jpg;happy;1,5;;\r\n;;;;\r\n"c;d";sad;;;\r\n\r\n')
    assert table.columns == ("path", "label", "start_time")
    assert table.headers == ("Path", "LABEL", "Start Time")
    assert cells(table) == [["a b.jpg", "happy", "1,5"], ["c;d", "sad", ""]]
    assert [row.line for row in table.rows] == [4, 6]


def test_cells_keep_their_commas_quotes_and_lines(read) -> None:  # type: ignore[no-untyped-def]
    table = read('text,label\n"He said ""no"", twice\nand left",sad\n5" tall, happy\n')
    assert cells(table) == [['He said "no", twice\nand left', "sad"], ['5" tall', "happy"]]
    assert [row.line for row in table.rows] == [2, 4]


def test_bad_rows_are_left_out_by_their_lines(read) -> None:  # type: ignore[no-untyped-def]
    table = read('text,label\nfine,sad\nwell, yes, no\n"open,happy\nshort\n"Well" he said,sad\n"open,too\nlast,fear\n')
    assert cells(table) == [["fine", "sad"], ["short", ""], ["Well he said", "sad"], ["last", "fear"]]
    assert [line for line, _ in table.left_out] == [3, 4, 7]
    assert "3 cells where the header has 2" in table.left_out[0][1]
    assert "never closes" in table.left_out[1][1]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n \n\n", "is empty"),
        (b"path,label\n", "has no rows"),
        (b"PK\x03\x04rest", "a spreadsheet or an archive; save the sheet as CSV"),
        (b"a,b\n" + b'"x\na,b\n"x\n' * 25, "no CSV table"),
    ],
)
def test_what_is_no_table(read, content: bytes, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(DataError, match=message):
        read(content)


def test_messages_name_the_file_and_the_columns(read, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    table = read("file,label,label\nx,y,z\n")
    with pytest.raises(DataError, match=r"t\.csv needs the columns path or text; it has file, label, label"):
        table.needed("path", "text")
    with pytest.raises(DataError, match="has 2 columns 'label'"):
        table.needed("label")
    with pytest.raises(DataError, match="No such file"):
        read_csv(tmp_path / "absent.csv")
    with pytest.raises(DataError, match="directory"):
        read_csv(tmp_path)
    assert table.place(table.rows[0]).endswith("t.csv: line 2")


def test_numbers_and_times() -> None:
    assert [number(cell) for cell in ("1.5", "1,5", " 2 ", "-1e3", ".5")] == [1.5, 1.5, 2, -1000, 0.5]
    assert [seconds(cell) for cell in ("1.5", "1,5 s", "1500 ms", "1:02.5", "0:01:02,5", "00:20:57,256")] == [
        1.5, 1.5, 1.5, 62.5, 62.5, 1257.256
    ]  # fmt: skip
    for cell in ("", "nan", "inf", "one", "1.000,5", "1 2", "0x1", "1e999"):
        with pytest.raises(ValueError, match=r"number|time|finite"):
            number(cell)
        with pytest.raises(ValueError, match=r"number|time|finite"):
            seconds(cell)


def test_lines_are_named_but_not_all() -> None:
    assert [lines_of([3]), lines_of([3, 7]), lines_of(range(1, 9))] == [
        "line 3", "lines 3 and 7", "lines 1, 2, 3, 4, 5 and 3 more"
    ]  # fmt: skip


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp", "Zs")), min_size=1, max_size=8)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=5), separator=st.sampled_from(",;\t|"))
def test_what_is_written_reads_back_equal(tmp_path: Path, rows: list[tuple[str, str]], separator: str) -> None:
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=separator)
    writer.writerow(("one", "two"))
    writer.writerows(rows)
    path = tmp_path / "t.csv"
    path.write_bytes(buffer.getvalue().encode())
    table = read_csv(path)
    assert cells(table) == [list(row) for row in rows]
    assert table.left_out == ()
