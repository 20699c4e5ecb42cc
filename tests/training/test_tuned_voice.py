"""A Hugging Face model of the voice by the commands that people use: read as it is, fine-tuned, read offline."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import toy_voice
from mer_batch.labels import EMOTIONS
from mer_batch.nets.store import read_card
from toy_training import mer

RECIPE = """
task = "voice"
[data]
sets = ["ravdess"]
split = "{split}"
seconds = 1.0
{more}
[net]
name = "hf:wav2vec2"
[train]
epochs = 2
batch_size = 14
optimizer = "adamw"
lr = 1e-3
auxiliary = 0.0
"""


@pytest.fixture
def original(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tiny wav2vec2 with our emotions in another order, in the current folder beside toy data."""
    library: Any = pytest.importorskip("transformers", reason="the extra mer-batch[hub] is not installed")
    library.set_seed(0)
    labels = dict(enumerate(reversed(EMOTIONS)))
    config = library.Wav2Vec2Config(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        conv_dim=(8, 8),
        conv_stride=(80, 4),
        conv_kernel=(160, 4),
        num_feat_extract_layers=2,
        num_conv_pos_embeddings=4,
        num_conv_pos_embedding_groups=2,
        classifier_proj_size=8,
        id2label=labels,
        label2id={name: place for place, name in labels.items()},
    )
    library.Wav2Vec2ForSequenceClassification(config).save_pretrained(tmp_path / "wav2vec2")
    library.Wav2Vec2FeatureExtractor(sampling_rate=16_000, do_normalize=True).save_pretrained(tmp_path / "wav2vec2")
    monkeypatch.setenv("MER_DATA", str(toy_voice.make(tmp_path / "data")))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "wav2vec2"


def write_recipe(folder: Path, more: str = "") -> None:
    (folder / "toy.toml").write_text(RECIPE.format(split=folder / "data" / "split.csv", more=more))


def evaluated(model: str, *more: object) -> dict[str, Any]:
    code, output = mer("evaluate", "voice", "--model", model, *more, "--json", "s.json", "--device", "cpu")
    assert code == 0, output
    table: dict[str, Any] = json.loads(Path("s.json").read_text())
    return table


@pytest.mark.usefixtures("unreported")
def test_train_export_and_evaluate_without_the_original(original: Path, tmp_path: Path) -> None:
    write_recipe(tmp_path)
    code, output = mer("train", "toy.toml", "--tta", "--out", "run", "--device", "cpu")
    assert code == 0, output
    shutil.rmtree(original)
    card = read_card(tmp_path / "run" / "model")
    assert card.net == "hf:wav2vec2"
    assert card.net_options["normalise"] is True
    assert card.scores["n"] == len(EMOTIONS) * toy_voice.SPLITS["test"]
    plain, views = evaluated("run"), evaluated("run/model", "--tta")
    for name in ("accuracy", "uar", "ece"):
        # Half-precision weights and their logits differ in the last digit.
        assert plain[name] == pytest.approx(card.scores[name], abs=1e-3)
    assert views["views"] == "shifts"
    assert views["uar"] == pytest.approx(card.scores["uar_tta"], abs=1e-3)


def test_it_is_read_as_it_is_on_a_set_of_ones_own(original: Path, tmp_path: Path) -> None:
    for label in ("angry", "sad"):
        (tmp_path / "clips" / label).mkdir(parents=True)
        (tmp_path / "clips" / label / "1.wav").write_bytes(
            toy_voice.wav(toy_voice.tone(EMOTIONS.index(label), 1.0, np.random.default_rng(0)))
        )
    table = evaluated("hf:wav2vec2", "--data", "clips")
    assert (table["n"], table["present"], table["model"]) == (2, ["angry", "sad"], "hf:wav2vec2")


def test_features_are_refused(original: Path, tmp_path: Path) -> None:
    write_recipe(tmp_path, 'features = ["mfcc"]\naugment = "none"')
    code, output = mer("train", "toy.toml", "--out", "run", "--device", "cpu")
    assert code == 2
    assert "takes the sound itself" in output
    assert not (tmp_path / "run").exists()
