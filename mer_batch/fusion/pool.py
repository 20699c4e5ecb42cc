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
    observation changes none of the three. `parts` are the shares of the observations in the opinion.
    """

    logs: Array
    quality: float
    kernel: float
    observations: tuple[Observation, ...]
    parts: tuple[float, ...] = ()

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
        tuple((kernels * quality / (kernels @ quality)).tolist()),
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


def decide(pooled: Array, lead: float, abstain: float) -> tuple[str | None, str]:
    """The label and "", or None and why the reading is too weak to name.

    No label when the largest probability is below `abstain`, or when it is ahead of the runner-up by less than `lead`,
    the 95 % half-width of that difference (`noise.spread`): of two emotions that are as likely as each other one
    is then named in at most 5 % of cases.
    """
    second, first = (int(index) for index in np.argsort(pooled, kind="stable")[-2:])
    name, other = EMOTIONS[first], EMOTIONS[second]
    if pooled[first] < abstain:
        return None, f"not sure: {name} {pooled[first]:.2f} is below {abstain:.2f}"
    if pooled[first] - pooled[second] < lead:
        return None, f"not sure: {name} {pooled[first]:.2f} leads {other} {pooled[second]:.2f} by less than {lead:.2f}"
    return name, ""
