"""Voices through the whole analysis, with a toy encoder: in one pass, kept, switched off, and lost alone."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from mer_batch.config import Options
from mer_batch.errors import UsageError
from mer_batch.fusion.align import BOUND_VOICE
from mer_batch.people import encoder
from mer_batch.pipeline import analyze
from mer_batch.types import Samples, Timeline
from sounds import loud_is_speech
from toy_voices import talk, toy_encoder

__all__ = ["loud_is_speech", "toy_encoder"]
pytestmark = pytest.mark.usefixtures("loud_is_speech", "toy_encoder")
TURNS = ((0, 5.0), (1, 4.0), (0, 3.0), (1, 5.0))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(tmp_path / "talk.wav", talk(TURNS)[0])


def write(path: Path, sound: Samples) -> Path:
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16000)
        out.writeframes((sound * 32767).astype(np.int16).tobytes())
    return path


def read(file: Path, **options: object) -> Timeline:
    return analyze(file, Options(**{"asr": "none", "device": "cpu", **options}))  # type: ignore[arg-type]


def people(timeline: Timeline) -> list[str]:
    return [person.name for person in timeline.people]


def test_two_voices_of_a_sound_file_are_two_people(file: Path) -> None:
    timeline = read(file)
    assert people(timeline) == ["Voice A", "Voice B"]
    truth = talk(TURNS)[1]
    voice = [reading for reading in timeline.observations if reading.modality == "voice"]
    assert voice
    for reading in voice:
        middle = (reading.start + reading.end) / 2
        who = next(w for start, end, w in truth if start - 0.2 <= middle <= end + 0.2)
        assert reading.person == f"Voice {'AB'[who]}"
        assert reading.flags[-1] == BOUND_VOICE
    assert [notice for notice in timeline.notices if notice.startswith("2 voices were told apart")]


def test_voices_can_be_left_together(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder, "load_encoder", lambda _folder: pytest.fail("it is not to be loaded"))
    for speakers in ("none", "1"):
        timeline = read(file, speakers=speakers)
        assert people(timeline) == ["Speaker"]
        assert not [notice for notice in timeline.notices if "voice" in notice]


def test_the_number_of_voices_can_be_told(file: Path) -> None:
    assert len(people(read(file, speakers="3"))) == 3
    most = read(file, speakers="50")
    assert 3 < len(people(most)) < 50
    assert [notice for notice in most.notices if notice.startswith("--speakers says 50, but only ")]


@pytest.mark.parametrize("wrong", ["0", "-1", "two", "51", "1.5", "", "²"])
def test_a_wrong_number_is_a_usage_error(wrong: str) -> None:
    with pytest.raises(UsageError, match="speakers must be auto, none or a number from 1 to 50"):
        Options(speakers=wrong)


def test_one_voice_is_the_speaker_as_ever(tmp_path: Path) -> None:
    timeline = read(write(tmp_path / "one.wav", talk(((0, 6.0), (0, 4.0)))[0]))
    assert people(timeline) == ["Speaker"]
    assert not [notice for notice in timeline.notices if "voice" in notice]


def test_words_have_voices_without_readings_of_the_voice(file: Path, tmp_path: Path) -> None:
    said = tmp_path / "talk.srt"
    said.write_text("1\n00:00:01,000 --> 00:00:05,000\nI am glad.\n\n2\n00:00:06,500 --> 00:00:09,500\nI am sad.\n")
    timeline = read(file, transcript=said)
    assert [one.person for one in timeline.utterances] == ["Voice A", "Voice B"]


@pytest.mark.parametrize("damage", ["absent", "damaged"])
def test_without_an_encoder_voices_stay_one_and_it_is_said_once(file: Path, toy_encoder: Path, damage: str) -> None:
    weights = toy_encoder / encoder.WEIGHTS
    encoder.shared_encoder.cache_clear()
    if damage == "absent":
        weights.unlink()
    else:
        weights.write_bytes(weights.read_bytes() + b"x")
    timeline = read(file)
    assert people(timeline) == ["Speaker"]
    assert timeline.lost == ()
    told = [notice for notice in timeline.notices if notice.startswith("voices are not told apart: ")]
    assert len(told) == 1


def test_a_failure_on_the_way_costs_voices_alone(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(encoder.Encoder, "embed", broken)
    timeline = read(file)
    assert people(timeline) == ["Speaker"]
    assert "voices are not told apart: out of memory" in timeline.notices
    assert [reading for reading in timeline.observations if reading.modality == "voice"]


def test_voices_are_kept_and_no_vector_is(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = Options(asr="none", device="cpu")
    first = analyze(file, options, keep=tmp_path / "kept")
    kept = list((tmp_path / "kept").rglob("*.voice.*"))
    assert len(kept) == 1
    assert kept[0].stat().st_size < 6000  # a vector a window would be more
    monkeypatch.setattr(encoder, "load_encoder", lambda _folder: pytest.fail("what is kept is not heard again"))
    encoder.shared_encoder.cache_clear()
    again = analyze(file, options, keep=tmp_path / "kept")
    assert again.observations == first.observations
    assert again.people == first.people
    assert people(analyze(file, Options(asr="none", device="cpu", speakers="none"), keep=tmp_path / "kept")) == [
        "Speaker"
    ]
