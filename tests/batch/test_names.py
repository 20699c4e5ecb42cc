from __future__ import annotations

import os

import pytest

from mer_batch.batch.names import LONGEST, distinct, marked, safe


def test_names_that_differ_stay_as_they_are() -> None:
    names = {"1": "a.mp4", "2": "a.mkv", "3": "b/a.mp4", "4": "#%'\" .mp4", "5": "-a", "6": "日本.mp4"}
    assert distinct(names.items()) == names


@pytest.mark.parametrize(
    ("first", "second"),
    [("a.mp4", "A.MP4"), ("\u00e9.mp4", "e\u0301.mp4"), ("x/a.mp4", "x/a.mp4"), ("straße", "STRASSE")],
)
def test_names_that_some_file_system_holds_equal_are_told_apart_alike_in_any_order(first: str, second: str) -> None:
    found = distinct([("1", first), ("2", second)])
    assert "~" in found["1"]
    assert "~" in found["2"]
    assert len({name.casefold() for name in found.values()}) == 2
    assert distinct([("2", second), ("1", first)]) == found


def test_a_name_in_use_is_left_to_whoever_has_it() -> None:
    found = distinct([("1", "a.mp4"), ("2", "b.mp4")], {"A.mp4": "old", "b.mp4": "2"})
    assert found == {"1": marked("a.mp4", "1"), "2": "b.mp4"}


def test_reports_stand_neither_on_the_index_nor_where_a_folder_must_be() -> None:
    found = distinct([("1", "index"), ("2", "x/index"), ("3", "a"), ("4", "a.html/b.mp4"), ("5", "Ledger")])
    assert found["1"].startswith("index~")
    assert found["2"] == "x/index"
    assert found["3"].startswith("a~")
    assert found["4"] == "a.html/b.mp4"
    assert found["5"].startswith("Ledger~")


@pytest.mark.parametrize(
    ("name", "expected"),
    [("../../etc/x.mp4", "etc/x.mp4"), ("/a//b/./c.mp4", "a/b/c.mp4"), ("..", "media"), ("", "media"), ("a\0b", "a_b")],
)
def test_a_name_from_elsewhere_leads_nowhere_else(name: str, expected: str) -> None:
    assert safe(name) == expected


@pytest.mark.parametrize("name", ["w" * 250 + ".mp4", "é" * 130 + ".wav", "日" * 84, os.fsdecode(b"\xff" * 240)])
def test_a_long_name_is_cut_and_told_apart(name: str) -> None:
    other = name[:-5] + "x" + name[-4:]
    assert len(os.fsencode(safe(name))) <= LONGEST
    assert safe(name) != safe(other)
    assert safe(name).endswith(name[-4:] if "." in name[-4:] else "")
    assert safe(safe(name)) == safe(name)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("con.mp4", "_con.mp4"),
        ("sub /NUL", "sub/_NUL"),
        ("COM1.tar.mp4", "_COM1.tar.mp4"),
        ('a:b?"<>|*\\.mp4', "a_b_______.mp4"),
        ("end. ", "end"),
        ("console.mp4", "console.mp4"),
    ],
)
def test_windows_gets_names_that_it_takes(name: str, expected: str) -> None:
    assert safe(name, windows=True) == expected
    assert safe(name, windows=False) == name
