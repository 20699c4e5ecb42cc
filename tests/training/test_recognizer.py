"""The recognizer in Whisper's format: the compact network is the whole one, and the script trains and goes on."""

from __future__ import annotations

import json
import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
import torch
from typer.testing import CliRunner

import toy_voice
from mer_batch.cli import app
from mer_batch.text import asr
from mer_batch.types import SAMPLE_RATE

FOLDER = Path(__file__).resolve().parents[2] / "train" / "recognizer"


@pytest.fixture
def net(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(FOLDER))
    import net

    return net


def test_the_compact_network_says_what_whisper_says_with_its_file(net: ModuleType, tmp_path: Path) -> None:
    import whisper

    torch.manual_seed(0)
    tokens = net.tokenizer()
    words = tokens.encode(" Say the word back.")
    used = sorted({*words, tokens.sot, tokens.to_language_token("en"), tokens.transcribe, tokens.eot})
    model = net.Recognizer(used, letters=3).eval()
    net.save(tmp_path / "small.safetensors", model)
    net.expand(tmp_path / "small.safetensors", tmp_path / "whole.pt")
    whole = whisper.load_model(str(tmp_path / "whole.pt"), "cpu")

    mel = torch.full((1, 80, 3000), -1.0)
    mel[..., :200] = torch.randn(1, 80, 200)
    unknown = 1234
    said = [tokens.sot, tokens.to_language_token("en"), unknown, *words]
    with torch.inference_mode():
        expected = whole.decoder(torch.tensor([said]), whole.encoder(mel)).log_softmax(2)
        places = torch.arange(net.POSITIONS)
        features = model.encode(mel, places, torch.ones(len(places)))
        logits, _ = model.decode(torch.tensor([model.rows(said)]), features, torch.ones(len(places)))
    found = logits.log_softmax(2)
    torch.testing.assert_close(found[..., :-1], expected[..., used], atol=0.02, rtol=0.01)
    others = [token for token in range(net.VOCABULARY) if token not in used]
    torch.testing.assert_close(found[..., -1], expected[..., others].logsumexp(2), atol=0.02, rtol=0.01)
    assert (tmp_path / "small.safetensors").stat().st_size < (tmp_path / "whole.pt").stat().st_size / 4


def test_places_that_stand_for_many_equal_all_of_them(net: ModuleType) -> None:
    """Padding is all alike, so that one place with a count is as good as all; only the code of time differs."""
    torch.manual_seed(0)
    model = net.Recognizer([1, 2, 3], letters=3).eval()
    model.net.encoder.positional_embedding[200:] = model.net.encoder.positional_embedding[200]
    mel = torch.full((1, 80, 440), -1.0)
    mel[..., :380] = torch.randn(1, 80, 380)
    whole = torch.cat([mel, torch.full((1, 80, 2560), -1.0)], dim=2)
    with torch.inference_mode():
        everywhere = model.encode(whole, torch.arange(1499), torch.ones(1499))
        few = torch.cat([torch.arange(200), torch.tensor([700])])
        counts = torch.cat([torch.ones(200), torch.tensor([1299.0])])
        drawn = model.encode(mel, few, counts)
    torch.testing.assert_close(drawn[:, :200], everywhere[:, :200], atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(drawn[:, 200], everywhere[:, 700], atol=1e-4, rtol=1e-3)


@pytest.fixture
def sets(tmp_path: Path) -> Path:
    """Three sets with a few tones each, under names that the frozen splits list."""
    rng = np.random.default_rng(0)
    rows = {
        "ravdess": [
            (f"03-01-01-01-0{1 + n % 2}-01-{actor}", f"ravdess_{actor}", "Kids are talking by the door")
            for n, actor in enumerate(("01", "02", "15", "20"))
        ],
        "tess": [("OAF_back_sad", "tess_OAF", "back"), ("YAF_back_sad", "tess_YAF", "back")],
        "emodb": [("03a01Fa", "emodb_03", "a01")],
    }
    for name, clips in rows.items():
        (folder := tmp_path / "sets" / name).mkdir(parents=True)
        for clip, _, _ in clips:
            (folder / f"{clip}.wav").write_bytes(toy_voice.wav(toy_voice.tone(1, 1.0, rng)))
        table = [
            {"path": f"{clip}.wav", "label": "sad", "speaker": who, "sentence_or_word": said}
            for clip, who, said in clips
        ]
        pd.DataFrame(table).to_csv(folder / "manifest.csv", index=False)
    return tmp_path / "sets"


@pytest.fixture
def make(net: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """The script, given arguments; it returns what was printed."""

    def run(*arguments: object) -> str:
        monkeypatch.setattr(sys, "argv", ["make.py", *map(str, arguments)])
        runpy.run_path(str(FOLDER / "make.py"), run_name="__main__")
        return capsys.readouterr().out

    return run


def test_the_script_trains_goes_on_and_leaves_what_whisper_loads(
    sets: Path, tmp_path: Path, make: Callable[..., str]
) -> None:
    work = tmp_path / "work"
    assert "epoch 1/1" in make(sets, work, "--epochs", 1)
    again = make(sets, work, "--epochs", 2)
    assert "epoch 1/" not in again
    assert "epoch 2/2" in again
    make("expand", work / "recognizer.safetensors", tmp_path / "toy.pt")
    recognizer = asr.load(f"whisper:{tmp_path / 'toy.pt'}", "cpu")
    phrases, language = recognizer.hear(np.zeros(SAMPLE_RATE, dtype=np.float32), None)
    assert language in ("en", "de")
    assert all(word.text for phrase in phrases for word in phrase.words)


def test_the_shipped_recognizer_writes_down_actors_that_it_never_heard(
    shared_data: Path, net: ModuleType, tmp_path: Path
) -> None:
    net.expand(FOLDER / "recognizer.safetensors", tmp_path / "small.pt")
    splits = pd.read_csv(FOLDER.parent / "splits" / "voice.csv")
    held_out = splits[(splits.split == "test") & splits.id.str.startswith("ravdess/")]
    held_out.iloc[::25].to_csv(tmp_path / "some.csv", index=False)
    command = ["data", "transcribe", shared_data / "speech" / "ravdess", "--split", tmp_path / "some.csv"]
    command += ["--asr", f"whisper:{tmp_path / 'small.pt'}", "--out", tmp_path / "texts.json"]
    result = CliRunner().invoke(app, [*map(str, command), "--csv", str(tmp_path / "texts.csv"), "--quiet"])
    assert result.exit_code == 0, result.output
    texts = json.loads((tmp_path / "texts.json").read_text())
    assert len(texts) == len(held_out.iloc[::25]) >= 10
    table = pd.read_csv(tmp_path / "texts.csv")
    said = {"Kids are talking by the door.", "Dogs are sitting by the door."}
    assert set(texts.values()) & said == said
    assert (table.text == table.truth).mean() >= 0.7, table[["text", "truth"]]
