"""What folders hold in real life: litter, links, pipes, folders that may not be entered, lists from other systems."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from mer_batch.batch.sources import expand, sidecars
from mer_batch.errors import UsageError

posix = pytest.mark.skipif(sys.platform == "win32", reason="links and pipes")


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def files(*names: str) -> None:
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(b"")


def names(*arguments: str, out: Path | None = None) -> list[str]:
    return [source.name for source in expand(arguments, out).sources]


def test_litter_is_passed_over_and_counted(tree: Path) -> None:
    files("in/a.mp4", "in/._a.mp4", "in/.DS_Store", "in/Thumbs.db", "in/desktop.ini", "in/.Trashes/b.mp4", "in/b.MP4 ")
    found = expand(["in"])
    assert [source.name for source in found.sources] == ["a.mp4", "b.MP4 "]
    assert found.passed_over == {"hidden": 3, ".db": 1, ".ini": 1}


def test_transcripts_are_no_litter(tree: Path) -> None:
    files("in/a.mp4", "in/a.srt", "in/a.mp4.json", "in/alone.srt")
    assert expand(["in"]).passed_over == {".srt": 1}


@posix
def test_links_in_circles_and_to_nothing_cost_themselves(tree: Path) -> None:
    files("in/a.mp4")
    Path("in/deep").mkdir()
    Path("in/deep/up").symlink_to("..")
    Path("in/x.mp4").symlink_to("y.mp4")
    Path("in/y.mp4").symlink_to("x.mp4")
    Path("in/dead.mp4").symlink_to("nothing.mp4")
    Path("in/again.mp4").symlink_to("a.mp4")
    found = expand(["in", "in/x.mp4", "in/dead.mp4"])
    assert {Path(source.uri).name for source in found.sources} == {"a.mp4", "x.mp4", "y.mp4", "nothing.mp4"}
    assert found.passed_over == {"links to folders": 1, "named twice": 1}
    assert dict(found.missing) == {"in/x.mp4": "it is a link to nothing", "in/dead.mp4": "it is a link to nothing"}


@posix
def test_pipes_are_found_and_not_opened(tree: Path) -> None:
    files("in/a.mp4")
    os.mkfifo("in/pipe.mp4")
    assert names("in") == ["a.mp4", "pipe.mp4"]
    assert sidecars(Path("in/pipe.mp4")) == []


def test_a_folder_that_cannot_be_read_is_told(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files("in/a.mp4", "in/closed/b.mp4")
    scan = os.scandir

    def refuse(path: str) -> object:
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    found = expand(["in"])
    assert [source.name for source in found.sources] == ["a.mp4"]
    assert found.missing == ((str(Path("in/closed")), "the folder cannot be read: Permission denied"),)


@pytest.mark.parametrize("argument", ["in", "in/**", "in/**/*", "in/*", "in/*/*"])
def test_own_reports_are_never_read(tree: Path, argument: str) -> None:
    files("in/a.mp4", "in/deep/b.mp4", "in/reports/.mer/stages/x", "in/reports/noending", "in/reports/deep/b.mp4")
    found = expand([argument], Path("in/reports"))
    assert not any("reports" in source.uri.removeprefix(str(tree)) for source in found.sources)
    assert found.sources


def test_the_folder_itself_may_take_the_reports(tree: Path) -> None:
    files("in/a.mp4", "in/a.mp4.html", "in/a.mp4.timeline.json", "in/.mer/lock")
    assert names("in", out=Path("in")) == ["a.mp4"]


@pytest.mark.parametrize("argument", ["rec*", "./rec*", "*"])
def test_a_pattern_that_names_folders_means_what_is_in_them(tree: Path, argument: str) -> None:
    files("rec1/a.mp4", "rec2/deep/a.mp4")
    assert names(argument) == ["rec1/a.mp4", "rec2/deep/a.mp4"]


def test_a_double_star_finds_each_file_once(tree: Path) -> None:
    files("in/a.mp4", "in/deep/b.mp4")
    found = expand(["in/**"])
    assert [source.name for source in found.sources] == ["a.mp4", "deep/b.mp4"]
    assert not found.passed_over


def test_names_with_the_signs_of_patterns_are_files_first(tree: Path) -> None:
    files("[1]*?.mp4", "x[2]/a.mp4")
    assert names("[1]*?.mp4", "x[2]") == ["[1]*?.mp4", "a.mp4"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_lists_of_other_systems(tree: Path, encoding: str, end: str) -> None:
    files("über.mp4", "#1.mp4", "two words.mp4", "ends .mp4 ", "deep/x\u2028y.mp4")
    lines = ["# a comment", "", "  über.mp4", "#1.mp4", "two words.mp4", "ends .mp4 ", "deep/x\u2028y.mp4", "none.mp4"]
    Path("list.txt").write_bytes(end.join(lines).encode(encoding))
    found = expand(["@list.txt"])
    assert [source.name for source in found.sources] == [
        "über.mp4",
        "#1.mp4",
        "two words.mp4",
        "ends .mp4 ",
        "x\u2028y.mp4",
    ]
    assert [name for name, _ in found.missing] == ["none.mp4"]


@posix
def test_a_list_may_name_files_byte_by_byte(tree: Path) -> None:
    name = os.fsdecode(b"lat\xe9in.mp4")
    try:
        files(name)
    except OSError:
        pytest.skip("this file system takes UTF-8 alone")
    Path("list.txt").write_bytes(b"lat\xe9in.mp4\n")
    assert names("@list.txt") == [name]


def test_what_is_no_list_is_refused(tree: Path) -> None:
    Path("list.txt").write_bytes(b"\x00\x01\x02")
    with pytest.raises(UsageError, match="it is no text"):
        expand(["@list.txt"])


def test_what_cannot_be_a_name_is_missing(tree: Path) -> None:
    long = "x" * 5000
    found = expand([long, "a\0b", ""])
    assert [name for name, _ in found.missing] == [long, "a\0b", ""]
    assert not found.sources


def test_names_of_a_store_lead_nowhere_else(tree: Path) -> None:
    import fsspec

    files_ = fsspec.filesystem("memory")
    files_.pipe("/trap/in/../../../x.mp4", b"")
    files_.pipe("/trap/in/y.mp4", b"")
    assert all(".." not in name for name in names("memory://trap/in"))


def test_thousands_of_files_are_found_quickly(tree: Path) -> None:
    import time

    Path("in").mkdir()
    for number in range(3000):
        Path(f"in/{number}.mp4").touch()
    began = time.process_time()
    assert len(names("in")) == 3000
    assert time.process_time() - began < 5
