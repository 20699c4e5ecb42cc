"""Weights of the modalities from a trained gate, in the place of reliability x quality alone (`pool.raw_weights`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from mer_batch.errors import UsageError
from mer_batch.fusion import pool
from mer_batch.labels import EMOTIONS
from mer_batch.nets.device import pick_device
from mer_batch.nets.store import ModelCard, built_in, find_model, load_net, model_sum, verify_model
from mer_batch.types import MODALITIES, Floats, Modality

if TYPE_CHECKING:
    from torch import Tensor, nn

TABLE: Final = (len(MODALITIES), len(EMOTIONS) + 2)
POOL: Final = "pool"
"""Names the pool without a gate where a gate could be named."""


def table(readings: Mapping[Modality, pool.Reading], reliabilities: Mapping[Modality, float]) -> Floats:
    """What a gate reads of one step, (3, 9): log-probabilities, quality and weight in the pool of each modality.

    A modality without a reading is a row of zeros.
    """
    rows = np.zeros(TABLE, dtype=np.float32)
    weights = pool.raw_weights(readings, reliabilities)
    for place, name in enumerate(MODALITIES):
        if weights[place] > 0:
            reading = readings[name]
            logs = pool.log_probabilities(reading.probabilities[None])[0]
            rows[place] = [*logs, reading.quality, weights[place]]
    return rows


class Gate:
    """A trained gate with its card, which says of which models it has learned."""

    def __init__(self, net: nn.Module, card: ModelCard) -> None:
        _check_card(card)
        self.card, self._net = card, net
        self._device = next(net.parameters()).device

    def strangers(self, models: Mapping[str, str]) -> list[str]:
        """Of `models` (checksums by modality) those that the gate has not learned from; it cannot judge them."""
        known = self.card.input.get("models", {})
        return sorted(name for name, sha in models.items() if known.get(name) != sha)

    def shares(self, tables: Floats) -> Floats:
        """Shares (n, 3) of face, voice and words for tables (n, 3, 9), each with one modality at least."""
        import torch

        with torch.inference_mode():
            found: Floats = self._net.weights(self._tensor(tables)).float().cpu().numpy()  # type: ignore[operator]
        return found

    def logs(self, tables: Floats) -> Floats:
        """Logarithms (n, 7) of the pooled probabilities for tables (n, 3, 9)."""
        import torch

        with torch.inference_mode():
            found: Floats = self._net(self._tensor(tables)).float().cpu().numpy()
        return found

    def weights(
        self, steps: Sequence[Mapping[Modality, pool.Reading]], reliabilities: Mapping[Modality, float]
    ) -> pool.Array:
        """Weights (n, 3) for the pool, as `pool.weights` gives them: the gate moves shares and keeps each sum.

        So intervals and abstention mean what they mean without a gate.
        """
        found = pool.weights(steps, reliabilities)
        read = [place for place, row in enumerate(found) if row.sum() > 0]
        if read:
            tables = np.stack([table(steps[place], reliabilities) for place in read])
            found[read] = self.shares(tables) * found[read].sum(axis=1, keepdims=True)
        return found

    def _tensor(self, tables: Floats) -> Tensor:
        import torch

        return torch.from_numpy(np.ascontiguousarray(tables, dtype=np.float32)).to(self._device)


def load_gate(spec: str = "default", device: str = "auto") -> Gate | None:
    """The gate of a model folder or run; None for `pool`, and for `default` where none is shipped.

    Raises `UsageError` for a model that is no gate.
    """
    if _none(spec):
        return None
    net, card = load_net(find_model("fusion", spec), pick_device(device))
    return Gate(net, card)


def check_gate(spec: str = "default") -> None:
    """Raise for what is no gate or not whole what `load_gate` raises, without building a network."""
    if not _none(spec):
        _check_card(verify_model(find_model("fusion", spec), "fusion"))


def gate_sum(spec: str = "default") -> str | None:
    """The checksums of the gate that `load_gate` gives, None where it gives none."""
    return None if _none(spec) else model_sum(find_model("fusion", spec))


def _none(spec: str) -> bool:
    return spec == POOL or (spec == "default" and "fusion" not in built_in())


def _check_card(card: ModelCard) -> None:
    if card.input.get("level") != "readings":
        raise UsageError(f"the model {card.name!r} joins features; only a gate can weigh finished readings")
