"""A small reader of hashed words: summed embeddings, one convolution, pooling by attention and maximum.

Word, beginning, end and word pair of a token share its vector, as in fastText (Bojanowski et al.,
arXiv:1607.04606); the convolution sees its neighbours (Kim, arXiv:1408.5882).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from mer_batch.nets import register


class TextConv(nn.Module):
    """Integers (n, length * pieces), 0 = nothing, to scores (n, classes)."""

    def __init__(self, classes: int, buckets: int, pieces: int, width: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self._pieces = pieces
        self.embedding = nn.Embedding(buckets, width, padding_idx=0)
        nn.init.normal_(self.embedding.weight, std=0.1)
        with torch.no_grad():
            self.embedding.weight[0].zero_()
        self.neighbours = nn.Conv1d(width, width, kernel_size=3, padding=1)
        self.attention = nn.Linear(width, 1)
        self.norm = nn.LayerNorm(3 * width)
        self.hidden = nn.Linear(3 * width, hidden)
        self.head = nn.Linear(hidden, classes)
        self.dropout = nn.Dropout(dropout)

    def forward(self, numbers: Tensor) -> Tensor:
        """Scores (n, classes) for a table of hashed tokens."""
        table, present = self._tokens(numbers.long())
        vectors = self.embedding(table).sum(dim=2)
        vectors = functional.dropout(vectors, self.dropout.p / 2, self.training) * present[..., None]
        vectors = vectors + functional.gelu(self.neighbours(vectors.transpose(1, 2)).transpose(1, 2))
        pooled = self.norm(self._pool(vectors, present))
        scores: Tensor = self.head(self.dropout(functional.gelu(self.hidden(self.dropout(pooled)))))
        return scores

    def _tokens(self, numbers: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens (n, tokens, pieces) up to the longest sentence, and which are there (n, tokens)."""
        table = numbers.view(len(numbers), -1, self._pieces)
        present = (table != 0).any(dim=2)
        longest = max(1, int(present.any(dim=0).sum()))
        table, present = table[:, :longest], present[:, :longest].clone()
        present[:, 0] = True  # an empty sentence is one empty token: no reading depends on its batch
        return table, present

    def _pool(self, vectors: Tensor, present: Tensor) -> Tensor:
        weights = self.attention(vectors).squeeze(2).masked_fill(~present, -1e4).softmax(dim=1)
        attended = (weights[..., None] * vectors).sum(dim=1)
        strongest = vectors.masked_fill(~present[..., None], -1e4).amax(dim=1)
        total = (vectors * present[..., None]).sum(dim=1) / present.sum(dim=1, keepdim=True).sqrt()
        return torch.cat([attended, strongest, total], dim=1)


@register("text-conv")
def text_conv(
    classes: int, buckets: int = 32768, pieces: int = 4, width: int = 64, hidden: int = 128, dropout: float = 0.4
) -> nn.Module:
    """`buckets` and `pieces` as in the card's input; `width` per token, `hidden` before the scores."""
    return TextConv(classes, buckets, pieces, width, hidden, dropout)
