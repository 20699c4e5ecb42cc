"""Recurrent networks that were published for TESS: speech, words, and both joined.

Two bidirectional LSTM layers (Hochreiter & Schmidhuber 1997), attention that weighs their steps (Bahdanau et al.,
arXiv:1409.0473, without a query), and a small classifier. Frames of zeros and tokens 0 after the last real one are
padding. Masked, a row is read as if it came alone and unpadded; the published speech network does not mask.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from mer_batch.nets import register

HIDDEN = 128
WIDTH = 2 * HIDDEN


def lengths(present: Tensor) -> Tensor:
    """Steps up to the last one present (n, steps), at least 1: (n,)."""
    places = torch.arange(1, present.shape[1] + 1, device=present.device)
    return (present * places).amax(dim=1).clamp(min=1)


class Encoder(nn.Module):
    """Steps (n, steps, inputs) to one vector (n, 256)."""

    def __init__(self, inputs: int, dropout: float) -> None:
        super().__init__()
        self.lstm = nn.LSTM(inputs, HIDDEN, num_layers=2, bidirectional=True, batch_first=True, dropout=dropout)
        self.attend = nn.Sequential(nn.Linear(WIDTH, HIDDEN), nn.Tanh(), nn.Linear(HIDDEN, 1))
        self.norm = nn.LayerNorm(WIDTH)

    def forward(self, steps: Tensor, count: Tensor | None) -> Tensor:
        """`count` (n,) steps of each row are real, the others hidden; None = all are real."""
        if count is None:
            states, _ = self.lstm(steps)
            return self._pool(states, self.attend(states))
        packed, _ = self.lstm(pack_padded_sequence(steps, count.cpu(), batch_first=True, enforce_sorted=False))
        states, _ = pad_packed_sequence(packed, batch_first=True)
        hidden = torch.arange(states.shape[1], device=states.device)[None] >= count[:, None]
        return self._pool(states, self.attend(states).masked_fill(hidden[..., None], float("-inf")))

    def _pool(self, states: Tensor, scores: Tensor) -> Tensor:
        pooled: Tensor = self.norm((scores.softmax(dim=1) * states).sum(dim=1))
        return pooled


class SpeechEncoder(nn.Module):
    """Features (n, features, frames) to (n, 256)."""

    def __init__(self, features: int, dropout: float, masked: bool) -> None:
        super().__init__()
        self.masked = masked
        self.encoder = Encoder(features, dropout)

    def forward(self, table: Tensor) -> Tensor:
        """The representation of speech."""
        count = lengths((table != 0).any(dim=1)) if self.masked else None
        vector: Tensor = self.encoder(table.transpose(1, 2), count)
        return vector


class WordEncoder(nn.Module):
    """Word numbers (n, tokens), 0 = padding, to (n, 256)."""

    def __init__(self, words: int, width: int, dropout: float) -> None:
        super().__init__()
        self.embedding = nn.Embedding(words, width, padding_idx=0)
        self.encoder = Encoder(width, dropout)

    def forward(self, numbers: Tensor) -> Tensor:
        """The representation of words."""
        numbers = numbers.long()
        vector: Tensor = self.encoder(self.embedding(numbers), lengths(numbers != 0))
        return vector


class Classified(nn.Module):
    """An encoder of one modality and a classifier; `represent` is what t-SNE pictures show."""

    def __init__(self, encoder: nn.Module, classes: int, dropout: float) -> None:
        super().__init__()
        self.represent = encoder
        self.hidden = _hidden(dropout)
        self.head = nn.Linear(HIDDEN, classes)

    def forward(self, inputs: Tensor) -> Tensor:
        """Inputs of the encoder to (n, classes)."""
        scores: Tensor = self.head(self.hidden(self.represent(inputs)))
        return scores


class Fused(nn.Module):
    """Speech and words, joined after encoding, to scores (n, classes)."""

    def __init__(self, speech: SpeechEncoder, words: WordEncoder, classes: int, dropout: float) -> None:
        super().__init__()
        self.speech, self.words = speech, words
        self.join = nn.Sequential(nn.Linear(2 * WIDTH, WIDTH), nn.ReLU(), nn.LayerNorm(WIDTH), nn.Dropout(dropout))
        self.hidden = _hidden(dropout)
        self.head = nn.Linear(HIDDEN, classes)

    def represent(self, table: Tensor, numbers: Tensor) -> Tensor:
        """The joined representation (n, 256) of features (n, features, frames) and word numbers (n, tokens)."""
        vector: Tensor = self.join(torch.cat([self.speech(table), self.words(numbers)], dim=1))
        return vector

    def forward(self, table: Tensor, numbers: Tensor) -> Tensor:
        """Features (n, features, frames) and word numbers (n, tokens) to (n, classes)."""
        scores: Tensor = self.head(self.hidden(self.represent(table, numbers)))
        return scores


def _hidden(dropout: float) -> nn.Sequential:
    return nn.Sequential(nn.Linear(WIDTH, HIDDEN), nn.ReLU(), nn.Dropout(dropout))


@register("tess-speech")
def tess_speech(classes: int, features: int = 120, dropout: float = 0.3, masked: bool = False) -> nn.Module:
    """Rows of `features`; `masked` hides the frames after a clip, which the published network does not."""
    return Classified(SpeechEncoder(features, dropout, masked), classes, dropout)


@register("tess-words")
def tess_words(classes: int, words: int = 363, width: int = 64, dropout: float = 0.3) -> nn.Module:
    """Size of the vocabulary in `words`, padding included; `width` of their vectors."""
    return Classified(WordEncoder(words, width, dropout), classes, dropout)


@register("tess-fusion")
def tess_fusion(
    classes: int, features: int = 120, words: int = 363, width: int = 64, dropout: float = 0.3, masked: bool = False
) -> nn.Module:
    """`tess-speech` and `tess-words` joined."""
    return Fused(SpeechEncoder(features, dropout, masked), WordEncoder(words, width, dropout), classes, dropout)
