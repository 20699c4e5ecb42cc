"""The text reader: hashed tokens through a network, as the model's card says."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from mer_batch.classifier import Classifier
from mer_batch.errors import ModelError
from mer_batch.nets.device import pick_device
from mer_batch.nets.store import ModelCard, load_net
from mer_batch.text.tokens import Tokenizer, words
from mer_batch.types import Floats

if TYPE_CHECKING:
    import torch
    from torch import nn

BATCH: Final = 256
"""Sentences per call of the network: enough to be fast, small enough for any memory."""


class TextClassifier(Classifier[str]):
    """Reads sentences with a network of our own."""

    def __init__(self, net: nn.Module, card: ModelCard, device: torch.device) -> None:
        self.card, self._net, self._device = card, net, device
        self._tokenizer = Tokenizer.from_card(card.input)
        if card.net_options.get("buckets", self._tokenizer.buckets) < self._tokenizer.buckets:
            raise ModelError(f"model {card.name!r}: its input has more buckets than its network")

    def logits(self, items: Sequence[str]) -> Floats:
        """Scores (n, 7) for n sentences, whatever their spelling, case and punctuation."""
        import torch

        sentences = [words(text) for text in items]
        # Sentences of like length share a batch, so that short ones do not pay for long ones.
        order = sorted(range(len(items)), key=lambda index: len(sentences[index]))
        result = np.zeros((len(items), len(self.card.labels)), dtype=np.float32)
        with torch.inference_mode():
            for first in range(0, len(order), BATCH):
                chosen = order[first : first + BATCH]
                table = torch.from_numpy(self._tokenizer.encode([sentences[index] for index in chosen]))
                result[chosen] = self._net(table.to(self._device)).float().cpu().numpy()
        return result


def load(folder: Path, device: str) -> Classifier[str]:
    """The text reader in a model folder. Raises `ModelError` when it is not one or does not fit."""
    chosen = pick_device(device)
    net, card = load_net(folder, chosen)
    if card.modality != "text":
        raise ModelError(f"{folder} holds a {card.modality} model; a text model is needed here")
    return TextClassifier(net, card, chosen)
