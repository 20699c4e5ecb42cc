"""What people write down about who is who: read whole, or refused in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mer_batch.errors import DataError, UsageError
from mer_batch.people.edits import Change, Edits, Part, edits_of, parse_names, people_file, read_edits, write_edits

EDITS = Edits(
    {
        "Person 1": Change("Anna", "#c2185b", ("Person 3",)),
        "Person 2": Change(split=(Part(1.5), Part(12.5, "Ben", "#00aa00"))),
        "Voice A": Change(name="Anna"),
    }
)
NAMES = st.text(st.characters(blacklist_categories=["Cs", "Cc", "Z"]), min_size=1, max_size=20)


def written(path: Path, data: object) -> Path:
    path.write_text(data if isinstance(data, str) else json.dumps(data), encoding="utf-8")
    return path


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4.people.json"
    write_edits(path, EDITS)
    assert read_edits(path) == EDITS


@settings(deadline=None)
@given(st.dictionaries(NAMES, st.builds(Change, NAMES, st.just("#123abc")), max_size=4))
def test_any_names_are_read_back(people: dict[str, Change]) -> None:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.people.json"
        write_edits(path, Edits(people))
        assert read_edits(path) == Edits(people)


@pytest.mark.parametrize(
    ("data", "line"),
    [
        ("", "it is no JSON"),
        ("[1, 2", "it is no JSON"),
        ("[]", "no schema number"),
        ({"people": {}}, "no schema number"),
        ({"schema": 2}, "has schema '2', this version of mer reads 1"),
        ({"schema": True}, "has schema 'True'"),
        ({"schema": 1, "people": []}, "people must be a table"),
        ({"schema": 1, "people": {"Person 1": "Anna"}}, "Person 1 must be a table"),
        ({"schema": 1, "people": {"Person 1": {"name": 7}}}, "'7' is no name"),
        ({"schema": 1, "people": {"Person 1": {"name": "  "}}}, "is no name"),
        ({"schema": 1, "people": {"Person 1": {"colour": "red"}}}, "a colour is like #c2185b"),
        ({"schema": 1, "people": {"Person 1": {"merge": "Person 2"}}}, "merge of Person 1 must be a list"),
        ({"schema": 1, "people": {"Person 1": {"merge": ["Person 1"]}}}, "merged with itself"),
        ({"schema": 1, "people": {"Person 1": {"split": [{"name": "Ben"}]}}}, 'needs "at"'),
        ({"schema": 1, "people": {"Person 1": {"split": [{"at": True}]}}}, 'needs "at"'),
        ({"schema": 1, "people": {"Person 1": {"split": [{"at": -1}]}}}, 'needs "at"'),
        ("[" * 100_000, "cannot use"),
    ],
)
def test_what_is_none_is_one_line(tmp_path: Path, data: object, line: str) -> None:
    with pytest.raises(DataError) as error:
        read_edits(written(tmp_path / "a.people.json", data))
    assert line in str(error.value)
    assert "\n" not in str(error.value)


def test_bytes_that_are_no_text_are_one_line(tmp_path: Path) -> None:
    path = tmp_path / "a.people.json"
    path.write_bytes(b"\xff\xfe\x00{")
    with pytest.raises(DataError, match="it is no JSON"):
        read_edits(path)


def test_keys_that_are_not_known_are_told(tmp_path: Path) -> None:
    data = {"schema": 1, "by": "me", "people": {"Person 1": {"nmae": "Anna", "split": [{"at": 2, "till": 3}]}}}
    found = read_edits(written(tmp_path / "a.people.json", data))
    assert found.people == {"Person 1": Change(split=(Part(2.0),))}
    assert found.notices == (
        "a.people.json: 'by' of the file is left out; known: schema, people",
        "a.people.json: 'nmae' of Person 1 is left out; known: name, colour, merge, split",
        "a.people.json: 'till' of split of Person 1 is left out; known: at, name, colour",
    )


def test_names_on_the_command_line() -> None:
    assert parse_names(" Person 1 = Anna  Maria ,Voice A=Ben,") == Edits(
        {"Person 1": Change("Anna Maria"), "Voice A": Change("Ben")}
    )
    assert parse_names("") == Edits()
    for wrong in ("Anna", "Person 1=", "=Anna", "Person 1=Anna,Person 1=Ben"):
        with pytest.raises(UsageError, match="--names"):
            parse_names(wrong)


def test_the_command_line_counts_more_than_the_file(tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    write_edits(people_file(clip), EDITS)
    assert people_file(clip).name == people_file(tmp_path / "clip.mp4.timeline.json").name == "clip.mp4.people.json"
    found = edits_of(tmp_path / "clip.mp4.timeline.json", "Person 1=Zoe")
    assert found.people["Person 1"] == Change("Zoe", "#c2185b", ("Person 3",))
    assert found.people["Voice A"] == Change("Anna")
    assert edits_of(tmp_path / "other.mp4") == Edits()
