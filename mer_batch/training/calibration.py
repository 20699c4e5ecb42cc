"""Turning logits into probabilities that can be believed, on validation data only."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from mer_batch.labels import EMOTIONS


def negative_log_likelihood(logits: NDArray[Any], labels: NDArray[np.int64], temperature: float = 1.0) -> float:
    """Mean -log p(label) for logits (n, 7) at a temperature, in nats."""
    return float(-log_softmax(logits / temperature, axis=1)[np.arange(len(labels)), labels].mean())


def fit_temperature(logits: NDArray[Any], labels: NDArray[np.int64]) -> float:
    """The temperature of least negative log-likelihood (Guo et al., arXiv:1706.04599)."""
    found = minimize_scalar(
        lambda power: negative_log_likelihood(logits, labels, float(np.exp(power))), bounds=(-3, 3), method="bounded"
    )
    return float(np.exp(found.x))


def reliability(logits: NDArray[Any], labels: NDArray[np.int64], temperature: float) -> float:
    """The share of the labels' entropy that the calibrated readings remove, in [0.01, 1].

    This is the uncertainty coefficient (Theil, 1972) with the cross-entropy as conditional entropy: 0 for
    a reader that knows only the class frequencies, 1 for a perfect one. It weighs the reader in fusion.
    """
    shares = np.bincount(labels, minlength=len(EMOTIONS)) / len(labels)
    entropy = float(-(shares[shares > 0] * np.log(shares[shares > 0])).sum())
    return float(np.clip(1 - negative_log_likelihood(logits, labels, temperature) / entropy, 0.01, 1))
