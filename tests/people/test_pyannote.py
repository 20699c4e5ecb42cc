"""A pipeline of pyannote.audio in the place of our own telling of voices, with a fake package: no hub is reached."""

from __future__ import annotations

import sys
import wave
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from pyannote.core import Annotation, Segment
from typer.testing import CliRunner

from mer_batch.cli import app
from mer_batch.config import Options
from mer_batch.errors import ModelError, UsageError
from mer_batch.people import diarizer, pyannote_audio
from mer_batch.people.voices import VoiceTurn
from mer_batch.pipeline import analyze
from sounds import loud_is_speech
from toy_voices import talk

__all__ = ["loud_is_speech"]
SOUND, TRUTH = talk(((0, 5.0), (1, 4.0), (0, 3.0)))


class Pipeline:
    """Answers with the truth, one speaker beginning before the other has ended."""

    calls: list[dict[str, Any]]

    @classmethod
    def from_pretrained(cls, name: str) -> Pipeline | None:
        if name == "gated":
            return None
        if name == "absent":
            raise OSError("no connection\nto the hub.")
        Pipeline.calls = [{"name": name}]
        return cls()

    def to(self, device: Any) -> None:
        self.calls.append({"device": str(device)})

    def __call__(self, heard: dict[str, Any], **options: Any) -> Any:
        self.calls.append({"shape": tuple(heard["waveform"].shape), "rate": heard["sample_rate"], **options})
        found = Annotation()
        for start, end, who in TRUTH:
            found[Segment(start - (0.8 if who else 0), end), who] = f"SPEAKER_{1 - who:02}"
        return found


class Newer(Pipeline):
    def __call__(self, heard: dict[str, Any], **options: Any) -> Any:
        class Output:
            speaker_diarization = super(Newer, self).__call__(heard, **options)

        return Output()


@pytest.fixture(params=[Pipeline, Newer])
def package(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    told: dict[str, Any] = {}
    audio = ModuleType("pyannote.audio")
    audio.Pipeline = request.param  # type: ignore[attr-defined]
    metrics = ModuleType("pyannote.audio.telemetry.metrics")
    metrics.set_telemetry_metrics = lambda on: told.update(telemetry=on)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pyannote.audio", audio)
    monkeypatch.setitem(sys.modules, "pyannote.audio.telemetry", ModuleType("pyannote.audio.telemetry"))
    monkeypatch.setitem(sys.modules, "pyannote.audio.telemetry.metrics", metrics)
    return told


@pytest.fixture
def file(tmp_path: Path) -> Path:
    with wave.open(str(tmp_path / "talk.wav"), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16000)
        out.writeframes((SOUND * 32767).astype(np.int16).tobytes())
    return tmp_path / "talk.wav"


@pytest.mark.usefixtures("loud_is_speech")
def test_its_speakers_are_voices_of_the_timeline(file: Path, package: dict[str, Any]) -> None:
    timeline = analyze(file, Options(asr="none", device="cpu", diarizer="pyannote:some/pipeline", speakers="2"))
    assert [person.name for person in timeline.people] == ["Voice A", "Voice B"]
    for reading in timeline.observations:
        middle = (reading.start + reading.end) / 2
        who = next(who for start, end, who in TRUTH if start - 0.3 <= middle <= end + 0.3)
        assert reading.person == f"Voice {'AB'[who]}"
    assert package == {"telemetry": False}
    name, device, heard = Pipeline.calls
    assert name == {"name": "some/pipeline"}
    assert device == {"device": "cpu"}
    assert heard["num_speakers"] == 2
    assert heard["rate"] == 16000
    assert abs(heard["shape"][1] - len(SOUND)) <= 1


def test_two_at_once_and_holes_leave_turns_that_tile_the_speech(package: dict[str, Any]) -> None:
    found = diarizer.load_diarizer("pyannote", "cpu")
    found.feed(0.0, SOUND)
    regions = [(0.6, 5.4), (6.0, 14.0)]
    turns = found.turns(regions, None)
    assert [turn.voice for turn in turns] == [0, 1, 0]
    assert turns[0] == VoiceTurn(0.6, 5.4, 0)
    assert turns[1].start == 6.0
    assert turns[1].end == turns[2].start == pytest.approx(10.25)
    assert turns[2].end == 14.0
    assert diarizer.load_diarizer("pyannote", "cpu").turns([], None) == ()


@pytest.mark.parametrize(("name", "says"), [("gated", "accepted its terms"), ("absent", "no connection to the hub;")])
def test_what_the_hub_refuses_is_one_line(package: dict[str, Any], name: str, says: str) -> None:
    with pytest.raises(ModelError, match=says) as told:
        diarizer.load_diarizer(f"pyannote:{name}", "cpu")
    assert "\n" not in str(told.value)


@pytest.mark.usefixtures("loud_is_speech")
def test_a_pipeline_that_cannot_be_had_costs_voices_alone(file: Path, package: dict[str, Any]) -> None:
    timeline = analyze(file, Options(asr="none", device="cpu", diarizer="pyannote:gated"))
    assert [person.name for person in timeline.people] == ["Speaker"]
    assert [one for one in timeline.notices if one.startswith("voices are not told apart: pyannote:gated cannot be")]


def test_without_the_package_it_is_told_before_the_work(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pyannote_audio, "find_spec", lambda _name: None)
    result = CliRunner().invoke(app, ["analyze", str(file), "--diarizer", "pyannote", "--asr", "none"])
    assert result.exit_code == 1
    assert "pyannote.audio is not installed; run: pip install 'mer-batch[pyannote]'" in result.output
    assert len(result.output.strip().splitlines()) == 1
    assert not list(file.parent.glob("*.html"))


@pytest.mark.parametrize("wrong", ["whisper", "pyannote:", ""])
def test_another_name_is_a_usage_error(wrong: str) -> None:
    with pytest.raises(UsageError, match="pyannote:NAME"):
        diarizer.check_diarizer(wrong)


def test_the_usual_pipeline_goes_with_the_version(monkeypatch: pytest.MonkeyPatch) -> None:
    names = []
    for version in ("3.3.2", "4.0.7", None):
        monkeypatch.setattr(pyannote_audio, "package_version", lambda _name, now=version: now)
        names.append(pyannote_audio.default())
    assert names == [pyannote_audio.USUAL[0], pyannote_audio.USUAL[1], pyannote_audio.USUAL[0]]
