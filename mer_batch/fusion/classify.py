"""Readers that take several modalities of one utterance: sound with words, or the readings of other models."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from mer_batch.classifier import Classifier
from mer_batch.errors import ModelError, UsageError
from mer_batch.fusion.learned import TABLE, Gate
from mer_batch.fusion.spoken import Spoken, Vocabulary
from mer_batch.nets.device import pick_device
from mer_batch.nets.store import ModelCard, load_net
from mer_batch.types import Floats
from mer_batch.voice.inputs import VoiceInput

if TYPE_CHECKING:
    import torch
    from torch import nn

BATCH: Final = 64


class SpokenNet(Classifier[Spoken]):
    """A network over word numbers, or over speech features and word numbers, as its card states."""

    def __init__(self, net: nn.Module, card: ModelCard, device: torch.device) -> None:
        self.card, self.net, self._device = card, net, device
        self._vocabulary = Vocabulary.from_card(card.input.get("words", {}))
        try:
            self._form = VoiceInput.read(card.input["speech"]) if "speech" in card.input else None
        except (KeyError, UsageError) as error:
            raise ModelError(f"model {card.name!r}: {error}") from error
        if self._vocabulary.size > int(card.net_options.get("words", self._vocabulary.size)):
            raise ModelError(f"model {card.name!r}: its vocabulary is larger than its network")

    def logits(self, items: Sequence[Spoken]) -> Floats:
        """Scores (n, 7) of clips with their words."""
        import torch

        with torch.inference_mode():
            parts = [
                self.net(self._batch(items[start : start + BATCH]).to(self._device)).float().cpu().numpy()
                for start in range(0, len(items), BATCH)
            ]
        result: Floats = np.concatenate(parts)
        return result

    def _batch(self, items: Sequence[Spoken]) -> torch.Tensor:
        import torch

        from mer_batch.nets.tess_reference import pack

        numbers = torch.from_numpy(self._vocabulary.encode([item.words for item in items]))
        if self._form is None:
            return numbers
        return pack(torch.from_numpy(self._form.batch([item.window.samples for item in items])), numbers)


class GateReader(Classifier[Floats]):
    """The gate as a reader: items are tables of what the modalities say (`learned.table`)."""

    def __init__(self, gate: Gate) -> None:
        self.card, self._gate = gate.card, gate

    def logits(self, items: Sequence[Floats]) -> Floats:
        """Logarithms (n, 7) of what the gate makes of tables (3, 9)."""
        tables = np.stack([np.asarray(item, dtype=np.float32) for item in items])
        if tables.shape[1:] != TABLE:
            raise ModelError(f"a gate reads tables of shape {TABLE}, got {tables.shape[1:]}")
        return self._gate.logs(tables)


def load(folder: Path, device: str) -> Classifier[Any]:
    """The fusion model in `folder` on `device`. Raises `ModelError` and `UsageError`."""
    chosen = pick_device(device)
    net, card = load_net(folder, chosen)
    if card.modality != "fusion":
        raise ModelError(f"{folder} holds a {card.modality} model; a fusion model is needed here")
    if card.input.get("level") == "features":
        return SpokenNet(net, card, chosen)
    return GateReader(Gate(net, card))
