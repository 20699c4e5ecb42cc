"""What `mer doctor` says of an installation, and of one that lacks something."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mer_batch.cli import app
from mer_batch.diagnosis import machine as machines
from mer_batch.inventory import Part


def part(name: str, found: str | None, needed: bool) -> Part:
    return Part(name, "does something", lambda: found, lambda: None, f"pip install {name}", needed)


@pytest.mark.parametrize(("needed", "code"), [(True, 1), (False, 0)])
def test_what_is_missing_has_the_command_that_mends_it(
    needed: bool, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machines, "parts", lambda: [part("wheel", None, needed), part("axle", "axle 1.0", True)])
    result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == code
    assert "absent  wheel: does something; pip install wheel" in result.output
    assert "ok      axle: does something; axle 1.0" in result.output
    assert ("the main job can run" in result.output) == (code == 0)
    table = json.loads(CliRunner().invoke(app, ["doctor", "--json"]).stdout)["machine"]
    assert table["ready"] == (code == 0)
    assert [row["mend"] for row in table["parts"]] == ["pip install wheel", None]


def test_a_cache_that_cannot_be_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machines, "parts", list)
    (tmp_path / "file").touch()
    monkeypatch.setenv("MER_CACHE", str(tmp_path / "file" / "cache"))
    result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == 0
    assert "the cache cannot be used" in result.output
    assert "name another folder in MER_CACHE" in result.output


def test_an_ffmpeg_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(__import__("sys").modules, "imageio_ffmpeg", None)
    result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == 1
    assert "DAMAGED ffmpeg: decodes media; ffmpeg was not found" in result.output


def test_little_memory_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machines, "_memory", lambda: {"total": 2.0, "free": 0.4})
    monkeypatch.setattr(machines, "parts", list)
    assert machines.machine("cpu").problems == ("only 0.4 GB of memory are free; an analysis takes about 1.5 GB",)
