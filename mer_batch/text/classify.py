"""The text reader: word pieces through a network, as the model's card says."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from mer_batch.classifier import Classifier
from mer_batch.errors import ModelError
from mer_batch.nets.device import pick_device
from mer_batch.nets.store import ModelCard, load_net, read_file
from mer_batch.nets.wordpiece import VOCABULARY, WordPiece, padded
from mer_batch.types import Floats

if TYPE_CHECKING:
    import torch
    from torch import nn

BATCH: Final = 256
"""Sentences per call of the network: enough to be fast, small enough for any memory."""


class TextClassifier(Classifier[str]):
    """Reads sentences with a network of our own; those that are a `Line` also by what was said before them."""

    def __init__(self, net: nn.Module, card: ModelCard, tokenizer: WordPiece, device: torch.device) -> None:
        self.card, self._net, self._tokenizer, self._device = card, net, tokenizer, device

    def logits(self, items: Sequence[str]) -> Floats:
        """Scores (n, 7) for n sentences, whatever their spelling, case and punctuation."""
        import torch

        rows = self._tokenizer.rows(items)
        # Sentences of like length share a batch, so that short ones do not pay for long ones.
        order = sorted(range(len(items)), key=lambda index: len(rows[index]))
        result = np.zeros((len(items), len(self.card.labels)), dtype=np.float32)
        with torch.inference_mode():
            for first in range(0, len(order), BATCH):
                chosen = order[first : first + BATCH]
                table = torch.from_numpy(padded([rows[index] for index in chosen]))
                result[chosen] = self._net(table.to(self._device)).float().cpu().numpy()
        return result


def load(folder: Path, device: str) -> Classifier[str]:
    """The text reader in a model folder. Raises `ModelError` when it is not one or does not fit."""
    chosen = pick_device(device)
    net, card = load_net(folder, chosen)
    if card.modality != "text":
        raise ModelError(f"{folder} holds a {card.modality} model; a text model is needed here")
    return TextClassifier(net, card, _tokenizer(folder, card), chosen)


def _tokenizer(folder: Path, card: ModelCard) -> WordPiece:
    pieces = WordPiece.from_card(card.input, read_file(folder, card, VOCABULARY))
    if len(pieces) > card.net_options["pieces"]:
        raise ModelError(f"model {card.name!r}: its vocabulary has more pieces than its network")
    return pieces
