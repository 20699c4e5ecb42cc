"""Recurrent networks that were published for TESS: speech, words, and both joined.

Two bidirectional LSTM layers (Hochreiter & Schmidhuber 1997), attention that weighs their steps (Bahdanau et al.,
arXiv:1409.0473, without a query), and a small classifier. Frames of zeros and tokens 0 after the last real one are
padding. Masked, a row is read as if it came alone and unpadded; the published speech network does not mask.

`represents` of each network names the layers whose outputs are its representations, which t-SNE pictures show.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from mer_batch.nets import register

HIDDEN = 128
WIDTH = 2 * HIDDEN


def lengths(present: Tensor) -> Tensor:
    """Steps up to the last one present (n, steps), at least 1: (n,)."""
    places = torch.arange(1, present.shape[1] + 1, device=present.device)
    return (present * places).amax(dim=1).clamp(min=1)


def pack(table: Tensor, numbers: Tensor) -> Tensor:
    """Features (n, features, frames) with word numbers (n, tokens) as a last row: (n, features + 1, frames).

    So two inputs travel as one batch. Raises `ValueError` where a row has no room for the words.
    """
    spare = table.shape[2] - numbers.shape[1]
    if spare < 0:
        raise ValueError(f"{numbers.shape[1]} words do not fit beside {table.shape[2]} frames")
    return torch.cat([table, functional.pad(numbers.to(table), (0, spare))[:, None]], dim=1)


def unpack(inputs: Tensor) -> tuple[Tensor, Tensor]:
    """What `pack` made: features (n, features, frames) and word numbers (n, frames), 0 after the last word."""
    return inputs[:, :-1], inputs[:, -1].round().long()


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
    """The encoder `represent` of one modality, called `name`, and a classifier."""

    def __init__(self, name: str, encoder: nn.Module, classes: int, dropout: float) -> None:
        super().__init__()
        self.represents: Mapping[str, str] = {name: "represent"}
        self.represent = encoder
        self.hidden = _hidden(dropout)
        self.head = nn.Linear(HIDDEN, classes)

    def forward(self, inputs: Tensor) -> Tensor:
        """Inputs of the encoder to (n, classes)."""
        scores: Tensor = self.head(self.hidden(self.represent(inputs)))
        return scores


class Fused(nn.Module):
    """Speech and words, joined after encoding, to scores (n, classes); inputs are those of `pack`."""

    represents: Mapping[str, str] = {"speech": "speech", "words": "words", "speech and words": "join"}

    def __init__(self, speech: SpeechEncoder, words: WordEncoder, classes: int, dropout: float) -> None:
        super().__init__()
        self.speech, self.words = speech, words
        self.join = nn.Sequential(nn.Linear(2 * WIDTH, WIDTH), nn.ReLU(), nn.LayerNorm(WIDTH), nn.Dropout(dropout))
        self.hidden = _hidden(dropout)
        self.head = nn.Linear(HIDDEN, classes)

    def forward(self, inputs: Tensor) -> Tensor:
        """Features and word numbers (n, features + 1, frames) to (n, classes)."""
        table, numbers = unpack(inputs)
        joined = self.join(torch.cat([self.speech(table), self.words(numbers)], dim=1))
        scores: Tensor = self.head(self.hidden(joined))
        return scores


def _hidden(dropout: float) -> nn.Sequential:
    return nn.Sequential(nn.Linear(WIDTH, HIDDEN), nn.ReLU(), nn.Dropout(dropout))


@register("tess-speech")
def tess_speech(classes: int, features: int = 120, dropout: float = 0.3, masked: bool = False) -> nn.Module:
    """Rows of `features`; `masked` hides the frames after a clip, which the published network does not."""
    return Classified("speech", SpeechEncoder(features, dropout, masked), classes, dropout)


@register("tess-words")
def tess_words(classes: int, words: int = 363, width: int = 64, dropout: float = 0.3) -> nn.Module:
    """Size of the vocabulary in `words`, padding included; `width` of their vectors."""
    return Classified("words", WordEncoder(words, width, dropout), classes, dropout)


@register("tess-fusion")
def tess_fusion(
    classes: int, features: int = 120, words: int = 363, width: int = 64, dropout: float = 0.3, masked: bool = False
) -> nn.Module:
    """`tess-speech` and `tess-words` joined."""
    return Fused(SpeechEncoder(features, dropout, masked), WordEncoder(words, width, dropout), classes, dropout)
