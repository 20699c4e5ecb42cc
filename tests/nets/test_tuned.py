"""Hugging Face models as networks to train: head, input, and model folders that need no original."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

import toy_fer
from mer_batch import nets
from mer_batch.cli import app
from mer_batch.errors import ModelError, UsageError
from mer_batch.labels import EMOTIONS
from mer_batch.nets.heads import trim_head
from mer_batch.nets.store import ModelCard, load_net, read_card, save_model
from mer_batch.nets.tuned import our_rows
from mer_batch.readers import load_classifier
from mer_batch.tasks.task import load_task
from mer_batch.types import AudioWindow

SHUFFLED = ["sadness", "neutral", "anger", "surprise", "joy", "fear", "disgust"]
OTHER = ["cat", "dog", "cow"]


@pytest.fixture(scope="module")
def transformers() -> Any:
    return pytest.importorskip("transformers", reason="the extra mer-batch[hub] is not installed")


def named(labels: list[str]) -> dict[str, Any]:
    return {"id2label": dict(enumerate(labels)), "label2id": {name: place for place, name in enumerate(labels)}}


TINY = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}


def make_face(library: Any, folder: Path, labels: list[str]) -> Path:
    library.set_seed(0)
    config = library.ViTConfig(**TINY, image_size=32, patch_size=8, **named(labels))
    library.ViTForImageClassification(config).save_pretrained(folder)
    mean, std = [0.4, 0.5, 0.6], [0.2, 0.25, 0.3]
    size = {"height": 32, "width": 32}
    library.ViTImageProcessor(size=size, image_mean=mean, image_std=std).save_pretrained(folder)
    return folder


def make_voice(library: Any, folder: Path, rate: int = 16_000) -> Path:
    library.set_seed(0)
    config = library.HubertConfig(
        **TINY,
        conv_dim=(8,),
        conv_stride=(160,),
        conv_kernel=(320,),
        num_feat_extract_layers=1,
        num_conv_pos_embeddings=4,
        num_conv_pos_embedding_groups=2,
        classifier_proj_size=8,
        **named(SHUFFLED),
    )
    library.HubertForSequenceClassification(config).save_pretrained(folder)
    library.Wav2Vec2FeatureExtractor(sampling_rate=rate, do_normalize=True).save_pretrained(folder)
    return folder


def make_text(library: Any, folder: Path) -> Path:
    library.set_seed(0)
    folder.mkdir()
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "fine", "sad"]
    (folder / "vocab.txt").write_text("\n".join(vocabulary))
    config = library.BertConfig(**TINY, vocab_size=len(vocabulary), max_position_embeddings=16, **named(OTHER))
    library.BertForSequenceClassification(config).save_pretrained(folder)
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "BertTokenizer"}))
    return folder


def test_the_head_of_a_model_with_our_labels_is_kept_in_our_order(transformers: Any, tmp_path: Path) -> None:
    folder = make_face(transformers, tmp_path / "vit", SHUFFLED)
    net = nets.build(f"hf:{folder}", classes=17).eval()
    original = transformers.ViTForImageClassification.from_pretrained(folder).eval()
    pictures = torch.randn(3, 3, 32, 32)
    scores, before = net(pictures), original(pixel_values=pictures).logits
    assert scores.shape == (3, 17)
    places = [SHUFFLED.index(name) for name in ("anger", "disgust", "fear", "joy", "neutral", "sadness", "surprise")]
    torch.testing.assert_close(scores[:, :7], before[:, places])
    torch.testing.assert_close(trim_head(net, 7)(pictures), before[:, places])


def test_a_model_with_other_labels_gets_a_new_head(transformers: Any, tmp_path: Path) -> None:
    net = nets.build(f"hf:{make_face(transformers, tmp_path / 'vit', OTHER)}", classes=7)
    assert net(torch.randn(2, 3, 32, 32)).shape == (2, 7)
    assert our_rows(OTHER) == []
    assert our_rows([*SHUFFLED, "happiness"]) == []
    assert our_rows([*SHUFFLED, "contempt"]) == [2, 6, 5, 4, 1, 0, 3]


def test_the_task_takes_over_what_the_processor_says(
    transformers: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MER_DATA", str(toy_fer.make(tmp_path / "data")))
    name = f"hf:{make_face(transformers, tmp_path / 'vit', SHUFFLED)}"
    task = load_task("face", {})
    task.adapt(nets.input_of(name))
    assert (task.input["size"], task.input["channels"]) == (32, 3)
    np.testing.assert_allclose(task.input["mean"], [0.4, 0.5, 0.6])
    np.testing.assert_allclose(task.input["std"], [0.2, 0.25, 0.3])
    train = task.train()
    batch = task.prepare(train.inputs[:2], False, torch.Generator())
    picture = task.held_out("validation").items[0]
    processor = transformers.AutoImageProcessor.from_pretrained(tmp_path / "vit")
    wanted = processor(images=[picture], return_tensors="pt")["pixel_values"]
    ours = task.prepare(task.validation().inputs[:1], False, torch.Generator())
    assert batch.shape == (2, 3, 32, 32)
    assert (ours - wanted).abs().mean() < 0.2 * wanted.std()  # another resampling, the same scale
    with pytest.raises(UsageError, match=r"set image_size in \[net\]"):
        load_task("face", {"size": 48}).adapt(nets.input_of(name))
    load_task("face", {"size": 48}).adapt(nets.input_of(name, image_size=48))


def test_positions_are_spread_over_another_size(transformers: Any, tmp_path: Path) -> None:
    net = nets.build(f"hf:{make_face(transformers, tmp_path / 'vit', SHUFFLED)}", classes=7, image_size=48)
    assert net(torch.randn(2, 3, 48, 48)).shape == (2, 7)


def test_train_export_and_evaluate_without_the_original(
    transformers: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MER_DATA", str(toy_fer.make(tmp_path / "data")))
    monkeypatch.chdir(tmp_path)
    make_face(transformers, tmp_path / "vit", OTHER)
    (tmp_path / "toy.toml").write_text(
        "task = 'face'\n[data]\naugment = 'none'\n[net]\nname = 'hf:vit'\n[train]\nepochs = 2\nbatch_size = 16\n"
        "optimizer = 'adamw'\nlr = 1e-3\nauxiliary = 0.2\n"
    )
    result = CliRunner().invoke(app, ["train", "toy.toml", "--out", "run", "--device", "cpu"])
    assert result.exit_code == 0, result.output
    shutil.rmtree(tmp_path / "vit")
    arguments = ["evaluate", "face", "--model", "run/model", "--json", "scores.json", "--device", "cpu"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    scores = json.loads((tmp_path / "scores.json").read_text())
    assert scores["accuracy"] == pytest.approx(read_card(tmp_path / "run" / "model").scores["accuracy"], abs=1e-4)


def test_a_voice_model_normalises_waves_and_loads_offline(transformers: Any, tmp_path: Path) -> None:
    folder = make_voice(transformers, tmp_path / "hubert")
    name = f"hf:{folder}"
    assert nets.input_of(name) == {"sample_rate": 16_000}
    net = nets.build(name, classes=7).eval()
    waves = torch.randn(2, 16_000) * torch.tensor([[0.01], [0.3]]) + 0.1
    extractor = transformers.AutoFeatureExtractor.from_pretrained(folder)
    given = extractor(list(waves.numpy()), sampling_rate=16_000, return_tensors="pt")["input_values"]
    original = transformers.HubertForSequenceClassification.from_pretrained(folder).eval()
    before = original(input_values=given).logits
    places = our_rows(SHUFFLED)
    with torch.inference_mode():
        torch.testing.assert_close(net(waves), before[:, places], atol=1e-4, rtol=1e-3)
    card_input = {"sample_rate": 16_000, "seconds": 1.0}
    save_model(tmp_path / "m", net, ModelCard("m", "voice", name, {}, card_input, "nothing", "none"), half=False)
    shutil.rmtree(folder)
    reader = load_classifier("voice", str(tmp_path / "m"), "cpu")
    window = AudioWindow(0, 1.0, waves[1].numpy(), 1.0, -20, None)
    assert reader.predict([window]).shape == (1, len(EMOTIONS))


def test_a_text_model_reads_token_ids_and_loads_offline(transformers: Any, tmp_path: Path) -> None:
    name = f"hf:{make_text(transformers, tmp_path / 'bert')}"
    net = nets.build(name, classes=7).eval()
    ids = torch.tensor([[2, 5, 3, 0, 0], [2, 5, 6, 6, 3]])
    scores = net(ids)
    torch.testing.assert_close(scores[:1], net(ids[:1, :3]))
    save_model(tmp_path / "m", net, ModelCard("m", "text", name, {}, {}, "nothing", "none"), half=False)
    shutil.rmtree(tmp_path / "bert")
    loaded, _ = load_net(tmp_path / "m", torch.device("cpu"))
    torch.testing.assert_close(loaded(ids), scores)


def test_a_network_of_another_modality_is_refused_by_the_task(
    transformers: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MER_DATA", str(toy_fer.make(tmp_path / "data")))
    wanted = nets.input_of(f"hf:{make_voice(transformers, tmp_path / 'hubert')}")
    with pytest.raises(UsageError, match="does not read pictures"):
        load_task("face", {}).adapt(wanted)


def test_what_cannot_be_trained_is_one_line(transformers: Any, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="plain waves at 16000 Hz"):
        nets.build(f"hf:{make_voice(transformers, tmp_path / 'slow', rate=8_000)}", classes=7)
    with pytest.raises(ModelError, match="check the folder") as caught:
        nets.build(f"hf:{tmp_path}", classes=7)
    assert "\n" not in str(caught.value)
    with pytest.raises(UsageError, match="unknown modality 'smell'"):
        nets.build("hf:anything", classes=7, modality="smell")
    with pytest.raises(ModelError, match="malformed"):
        nets.build("hf:anything", classes=7, modality="face", config="{")
