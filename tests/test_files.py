"""Files are whole or absent, whatever happens while they are written."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import tracemalloc
from pathlib import Path

import pytest

import mer_batch
from mer_batch.errors import UsageError
from mer_batch.files import BLOCK, check_folder, check_place, new_folder, sha256_of, whole_file


def test_a_file_lands_whole_and_alone_and_as_an_ordinary_file(tmp_path: Path) -> None:
    with whole_file(tmp_path / "deep" / "a.txt") as part:
        assert part.parent == tmp_path / "deep"
        assert part.suffix == ".txt"
        part.write_text("new")
        assert not (tmp_path / "deep" / "a.txt").exists()
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["a.txt"]
    assert (tmp_path / "deep" / "a.txt").read_text() == "new"
    mask = os.umask(0o022)
    os.umask(mask)
    assert stat.S_IMODE((tmp_path / "deep" / "a.txt").stat().st_mode) == 0o666 & ~mask


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_the_old_file_stays_when_writing_fails(tmp_path: Path, error: BaseException) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fail() -> None:
        with whole_file(path) as part:
            part.write_text("half")
            raise error

    with pytest.raises(type(error)):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_place_that_cannot_be_written_is_the_users_mistake(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="choose another place"), whole_file(tmp_path / "file" / "a.txt"):
        pytest.fail("there is nothing to write to")


def test_a_place_is_judged_before_anything_is_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere" / "x")
    check_place(tmp_path / "a" / "b" / "c.html")
    check_folder(tmp_path / "a" / "b")
    assert new_folder(tmp_path / "a" / "b" / "c.html") == tmp_path / "a"
    assert new_folder(tmp_path / "c.html") is None
    for path, reason in (
        (tmp_path, "is a folder"),
        (tmp_path / "file" / "a.txt", "a file stands where a folder is needed"),
        (tmp_path / "file" / "a" / "b.txt", "a file stands where a folder is needed"),
        (Path(os.devnull), "is no ordinary file"),
        (tmp_path / ("x" * 300), "File name too long"),
    ):
        with pytest.raises(UsageError, match=reason):
            check_place(path, "--json")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "link"]


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a folder that nobody can write to")
def test_a_folder_that_cannot_be_written_to() -> None:
    with pytest.raises(UsageError, match="cannot write /proc"):
        check_place(Path("/proc/here.txt"))


def test_a_disk_needs_room(tmp_path: Path) -> None:
    check_place(tmp_path / "a.txt", needed=1)
    with pytest.raises(UsageError, match="are needed; choose another place with --json"):
        check_place(tmp_path / "a.txt", "--json", needed=10**18)


def test_a_large_file_is_hashed_by_blocks(tmp_path: Path) -> None:
    (tmp_path / "checkpoint").write_bytes(b"x" * (40 * BLOCK + 7))
    tracemalloc.start()
    found = sha256_of(tmp_path / "checkpoint")
    assert tracemalloc.get_traced_memory()[1] < 4 * BLOCK
    tracemalloc.stop()
    assert found == hashlib.sha256(b"x" * (40 * BLOCK + 7)).hexdigest()


def test_no_file_is_read_whole_only_to_be_hashed() -> None:
    package = Path(mer_batch.__file__).parent
    whole = re.compile(r"sha256\(.*read_bytes\(\)")
    assert not [path.name for path in package.rglob("*.py") if whole.search(path.read_text(encoding="utf-8"))]
