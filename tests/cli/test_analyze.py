"""`mer analyze` and `mer report` from end to end on the example clip, whose truth is known."""

from __future__ import annotations

import csv
import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mer_batch.cli import app
from mer_batch.labels import EMOTIONS
from mer_batch.resources import data_dir
from mer_batch.timeline import io
from mer_batch.types import Timeline

ROOT = Path(__file__).resolve().parent.parent.parent
EXAMPLE = ROOT / "examples" / "interview.mp4"
TRUTH = json.loads((ROOT / "examples" / "interview.truth.json").read_text())


def mer(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return result.exit_code, result.output


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example analysed once with the shipped models; returns its folder."""
    folder = tmp_path_factory.mktemp("example")
    shutil.copy(EXAMPLE, folder)
    labels = EXAMPLE.with_suffix(".truth.csv")
    code, output = mer("analyze", folder / EXAMPLE.name, "--labels", labels, "--device", "cpu")
    assert code == 0, output
    assert "looks" in output
    return folder


@pytest.fixture(scope="module")
def timeline(run: Path) -> Timeline:
    return io.from_json((run / "interview.mp4.timeline.json").read_text())


def test_without_out_everything_lies_beside_the_input(run: Path) -> None:
    names = {path.name for path in run.iterdir()}
    assert names == {
        "interview.mp4",
        "interview.mp4.html",
        "interview.mp4.timeline.json",
        "interview.mp4.timeline.csv",
    }


def test_everything_said_is_bound_to_who_is_in_view(timeline: Timeline) -> None:
    for said in timeline.utterances:
        in_view = {p.name for p in timeline.people if any(a < said.end and b > said.start for a, b in p.spans)}
        assert {said.person} == in_view, said


def test_changes_are_found_within_half_a_second(timeline: Timeline) -> None:
    found = [event.time for event in timeline.events if event.kind == "change"]
    for change in TRUTH["changes"]:
        assert min(abs(time - change["time"]) for time in found) <= 0.5, change


def test_the_cut_is_found_and_no_other(timeline: Timeline) -> None:
    cuts = [event.time for event in timeline.events if event.kind == "cut"]
    assert cuts == [pytest.approx(TRUTH["cut"], abs=0.25)]


def test_who_leaves_and_returns_has_a_gap(timeline: Timeline) -> None:
    absence = TRUTH["absence"]
    inside = [s for s in timeline.segments if s.start >= absence["no_face_from"] and s.end <= absence["no_face_until"]]
    assert inside
    for segment in inside:
        assert segment.weights[0] == 0
        if segment.probabilities is None:
            assert segment.label is None
            assert "face" in segment.reason or "picture" in segment.reason
    faces = [o for o in timeline.observations if o.modality == "face"]
    middle = (absence["nobody_from"] + absence["nobody_until"]) / 2
    assert not [o for o in faces if o.start <= middle < o.end]
    assert [o for o in faces if o.start > absence["half_face_until"]]


def test_words_come_from_the_subtitle_track(timeline: Timeline) -> None:
    spoken = [line["text"] for line in TRUTH["speech"]]
    assert [utterance.text for utterance in timeline.utterances] == spoken
    assert {utterance.source for utterance in timeline.utterances} == {"subtitles"}


def test_timeline_round_trips(run: Path, timeline: Timeline) -> None:
    text = (run / "interview.mp4.timeline.json").read_text()
    assert io.to_json(io.from_json(text)) == text
    assert json.loads(text)["schema"] == 1
    assert {model.modality for model in timeline.provenance.models} == {"face", "voice", "text", "fusion"}


def test_table_has_a_row_per_segment(run: Path, timeline: Timeline) -> None:
    with (run / "interview.mp4.timeline.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(timeline.segments)
    for row, segment in zip(rows, timeline.segments, strict=True):
        assert float(row["start"]) == pytest.approx(segment.start, abs=1e-3)
        if segment.probabilities is not None:
            assert sum(float(row[name]) for name in EMOTIONS) == pytest.approx(1, abs=1e-3)


def test_report_is_rebuilt_without_models(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mer_batch.readers.load_classifier", None)
    code, output = mer("report", run / "interview.mp4.timeline.json", "--out", tmp_path / "again.html")
    assert code == 0, output
    assert "interview.mp4" in (tmp_path / "again.html").read_text()
    assert (tmp_path / "again.timeline.csv").read_text() == (run / "interview.mp4.timeline.csv").read_text()


def test_redaction_leaves_no_face_and_no_word(run: Path, tmp_path: Path) -> None:
    code, output = mer(
        "report", run / "interview.mp4.timeline.json", "--out", tmp_path / "r.html", "--redact", "faces,words,names"
    )
    assert code == 0, output
    for name in ("r.html", "r.timeline.json", "r.timeline.csv"):
        text = (tmp_path / name).read_text()
        assert "/9j/" not in text, name  # how every JPEG begins in base64
        assert TRUTH["speech"][0]["text"] not in text, name
        assert "interview.mp4" not in text, name


@pytest.mark.parametrize("text", ["", "{}", '{"schema": 99}', "[1, 2"])
def test_damaged_timelines_are_one_line_and_exit_3(text: str, tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text(text)
    code, output = mer("report", tmp_path / "t.json")
    assert code == 3
    assert len(output.strip().splitlines()) == 1


def test_a_lost_modality_leaves_the_others_and_exit_4(tmp_path: Path) -> None:
    model = tmp_path / "broken-model"
    shutil.copytree(data_dir("models") / "voice", model)
    (model / "weights.safetensors").write_bytes(b"cut short")
    code, output = mer(
        "analyze", EXAMPLE, "--out", tmp_path / "r.html", "--modalities", "voice,text", "--voice-model", model
    )
    assert code == 4, output
    assert "voice was lost to an error" in output
    assert "Traceback" not in output
    data = json.loads((tmp_path / "r.timeline.json").read_text())
    assert data["lost"] == ["voice"]
    assert (tmp_path / "r.html").is_file()
    assert [o for o in io.from_json(json.dumps(data)).observations if o.modality == "text"]


def test_range_limits_what_is_read(tmp_path: Path) -> None:
    code, output = mer("analyze", EXAMPLE, "--out", tmp_path / "r.html", "--start", "4", "--end", "6", "--quiet")
    assert code == 0, output
    observations = io.from_json((tmp_path / "r.timeline.json").read_text()).observations
    assert observations
    assert all(o.start >= 3.5 and o.end <= 6.5 for o in observations)


@pytest.mark.skipif(sys.platform == "win32", reason="signals differ")
def test_interrupt_leaves_no_half_written_file_and_exits_130(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mer_batch", "analyze", str(EXAMPLE), "--out", str(tmp_path / "r.html")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stderr is not None
        time.sleep(0.1)
        while "ffmpeg" not in _children(process.pid) and process.poll() is None:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert list(tmp_path.iterdir()) == []


def _children(pid: int) -> str:
    return subprocess.run(["ps", "--ppid", str(pid), "-o", "args="], capture_output=True, text=True, check=False).stdout


def test_malformed_labels_cost_no_result(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("start,end,person,emotion\nsoon,later,,happy\n")
    code, output = mer(
        "analyze", EXAMPLE, "--out", tmp_path / "r.html", "--end", "2", "--labels", tmp_path / "labels.csv", "--quiet"
    )
    assert code == 1
    assert len(output.strip().splitlines()) == 1
    assert io.from_json((tmp_path / "r.timeline.json").read_text()).segments
