"""`mer analyze` and `mer report` from end to end on the example clip, whose truth is known."""

from __future__ import annotations

import csv
import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import clips
from mer_batch.cli import app
from mer_batch.labels import EMOTIONS
from mer_batch.text import asr, transcribe
from mer_batch.text.chunks import Chunk
from mer_batch.text.transcribe import Words
from mer_batch.timeline import io
from mer_batch.types import Floats, Timeline
from mer_batch.voice import activity, classify
from mer_batch.voice.classify import VoiceNet
from sounds import hiss, loud_is_speech, silence
from toy_voice import wav

__all__ = ["loud_is_speech"]
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


class Broken(VoiceNet):
    """A model whose files are whole and which cannot read all the same."""

    def logits(self, items: object) -> Floats:
        raise RuntimeError("out of memory")


@pytest.mark.usefixtures("own_readers")
def test_a_lost_modality_leaves_the_others_and_exit_4(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classify, "VoiceNet", Broken)
    code, output = mer("analyze", EXAMPLE, "--out", tmp_path / "r.html", "--modalities", "voice,text")
    assert code == 4, output
    assert "voice was lost to an error: out of memory" in output
    assert "Traceback" not in output
    data = json.loads((tmp_path / "r.timeline.json").read_text())
    assert data["lost"] == ["voice"]
    assert (tmp_path / "r.html").is_file()
    found = io.from_json(json.dumps(data))
    assert [o for o in found.observations if o.modality == "text"]
    assert not [o for o in found.observations if o.modality == "voice"]
    # Where people speak, and how loud, does not hang on the reader of emotions.
    spoken = sum(end - start for start, end in found.speech)
    assert spoken == pytest.approx(sum(line["end"] - line["start"] for line in TRUTH["speech"]), rel=0.35)
    assert found.loudness


@pytest.mark.usefixtures("loud_is_speech", "own_readers")
@pytest.mark.parametrize("fails", ["logits", "__init__"])
def test_without_a_reader_of_voices_words_are_heard_in_speech_alone(
    fails: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object) -> Floats:
        raise RuntimeError("out of memory")

    heard: list[Chunk] = []

    def hear(_sound: object, _recognizer: object, chunks: list[Chunk], *_rest: object) -> Words:
        heard.extend(chunks)
        return Words((), "toy")

    sound = np.concatenate([silence(4), hiss(3), silence(4)])
    (tmp_path / "sound.wav").write_bytes(wav(sound))
    monkeypatch.setattr(classify.VoiceNet, fails, fail)
    monkeypatch.setattr(transcribe, "hear", hear)
    monkeypatch.setattr(asr, "choose", lambda *_: "whisper:base")
    monkeypatch.setattr(asr, "kept", lambda *_name, **_options: tmp_path)
    monkeypatch.setattr(asr, "load", lambda *_name: None)
    code, output = mer("analyze", tmp_path / "sound.wav", "--out", tmp_path / "r.html")
    assert code == 4, output
    assert "voice was lost to an error: out of memory" in output
    pieces = [piece for chunk in heard for piece in chunk.pieces]
    assert [edge for piece in pieces for edge in piece] == pytest.approx([4, 7], abs=0.3)


def test_where_speech_is_not_known_no_recognizer_invents_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object) -> None:
        raise RuntimeError("no such operator")

    (tmp_path / "sound.wav").write_bytes(wav(silence(3)))
    monkeypatch.setattr(activity, "load_silero", fail)
    monkeypatch.setattr(asr, "choose", lambda *_: "whisper:base")
    monkeypatch.setattr(asr, "kept", lambda *_name, **_options: tmp_path)
    monkeypatch.setattr(asr, "load", fail)
    code, output = mer("analyze", tmp_path / "sound.wav", "--out", tmp_path / "r.html")
    assert code == 4, output
    assert "text was lost to an error: where somebody speaks is not known" in output


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


def test_labels_that_do_not_fit_cost_no_result(tmp_path: Path) -> None:
    """Whom the file shows is known only in the end, unlike what is wrong with the table itself."""
    (tmp_path / "labels.csv").write_text("start,end,person,emotion\n0,2,Nobody we know,happy\n")
    code, output = mer(
        "analyze", EXAMPLE, "--out", tmp_path / "r.html", "--end", "2", "--labels", tmp_path / "labels.csv", "--quiet"
    )
    assert code == 1
    assert len(output.strip().splitlines()) == 1
    assert "the labels name 'Nobody we know'" in output
    assert io.from_json((tmp_path / "r.timeline.json").read_text()).segments
    assert (tmp_path / "r.timeline.csv").is_file()
    assert "</html>" in (tmp_path / "r.html").read_text()


def lines(path: Path, name: Callable[[dict[str, float]], str | None], first: int = 0, last: int = 99) -> Path:
    """The example's words as WebVTT, with a name for each line."""
    cues = []
    for line in TRUTH["speech"][first:last]:
        who = name(line)
        cues.append(
            f"00:{line['start']:06.3f} --> 00:{line['end']:06.3f}\n{f'<v {who}>' if who else ''}{line['text']}\n"
        )
    path.write_text("\n".join(["WEBVTT\n", *cues]))
    return path


def test_a_name_in_the_words_is_the_person_in_view(tmp_path: Path) -> None:
    """In lanes, people, segments, events, the table, the page and the labels; what was said so far stays."""
    words = lines(tmp_path / "named.vtt", lambda line: "Anna" if line["start"] < 8 else "anna")
    (tmp_path / "labels.csv").write_text("start,end,person,emotion\n3.5,6,Anna,happy\n")
    code, output = mer(
        "analyze", EXAMPLE, "--out", tmp_path / "r.html", "--transcript", words, "--end", "9",
        "--labels", tmp_path / "labels.csv", "--device", "cpu",
    )  # fmt: skip
    assert code == 0, output
    assert "speakers named in the words: Anna is in view" in output
    found = io.from_json((tmp_path / "r.timeline.json").read_text())
    assert [person.name for person in found.people] == ["Anna"]
    assert found.people[0].thumbnail
    for parts in (found.segments, found.utterances, found.observations):
        assert {part.person for part in parts} == {"Anna"}
    assert {observation.modality for observation in found.observations} == {"face", "voice", "text"}
    assert {event.person for event in found.events if event.kind != "cut"} == {"Anna"}
    assert max(sum(weight > 0 for weight in segment.weights) for segment in found.segments) == 3
    for name in ("r.html", "r.timeline.csv", "r.timeline.json"):
        text = (tmp_path / name).read_text()
        assert "Anna" in text
        assert "Person 1" not in text, name
    assert "Person 1" not in output


def test_names_are_left_out_where_that_is_asked_for(tmp_path: Path) -> None:
    words = lines(tmp_path / "named.vtt", lambda _line: "Anna", last=1)
    code, output = mer(
        "analyze", EXAMPLE, "--out", tmp_path / "r.html", "--transcript", words, "--end", "3", "--redact", "names", "-q"
    )
    assert code == 0, output
    for path in tmp_path.glob("r.*"):
        assert "Anna" not in path.read_text(), path


def test_sound_alone_is_as_many_people_as_the_words_name(tmp_path: Path) -> None:
    sound = clips.make(tmp_path / "sound.wav", "-i", str(EXAMPLE), "-vn", "-ac", "1")
    names = iter(["Anna", "Ben"] * 20)
    words = lines(tmp_path / "named.vtt", lambda _line: next(names))
    code, output = mer("analyze", sound, "--out", tmp_path / "r.html", "--transcript", words, "--device", "cpu")
    assert code == 0, output
    found = io.from_json((tmp_path / "r.timeline.json").read_text())
    assert [person.name for person in found.people] == ["Anna", "Ben"]
    for name in ("Anna", "Ben"):
        assert {o.modality for o in found.observations if o.person == name} == {"voice", "text"}
    for reading in found.observations:
        talking = {w.person for w in found.utterances if w.start < reading.end and w.end > reading.start}
        assert talking <= {reading.person}, reading  # no window reaches across a change of the speaker
    assert not [event for event in found.events if event.kind in ("enter", "leave")]


@pytest.mark.parametrize(("words", "name"), [("named.vtt", "Anna"), ("whisperx.json", "SPEAKER_00")])
def test_the_case_of_a_named_speaker(words: str, name: str, shared_data: Path, tmp_path: Path) -> None:
    case = shared_data.parent / "cases" / "named_speaker"
    if not case.is_dir():
        pytest.skip(f"the case is not at {case}")
    for transcript in (words, "plain.vtt"):
        out = tmp_path / f"{transcript}.html"
        code, output = mer("analyze", case / "clip.mp4", "--transcript", case / transcript, "--out", out, "-q")
        assert code == 0, output
    found, plain = (
        io.from_json((tmp_path / f"{transcript}.timeline.json").read_text()) for transcript in (words, "plain.vtt")
    )
    assert [person.name for person in found.people] == [name]
    assert [replace(segment, person="Person 1") for segment in found.segments] == list(plain.segments)
    assert {o.modality for o in found.observations if o.person == name} == {"face", "voice", "text"}
