"""The voice reader of our own networks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mer_batch.classifier import Classifier
from mer_batch.errors import ModelError
from mer_batch.nets.device import pick_device
from mer_batch.nets.store import ModelCard, load_net
from mer_batch.types import SAMPLE_RATE, AudioWindow, Floats, Samples

if TYPE_CHECKING:
    from torch import nn


def fit(samples: Samples, length: int) -> Samples:
    """The middle `length` samples, or all of them between equal zeros; the one way sound enters a network."""
    spare = len(samples) - length
    if spare >= 0:
        return samples[spare // 2 : spare // 2 + length]
    return np.pad(samples, (-spare // 2, -spare - -spare // 2))


class VoiceNet(Classifier[AudioWindow]):
    """A network that takes waveforms (n, samples) and brings its own spectrogram and level normalisation."""

    def __init__(self, net: nn.Module, card: ModelCard) -> None:
        self.card = card
        self._net = net
        self._device = next(net.parameters()).device
        if card.input.get("sample_rate") != SAMPLE_RATE or not card.input.get("seconds", 0) > 0:
            raise ModelError(f"model {card.name!r}: its input must state sample_rate = {SAMPLE_RATE} and seconds")
        self._length = round(card.input["seconds"] * SAMPLE_RATE)

    def logits(self, items: Sequence[AudioWindow]) -> Floats:
        """Scores (n, 7) of windows of any length, fitted to the length that the card states."""
        import torch

        batch = np.stack([fit(item.samples, self._length) for item in items])
        with torch.inference_mode():
            scores: Floats = self._net(torch.from_numpy(batch).to(self._device)).float().cpu().numpy()
        return scores


def load(folder: Path, device: str) -> VoiceNet:
    """The model in `folder` on `device` (auto, cpu, cuda[:N], mps). Raises `ModelError` and `UsageError`."""
    net, card = load_net(folder, pick_device(device))
    return VoiceNet(net, card)
