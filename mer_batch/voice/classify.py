"""The voice reader of our own networks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mer_batch.classifier import Classifier
from mer_batch.errors import ModelError, UsageError
from mer_batch.nets.device import pick_device
from mer_batch.nets.store import ModelCard, load_net
from mer_batch.types import SAMPLE_RATE, AudioWindow, Floats
from mer_batch.voice.inputs import VoiceInput

if TYPE_CHECKING:
    from torch import nn


class VoiceNet(Classifier[AudioWindow]):
    """A network with a card that says what it takes: waveforms (n, samples) or features (n, rows, frames)."""

    def __init__(self, net: nn.Module, card: ModelCard) -> None:
        self.card = card
        self.net = net
        self._device = next(net.parameters()).device
        if card.input.get("sample_rate") != SAMPLE_RATE or not card.input.get("seconds", 0) > 0:
            raise ModelError(f"model {card.name!r}: its input must state sample_rate = {SAMPLE_RATE} and seconds")
        try:
            self._input = VoiceInput.read(card.input)
        except UsageError as error:
            raise ModelError(f"model {card.name!r}: {error}") from error

    def logits(self, items: Sequence[AudioWindow]) -> Floats:
        """Scores (n, 7) of windows of any length, fitted as the card states."""
        import torch

        batch = self._input.batch([item.samples for item in items])
        with torch.inference_mode():
            scores: Floats = self.net(torch.from_numpy(batch).to(self._device)).float().cpu().numpy()
        return scores


def load(folder: Path, device: str) -> VoiceNet:
    """The model in `folder` on `device` (auto, cpu, cuda[:N], mps). Raises `ModelError` and `UsageError`."""
    net, card = load_net(folder, pick_device(device))
    return VoiceNet(net, card)
