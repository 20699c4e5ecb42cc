"""Which windows of speech are one voice's: a variational Bayes hidden Markov model over vectors of an encoder.

Landini, Profant, Diez, Burget 2022, "Bayesian HMM clustering of x-vector sequences (VBx) in speaker diarization".
Voices are states, each with a hidden point in the space of `encoder.Plda`; a window is that point plus noise of
variance 1. What nobody needs loses its windows, so the model also tells how many voices there are. It starts from
average linkage of the vectors' cosines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mer_batch.people.encoder import Plda, Vectors

Labels: TypeAlias = NDArray[np.int64]

TRUST: Final = 0.6
"""Weight of a window's evidence: neighbours overlap and share a sentence, so each tells less than its all (Fa)."""
SPARSE: Final = 5.0
"""How much a voice must explain to be one (Fb)."""
STAY: Final = 0.97
PASS_ON: Final = 0.6
"""Chance that the next window is the same voice's, inside a region of speech and after a pause.

In a voice that changes within its sentences (`unrest`) a change is the less one of the speaker.
"""
ALIKE: Final = 0.75
"""Cosine down to which windows start as one voice."""
MOST: Final = 2000
"""Vectors that are linked at once: linkage takes time and memory by the square."""
_ROUNDS: Final = 20
_STARTS: Final = 60  # voices to start from: the model merges, it never divides
_SHORT: Final = 30  # windows below which less must be explained, in proportion: a voice of two sentences is one
_APART: Final = 2  # windows from one to the next that shares no sound with it
_USUAL: Final = 0.96  # variance within a voice, in the units of the PLDA, in ordinary and acted speech together
_BELIEVED: Final = (0.7, 2.0)  # what that variance can be
_CAUTION: Final = 1.5  # power of the variance by which evidence is worth less
_RELUCTANCE: Final = 10.0  # power of the variance by which a change of the sound is seldom one of the speaker
_ENOUGH: Final = 1e-4


@dataclass(frozen=True, eq=False)
class Voices:
    """Chances (n, k) that each of n windows is each of k voices', and how well the model explains all of them."""

    chances: Vectors
    evidence: float


def find_voices(vectors: Vectors, regions: Sequence[int], plda: Plda, count: int | None = None) -> Vectors:
    """Chances (n, k) that each of the windows, in time order, is each voice's; `count` fixes k.

    `vectors` (n, d) of unit length, `regions` the numbers (n) of the regions of speech that they lie in.
    """
    if not len(vectors):
        return np.zeros((0, 0))
    points = plda.apply(vectors)
    calm = _USUAL / unrest(points, regions)
    trust = TRUST * calm**_CAUTION
    sparse = SPARSE * min(1.0, len(vectors) / _SHORT)
    started = soft(link(vectors, count))
    stay = stays(regions, (1 - STAY) * min(1.0, calm) ** _RELUCTANCE)
    found = fit(points, plda.between, started, stay, trust, sparse).chances
    # The model gives up voices that it does not need, which is not for it to say where their number is known.
    return started if count and len(np.unique(found.argmax(1))) < started.shape[1] else found


def unrest(points: Vectors, regions: Sequence[int]) -> float:
    """How much voices change within a region of speech: a variance in the units of the PLDA, where 1 is usual.

    Emotion and noise move a voice, so that the same distance tells less of who speaks.
    """
    same = np.flatnonzero(np.asarray(regions)[_APART:] == np.asarray(regions)[:-_APART])
    if len(same) < _APART:
        return _USUAL
    moved = np.square(points[_APART:][same] - points[:-_APART][same]).mean(1) / 2
    return float(np.clip(np.median(moved), *_BELIEVED))


def stays(regions: Sequence[int], change: float = 1 - STAY) -> Vectors:
    """The chance (n - 1,) that each window but the first is the voice's of the one before.

    `change` is the chance that the word is passed on inside a region.
    """
    found: Vectors = np.where(np.diff(regions) == 0, 1 - change, PASS_ON)
    return found


def soft(labels: Labels) -> Vectors:
    """Labels (n,) as chances (n, k) to start from; of very many only the `_STARTS` largest; the rest is anybody's."""
    sizes = np.bincount(labels)
    kept = np.sort(np.argsort(-sizes, kind="stable")[:_STARTS])
    chances: Vectors = (labels[:, None] == kept) * 0.9 + 0.1 / len(kept)
    chances /= chances.sum(1, keepdims=True)
    return chances


def link(vectors: Vectors, count: int | None = None, alike: float = ALIKE) -> Labels:
    """Labels (n,) from 0 by average linkage of cosines, of unit vectors (n, d).

    More than `MOST` are linked in sections, and the means of what was found there with each other: the product of two
    means is the average cosine of their vectors.
    """
    if len(vectors) <= MOST:
        return _linked(1 - vectors @ vectors.T, count, alike)
    labels = np.empty(len(vectors), dtype=int)
    means: list[Vectors] = []
    for first in range(0, len(vectors), MOST):
        part = vectors[first : first + MOST]
        own = _linked(1 - part @ part.T, None, alike)
        labels[first : first + MOST] = own + len(means)
        means += [part[own == label].mean(0) for label in range(own.max() + 1)]
    every = np.array(means)
    found: Labels = _linked(1 - every @ every.T, count, alike)[labels]
    return found


def _linked(distances: Vectors, count: int | None, alike: float) -> Labels:
    near = count in (None, 1) and bool((distances <= 1 - alike).all())  # so near that no order of joining matters
    if len(distances) == 1 or near:
        return np.zeros(len(distances), dtype=int)
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    np.fill_diagonal(distances, 0)
    tree = linkage(squareform(distances.clip(0), checks=False), "average")
    found = fcluster(tree, count, "maxclust") if count else fcluster(tree, 1 - alike, "distance")
    labels: Labels = np.unique(found, return_inverse=True)[1]
    return labels


def fit(points: Vectors, between: Vectors, chances: Vectors, stay: Vectors, trust: float, sparse: float) -> Voices:
    """Fit the model to `points` (n, k) from `chances` (n, voices), `stay` by `stays`; the notation is the paper's."""
    ratio = trust / sparse
    own = -0.5 * (np.square(points).sum(1, keepdims=True) + points.shape[1] * np.log(2 * np.pi))
    rho = points * np.sqrt(between)
    prior = np.full(chances.shape[1], 1 / chances.shape[1])
    before = -np.inf
    for number in range(_ROUNDS):
        inverse = 1 / (1 + ratio * chances.sum(0)[:, None] * between)
        alpha = ratio * inverse * (chances.T @ rho)
        likely = trust * (rho @ alpha.T - 0.5 * (inverse + alpha**2) @ between + own)
        chances, arrivals, evidence = _smooth(likely, prior, stay)
        evidence += sparse * 0.5 * float((np.log(inverse) - inverse - alpha**2 + 1).sum())
        prior = chances[0] + prior * arrivals
        prior = prior / prior.sum()
        if number > 5 and evidence - before < _ENOUGH * abs(evidence):
            break
        before = evidence
    return Voices(chances, evidence)


def _smooth(likely: Vectors, prior: Vectors, stay: Vectors) -> tuple[Vectors, Vectors, float]:
    """Forward-backward: chances (n, k), how often each voice was chosen anew (k,) over its prior, log-likelihood."""
    count, voices = likely.shape
    top = likely.max(1)
    odds = np.exp(likely - top[:, None])
    ahead, behind, scales = np.empty_like(odds), np.ones_like(odds), np.empty(count)
    for step in range(count):
        came = prior if step == 0 else stay[step - 1] * ahead[step - 1] + (1 - stay[step - 1]) * prior
        row = came * odds[step]
        scales[step] = row.sum()
        ahead[step] = row / scales[step]
    for step in range(count - 2, -1, -1):
        row = odds[step + 1] * behind[step + 1]
        behind[step] = (stay[step] * row + (1 - stay[step]) * (prior @ row)) / scales[step + 1]
    chances = ahead * behind
    chances /= chances.sum(1, keepdims=True)
    arrivals = ((1 - stay) / scales[1:]) @ (odds[1:] * behind[1:]) if count > 1 else np.zeros(voices)
    return chances, arrivals, float(np.log(scales).sum() + top.sum())
