"""Readers that are loaded when there is something to read: what is checked at once, and what is not loaded at all."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import clips
from mer_batch.classifier import Classifier
from mer_batch.cli import app
from mer_batch.deferred import Deferred, deferred
from mer_batch.errors import ModelError, UsageError
from mer_batch.readers import load_classifier
from mer_batch.resources import data_dir

SENTENCES = ["I am so glad to see you.", "What a sad day."]


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """A text model whose weights are not whole."""
    folder = tmp_path / "model"
    shutil.copytree(data_dir("models") / "text", folder)
    (folder / "weights.safetensors").write_bytes(b"cut short")
    return folder


def test_the_network_is_loaded_once_and_with_the_first_reading() -> None:
    loaded: list[tuple[Any, ...]] = []

    def load(*arguments: Any) -> Classifier[Any]:
        loaded.append(arguments)
        return load_classifier(*arguments)

    reader = deferred(load, "text", "default", "cpu")
    assert reader.card == load_classifier("text", "default", "cpu").card
    assert reader.predict([]).shape == (0, 7)
    assert loaded == []
    expected = load_classifier("text", "default", "cpu").predict(SENTENCES)
    for _ in range(2):
        assert np.array_equal(reader.predict(SENTENCES), expected)
    assert loaded == [("text", "default", "cpu")]


def test_names_cards_and_devices_are_checked_at_once(broken: Path) -> None:
    with pytest.raises(UsageError, match="unknown model 'nothing'"):
        deferred(load_classifier, "text", "nothing", "cpu")
    with pytest.raises(ModelError, match="holds a voice model; a text model is needed"):
        deferred(load_classifier, "text", "voice", "cpu")
    with pytest.raises(UsageError, match="unknown device"):
        deferred(load_classifier, "text", "default", "tpu")
    (broken / "model.toml").write_text("name = ")
    with pytest.raises(ModelError, match="is malformed"):
        deferred(load_classifier, "text", str(broken), "cpu")


def test_a_model_of_the_hub_is_loaded_at_once() -> None:
    asked: list[str] = []

    def load(modality: str, spec: str, device: str) -> Classifier[Any]:
        asked.append(spec)
        return Deferred(load_classifier("text", "default", "cpu").card, lambda: pytest.fail("not asked to read"))

    deferred(load, "text", "hf:some/name", "cpu")
    assert asked == ["hf:some/name"]


def test_a_network_that_nothing_needs_is_not_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def load(modality: str, spec: str, device: str) -> Classifier[Any]:
        raise ModelError(f"the {modality} model was asked for")

    monkeypatch.setattr("mer_batch.pipeline.asked.load_classifier", load)
    clip = clips.make(tmp_path / "a.wav", *clips.tone(1))
    arguments = ["analyze", clip, "--asr", "none", "--modalities", "text", "--out", tmp_path / "a.html"]
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    said = tmp_path / "said.srt"
    said.write_text("1\n00:00:00,000 --> 00:00:01,000\nHello there.\n")
    result = CliRunner().invoke(app, [str(argument) for argument in [*arguments, "--transcript", said]])
    assert result.exit_code == 4, result.output
    assert "the text model was asked for" in result.output
    assert json.loads((tmp_path / "a.timeline.json").read_text())["lost"] == ["text"]
