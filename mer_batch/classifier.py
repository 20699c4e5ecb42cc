"""The interface of every emotion reader, whatever it reads; `readers` finds one by name.

A new kind of model is one class with one method, `logits`. Its preprocessing comes from its card.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from mer_batch.labels import EMOTIONS
from mer_batch.nets.store import ModelCard
from mer_batch.types import Floats

Item = TypeVar("Item")


class Classifier(ABC, Generic[Item]):
    """Reads items (face crops, audio windows or sentences) in batches."""

    card: ModelCard

    @abstractmethod
    def logits(self, items: Sequence[Item]) -> Floats:
        """Scores of shape (n, 7) in the order of `card.labels`; `items` is not empty."""

    def predict(self, items: Sequence[Item]) -> Floats:
        """Calibrated probabilities, shape (n, 7), in the order of `labels.EMOTIONS`."""
        return calibrated(self.scores(items), self.card.temperature, self.card.bias).astype(np.float32)

    def scores(self, items: Sequence[Item]) -> Floats:
        """Logits before calibration, shape (n, 7), in the order of `labels.EMOTIONS`."""
        if not items:
            return np.zeros((0, len(EMOTIONS)), dtype=np.float32)
        order = [self.card.labels.index(name) for name in EMOTIONS]
        result: Floats = self.logits(items)[:, order]
        return result


def calibrated(scores: NDArray[Any], temperature: float = 1.0, bias: Sequence[float] = ()) -> NDArray[np.float64]:
    """Probabilities softmax(scores / temperature + bias) over the last axis; `bias` has a value an emotion, or none.

    Source: vector scaling with one common scale (Guo et al., arXiv:1706.04599).
    """
    shifted = np.asarray(scores, dtype=np.float64) / temperature + (np.asarray(bias) if len(bias) else 0.0)
    shares = np.exp(shifted - shifted.max(axis=-1, keepdims=True))
    result: NDArray[np.float64] = shares / shares.sum(axis=-1, keepdims=True)
    return result
