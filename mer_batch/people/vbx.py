"""Which windows of speech are one voice's: a variational Bayes hidden Markov model over vectors of an encoder.

Landini, Profant, Diez, Burget 2022, "Bayesian HMM clustering of x-vector sequences (VBx) in speaker diarization".
Voices are states, each with a hidden point in the space of `encoder.Plda`; a window is that point plus noise of
variance 1. What nobody needs loses its windows, so the model also tells how many voices there are. It starts from
average linkage of the vectors' cosines.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import pdist

from mer_batch.people.encoder import Plda, Vectors

TRUST: Final = 0.3
"""Weight of a window's evidence: neighbours overlap and share a sentence, so each tells less than its all (Fa)."""
SPARSE: Final = 5.0
"""How much a voice must explain to be one (Fb)."""
STAY: Final = 0.9
"""Chance that the next window is the same voice's."""
ALIKE: Final = 0.75
"""Cosine down to which windows start as one voice."""
MOST: Final = 2000
"""Vectors that are linked at once: linkage takes time and memory by the square."""
_ROUNDS: Final = 20
_ENOUGH: Final = 1e-4


@dataclass(frozen=True, eq=False)
class Voices:
    """Chances (n, k) that each of n windows is each of k voices', and how well the model explains all of them."""

    chances: Vectors
    evidence: float


def find_voices(vectors: Vectors, plda: Plda, count: int | None = None) -> Vectors:
    """Chances (n, k) that each of the windows, in time order, is each voice's; `count` fixes k.

    `vectors` (n, d) of unit length.
    """
    if not len(vectors):
        return np.zeros((0, 0))
    labels = link(vectors, count)
    return fit(plda.apply(vectors), plda.between, soft(labels)).chances


def soft(labels: Vectors) -> Vectors:
    """Labels (n,) as chances (n, k) to start from."""
    count = int(labels.max()) + 1
    chances: Vectors = np.eye(count)[labels] * 0.9 + 0.1 / count
    return chances


def link(vectors: Vectors, count: int | None = None, alike: float = ALIKE) -> Vectors:
    """Labels (n,) from 0 by average linkage of cosines; of more than `MOST` vectors neighbours are linked as one."""
    size = -(-len(vectors) // MOST)
    pooled = np.add.reduceat(vectors, np.arange(0, len(vectors), size))
    pooled = pooled / np.linalg.norm(pooled, axis=1, keepdims=True).clip(1e-9)
    if len(pooled) == 1:
        return np.zeros(len(vectors), dtype=int)
    tree = linkage(pdist(pooled, "cosine").clip(0), "average")
    found = fcluster(tree, count, "maxclust") if count else fcluster(tree, 1 - alike, "distance")
    labels: Vectors = np.repeat(found - 1, size)[: len(vectors)]
    return labels


def fit(points: Vectors, between: Vectors, chances: Vectors, rounds: int = _ROUNDS) -> Voices:
    """Fit the model to `points` (n, k) from `chances` (n, voices); the notation is the paper's."""
    ratio = TRUST / SPARSE
    own = -0.5 * (np.square(points).sum(1, keepdims=True) + points.shape[1] * np.log(2 * np.pi))
    rho = points * np.sqrt(between)
    prior = np.full(chances.shape[1], 1 / chances.shape[1])
    before = -np.inf
    for number in range(rounds):
        inverse = 1 / (1 + ratio * chances.sum(0)[:, None] * between)
        alpha = ratio * inverse * (chances.T @ rho)
        likely = TRUST * (rho @ alpha.T - 0.5 * (inverse + alpha**2) @ between + own)
        chances, arrivals, evidence = _smooth(likely, prior)
        evidence += SPARSE * 0.5 * float((np.log(inverse) - inverse - alpha**2 + 1).sum())
        prior = chances[0] + (1 - STAY) * prior * arrivals
        prior = prior / prior.sum()
        if number > 5 and evidence - before < _ENOUGH * abs(evidence):
            break
        before = evidence
    return Voices(chances, evidence)


def _smooth(likely: Vectors, prior: Vectors) -> tuple[Vectors, Vectors, float]:
    """Forward-backward: chances (n, k), how often each voice was chosen anew (k, not times its prior), log-likelihood."""
    count, voices = likely.shape
    top = likely.max(1)
    odds = np.exp(likely - top[:, None])
    ahead, behind, scales = np.empty_like(odds), np.ones_like(odds), np.empty(count)
    for step in range(count):
        came = prior if step == 0 else STAY * ahead[step - 1] + (1 - STAY) * prior
        row = came * odds[step]
        scales[step] = row.sum()
        ahead[step] = row / scales[step]
    for step in range(count - 2, -1, -1):
        row = odds[step + 1] * behind[step + 1]
        behind[step] = (STAY * row + (1 - STAY) * (prior @ row)) / scales[step + 1]
    chances = ahead * behind
    chances /= chances.sum(1, keepdims=True)
    arrivals = (odds[1:] * behind[1:] / scales[1:, None]).sum(0) if count > 1 else np.zeros(voices)
    return chances, arrivals, float(np.log(scales).sum() + top.sum())
