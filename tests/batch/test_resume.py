"""A second run does what is missing, and nothing else."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import clips
import toy_batch
from mer_batch.batch import keys
from mer_batch.batch.ledger import NAME, Ledger
from mer_batch.media.process import Ffmpeg
from mer_batch.output import read_timeline
from toy_batch import OPTIONS, Here, here, run

__all__ = ["here"]
SRT = "1\n00:00:00,000 --> 00:00:00,400\nI am so happy today.\n"


@pytest.fixture
def folders(once: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """A folder of three sounds that were read, and that of their reports."""

    def make(folder: Path) -> None:
        toy_batch.sounds(folder / "in", "a.wav", "b.wav", "deep/c.wav")

    shutil.copytree(once("batch of sounds", make), tmp_path / "x", copy_function=shutil.copy2)
    return tmp_path / "x" / "in", tmp_path / "out"


def contents(out: Path) -> dict[str, bytes]:
    """What a run left, without the ledger and what is hidden."""
    found = (path for path in out.rglob("*") if path.is_file() and ".mer" not in path.parts and path.name != NAME)
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in found}


def test_what_is_finished_is_not_done_again(folders: tuple[Path, Path], here: Here) -> None:
    sources, out = folders
    first = run(out, sources)
    assert (first.count("done"), first.again, here.done) == (3, 0, ["a.wav", "b.wav", "deep/c.wav"])
    before = contents(out)
    second = run(out, sources)
    assert (second.count("done"), second.again, len(here.done)) == (3, 3, 3)
    assert contents(out) == before
    run(out, sources, force=True)
    assert len(here.done) == 6


@pytest.mark.parametrize("lost", ["b.wav.html", "b.wav.timeline.csv", "b.wav.timeline.json"])
def test_a_lost_output_is_made_again_and_nothing_is_decoded(
    folders: tuple[Path, Path], here: Here, lost: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources, out = folders
    run(out, sources)
    before = contents(out)
    (out / lost).unlink()
    here.done.clear()

    def start(_self: object, *_arguments: object, **_options: object) -> None:
        raise AssertionError("decoding has begun")

    monkeypatch.setattr(Ffmpeg, "__init__", start)
    run(out, sources)
    assert here.done == ["b.wav"]
    after = contents(out)
    assert after.keys() == before.keys()
    if not lost.endswith("json"):  # else it tells when it was made anew
        assert after == before
    assert Ledger(out).read().entries[str((sources / "b.wav").resolve())].state == "done"


def test_a_lost_script_that_pages_share_is_written_again_at_once(folders: tuple[Path, Path], here: Here) -> None:
    sources, out = folders
    run(out, sources)
    script = next(out.glob("mer-page-*.js"))
    size = script.stat().st_size
    script.unlink()
    (out / "deep" / script.name).write_bytes(b"cut")
    here.done.clear()
    run(out, sources)
    assert here.done == []
    assert script.stat().st_size == (out / "deep" / script.name).stat().st_size == size


def test_a_changed_source_is_read_again_and_nothing_else(folders: tuple[Path, Path], here: Here) -> None:
    sources, out = folders
    run(out, sources)
    here.done.clear()
    clips.make(sources / "a.wav", *clips.tone(0.7))
    run(out, sources)
    assert here.done == ["a.wav"]
    assert read_timeline(out / "a.wav.timeline.json").media.duration == pytest.approx(0.7)


def test_a_transcript_that_comes_changes_or_goes_has_its_recording_read_again(
    folders: tuple[Path, Path], here: Here
) -> None:
    sources, out = folders
    run(out, sources)
    words = sources / "deep" / "c.srt"
    for text in (SRT, SRT.replace("happy", "sad"), None):
        here.done.clear()
        words.write_text(text) if text else words.unlink()
        run(out, sources)
        assert here.done == ["deep/c.wav"]
        said = [said.text for said in read_timeline(out / "deep/c.wav.timeline.json").utterances]
        assert said == ([] if text is None else [text.splitlines()[2]])


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("a.json", '{"width": 3, "title": "holiday"}', "has no list 'segments'"),
        ("a.wav.json", '[{"box": [1, 2]}]', "it holds no words"),
        ("a.json", "", "it holds no words"),
        ("a.srt", "nothing of the kind", "holds no cues"),
    ],
)
def test_what_is_no_transcript_costs_nothing_and_is_told(
    folders: tuple[Path, Path], here: Here, name: str, text: str, why: str
) -> None:
    sources, out = folders
    (sources / name).write_text(text)
    (sources / "b.json").write_text('{"segments": [{"start": 0, "end": 0.4, "text": "I am so happy."}]}')
    outcome = run(out, sources)
    assert outcome.count("done") == 3
    told = [note for note in read_timeline(out / "a.wav.timeline.json").notices if "not read as its transcript" in note]
    assert len(told) == 1
    assert told[0].startswith(f"{name} beside the recording")
    assert why in told[0]
    assert [said.text for said in read_timeline(out / "b.wav.timeline.json").utterances] == ["I am so happy."]


def test_the_second_of_two_files_beside_is_taken_where_the_first_is_none(
    folders: tuple[Path, Path], here: Here
) -> None:
    sources, out = folders
    (sources / "a.srt").write_text("nothing")
    (sources / "a.json").write_text('{"segments": [{"start": 0, "end": 0.4, "text": "Right."}]}')
    run(out, sources / "a.wav")
    assert [said.text for said in read_timeline(out / "a.wav.timeline.json").utterances] == ["Right."]


def test_another_option_changes_every_file_and_decodes_none(
    folders: tuple[Path, Path], here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources, out = folders
    run(out, sources)

    def start(_self: object, *_arguments: object, **_options: object) -> None:
        raise AssertionError("decoding has begun")

    monkeypatch.setattr(Ffmpeg, "__init__", start)
    here.done.clear()
    outcome = run(out, sources, options=replace(OPTIONS, abstain=0.9, step=0.25))
    assert (outcome.count("done"), len(here.done)) == (3, 3)
    here.done.clear()
    run(out, sources, options=replace(OPTIONS, abstain=0.9, step=0.25), redact="names")
    assert len(here.done) == 3


def test_a_key_depends_on_everything_that_outputs_are_made_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of these alone makes another key; what is the same makes the same."""
    found: list[str] = []

    def add(options: object = OPTIONS) -> None:
        keys.models.cache_clear()
        job = next(iter(_jobs(tmp_path, options)))
        found.append(keys.key(job))

    toy_batch.sounds(tmp_path, "a.wav")
    three = replace(OPTIONS, modalities=("face", "voice", "text"), asr="auto")
    for options in (OPTIONS, replace(OPTIONS, fps=4), replace(OPTIONS, voice_model="voice"), three):
        add(options)
    for target, value in (
        ("mer_batch.fusion.learned.gate_sum", "another gate"),
        ("mer_batch.face.embedders.weights_sum", "other weights"),
        ("mer_batch.batch.keys._recognizer", "another recognizer"),
        ("mer_batch.batch.keys._templates", "other templates"),
        ("mer_batch.readers.fingerprint", "another model"),
        ("mer_batch.batch.keys.__version__", "another version"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(target, value if target.endswith("__") else lambda *_names, value=value: value)
            add(three)
    (tmp_path / "a.vtt").write_text("WEBVTT\n")
    add(three)
    assert len(set(found)) == len(found)
    add(three)
    assert found[-1] == found[-2]
    keys.models.cache_clear()


def test_weights_of_a_recognizer_that_arrive_make_another_key(monkeypatch: pytest.MonkeyPatch) -> None:
    from mer_batch.text import asr

    monkeypatch.setattr(asr, "on_machine", list)
    before = keys._recognizer("auto")
    monkeypatch.setattr(asr, "on_machine", lambda: ["whisper:small"])
    assert keys._recognizer("auto") == "whisper:small" != before
    assert keys._recognizer("none") is None


def _jobs(folder: Path, options: object) -> list[toy_batch.batch.Job]:
    order = toy_batch.order(folder / "out", folder / "a.wav", options=options)  # type: ignore[arg-type]
    return [toy_batch.batch.Job(source, order.options, order.pages, order.out) for source in order.found.sources]


def test_failures_are_tried_again_when_told_or_when_the_file_has_changed(
    folders: tuple[Path, Path], here: Here
) -> None:
    sources, out = folders
    (sources / "bad.mp4").write_text("no media")
    assert [name for name, _ in run(out, sources).failed] == ["bad.mp4"]
    here.done.clear()
    outcome = run(out, sources)
    assert (here.done, outcome.untried, len(outcome.failed)) == ([], 1, 1)
    run(out, sources, retry_failed=True)
    assert here.done == ["bad.mp4"]
    assert Ledger(out).read().entries[str((sources / "bad.mp4").resolve())].tries == 2
    here.done.clear()
    clips.make(sources / "new.wav", *clips.tone(0.5))
    (sources / "new.wav").rename(sources / "bad.mp4")
    assert not run(out, sources).failed
    assert here.done == ["bad.mp4"]


def test_a_file_that_grows_while_it_is_read_is_read_again(folders: tuple[Path, Path], here: Here) -> None:
    sources, out = folders
    heard = []

    def grow(task: object) -> None:
        if task.source.name == "b.wav":  # type: ignore[attr-defined]
            clips.make(sources / "b.wav", *clips.tone(0.9))

    here.before = grow
    toy_batch.batch.run(toy_batch.order(out, sources), heard.append)
    assert [event.error for event in heard if event.error] == [
        "it changed while it was read; the same command reads it again"
    ]
    here.before = lambda _task: None
    here.done.clear()
    run(out, sources)
    assert here.done == ["b.wav"]
    here.done.clear()
    run(out, sources)
    assert here.done == []


def test_a_file_that_vanishes_costs_itself_alone(folders: tuple[Path, Path], here: Here) -> None:
    sources, out = folders
    here.before = lambda task: (sources / "b.wav").unlink() if task.source.name == "a.wav" else None
    outcome = run(out, sources)
    assert (outcome.count("done"), [name for name, _ in outcome.failed]) == (2, ["b.wav"])
    assert "does not exist" in outcome.failed[0][1]


def test_names_stay_when_a_namesake_comes(tmp_path: Path, here: Here) -> None:
    toy_batch.sounds(tmp_path, "one/a.wav", "two/A.wav")
    run(tmp_path / "out", tmp_path / "one" / "a.wav")
    outcome = run(tmp_path / "out", tmp_path / "one" / "a.wav", tmp_path / "two" / "A.wav")
    names = [str(entry.facts["name"]) for entry in outcome.entries.values()]
    assert names[0] == "a.wav"
    assert names[1].startswith("A~")
    assert here.done == ["a.wav", names[1]]
    assert outcome.others == 0
    assert run(tmp_path / "out", tmp_path / "two").others == 1


def test_a_torn_ledger_costs_what_it_lost(folders: tuple[Path, Path], here: Here) -> None:
    sources, out = folders
    run(out, sources)
    path = out / NAME
    lines = path.read_bytes().split(b"\n")
    torn = next(number for number, line in enumerate(lines) if b'"done","file"' in line and b"a.wav" in line)
    lines[torn] = lines[torn][:40] + b"\x00\xff garbage"
    path.write_bytes(b"\n".join(lines)[:-15])
    here.done.clear()
    outcome = run(out, sources)
    assert (here.done, outcome.damaged, outcome.count("done")) == (["a.wav"], 2, 3)


def test_a_ledger_of_another_version_is_told(folders: tuple[Path, Path], here: Here) -> None:
    from mer_batch.batch import ledger

    sources, out = folders
    out.mkdir()
    (out / NAME).write_bytes(ledger._line({"v": 99, "event": "done", "file": "x"}))
    assert run(out, sources).foreign == 1


def test_names_of_people_are_left_out_of_index_and_table_as_out_of_pages(
    folders: tuple[Path, Path], here: Here
) -> None:
    sources, out = folders
    (sources / "a.vtt").write_text("WEBVTT\n\n00:00.000 --> 00:00.400\n<v Wilhelmine>I am so happy today.\n")
    outcome = run(out, sources / "a.wav", redact="names")
    assert outcome.count("done") == 1
    assert b"Wilhelmine" not in (out / NAME).read_bytes()


def test_paths_need_no_utf8(tmp_path: Path, here: Here) -> None:
    name = os.fsdecode(b"lat\xe9in\n\"'#%.wav")
    try:
        toy_batch.sounds(tmp_path / "in", "plain.wav")
        (tmp_path / "in" / "plain.wav").rename(tmp_path / "in" / name)
    except OSError:
        pytest.skip("this file system takes UTF-8 alone")
    from mer_batch.batch import table
    from mer_batch.pages.batch import write_index

    out = tmp_path / "out"
    outcome = run(out, tmp_path / "in")
    assert [entry.state for entry in outcome.entries.values()] == ["done"]
    entries = list(outcome.entries.values())
    assert table.write(out, table.rows(entries))[0].read_text(encoding="utf-8")
    assert "lat%E9in%0A" in write_index(out, entries, table.Groups()).read_text(encoding="utf-8")
    assert run(out, tmp_path / "in").again == 1


def test_what_a_killed_run_left_half_written_goes_in_time(folders: tuple[Path, Path], here: Here) -> None:
    sources, out = folders
    run(out, sources)
    kept = out / "deep" / ".mine.html"
    old, new = out / "deep" / ".mer-part.c.x1.html", out / ".mer-part.a.x2.html"
    for path in (kept, old, new):
        path.write_text("half")
    for path in (kept, old):
        os.utime(path, (1e9, 1e9))
    run(out, sources)
    assert (kept.exists(), old.exists(), new.exists()) == (True, False, True)
