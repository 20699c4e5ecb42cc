from __future__ import annotations

import csv
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from mer_batch.batch.ledger import Entry
from mer_batch.batch.table import Groups, read_groups, rows, write
from mer_batch.errors import DataError

PERSON = {"person": "Person 1", "steps": 4, "read": 4, "named": 2, "shares": {"happy": 0.5, "sad": 0.5}}


def entry(uri: str, name: str = "", folder: str = "in", people: list[object] | None = None) -> Entry:
    facts = {"name": name or Path(uri).name, "group": folder, "summary": {"duration": 2.0, "people": people or []}}
    return Entry(uri, "done", facts)


def table(folder: Path, *lines: str) -> Groups:
    path = folder / "groups.csv"
    path.write_text("\n".join(["file,group", *lines]) + "\n")
    return read_groups(path)


def test_files_are_found_by_path_by_name_and_by_bare_name(tmp_path: Path) -> None:
    groups = table(tmp_path, "/x/a.mp4,one", "b~123456.mp4,two", "c.mp4,three", "d,four")
    found = [entry("/x/a.mp4"), entry("/x/b.mp4", "b~123456.mp4"), entry("/y/c.mp4", "deep/c~9.mp4"), entry("/y/d.wav")]
    assert [groups.of(one) for one in found] == ["one", "two", "three", "four"]
    assert list(groups.said(found)) == []


def test_without_a_table_groups_are_folders() -> None:
    assert Groups().of(entry("/x/a.mp4", folder="deep")) == "deep"
    assert list(Groups().said([entry("/x/a.mp4")])) == []


def test_what_does_not_fit_is_said_and_counted(tmp_path: Path) -> None:
    groups = table(tmp_path, "a.mp4,one", "a.mp4,two", "a.mp4,one", "ghost.mp4,one", "b.mp4,", ",one")
    assert list(groups.said([entry("/x/a.mp4"), entry("/x/b.mp4"), entry("/x/c.mp4")])) == [
        "1 file in two groups of the table, of which the first counts: a.mp4",
        "1 file in the table of groups without a group: b.mp4",
        "1 file in the table of groups but not read: ghost.mp4",
        "2 files without a group in the table: b.mp4, c.mp4",
    ]
    assert groups.of(entry("/x/a.mp4")) == "one"


def test_a_table_without_its_columns_is_refused(tmp_path: Path) -> None:
    (tmp_path / "groups.csv").write_text("name,team\na,b\n")
    with pytest.raises(DataError, match="file"):
        read_groups(tmp_path / "groups.csv")


def test_the_overall_table_has_a_row_a_person_in_both_forms(tmp_path: Path) -> None:
    found = [entry("/x/a.mp4", people=[PERSON, {**PERSON, "person": None}]), entry("/x/=cmd().mp4")]
    failed = Entry("/x/\udce9.mp4", "failed", {"name": "\udce9.mp4", "error": "broken"})
    text, binary = write(tmp_path, rows([*found, failed]))
    with text.open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert [(line["file"], line["person"], line["share_happy"]) for line in lines] == [
        ("a.mp4", "Person 1", "0.5"), ("a.mp4", "", "0.5"), ("'=cmd().mp4", "", ""), ("?.mp4", "", ""),
    ]  # fmt: skip
    assert lines[-1]["error"] == "broken"
    assert pq.read_table(binary).column("named").to_pylist() == [2, 2, 0, 0]
    write(tmp_path, [])
    assert pq.read_table(binary).num_rows == 0
