"""Full disks, folders that cannot be written, processes that are ended: one line, and what was finished stays."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

import toy_batch
from mer_batch import output
from mer_batch.batch import job as jobs
from mer_batch.batch import run as batch
from mer_batch.batch.ledger import NAME, Ledger
from mer_batch.cli import app
from mer_batch.errors import MerError, UsageError
from mer_batch.media import probe, read_audio, read_frames
from toy_batch import Here, here, run

__all__ = ["here"]


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    return toy_batch.sounds(tmp_path / "in", "a.wav", "b.wav", "c.wav")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG])
def test_a_disk_that_fills_stops_the_run_and_a_later_one_goes_on(
    number: int, sources: Path, here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"

    def full(*_arguments: object) -> None:
        raise OSError(number, os.strerror(number), "page")

    def fill(task: jobs.Job) -> None:
        if task.source.name == "b.wav":
            monkeypatch.setattr("mer_batch.timeline.io.write_csv", full)

    here.before = fill
    with pytest.raises(MerError, match=rf"{os.strerror(number)}; what was finished stays finished"):
        run(out, sources)
    assert here.done == ["a.wav", "b.wav"]
    history = Ledger(out).read()
    assert [entry.state for entry in history.entries.values()] == ["done"]
    assert (list(history.begun), history.damaged) == ([str((sources / "b.wav").resolve())], 0)
    monkeypatch.undo()
    monkeypatch.setattr(batch, "Pool", here)
    here.done.clear()
    here.before = lambda _task: None
    assert run(out, sources).count("done") == 3
    assert here.done == ["b.wav", "c.wav"]


def test_a_place_that_is_taken_costs_its_file_alone(sources: Path, here: Here, tmp_path: Path) -> None:
    (tmp_path / "out" / "b.wav.html").mkdir(parents=True)
    outcome = run(tmp_path / "out", sources)
    assert (outcome.count("done"), [name for name, _ in outcome.failed]) == (2, ["b.wav"])


def test_room_is_asked_for_before_the_work(sources: Path, here: Here, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        usage = SimpleNamespace(total=10**9, used=10**9, free=10**6)
        patch.setattr("mer_batch.files.shutil.disk_usage", lambda _path: usage)
        with pytest.raises(UsageError, match="has room for 1 MB, and 20 MB are needed"):
            run(tmp_path / "out", sources)
    assert not (tmp_path / "out").exists()
    assert here.done == []


def test_a_read_only_folder_is_one_line(sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object, **_options: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr("mer_batch.files.tempfile.TemporaryFile", refuse)
    result = CliRunner().invoke(app, ["analyze", str(sources), "--out", str(tmp_path / "out"), "-q"])
    assert result.exit_code == 2
    assert result.output.strip().splitlines() == [
        f"mer: error: cannot write {tmp_path / 'out'}: Read-only file system; choose another place with --out"
    ]


def test_a_second_run_is_told_who_is_there(sources: Path, here: Here, tmp_path: Path) -> None:
    out = tmp_path / "out"
    heard: list[str] = []

    def second(_task: object) -> None:
        with pytest.raises(MerError) as caught:
            toy_batch.batch.run(toy_batch.order(out, sources), lambda _event: None)
        heard.append(str(caught.value))

    here.before = second
    run(out, sources / "a.wav")
    assert f"another mer works in {out} (process {os.getpid()} on " in heard[0]


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("kind", ["pictures", "sound"])
def test_an_ffmpeg_that_somebody_ends_has_not_read_all_there_is(
    number: int, kind: str, once: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of a recording must never count as all of it."""
    import clips

    def make(folder: Path) -> None:
        clips.make(folder / "a.mkv", *clips.clock(60), *clips.tone(60), *clips.X264, "-c:a", "pcm_s16le")

    found = probe(once("a minute", make) / "a.mkv")
    processes: list[subprocess.Popen[bytes]] = []
    start = subprocess.Popen.__init__

    def noted(self: subprocess.Popen[bytes], *arguments: object, **options: object) -> None:
        start(self, *arguments, **options)  # type: ignore[call-overload]
        processes.append(self)

    monkeypatch.setattr(subprocess.Popen, "__init__", noted)
    items = iter(read_frames(found, 25) if kind == "pictures" else read_audio(found, block=1.0))
    next(items)
    os.kill(processes[-1].pid, number)
    with pytest.raises(ChildProcessError, match="ffmpeg was ended by"):
        for _ in items:
            pass


def test_what_is_ended_from_outside_costs_the_modality_and_is_not_kept(
    sources: Path, here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ended(*_arguments: object) -> None:
        raise ChildProcessError("ffmpeg was ended by SIGKILL while it decoded")

    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr("mer_batch.media.process.Ffmpeg.wait", ended)
        outcome = run(out, sources / "a.wav")
    entry = next(iter(outcome.entries.values()))
    assert (entry.state, outcome.count("partial")) == ("partial", 1)
    assert "ffmpeg was ended by SIGKILL" in entry.facts["error"]
    assert run(out, sources / "a.wav").again == 1
    assert run(out, sources / "a.wav", retry_failed=True).count("done") == 1


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_run_that_is_ended_politely_and_killed_ends_as_if_nothing_had_been(
    here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real command with a real worker, ended by SIGTERM, killed, and finished; `benchmarks/resume.py` in small."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    import resume

    sources, out = toy_batch.sounds(tmp_path / "in", *(f"{number}.wav" for number in range(10))), tmp_path / "out"
    (sources / "bad.mp4").write_text("no media")
    options = ("--modalities", "voice,text", "--asr", "none", "--workers", "1")
    for number, code in ((signal.SIGTERM, 143), (signal.SIGKILL, -9)):
        begun = _ended(out)
        with subprocess.Popen(resume.command(sources, out, options), stderr=subprocess.PIPE, text=True) as process:
            while _ended(out) < begun + 2 and process.poll() is None:
                time.sleep(0.02)
            process.send_signal(number)
            _, said = process.communicate()
        assert process.returncode == code
        assert "Traceback" not in said
        assert number == signal.SIGKILL or said.splitlines()[-1] == "mer: ended by SIGTERM"
    assert run(out, sources).again >= 4
    run(tmp_path / "undisturbed", sources)
    found = resume.compare(tmp_path / "undisturbed", out, tmp_path / "check")
    assert resume.good(found), found
    assert (found["files"], found["failures"]) == (10, 1)
    # It finds what it is there for.
    (out / "3.wav.html").write_text("another page")
    shutil.copyfile(out / "4.wav.timeline.json", out / "5.wav.timeline.json")
    found = resume.compare(tmp_path / "undisturbed", out, tmp_path / "check")
    assert not resume.good(found)
    assert found["timelines_that_differ"] == ["5.wav.timeline.json"]
    assert "3.wav.timeline.json" in found["pages_that_are_not_their_timelines"]


def _ended(out: Path) -> int:
    try:
        return (out / NAME).read_text().count('"event":"done"')
    except FileNotFoundError:
        return 0


def test_a_damaged_timeline_costs_its_comparison_alone(sources: Path, here: Here, tmp_path: Path) -> None:
    from mer_batch.batch.diff import diff

    run(tmp_path / "one", sources)
    run(tmp_path / "two", sources)
    page = output.Page(tmp_path / "two" / "b.wav.html", None, False, "shared", "")
    page.files[1].write_text('{"schema": 1}')
    found = {one.name: one for one in diff(tmp_path / "one", tmp_path / "two")}
    assert found["a.wav"].same
    assert found["b.wav"].only[0].startswith("cannot be compared: ")
    result = CliRunner().invoke(app, ["diff", str(tmp_path / "one"), str(tmp_path / "two")])
    assert result.exit_code == 0
    assert "3 files, 1 of them differ" in result.output


def test_status_tells_what_is_missing_and_what_the_ledger_lost(sources: Path, here: Here, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (sources / "bad\n.mp4").write_text("none")
    run(out, sources)
    (out / "b.wav.html").unlink()
    with (out / NAME).open("ab") as file:
        file.write(b'{"torn')
    result = CliRunner().invoke(app, ["status", str(out)])
    assert result.exit_code == 4
    assert "4 files asked for in the last run; 3 done, 0 partial, 1 failed" in result.output
    assert "failed: bad .mp4: " in result.output
    assert "output missing or changed: b.wav; the same mer analyze again writes it" in result.output
    assert "1 damaged line of ledger.jsonl left out" in result.output
    assert CliRunner().invoke(app, ["status", str(tmp_path)]).exit_code == 2
