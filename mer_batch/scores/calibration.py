"""Turning logits into probabilities that can be believed, on validation data only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize, minimize_scalar
from scipy.special import log_softmax

from mer_batch.errors import UsageError, unknown_name
from mer_batch.labels import EMOTIONS, INDEX

FOLDS = 5
"""Folds of the cross-validation that decides whether biases help."""
PENALTY = 1.0
"""Strength of the Gaussian prior on biases: worth one example of a spread of one nat."""
MARGIN = 1e-3
"""Nats by which a raised class leads, so that the rounding of cards takes nothing back."""


@dataclass(frozen=True)
class CalibrateOptions:
    """`[calibrate]`: how logits become probabilities, on validation data."""

    bias: bool = False
    """Fit a bias per class, kept where it lowers the negative log-likelihood in cross-validation."""
    prior: float = 0.0
    """Power, 0 to 1, to which inverse class frequencies enter: more recall for rare classes; see `fit_bias`."""
    floors: Mapping[str, float] = field(default_factory=dict)
    """Least recall of some classes on validation data, such as {fear = 0.5}; see `with_floors`."""

    def __post_init__(self) -> None:
        if not 0 <= self.prior <= 1:
            raise UsageError(f"[calibrate] prior must be between 0 and 1, got {self.prior}")
        for name, floor in self.floors.items():
            if name not in INDEX:
                raise unknown_name("class in [calibrate] floors", name, INDEX)
            if not 0 < floor < 1:
                raise UsageError(f"[calibrate] floors: the recall of {name} must be between 0 and 1, got {floor}")


@dataclass(frozen=True)
class Calibration:
    """Probabilities are softmax(logits / temperature + bias); `bias` has a value an emotion, or none."""

    temperature: float
    bias: tuple[float, ...] = ()

    def rounded(self) -> Calibration:
        """As a card states it; a bias of zeros is none."""
        bias = tuple(round(value, 4) for value in self.bias)
        return Calibration(round(self.temperature, 4), bias if any(bias) else ())


def negative_log_likelihood(
    logits: NDArray[Any], labels: NDArray[np.int64], temperature: float = 1.0, bias: Sequence[float] = ()
) -> float:
    """Mean -log p(label) for logits (n, 7) at a temperature and biases, in nats."""
    scores = logits / temperature + (np.asarray(bias) if len(bias) else 0.0)
    return float(-log_softmax(scores, axis=1)[np.arange(len(labels)), labels].mean())


def fit_temperature(logits: NDArray[Any], labels: NDArray[np.int64], bias: Sequence[float] = ()) -> float:
    """The temperature of least negative log-likelihood (Guo et al., arXiv:1706.04599), for fixed biases if any."""
    found = minimize_scalar(
        lambda power: negative_log_likelihood(logits, labels, float(np.exp(power)), bias),
        bounds=(-3, 3),
        method="bounded",
    )
    return float(np.exp(found.x))


def fit_bias(logits: NDArray[Any], labels: NDArray[np.int64], prior: float = 0.0) -> Calibration:
    """Temperature and a bias per class of least penalised negative log-likelihood (vector scaling, one scale).

    Logits are (n, 7), labels (n,). With `prior` the classes are then read as if they were more equally
    frequent: the power, 0 to 1, to which inverse frequencies enter (Menon et al., arXiv:2007.07314). That
    raises the recall of rare classes and costs accuracy; the common scale is fitted again, so that
    probabilities stay as calibrated as the shift allows. Source: Guo et al., arXiv:1706.04599, section 4.2.
    """
    start = np.array([-np.log(fit_temperature(logits, labels)), *np.zeros(len(EMOTIONS))])
    hot = np.eye(len(EMOTIONS))[labels]

    def loss(point: NDArray[Any]) -> tuple[float, NDArray[Any]]:
        scale, bias = np.exp(point[0]), point[1:]
        logs = log_softmax(scale * logits + bias, axis=1)
        slope = np.exp(logs) - hot
        value = -(logs * hot).sum() + PENALTY * (bias**2).sum() / 2
        return value / len(labels), np.array(
            [(slope * scale * logits).sum(), *(slope.sum(axis=0) + PENALTY * bias)]
        ) / len(labels)

    point = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(-3, 3), *[(-10, 10)] * len(EMOTIONS)]).x
    return shifted(logits, labels, Calibration(float(np.exp(-point[0])), tuple(point[1:] - point[1:].mean())), prior)


def shifted(logits: NDArray[Any], labels: NDArray[np.int64], fitted: Calibration, prior: float) -> Calibration:
    """`fitted` with classes read as if their frequencies to the power `prior` were equal; see `fit_bias`."""
    if not prior:
        return fitted
    counts = np.bincount(labels, minlength=len(EMOTIONS)) + 1.0
    raised = np.asarray(fitted.bias or np.zeros(len(EMOTIONS))) - prior * np.log(counts / counts.sum())
    return _rescaled(logits, labels, fitted.temperature, raised - raised.mean())


def _rescaled(logits: NDArray[Any], labels: NDArray[np.int64], temperature: float, bias: NDArray[Any]) -> Calibration:
    # One factor on logits and biases alike changes how sure readings are and never which class is first.
    factor = fit_temperature(logits / temperature + bias, labels)
    return Calibration(temperature * factor, tuple(float(value) for value in bias / factor))


def calibrate(
    logits: NDArray[Any], labels: NDArray[np.int64], options: CalibrateOptions | None = None, seed: int = 0
) -> Calibration:
    """A temperature, and biases where they lower the negative log-likelihood in cross-validation or are asked for."""
    options = options or CalibrateOptions()
    fitted = Calibration(fit_temperature(logits, labels))
    if options.bias and bias_gain(logits, labels, seed) > 0:
        fitted = fit_bias(logits, labels)
    fitted = shifted(logits, labels, fitted, options.prior)
    return with_floors(logits, labels, fitted, options.floors) if options.floors else fitted


def bias_gain(logits: NDArray[Any], labels: NDArray[np.int64], seed: int = 0) -> float:
    """How much lower the negative log-likelihood (nats an item) is with biases, in cross-validation."""
    fold = np.random.default_rng(seed).permutation(len(labels)) % FOLDS
    gains = []
    for held in range(FOLDS):
        fit, test = fold != held, fold == held
        if not test.any() or not fit.any():
            return 0.0
        plain, vector = fit_temperature(logits[fit], labels[fit]), fit_bias(logits[fit], labels[fit])
        gains.append(
            negative_log_likelihood(logits[test], labels[test], plain)
            - negative_log_likelihood(logits[test], labels[test], vector.temperature, vector.bias)
        )
    return float(np.mean(gains))


def with_floors(
    logits: NDArray[Any], labels: NDArray[np.int64], fitted: Calibration, floors: Mapping[str, float]
) -> Calibration:
    """`fitted` with the smallest raises of the named classes that lift their recalls to `floors` on these data.

    Classes are raised in turns, each to the quantile of its own labels' margins that gives the
    recall asked for, until none falls short: raising one class takes readings from the others.
    """
    scores = logits / fitted.temperature + np.asarray(fitted.bias or np.zeros(len(EMOTIONS)))
    raised = np.zeros(len(EMOTIONS))
    for _ in range(50):
        before = raised.copy()
        for name, floor in floors.items():
            raised[INDEX[name]] += _missing(scores + raised, labels, INDEX[name], floor)
        if np.abs(raised - before).max() < 1e-6:
            break
    bias = np.asarray(fitted.bias or np.zeros(len(EMOTIONS))) + raised
    return _rescaled(logits, labels, fitted.temperature, bias - bias.mean()) if raised.any() else fitted


def _missing(scores: NDArray[Any], labels: NDArray[np.int64], kind: int, floor: float) -> float:
    """What must be added to the scores of class `kind` for a recall of `floor`, 0 where it has that."""
    own = scores[labels == kind]
    if not len(own):
        return 0.0
    lacks = np.delete(own, kind, axis=1).max(axis=1) - own[:, kind]
    needed = np.sort(lacks)[min(len(own), int(np.ceil(floor * len(own)))) - 1]
    return max(0.0, float(needed) + MARGIN)


def reliability(
    logits: NDArray[Any], labels: NDArray[np.int64], temperature: float, bias: Sequence[float] = ()
) -> float:
    """The share of the labels' entropy that the calibrated readings remove, in [0.01, 1].

    This is the uncertainty coefficient (Theil, 1972) with the cross-entropy as conditional entropy: 0 for
    a reader that knows only the class frequencies, 1 for a perfect one. It weighs the reader in fusion.
    """
    shares = np.bincount(labels, minlength=len(EMOTIONS)) / len(labels)
    entropy = float(-(shares[shares > 0] * np.log(shares[shares > 0])).sum())
    return float(np.clip(1 - negative_log_likelihood(logits, labels, temperature, bias) / entropy, 0.01, 1))
