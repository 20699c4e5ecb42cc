"""Reliability-weighted logarithmic opinion pooling of calibrated probabilities.

The pool is log p = sum_m w_m log p_m + const with weights that sum to one: the externally Bayesian pool
of Genest, McConway & Schervish (1986), reviewed in Genest & Zidek (1986), "Combining probability
distributions: a critique and an annotated bibliography", Statistical Science 1, 114-148. Weights that
sum to one make it cautious: two modalities that agree do not become surer than either, as they would
if they were taken for independent evidence. One modality alone stays as calibrated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mer_batch.fusion.align import Share
from mer_batch.labels import EMOTIONS
from mer_batch.types import MODALITIES, Modality, Observation, Probabilities

Array: TypeAlias = NDArray[np.float64]

Weigh: TypeAlias = "Callable[[Sequence[Mapping[Modality, Reading]], Mapping[Modality, float]], Array]"
"""Readings of n steps and reliabilities to weights (n, 3) of face, voice and text."""
LEAST: Final = 1e-4
"""Probabilities are raised to this before their logarithm, so that no single reading has a veto."""
PSEUDO_COUNT: Final = 100.0
"""One full-weight modality counts as this many draws for the least width of an interval (see `spread`)."""
NORMAL_95: Final = 1.959964


def log_probabilities(values: Sequence[Probabilities] | Array) -> Array:
    """Natural logarithms, shape (n, 7), of probabilities of shape (n, 7)."""
    result: Array = np.log(np.maximum(np.asarray(values, dtype=np.float64), LEAST))
    return result


def softmax(logs: Array) -> Array:
    """Probabilities from unnormalised logarithms along the last axis."""
    scores = np.exp(logs - logs.max(axis=-1, keepdims=True))
    result: Array = scores / scores.sum(axis=-1, keepdims=True)
    return result


def log_pool(probabilities: Sequence[Probabilities] | Array, weights: Sequence[float] | Array) -> Array:
    """The pooled distribution, shape (7,), of n opinions; weights need not sum to one but be positive in sum."""
    shares = np.asarray(weights, dtype=np.float64)
    if shares.min() < 0 or not shares.sum() > 0:
        raise ValueError("pool weights must be non-negative with a positive sum")
    return softmax(shares / shares.sum() @ log_probabilities(probabilities))


@dataclass(frozen=True, slots=True)
class Reading:
    """What one modality says in one step: its observations averaged in log space into one opinion.

    `logs` are normalised log-probabilities, shape (7,). `quality` is the kernel-weighted mean quality
    and `kernel` the best temporal kernel among the observations, both in [0, 1]; doubling every
    observation changes none of the three.
    """

    logs: Array
    quality: float
    kernel: float
    observations: tuple[Observation, ...]

    @property
    def probabilities(self) -> Array:
        """The opinion as probabilities, shape (7,)."""
        return softmax(self.logs)

    @property
    def label(self) -> str:
        """The most probable emotion."""
        return EMOTIONS[int(self.logs.argmax())]


def read_step(shares: Sequence[Share]) -> dict[Modality, Reading]:
    """One `Reading` per modality that has an observation of positive quality in the step."""
    readings: dict[Modality, Reading] = {}
    for modality in MODALITIES:
        own = [share for share in shares if share.observation.modality == modality and share.observation.quality > 0]
        if own:
            readings[modality] = _average(own)
    return readings


def _average(shares: Sequence[Share]) -> Reading:
    kernels = np.array([share.kernel for share in shares])
    quality = np.array([share.observation.quality for share in shares])
    pooled = log_pool([share.observation.probabilities for share in shares], kernels * quality)
    return Reading(
        np.log(pooled),
        float(kernels @ quality / kernels.sum()),
        float(kernels.max()),
        tuple(share.observation for share in shares),
    )


def raw_weights(readings: Mapping[Modality, Reading], reliabilities: Mapping[Modality, float]) -> Array:
    """Reliability x quality x temporal kernel of face, voice and text, shape (3,); 0 where there is no reading."""
    return np.array(
        [
            reliabilities[name] * readings[name].quality * readings[name].kernel if name in readings else 0.0
            for name in MODALITIES
        ]
    )


def weights(steps: Sequence[Mapping[Modality, Reading]], reliabilities: Mapping[Modality, float]) -> Array:
    """`raw_weights` of the readings of every step, shape (n, 3)."""
    rows = [raw_weights(readings, reliabilities) for readings in steps]
    return np.array(rows, dtype=np.float64).reshape(len(steps), len(MODALITIES))


def disagreement(opinions: Sequence[Array]) -> float | None:
    """Generalized Jensen-Shannon divergence of equally weighted opinions, divided by its largest value.

    0: all the same; 1: certain and all different. None with fewer than two opinions. Lin (1991),
    "Divergence measures based on the Shannon entropy", IEEE Trans. Information Theory 37, 145-151.
    """
    if len(opinions) < 2:
        return None
    table = np.asarray(opinions, dtype=np.float64)
    excess = _entropy(table.mean(axis=0)) - float(np.mean([_entropy(row) for row in table]))
    return min(1.0, max(0.0, excess / float(np.log(len(opinions)))))


def _entropy(values: Array) -> float:
    positive = values[values > 0]
    return float(-(positive * np.log(positive)).sum())


def lag_one(observations: Sequence[Observation], window: int = 51) -> float:
    """Lag-1 autocorrelation of the noise of one modality's consecutive readings, in [0, 0.95].

    The noise is what is left around a running median over `window` readings, so that a change of
    expression does not count as correlation. The estimate is sin(pi (c - 1/2)), with c the share of
    neighbours (over all emotions) on the same side of the median: right for Gaussian noise and blind
    to outliers, but a little low for strong correlation, which the median follows (about 0.7 for 0.8). With
    fewer than eight readings it cannot be estimated and 0.9 is assumed.
    """
    if len(observations) < 8:
        return 0.9
    table = np.array([observation.probabilities for observation in observations])
    width = min(window, len(table) // 2 * 2 - 1)
    padded = np.pad(table, ((width // 2, width // 2), (0, 0)), mode="reflect")
    noise = table - np.median(np.lib.stride_tricks.sliding_window_view(padded, width, axis=0), axis=-1)
    products = noise[1:] * noise[:-1]
    used = np.abs(products) > 1e-12
    if not used.any():
        return 0.0
    same = float((products[used] > 0).mean())
    return min(0.95, max(0.0, float(np.sin(np.pi * (same - 0.5)))))


def spread(
    pooled: Array,
    weights: Array,
    nearby: Mapping[Modality, Sequence[Sequence[Observation]]],
    correlations: Mapping[Modality, float],
) -> Array:
    """95 % half-widths, shape (7,), of the pooled probabilities of one step.

    Two parts are added as variances. (a) How much the readings vary: for each modality the variance
    of its `nearby` observations (a group for each step that entered the smoothed one) around the mean
    of their group, carried through the pool by the delta method. With r from `correlations` it is
    divided by 1 - r, because correlated neighbours differ less than the noise is large, and by an
    effective sample size n (1 - r) / (1 + r) of at least 1. (b) How sure the pool can be: p (1 - p) / (1 + 100 W),
    the binomial variance of 100 draws for each unit of raw weight W, so that no reading is shown as
    exact and weak evidence is shown as wide. (b) is a convention, not an estimate. The intervals are
    about repeatability: they know nothing of a model that is wrong about this person, nor of the
    rounding off of a sudden change by the smoothing.
    """
    variance = pooled * (1 - pooled) / (1 + PSEUDO_COUNT * float(weights.sum()))
    shares = weights / weights.sum()
    for index, name in enumerate(MODALITIES):
        groups = nearby.get(name, ())
        freedom = sum(len(group) - 1 for group in groups)
        if shares[index] > 0 and freedom > 0:
            effect = shares[index] * pooled * np.concatenate([_deviations(group, pooled) for group in groups])
            distinct = len({id(observation) for group in groups for observation in group})
            r = correlations[name]
            effective = max(1.0, distinct * (1 - r) / (1 + r))
            variance = variance + (effect**2).sum(axis=0) / freedom / (1 - r) / effective
    result: Array = np.minimum(1.0, NORMAL_95 * np.sqrt(variance))
    return result


def _deviations(group: Sequence[Observation], pooled: Array) -> Array:
    """How each observation moves the logarithm of the pool, shape (n, 7), around the mean of the group."""
    logs = log_probabilities([observation.probabilities for observation in group])
    moves = logs - (logs @ pooled)[:, None]
    result: Array = moves - moves.mean(axis=0)
    return result


def decide(pooled: Array, half_widths: Array, abstain: float) -> tuple[str | None, str]:
    """The label and "", or None and why the reading is too weak to name.

    No label when the largest probability is below `abstain`, or when its lead over the runner-up is
    smaller than its 95 % half-width.
    """
    second, first = (int(index) for index in np.argsort(pooled, kind="stable")[-2:])
    name, other, width = EMOTIONS[first], EMOTIONS[second], float(half_widths[first])
    if pooled[first] < abstain:
        return None, f"not sure: {name} {pooled[first]:.2f} is below {abstain:.2f}"
    if pooled[first] - pooled[second] < width:
        return None, f"not sure: {name} {pooled[first]:.2f} and {other} {pooled[second]:.2f} are within ±{width:.2f}"
    return name, ""
