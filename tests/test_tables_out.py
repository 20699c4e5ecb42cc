"""Tables that a spreadsheet opens without running anything, and that read back as they were."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mer_batch
from mer_batch.tables import number, read_csv
from mer_batch.tables_out import STARTS, cell, plain, write_rows, write_table
from mer_batch.timeline.io import write_csv
from mer_batch.timeline.truth_table import read_truth
from timelines import make_timeline

FORMULAS = ['=HYPERLINK("http://example.org","x")', "+1+2", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1+1", "＠a"]
NUMBERS = ["-0.5", "+3", "-1e-05", "-.5", "12"]
WORDS = ["Anna", "", "a=b", "'tis", "don't", " =1", "'", "-", "--", "'=1", "''+1"]


@pytest.mark.parametrize("text", FORMULAS)
def test_what_a_spreadsheet_runs_is_made_text(text: str) -> None:
    assert cell(text) == f"'{text}"
    assert plain(cell(text)) == text


@pytest.mark.parametrize("value", [*NUMBERS, *WORDS[:7], -0.5, 3, None, True])
def test_numbers_and_words_stay(value: object) -> None:
    assert cell(value) == value


@given(st.text(alphabet=st.sampled_from([*STARTS, "'", "a", "1", ".", " "]), max_size=6))
def test_every_text_comes_back_and_none_can_be_run(text: str) -> None:
    written = cell(text)
    assert plain(written) == text
    assert not written or written[0] not in STARTS or re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)", written)


def test_a_table_reads_back_as_it_was(tmp_path: Path) -> None:
    texts = [*FORMULAS, *NUMBERS, *WORDS, "one\rtwo", "one\ntwo", "a,b", '"']
    table = pd.DataFrame(
        {"=name": texts, "share": [-0.5 * at for at in range(len(texts))], "none": [None] * len(texts)}
    )
    write_table(tmp_path / "table.csv", table)
    with (tmp_path / "table.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["'=name", "share", "none"]
    assert [row[0] for row in rows[1:]] == [cell(text) for text in texts]
    assert [float(row[1]) for row in rows[1:]] == list(table["share"])
    back = read_csv(tmp_path / "table.csv")
    assert [row["=name"] for row in back.rows] == [text if cell(text) != text else text.strip() for text in texts]
    assert [number(row["share"]) for row in back.rows] == list(table["share"])


def test_a_table_that_cannot_be_finished_leaves_nothing(tmp_path: Path) -> None:
    def rows() -> object:
        yield ["a"]
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_rows(tmp_path / "table.csv", ["name"], rows())  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def test_a_speaker_may_be_called_a_formula(tmp_path: Path) -> None:
    """In the timeline's CSV it is text, and labels made from that CSV still name the person."""
    name, made = '=HYPERLINK("http://example.org")', make_timeline(6.0)
    who = made.people[0].name
    timeline = replace(
        made, segments=tuple(replace(one, person=name) if one.person == who else one for one in made.segments)
    )
    write_csv(timeline, tmp_path / "timeline.csv")
    with (tmp_path / "timeline.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["person"].endswith(")")]
    assert {row["person"] for row in rows} == {f"'{name}"}
    write_rows(tmp_path / "truth.csv", ["start", "end", "person", "emotion"], [[0, 1, name, "happy"]])
    assert read_truth(tmp_path / "truth.csv")[0].person == name


def test_tables_of_ours_are_read_back_by_the_one_reader(tmp_path: Path) -> None:
    texts = ["- No, no!", "=2+2", "-1.5", "'tis", "plain"]
    write_rows(tmp_path / "said.csv", ["path", "text"], [[f"-{at}.wav", text] for at, text in enumerate(texts)])
    rows = read_csv(tmp_path / "said.csv").rows
    assert [row["text"] for row in rows] == texts
    assert [row["path"] for row in rows] == [f"-{at}.wav" for at in range(len(texts))]


def test_one_writer_writes_all_tables() -> None:
    package = Path(mer_batch.__file__).parent
    writers = re.compile(r"csv\.(writer|DictWriter)\(|\.to_csv\(")
    found = {path.name for path in package.rglob("*.py") if writers.search(path.read_text(encoding="utf-8"))}
    assert found == {"tables_out.py"}
