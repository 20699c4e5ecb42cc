"""A small reader of hashed words: a linear part that counts them, and a convolution over their vectors.

Word, beginning, end and word pair of a token share its vector, as in fastText (Bojanowski et al.,
arXiv:1607.04606); the convolution sees its neighbours (Kim, arXiv:1408.5882). The two parts are added
(wide and deep, Cheng et al., arXiv:1606.07792): with little data the linear part carries most.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from mer_batch.labels import EMOTIONS
from mer_batch.nets import register

LINEAR_SCALE = 4.0
"""Makes the linear part learn faster than the vectors at one learning rate."""


class TextConv(nn.Module):
    """Integers (n, length * pieces), 0 = nothing, to scores (n, classes)."""

    def __init__(self, classes: int, buckets: int, pieces: int, width: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self._pieces = pieces
        self.linear = _table(buckets, len(EMOTIONS), spread=0.0)
        self.embedding = _table(buckets, width, spread=0.1)
        self.neighbours = nn.Conv1d(width, width, kernel_size=3, padding=1)
        self.attention = nn.Linear(width, 1)
        self.norm = nn.LayerNorm(3 * width)
        self.hidden = nn.Linear(3 * width, hidden)
        self.head = nn.Linear(hidden, classes)
        self.dropout = nn.Dropout(dropout)

    def forward(self, numbers: Tensor) -> Tensor:
        """Scores (n, classes) for a table of hashed tokens; the linear part adds to the first seven."""
        table, present = self._tokens(numbers.long())
        pooled = self.norm(self._pool(self._vectors(table, present), present))
        scores: Tensor = self.head(self.dropout(functional.gelu(self.hidden(self.dropout(pooled)))))
        extra = scores.shape[1] - len(EMOTIONS)
        return scores + functional.pad(self._counted(table), (0, extra))

    def _counted(self, table: Tensor) -> Tensor:
        """The linear part: every piece counts once for all kinds of text and once for its own kind.

        The kind is the first number of a sentence (its opening); see Daumé III (2007), "Frustratingly easy
        domain adaptation".
        """
        pieces = table.flatten(1)
        here = pieces != 0
        own = 1 + (pieces * 2654435761 + pieces[:, :1] * 2246822519) % (self.linear.num_embeddings - 1)
        total: Tensor = self.linear(pieces).sum(dim=1) + self.linear(own * here).sum(dim=1)
        return LINEAR_SCALE * total / here.sum(dim=1, keepdim=True).clamp(min=1).sqrt()

    def _vectors(self, table: Tensor, present: Tensor) -> Tensor:
        vectors = self.embedding(table).sum(dim=2)
        vectors = functional.dropout(vectors, self.dropout.p / 2, self.training) * present[..., None]
        return vectors + functional.gelu(self.neighbours(vectors.transpose(1, 2)).transpose(1, 2))

    def _tokens(self, numbers: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens (n, tokens, pieces) up to the longest sentence, and which are there (n, tokens)."""
        table = numbers.view(len(numbers), -1, self._pieces)
        present = (table != 0).any(dim=2)
        places = torch.arange(1, present.shape[1] + 1, device=present.device)
        longest = max(1, int((present * places).max()))
        table, present = table[:, :longest], present[:, :longest].clone()
        present[:, 0] = True  # an empty sentence is one empty token: no reading depends on its batch
        return table, present

    def _pool(self, vectors: Tensor, present: Tensor) -> Tensor:
        weights = self.attention(vectors).squeeze(2).masked_fill(~present, -1e4).softmax(dim=1)
        attended = (weights[..., None] * vectors).sum(dim=1)
        strongest = vectors.masked_fill(~present[..., None], -1e4).amax(dim=1)
        total = (vectors * present[..., None]).sum(dim=1) / present.sum(dim=1, keepdim=True).sqrt()
        return torch.cat([attended, strongest, total], dim=1)


def _table(rows: int, width: int, spread: float) -> nn.Embedding:
    table = nn.Embedding(rows, width, padding_idx=0)
    nn.init.normal_(table.weight, std=spread) if spread else nn.init.zeros_(table.weight)
    with torch.no_grad():
        table.weight[0].zero_()
    return table


@register("text-conv")
def text_conv(
    classes: int, buckets: int = 65536, pieces: int = 4, width: int = 32, hidden: int = 128, dropout: float = 0.5
) -> nn.Module:
    """`buckets` and `pieces` as in the card's input; `width` per token, `hidden` before the scores."""
    return TextConv(classes, buckets, pieces, width, hidden, dropout)
