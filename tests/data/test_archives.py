"""Archives from outside: read with limits, never out of their place, and a bad one is one line."""

from __future__ import annotations

import io
import os
import struct
import tarfile
import zipfile
from pathlib import Path

import pytest

from mer_batch.data import files, limits
from mer_batch.data.files import open_files
from mer_batch.errors import DataError
from toy_pictures import encode, photograph
from toy_training import mer

PICTURE = encode(photograph(0))


def zipped(place: Path, members: dict[str, bytes], kind: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(place, "w", kind) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return place


def problem(place: Path, name: str) -> str:
    with pytest.raises(DataError) as caught:
        open_files(place).read(name)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_member_that_grows_a_thousand_times_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LARGE", 2**20)
    place = zipped(tmp_path / "bomb.zip", {"sad/1.png": bytes(2**21), "sad/2.png": PICTURE})
    assert "times its size" in problem(place, "sad/1.png")
    assert open_files(place).read("sad/2.png") == PICTURE
    code, output = mer("data", "import", "folder", place, "-q")
    assert code == 0, output
    assert "left out: 1 x cannot be read" in output


def test_a_member_over_the_limit_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MEMBER", 1000)
    data = os.urandom(1001)
    assert "that one file may have" in problem(zipped(tmp_path / "a.zip", {"x.png": data}), "x.png")
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        member = tarfile.TarInfo("x.png")
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))
    assert "that one file may have" in problem(tmp_path / "a.tar", "x.png")
    (tmp_path / "x.png").write_bytes(data)
    assert "that one file may have" in problem(tmp_path, "x.png")


@pytest.mark.parametrize(("limit", "words"), [("MEMBERS", "holds 3 files, more than 2"), ("TOTAL", "would unpack to")])
def test_too_much_in_all_is_refused_at_once(
    limit: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, limit, 2)
    place = zipped(tmp_path / "a.zip", {f"sad/{number}.png": PICTURE for number in range(3)})
    code, output = mer("data", "check", place, "-q")
    assert code == 1
    assert words in output
    assert len(output.strip().splitlines()) == 1


def test_too_many_members_of_a_tar_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (limits, files):
        monkeypatch.setattr(module, "MEMBERS", 2)
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for number in range(3):
            archive.addfile(tarfile.TarInfo(f"{number}.png"))
    with pytest.raises(DataError, match="more than 2"):
        _ = open_files(tmp_path / "a.tar").names


def test_a_lie_about_the_size_costs_no_memory(tmp_path: Path) -> None:
    """The header says 10 bytes; a deflated gigabyte follows. Only a block is ever unpacked beyond them."""
    import tracemalloc

    place = zipped(tmp_path / "lie.zip", {"sad/1.png": bytes(2**28)})
    raw = bytearray(place.read_bytes())
    central = raw.rindex(b"PK\x01\x02")
    raw[central + 24 : central + 28] = struct.pack("<I", 10)
    place.write_bytes(raw)
    tracemalloc.start()
    assert "cannot read sad/1.png" in problem(place, "sad/1.png")
    assert tracemalloc.get_traced_memory()[1] < 2**24
    tracemalloc.stop()


def test_members_that_share_their_bytes_are_refused(tmp_path: Path) -> None:
    place = zipped(tmp_path / "a.zip", {"sad/1.png": PICTURE}, zipfile.ZIP_STORED)
    raw = place.read_bytes()
    start, end = raw.index(b"PK\x01\x02"), raw.rindex(b"PK\x05\x06")
    entry = raw[start:end]
    twice = raw[:start] + entry * 9 + raw[end:]
    tail = bytearray(twice[start + 9 * len(entry) :])
    tail[8:12], tail[12:16] = struct.pack("<HH", 9, 9), struct.pack("<I", 9 * len(entry))
    place.write_bytes(twice[: start + 9 * len(entry)] + bytes(tail))
    with pytest.raises(DataError, match="overlap"):
        _ = open_files(place).names


def test_links_devices_and_ways_out_are_no_files(tmp_path: Path) -> None:
    secret = tmp_path / "secret.png"
    secret.write_bytes(PICTURE)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        link = zipfile.ZipInfo("sad/link.png")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, str(secret))
        for name in ("../sad/out.png", "/sad/root.png", "C:/sad/drive.png", "sad\\..\\..\\up.png", "sad/good.png"):
            archive.writestr(name, PICTURE)
    assert open_files(tmp_path / "a.zip").names == ["sad/good.png"]
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        for name, kind in (("link.png", tarfile.SYMTYPE), ("hard.png", tarfile.LNKTYPE), ("pipe.png", tarfile.FIFOTYPE),
                           ("device.png", tarfile.CHRTYPE)):  # fmt: skip
            member = tarfile.TarInfo(f"sad/{name}")
            member.type, member.linkname = kind, str(secret)
            tar.addfile(member)
        for name in ("../out.png", "/root.png", "sad/good.png"):
            member = tarfile.TarInfo(name)
            member.size = len(PICTURE)
            tar.addfile(member, io.BytesIO(PICTURE))
    assert open_files(tmp_path / "a.tar").names == ["sad/good.png"]


def test_a_tar_that_promises_more_than_it_has(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        member = tarfile.TarInfo("sad/1.png")
        member.size = len(PICTURE)
        tar.addfile(member, io.BytesIO(PICTURE))
    (tmp_path / "a.tar").write_bytes((tmp_path / "a.tar").read_bytes()[: 512 + len(PICTURE) // 2])
    with pytest.raises(DataError):
        open_files(tmp_path / "a.tar").read("sad/1.png")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_in_a_folder_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    assert "no ordinary file" in problem(tmp_path, "a.png")


@pytest.mark.parametrize("at", range(0, 200, 13))
def test_damage_anywhere_is_one_line(at: int, tmp_path: Path) -> None:
    """Bytes turned over in a small zip: read, left out or refused, never a traceback."""
    members = {f"sad/{n}.png": encode(photograph(n, side=8)) for n in range(2)}
    raw = bytearray(zipped(tmp_path / "a.zip", members).read_bytes())
    for place in range(at, len(raw), 211):
        raw[place] ^= 0x5A
    (tmp_path / "a.zip").write_bytes(raw)
    code, output = mer("data", "check", tmp_path / "a.zip", "-q")
    assert code in (0, 1), output
    assert code == 0 or "error:" in output


def test_the_same_name_twice_is_one_file(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("sad/1.png", b"old")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("sad/1.png", PICTURE)
    found = open_files(tmp_path / "a.zip")
    assert found.names == ["sad/1.png"]
    assert found.read("sad/1.png") == PICTURE
