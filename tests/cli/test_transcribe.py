"""`mer data transcribe`: from sounds to a file of texts, with the word error rate."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner, Result

import sounds
import toy_voice
from mer_batch.cli import app
from mer_batch.data import transcribing as transcribe_set
from mer_batch.tasks.transcripts import read_transcripts
from mer_batch.text import recognizer
from text import toy_whisper


@pytest.fixture
def toy(tmp_path: Path) -> str:
    return f"whisper:{toy_whisper.write(tmp_path / 'toy.pt', ' Say the word back.', 1.2)}"


@pytest.fixture
def tess(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two clips of two speakers; the toy recognizer hears "back" in all of them."""
    (folder := tmp_path / "tess").mkdir()
    rng = np.random.default_rng(0)
    rows = []
    for speaker, word in [("OAF", "back"), ("OAF", "bar"), ("YAF", "back"), ("YAF", "back")]:
        path = f"{speaker}_{word}_{len(rows)}.wav"
        (folder / path).write_bytes(toy_voice.wav(toy_voice.tone(len(rows), 1.2, rng)))
        rows.append({"path": path, "label": "sad", "speaker": f"tess_{speaker}", "sentence_or_word": word})
    pd.DataFrame(rows).to_csv(folder / "manifest.csv", index=False)
    splits = pd.DataFrame({"id": [f"tess/{Path(row['path']).stem}" for row in rows], "split": ["train", "test"] * 2})
    splits.to_csv(tmp_path / "split.csv", index=False)
    monkeypatch.setattr(transcribe_set, "SpeechDetector", lambda model: sounds.Loud())
    monkeypatch.setattr(recognizer, "FASTEST", math.inf)  # the toy attends to nothing, so its words have no times
    monkeypatch.chdir(tmp_path)
    return folder


def mer(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["data", "transcribe", *map(str, arguments)])


def test_texts_and_the_word_error_rate_come_out(tess: Path, toy: str) -> None:
    result = mer(tess, "--asr", toy, "--out", "texts.json", "--csv", "texts.csv", "--quiet")
    assert result.exit_code == 0, result.output
    texts = json.loads(Path("texts.json").read_text())
    assert texts == dict.fromkeys(
        ["tess/OAF_back_0", "tess/OAF_bar_1", "tess/YAF_back_2", "tess/YAF_back_3"], "Say the word back."
    )
    assert read_transcripts(Path("texts.json")) == texts
    lines = result.output.splitlines()
    assert lines[0] == "texts.json: 4 clips (en 4)"
    assert lines[1].startswith("word error rate 6.2% (95 % interval 0.0% to 100.0%, over 2 speakers)")
    assert lines[2] == "16 words: 1 replaced, 0 left out, 0 added; 3 of 4 clips without an error"
    by_speaker = {line.split()[0]: line.split()[-1] for line in lines[4:]}
    assert by_speaker == {"tess_OAF": "12.5%", "tess_YAF": "0.0%"}
    table = pd.read_csv("texts.csv")
    assert list(table["truth"]) == [f"Say the word {word}." for word in ("back", "bar", "back", "back")]


def test_one_part_of_a_split_is_enough(tess: Path, toy: str, tmp_path: Path) -> None:
    asked = [tess, "--asr", toy, "--out", "texts.json", "--split", tmp_path / "split.csv"]
    result = mer(*asked, "--part", "test")
    assert list(json.loads(Path("texts.json").read_text())) == ["tess/OAF_bar_1", "tess/YAF_back_3"]
    assert "word error rate 12.5%" in result.output
    result = mer(*asked)
    assert {line.split()[0] for line in result.output.splitlines() if line} >= {"test", "train", "tess_OAF", "tess_YAF"}
    result = mer(*asked, "--part", "dev")
    assert result.exit_code == 2
    assert "unknown split of tess 'dev'" in result.output


def test_several_sets_go_into_one_file(tess: Path, toy: str, tmp_path: Path) -> None:
    (other := tmp_path / "mine" / "sad").mkdir(parents=True)
    (other / "1.wav").write_bytes(toy_voice.wav(toy_voice.tone(0, 1.2, np.random.default_rng(1))))
    result = mer(tess, other.parent, "--asr", toy, "--out", "texts.json")
    assert list(json.loads(Path("texts.json").read_text()))[3:] == ["tess/YAF_back_3", "mine/1"]
    assert "of 4 clips without" in result.output  # nobody knows what is said in mine


def test_clips_that_cannot_be_read_are_named_and_left_out(tess: Path, toy: str) -> None:
    (tess / "OAF_bar_1.wav").write_bytes(b"")
    result = mer(tess, "--asr", toy, "--out", "texts.json")
    assert result.exit_code == 0
    assert "OAF_bar_1.wav" in result.output
    assert "tess/OAF_bar_1" not in json.loads(Path("texts.json").read_text())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing", "--asr", "whisper:base"], "the data set nothing is not in"),
        (["tess", "--asr", "none"], "--asr none hears nothing"),
        (["tess", "--asr", "whisper:bse"], "Did you mean 'base'"),
        (["tess", "--asr", "whisper:base", "--split", "no.csv"], "cannot read no.csv"),
    ],
)
def test_mistakes_are_one_line(tess: Path, arguments: list[str], message: str) -> None:
    result = mer(*arguments, "--out", "texts.json")
    assert result.exit_code in (1, 2)
    assert message in result.output
    assert len(result.output.strip().splitlines()) == 1
    assert not Path("texts.json").exists()


def test_a_set_is_found_by_its_name(tess: Path, toy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (tess.parent / "data" / "speech").mkdir(parents=True)
    tess.rename(tess.parent / "data" / "speech" / "tess")
    monkeypatch.setenv("MER_DATA", str(tess.parent / "data"))
    for name in ("tess", "speech/tess"):
        result = mer(name, "--asr", toy, "--out", "texts.json", "--quiet")
        assert result.exit_code == 0, result.output
        assert len(read_transcripts(Path("texts.json"))) == 4
    result = mer("no-such-set", "--asr", toy, "--out", "texts.json", "--quiet")
    assert result.exit_code != 0
    assert "no-such-set is not in" in result.output
