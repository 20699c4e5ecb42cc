"""Any transformers classifier as a reader: tiny random models on disk, no network."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mer_batch import hub
from mer_batch.errors import ModelError, UsageError
from mer_batch.labels import INDEX
from mer_batch.readers import fingerprint, load_classifier
from mer_batch.types import AudioWindow

SEVEN = ["anger", "disgust", "fear", "happy", "neutral", "sadness", "surprise"]


@pytest.fixture(scope="module")
def transformers() -> Any:
    return pytest.importorskip("transformers", reason="the extra mer-batch[hub] is not installed")


def labels(names: list[str]) -> dict[str, Any]:
    return {"id2label": dict(enumerate(names)), "label2id": {name: place for place, name in enumerate(names)}}


def make_text(library: Any, folder: Path, names: list[str], **options: Any) -> Path:
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "i", "am", "fine", "sad", "."]
    folder.mkdir()
    (folder / "vocab.txt").write_text("\n".join(vocabulary))
    config = library.BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=8,
        max_position_embeddings=16,
        **labels(names),
        **options,
    )
    library.set_seed(0)
    library.BertForSequenceClassification(config).save_pretrained(folder)
    tokenizer = {"tokenizer_class": "BertTokenizer", "do_lower_case": True, "model_max_length": 16}
    (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer))
    return folder


def make_face(library: Any, folder: Path, names: list[str]) -> Path:
    config = library.ViTConfig(
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=8,
        image_size=16,
        patch_size=8,
        **labels(names),
    )
    library.ViTForImageClassification(config).save_pretrained(folder)
    library.ViTImageProcessor(size={"height": 16, "width": 16}).save_pretrained(folder)
    return folder


def make_voice(library: Any, folder: Path, names: list[str], rate: int = 16_000) -> Path:
    config = library.Wav2Vec2Config(
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=8,
        conv_dim=(8,),
        conv_stride=(160,),
        conv_kernel=(320,),
        num_feat_extract_layers=1,
        num_conv_pos_embeddings=4,
        num_conv_pos_embedding_groups=2,
        classifier_proj_size=8,
        **labels(names),
    )
    library.Wav2Vec2ForSequenceClassification(config).save_pretrained(folder)
    library.Wav2Vec2FeatureExtractor(sampling_rate=rate).save_pretrained(folder)
    return folder


def window(seconds: float) -> AudioWindow:
    samples = np.sin(np.arange(int(seconds * 16_000)) / 20).astype(np.float32) / 2
    return AudioWindow(0.0, seconds, samples, 1.0, -20.0, None)


def test_text_models_read_sentences_of_any_length(transformers: Any, tmp_path: Path) -> None:
    reader = load_classifier("text", f"hf:{make_text(transformers, tmp_path / 'toy', SEVEN)}", "cpu")
    rows = reader.predict(["I am fine.", "sad " * 40, ""])
    assert rows.shape == (3, 7)
    np.testing.assert_allclose(rows.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(rows[0], reader.predict(["I am fine."])[0], rtol=1e-4)
    assert reader.card.modality == "text"
    assert "never" not in reader.card.data


def test_face_models_read_crops_of_any_size(transformers: Any, tmp_path: Path) -> None:
    reader = load_classifier("face", f"hf:{make_face(transformers, tmp_path / 'toy', SEVEN)}", "cpu")
    rng = np.random.default_rng(0)
    crops = [rng.integers(0, 255, shape, dtype=np.uint8) for shape in ((20, 24, 3), (64, 48, 3))]
    rows = reader.predict(crops)
    assert rows.shape == (2, 7)
    assert not np.allclose(rows[0], rows[1])


@pytest.mark.parametrize("rate", [16_000, 8_000])
def test_voice_models_read_windows_at_their_own_rate(transformers: Any, tmp_path: Path, rate: int) -> None:
    reader = load_classifier("voice", f"hf:{make_voice(transformers, tmp_path / 'toy', SEVEN, rate)}", "cpu")
    rows = reader.predict([window(1.0), window(0.5)])
    assert rows.shape == (2, 7)
    np.testing.assert_allclose(rows.sum(axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize("problem", ["single_label_classification", "multi_label_classification"])
def test_labels_are_summed_dropped_and_renormalised(transformers: Any, tmp_path: Path, problem: str) -> None:
    names = ["joy", "happiness", "contempt", "anger"]
    folder = make_text(transformers, tmp_path / "toy", names, problem_type=problem)
    reader = hub.load("text", str(folder), "cpu")
    assert isinstance(reader, hub.HubClassifier)
    scores = np.array([[1.0, 0.5, 9.0, -1.0]])
    reader._outputs = lambda items: scores  # type: ignore[method-assign]
    (row,) = reader.predict(["anything"])
    raw = 1 / (1 + np.exp(-scores[0])) if problem.startswith("multi") else np.exp(scores[0])
    expected = (raw[0] + raw[1]) / (raw[0] + raw[1] + raw[3])
    assert row[INDEX["happy"]] == pytest.approx(expected, rel=1e-4)
    assert row[INDEX["angry"]] == pytest.approx(1 - expected, rel=1e-4)
    assert row[INDEX["sad"]] < 1e-6
    assert "contempt" in reader.card.data
    assert "never reads disgust, fear, neutral, sad, surprise" in reader.card.data


def test_a_model_without_our_emotions_is_refused(transformers: Any, tmp_path: Path) -> None:
    folder = make_text(transformers, tmp_path / "toy", ["LABEL_0", "spam"])
    with pytest.raises(ModelError, match="none of our emotions among its labels: LABEL_0, spam"):
        hub.load("text", str(folder), "cpu")


def test_what_cannot_be_loaded_is_one_line(transformers: Any, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"cannot be used as a text model.*check the folder") as caught:
        hub.load("text", str(tmp_path), "cpu")
    assert "\n" not in str(caught.value)
    with pytest.raises(ModelError, match="cannot be used as a face model"):
        hub.load("face", str(make_text(transformers, tmp_path / "toy", SEVEN)), "cpu")


def test_unknown_modality_lists_the_known() -> None:
    with pytest.raises(UsageError, match="Known: face, text, voice"):
        hub.load("smell", "anything")  # type: ignore[arg-type]


def test_without_transformers_the_command_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ModelError, match=r"pip install 'mer-batch\[hub\]'"):
        hub.load("text", "anything", "cpu")


def test_a_model_is_known_by_its_files_or_its_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub_library = pytest.importorskip("huggingface_hub", reason="the extra mer-batch[hub] is not installed")
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    first = fingerprint("face", f"hf:{folder}")
    (folder / "weights.bin").write_text("1")
    second = fingerprint("face", f"hf:{folder}")
    (folder / "weights.bin").write_text("22")
    assert len({first, second, fingerprint("face", f"hf:{folder}")}) == 3
    kept = str(tmp_path / "snapshots" / "0123abcd" / "config.json")
    monkeypatch.setattr(hub_library, "try_to_load_from_cache", lambda *_names: kept)
    assert fingerprint("face", "hf:some/name") == "hf:some/name@0123abcd"
    monkeypatch.setattr(hub_library, "try_to_load_from_cache", lambda *_names: None)
    assert fingerprint("face", "hf:some/name") == "hf:some/name@"
