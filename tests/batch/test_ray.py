"""Batches on a cluster: the results of local ones, whatever machine is lost on the way."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

import toy_batch
from mer_batch.batch import parcels, ray_engine
from mer_batch.batch.diff import diff
from mer_batch.batch.job import Job, Pages, Result, do
from mer_batch.batch.sources import Source
from mer_batch.cli import app
from mer_batch.config import Options
from mer_batch.errors import MerError, UsageError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def sources(once: Callable[..., Path]) -> Path:
    def make(folder: Path) -> None:
        toy_batch.sounds(folder, "a.wav", "b.wav", "c.wav")
        toy_batch.film(folder / "film.mp4", 26)

    return once("sounds and a film", make)


def test_a_machine_that_is_lost_costs_its_work_only(sources: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    # In a process of its own: Ray warns of its own innards, and leaves threads behind.
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("two_nodes.py")), str(sources), str(tmp_path / "ray")],
        capture_output=True, text=True, check=False, timeout=240,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout.splitlines()[-1]) == {"killed": True, "failed": [], "done": 4}
    options = Options(modalities=("face", "voice"), asr="none", fps=2.0)
    assert toy_batch.run(tmp_path / "local", sources, options=options, workers=2).count("done") == 4
    assert [(one.name, one.same) for one in diff(tmp_path / "local", tmp_path / "ray")] == [
        (name, True) for name in ("a.wav", "b.wav", "c.wav", "film.mp4")
    ]
    events = (tmp_path / "ray" / "ledger.jsonl").read_text(encoding="utf-8")
    assert events.count('"event":"split"') == 1
    assert events.count('"event":"done"') == 4


def job(folder: Path, out: Path) -> Job:
    order = toy_batch.order(out, folder)
    source = next(source for source in order.found.sources if source.name == "a.wav")
    out.mkdir(exist_ok=True)
    keep = out / ".mer" / "stages"
    keep.parent.mkdir(exist_ok=True)
    return Job(source, order.options, order.pages, out, keep, stat=[1, 2])  # as if it were not the same file there


def test_what_a_machine_does_not_see_travels(sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parcels, "CHUNK", 1000)
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.wav").write_bytes((sources / "a.wav").read_bytes())
    (folder / "a.srt").write_text("1\n00:00:00,000 --> 00:00:00,400\nSo happy.\n", encoding="utf-8")
    asked: list[int] = []

    def read(path: str, start: int, count: int) -> bytes:
        asked.append(start)
        return parcels.read_bytes(path, start, count)

    here, there = job(folder, tmp_path / "here"), job(folder, tmp_path / "there")
    do(here, lambda *_: None)
    parcels.mark(there.out / ".mer")
    back = parcels.do(parcels.pack(there, "the token of another folder"), lambda *_: None, read)
    assert asked[:3] == [0, 1000, 2000]
    assert back.result.state == "done"
    assert not (there.out / "a.wav.html").exists()
    assert parcels.unpack(there, back) is back.result
    compared = diff(here.out, there.out)
    assert [one.same for one in compared] == [True]
    assert (there.out / "a.wav.html").stat().st_size == back.result.facts["outputs"]["a.wav.html"]
    assert {path.name for path in there.out.rglob("*.voice.*")} == {path.name for path in here.out.rglob("*.voice.*")}


def test_a_machine_that_sees_the_folder_works_in_it(sources: Path, tmp_path: Path) -> None:
    one = job(sources, tmp_path / "out")
    back = parcels.do(parcels.pack(one, parcels.mark(one.out / ".mer")), lambda *_: None, lambda *_: b"")
    assert (back.result.state, back.outputs, back.kept) == ("done", {}, {})
    assert (one.out / "a.wav.html").exists()


def test_what_does_not_fit_on_the_disk_here_stops_the_batch(tmp_path: Path) -> None:
    (tmp_path / "a.wav.html").mkdir()
    one = Job(Source("/a.wav", "a.wav"), Options(), Pages(), tmp_path)
    back = parcels.unpack(one, parcels.Returned(Result("done"), {"a.wav.html": b"page"}))
    assert back.stops


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--engine", "rai"], "unknown engine 'rai'. Did you mean 'ray'?"),
        (["--address", "10.0.0.1:6379"], "it needs --engine ray"),
        (["--engine", "ray"], "pip install 'mer-batch[ray]'"),
    ],
)
def test_what_does_not_fit_is_one_line(
    sources: Path, tmp_path: Path, flags: list[str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_engine, "find_spec", lambda _name: None)
    result = CliRunner().invoke(app, ["analyze", str(sources), "--out", str(tmp_path / "out"), *flags])
    assert result.exit_code == 2
    assert said in " ".join(result.output.split())


def test_workers_that_do_not_start_are_told() -> None:
    pytest.importorskip("ray")
    pool = ray_engine.RayPool(None, 1, 1, 100.0, gpu=False, folder=Path())
    assert list(pool._lost(None, "no package")) == list(pool._lost(None, "no package")) == []
    with pytest.raises(MerError, match="do not start: no package"):
        list(pool._lost(None, "no package"))


def test_a_cluster_that_is_not_there_is_told_at_once(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    pool = ray_engine.RayPool(address, 1, 1, 100.0, gpu=False, folder=tmp_path)
    with pytest.raises(UsageError, match=f"no Ray cluster can be reached at {address}"):
        next(pool.run([]))
