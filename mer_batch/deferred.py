"""Readers whose networks are loaded when there is something to read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from mer_batch.classifier import Classifier
from mer_batch.nets.device import pick_device
from mer_batch.nets.store import ModelCard, find_model, read_card
from mer_batch.types import Floats, TaskName

Load = Callable[[TaskName, str, str], Classifier[Any]]


class Deferred(Classifier[Any]):
    """A reader whose network is loaded when it is first asked: one that gets nothing to read costs nothing.

    What `load` raises, the first reading raises.
    """

    def __init__(self, card: ModelCard, load: Callable[[], Classifier[Any]]) -> None:
        self.card, self._load = card, load
        self._reader: Classifier[Any] | None = None

    def logits(self, items: Sequence[Any]) -> Floats:
        """See `Classifier.logits`."""
        if self._reader is None:
            self._reader = self._load()
        return self._reader.logits(items)


def deferred(load: Load, modality: TaskName, spec: str, device: str) -> Classifier[Any]:
    """The reader that `load` finds, its network loaded with the first reading; name, card and device are checked now.

    Raises `UsageError` and `ModelError` for these as `load` does.
    """
    pick_device(device)
    if spec.startswith("hf:"):  # its card comes with its network
        return load(modality, spec, device)
    card = read_card(find_model(modality, spec))
    if card.modality != modality:
        return load(modality, spec, device)  # which says what does not fit
    return Deferred(card, lambda: load(modality, spec, device))
