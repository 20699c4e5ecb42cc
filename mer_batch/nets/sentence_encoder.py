"""sentence-encoder: a small transformer over word pieces, mean pooling and a linear classifier.

Layers as in BERT (Devlin et al., arXiv:1810.04805), pooling as in Sentence-BERT (Reimers & Gurevych,
arXiv:1908.10084). It can start from a published encoder, of which it keeps the first layers and the
vectors of its own vocabulary: see `encoder_start.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from mer_batch.errors import UsageError
from mer_batch.nets import register
from mer_batch.nets.encoder_start import Given, find
from mer_batch.nets.wordpiece import PADDING, SEPARATOR, SPECIAL, read_vocabulary

EPSILON: Final = 1e-12
"""Of layer normalisation, as BERT has it."""
_SHARED: Final = frozenset(("[PAD]", "[SEP]", "[UNK]"))
"""Marks that mean the same in a published vocabulary and in ours."""


class Layer(nn.Module):
    """Attention over the tokens of a sentence, then a network on each token; each is added and normalised."""

    def __init__(self, width: int, heads: int, inner: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.attention = nn.Linear(width, 3 * width)
        self.merged = nn.Linear(width, width)
        self.first_norm = nn.LayerNorm(width, eps=EPSILON)
        self.inner = nn.Linear(width, inner)
        self.outer = nn.Linear(inner, width)
        self.second_norm = nn.LayerNorm(width, eps=EPSILON)
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens: Tensor, present: Tensor) -> Tensor:
        """Vectors (t, width) of the t tokens that are `present` (n, length), row by row."""
        tokens = self.first_norm(tokens + self.dropout(self.merged(self._attended(tokens, present))))
        inner: Tensor = self.outer(functional.gelu(self.inner(tokens)))
        result: Tensor = self.second_norm(tokens + self.dropout(inner))
        return result

    def _attended(self, tokens: Tensor, present: Tensor) -> Tensor:
        projected: Tensor = self.attention(tokens)
        table = projected.new_zeros(*present.shape, projected.shape[1])
        table[present] = projected
        query, key, value = table.view(*present.shape, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=present[:, None, None, :])
        return mixed.transpose(1, 2).flatten(2)[present]


class SentenceEncoder(nn.Module):
    """Numbers (n, length) of `text.wordpiece`, 0 = nothing, to scores (n, classes).

    The part before the first separator is the sentence, which is what is pooled; what follows is context.
    Only the tokens that are there are computed, so that long and short sentences share a batch at no cost.
    """

    stored = "int8"

    def __init__(
        self,
        classes: int,
        pieces: int,
        positions: int,
        width: int,
        layers: int,
        heads: int,
        inner: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.shape = {"pieces": pieces, "positions": positions, "width": width, "heads": heads, "inner": inner}
        self.pieces = nn.Embedding(pieces, width)
        self.positions = nn.Embedding(positions, width)
        self.parts = nn.Embedding(2, width)
        for table in (self.pieces, self.positions, self.parts):
            nn.init.normal_(table.weight, std=0.02)
        self.norm = nn.LayerNorm(width, eps=EPSILON)
        self.layers = nn.ModuleList(Layer(width, heads, inner, dropout) for _ in range(layers))
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(width, classes)

    def forward(self, numbers: Tensor) -> Tensor:
        """Scores (n, classes); every row has at least one number that is not 0, its first."""
        numbers = _trimmed(numbers.long())
        present, own = numbers != PADDING, _own(numbers)
        tokens = self._embedded(numbers, present, own)
        for layer in self.layers:
            tokens = layer(tokens, present)
        scores: Tensor = self.head(self.dropout(_means(tokens, present, own)))
        return scores

    def _embedded(self, numbers: Tensor, present: Tensor, own: Tensor) -> Tensor:
        places = torch.arange(numbers.shape[1], device=numbers.device).expand_as(numbers)
        parts = (~own).long()
        vectors = self.pieces(numbers[present]) + self.positions(places[present]) + self.parts(parts[present])
        result: Tensor = self.dropout(self.norm(vectors))
        return result

    @property
    def card_options(self) -> dict[str, Any]:
        """What `build` needs to make this network without what it started from."""
        return {**self.shape, "layers": len(self.layers), "start": "", "vocabulary": ""}


def _trimmed(numbers: Tensor) -> Tensor:
    """The table without columns that are empty in every row."""
    places = torch.arange(1, numbers.shape[1] + 1, device=numbers.device)
    return numbers[:, : max(1, int(((numbers != PADDING) * places).max()))]


def _own(numbers: Tensor) -> Tensor:
    """Which numbers belong to the sentence itself: those up to its separator."""
    ends = numbers == SEPARATOR
    return ends.cumsum(dim=1) - ends.long() == 0


def _means(tokens: Tensor, present: Tensor, own: Tensor) -> Tensor:
    """The mean vector (n, width) of each row's own tokens."""
    rows = present.nonzero()[:, 0]
    kept = (own & present)[present]
    sums = tokens.new_zeros(len(present), tokens.shape[1]).index_add(0, rows[kept], tokens[kept])
    return sums / torch.bincount(rows[kept], minlength=len(present)).clamp(min=1)[:, None]


def _wanted(vocabulary: str = "", **_options: object) -> dict[str, Any]:
    return {"tokenizer": "wordpiece", "vocabulary": vocabulary}


@register("sentence-encoder", _wanted)
def sentence_encoder(
    classes: int,
    start: str = "",
    vocabulary: str = "",
    layers: int = 4,
    dropout: float = 0.1,
    pieces: int = 0,
    positions: int = 128,
    width: int = 384,
    heads: int = 12,
    inner: int = 1536,
) -> nn.Module:
    """The encoder whose vocabulary is the list `vocabulary`, or has `pieces` pieces.

    `start` names a published encoder whose first `layers` layers it takes over (a package such as
    all-minilm-l6-v2, or a folder); its sizes then replace `width`, `heads` and `inner`. "" starts at random.
    """
    table = read_vocabulary(vocabulary) if vocabulary else []
    pieces = len(table) or pieces
    if not start:
        return SentenceEncoder(classes, pieces, positions, width, layers, heads, inner, dropout)
    given = find(start)
    net = SentenceEncoder(classes, pieces, positions, given.width, layers, given.heads, given.inner, dropout)
    _fill(net, given, table)
    return net


def _fill(net: SentenceEncoder, given: Given, vocabulary: Sequence[str]) -> None:
    """Put the vectors of a published encoder, and its first layers, into `net`, whose pieces are `vocabulary`.

    A kind of text starts as [CLS], a piece that it lacks as a random vector.
    """
    state = given.weights()
    numbers = {piece: number for number, piece in enumerate(given.vocabulary())}
    with torch.no_grad():
        vectors = state["embeddings.word_embeddings.weight"]
        for place, piece in enumerate(vocabulary):
            source = "[CLS]" if piece in SPECIAL and piece not in _SHARED else piece
            if source in numbers:
                net.pieces.weight[place] = vectors[numbers[source]]
        _copy(net.positions.weight, state["embeddings.position_embeddings.weight"])
        _copy(net.parts.weight, state["embeddings.token_type_embeddings.weight"])
        _take(net.norm, state, "embeddings.LayerNorm")
        for number, layer in enumerate(net.layers):
            _take_layer(layer, state, f"encoder.layer.{number}")  # type: ignore[arg-type]


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
