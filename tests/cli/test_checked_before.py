"""Every wrong option is told before a picture or a sound is decoded."""

from __future__ import annotations

import shutil
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError

import pytest
from typer.testing import CliRunner

import clips
import toy_fer
from mer_batch import pipeline
from mer_batch.cli import app
from mer_batch.config import Options
from mer_batch.errors import MerError
from mer_batch.media.process import Ffmpeg
from mer_batch.resources import data_dir
from mer_batch.text import asr

SRT = "1\n00:00:00,500 --> 00:00:01,000\nI am fine.\n"
WAV = ("-f", "lavfi", "-i", "sine=440:duration=1")


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of picture and sound."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    return clips.make(path, *clips.corners(2), *clips.tone(2), *clips.X264, "-c:a", "aac")


@pytest.fixture(autouse=True)
def nothing_is_decoded(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail where work begins; `probe` reads headers only."""
    begun: list[object] = []

    def start(_self: object, *arguments: object, **_options: object) -> None:
        begun.append(arguments)
        raise AssertionError("decoding has begun")

    monkeypatch.setattr(Ffmpeg, "__init__", start)
    yield
    assert begun == []


@pytest.fixture
def folder(clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with the clip and with files that are wrong in one way each."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    shutil.copy(clip, tmp_path)
    (tmp_path / "empty.srt").touch()
    (tmp_path / "silent.vtt").write_text("WEBVTT\n")
    (tmp_path / "words.doc").write_text("I am fine.")
    (tmp_path / "words.srt").write_text(SRT)
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.srt").mkdir()
    (tmp_path / "times.csv").write_text("start,end,person,emotion\nsoon,later,,happy\n")
    (tmp_path / "moods.csv").write_text("start,end,person,emotion\n0,1,,bluish\n")
    (tmp_path / "none.csv").write_text("start,end,person,emotion\n")
    (tmp_path / "right.csv").write_text("start,end,person,emotion\n0,1,,happy\n")
    for name, file in (("cut", "weights.safetensors"), ("mute", "vocabulary.txt"), ("blank", "model.toml")):
        shutil.copytree(data_dir("models") / "text", tmp_path / name)
        (tmp_path / name / file).write_bytes(b"= cut short")
    shutil.copytree(data_dir("models") / "text", tmp_path / "light")
    (tmp_path / "light" / "weights.safetensors").unlink()
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "recipe.toml").touch()
    return tmp_path


def refused(code: int, message: str, *arguments: str) -> None:
    result = CliRunner().invoke(app, [*arguments])
    assert result.exit_code == code, result.output
    assert message in result.output
    assert len(result.output.strip().splitlines()) == 1, result.output


@pytest.mark.parametrize(
    ("code", "message", "arguments"),
    [
        (2, "unknown model 'nobody'", ("--face-model", "nobody")),
        (2, "holds a face model; a voice model is needed", ("--voice-model", "face")),
        (2, "holds a voice model; a text model is needed", ("--text-model", "voice")),
        (2, "holds a text model; a face model is needed", ("--face-model", "text")),
        (1, "weights.safetensors is not the file that its card describes", ("--text-model", "cut")),
        (1, "leave it out: --modalities face,voice", ("--text-model", "cut")),
        (1, "vocabulary.txt is not the file that its card describes", ("--text-model", "mute")),
        (1, "malformed", ("--text-model", "blank")),
        (1, "cannot read light/weights.safetensors", ("--text-model", "light")),
        (2, "has no model yet; finish it with", ("--text-model", "run")),
        (2, "names no model", ("--face-model", "hf:")),
        (1, "hf:no/such cannot be used as a text model", ("--text-model", "hf:no/such")),
        (2, "holds a text model; a fusion model is needed", ("--fusion-model", "text")),
        (2, "unknown model 'nobody'", ("--fusion-model", "nobody")),
        (2, "no audio track 3", ("--audio-track", "3")),
        (2, "no audio track -1", ("--audio-track", "-1")),
        (2, "--start 9 lies behind the end", ("--start", "9")),
        (2, "--start 600 lies behind the end", ("--start", "600", "--end", "700")),
        (2, "is empty; --end must lie after --start", ("--start", "nan")),
        (2, "is empty; --end must lie after --start", ("--end", "nan")),
        (2, "is empty; --end must lie after --start", ("--end", "inf")),
        (2, "step must be at least 0.02 s", ("--step", "1e-9")),
        (2, "unknown device 'tpu'", ("--device", "tpu")),
        (2, "device 'cuda:77' is not there", ("--device", "cuda:77")),
        (2, "unknown --diarizer 'parrot'", ("--diarizer", "parrot")),
        (2, "unknown speech recognizer 'parrot'", ("--asr", "parrot")),
        (2, "unknown Whisper model", ("--asr", "whisper:parrot")),
        (1, "whisper:tiny could not be fetched (no route to host)", ("--asr", "whisper:tiny")),
        (2, "unknown language 'klingon'", ("--language", "klingon")),
        (1, "holds no words", ("--transcript", "empty.srt")),
        (1, "holds no words", ("--transcript", "silent.vtt")),
        (2, "unknown kind of transcript", ("--transcript", "words.doc")),
        (2, "no transcript at folder.srt", ("--transcript", "folder.srt")),
        (1, "start and end must be seconds", ("--labels", "times.csv")),
        (1, "bluish", ("--labels", "moods.csv")),
        (1, "has no rows", ("--labels", "none.csv")),
        (2, "a file stands where a folder is needed", ("--out", "file/r.html")),
        (2, "is a folder", ("--out", "folder.srt")),
        (2, "is no ordinary file", ("--out", "/dev/null")),
        (2, "File name too long", ("--out", "r" * 250)),
        (2, "clip.mp4 would be written over", ("--out", "clip.mp4")),
        (2, "words.srt would be written over", ("--out", "./words.srt", "--transcript", "words.srt")),
        (2, "right.csv would be written over", ("--out", "right.csv", "--labels", "right.csv")),
        (2, "--engine: how several files are read, and clip.mp4 is one", ("--engine", "spark")),
        (2, "--split and --force: how several files are read", ("--split", "-1", "--force")),
        (2, "--workers and --retry-failed: how several", ("--workers", "2", "--retry-failed")),
    ],
)  # fmt: skip
def test_wrong_options(
    code: int, message: str, arguments: tuple[str, ...], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def urlopen(*_arguments: object, **_options: object) -> object:
        raise URLError("no route to host")

    monkeypatch.setattr("urllib.request.urlopen", urlopen)
    before = sorted(folder.rglob("*"))
    refused(code, message, "analyze", "clip.mp4", *arguments)
    assert sorted(folder.rglob("*")) == before


def test_a_track_of_a_file_without_sound(folder: Path) -> None:
    clips.make(folder / "mute.mp4", *clips.corners(1), *clips.X264)
    refused(2, "it has no sound", "analyze", "mute.mp4", "--audio-track", "0")


def test_an_extra_that_is_not_installed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mer_batch.checks.find_spec", lambda name: None)
    refused(1, "pip install 'mer-batch[hub]'", "analyze", "clip.mp4", "--face-model", "hf:any/name")


def test_a_chosen_model_that_does_not_load(folder: Path) -> None:
    """Its files are whole, but not those of its architecture."""
    shutil.copytree(data_dir("models") / "voice", folder / "other")
    card = folder / "other" / "model.toml"
    card.write_text(card.read_text().replace('net = "', 'net = "no-'))
    refused(2, "unknown", "analyze", "clip.mp4", "--voice-model", "other")


def test_a_full_disk(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")(10**9, 10**9, 10**6)
    monkeypatch.setattr("mer_batch.files.shutil.disk_usage", lambda _path: usage)
    refused(2, "has room for 1 MB, and 20 MB are needed", "analyze", "clip.mp4")


def test_the_recording_inside_the_page_needs_room_too(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")(10**9, 10**9, 25 * 10**6)
    monkeypatch.setattr("mer_batch.files.shutil.disk_usage", lambda _path: usage)
    with (folder / "clip.mp4").open("ab") as file:
        file.truncate(6_000_000)
    refused(2, "28 MB are needed", "analyze", "clip.mp4", "--embed-media")


def test_words_that_nobody_can_hear_are_told_at_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No weights and no network: `auto` does without, and says so before the pictures, not after them."""

    class ToldError(Exception):
        pass

    def urlopen(*_arguments: object, **_options: object) -> object:
        raise URLError("no route to host")

    def tell(notice: str) -> None:
        raise ToldError(notice)

    monkeypatch.setattr("urllib.request.urlopen", urlopen)
    with pytest.raises(
        ToldError, match=f"no words were read: the speech recognizer {asr.default()} could not be fetched"
    ):
        pipeline.analyze(folder / "clip.mp4", on_notice=tell)


def test_a_transcript_that_is_not_read_is_told(folder: Path) -> None:
    told: list[str] = []
    options = Options(transcript=folder / "words.srt", modalities=("face",), face_model="text")
    with pytest.raises(MerError, match="a face model is needed"):
        pipeline.analyze(folder / "clip.mp4", options, on_notice=told.append)
    assert told == []


@pytest.mark.parametrize(
    ("code", "message", "arguments"),
    [
        (2, "right.csv would be written over", ("t.json", "--labels", "right.csv", "--out", "right.csv")),
        (1, "has no rows", ("t.json", "--labels", "none.csv")),
        (2, "a file stands where", ("t.json", "--out", "file/r.html")),
    ],
)
def test_a_report_of_a_timeline(code: int, message: str, arguments: tuple[str, ...], folder: Path) -> None:
    refused(code, message, "report", *arguments)


def no_data_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(*_arguments: object) -> None:
        raise AssertionError("the data are read")

    for name in ("face.Fer2013", "text.TextTask"):
        for method in ("train", "held_out"):
            monkeypatch.setattr(f"mer_batch.tasks.{name}.{method}", read)


@pytest.mark.parametrize(
    ("message", "arguments"),
    [
        ("a file stands where a folder is needed; choose another place with --json", ("face", "--json", "file/x.json")),
        ("a file stands where a folder is needed", ("face", "--out", "file")),
        ("device 'cuda:77' is not there", ("face", "--device", "cuda:77")),
        ("unknown engine 'steam'", ("--seeds", "1", "--recipe", "fer", "--engine", "steam")),
        ("--workers must be 1 or more", ("--seeds", "1", "--recipe", "fer", "--workers", "0")),
        ("device 'cuda:77' is not there", ("--seeds", "1", "--recipe", "fer", "--device", "cuda:77")),
        ("with --json", ("--seeds", "1", "--recipe", "fer", "--json", "file/x.json")),
        ("a file stands where", ("--seeds", "1", "--recipe", "fer", "--out", "file/x")),
    ],
)
def test_an_evaluation(message: str, arguments: tuple[str, ...], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_data_is_read(monkeypatch)
    refused(2, message, "evaluate", *arguments)


@pytest.mark.parametrize(
    ("message", "arguments"),
    [
        ("a file stands where a folder is needed", ("fer", "--out", "file/x")),
        ("device 'cuda:77' is not there", ("fer", "--device", "cuda:77")),
        ("needs a GPU", ("fer", "--set", "train.precision='bf16'", "--device", "cpu")),
        ("unknown run or model 'nobody'", ("fer", "--set", "distill.teachers=['nobody']")),
        ("reads voice, not face", ("fer", "--set", "distill.teachers=['voice']")),
    ],
)
def test_a_training(message: str, arguments: tuple[str, ...], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MER_DATA", str(toy_fer.make(folder / "sets")))
    no_data_is_read(monkeypatch)
    refused(2, message, "train", *arguments)


def test_a_training_on_texts(folder: Path, shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MER_DATA", str(shared_data))
    no_data_is_read(monkeypatch)
    refused(2, "cannot blend", "train", "text", "--set", "train.cutmix=1.0")


@pytest.mark.parametrize(
    ("code", "message", "arguments"),
    [
        (2, "choose another place with --json", ("check", "set", "--json", "file/x.json")),
        (2, "choose another place with --csv", ("check", "set", "--csv", "file/x.csv")),
        (2, "choose another place with --fix", ("check", "set", "--fix", "file/x")),
        (2, "lies inside the source", ("check", "set", "--fix", "set/fixed")),
        (2, "unknown device 'tpu'", ("check", "set", "--faces", "--device", "tpu")),
        (2, "a file stands where", ("import", "folder", "set", "--out", "file/x")),
        (2, "unknown kind", ("import", "nothing", "set", "--out", "new")),
        (2, "unknown language 'klingon'", ("transcribe", "set", "--out", "x.json", "--language", "klingon")),
        (2, "choose another place with --csv", ("transcribe", "set", "--out", "x.json", "--csv", "file/x.csv")),
        (2, "unknown device 'tpu'", ("transcribe", "set", "--out", "x.json", "--device", "tpu")),
        (1, "nowhere", ("transcribe", "set", "nowhere", "--out", "x.json")),
        (2, "unknown split of set 'third'", ("transcribe", "set", "--out", "x.json", "--part", "third")),
    ],
)
def test_work_on_sets(
    code: int, message: str, arguments: tuple[str, ...], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(*_arguments: object, **_options: object) -> None:
        raise AssertionError("the set is read")

    (folder / "set" / "happy").mkdir(parents=True)
    clips.make(folder / "set" / "happy" / "a.wav", *WAV)
    for name in ("data.scan.scan", "data.check.scan", "data.transcribing.transcribe_set", "data.importing._read_all"):
        monkeypatch.setattr(f"mer_batch.{name}", read)
    refused(code, message, "data", *arguments)
