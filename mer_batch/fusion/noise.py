"""How much readings of one moment differ, and so how far a fused reading would move if it were made again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mer_batch.fusion.pool import Array, log_probabilities
from mer_batch.scores.shares import NORMAL, student
from mer_batch.types import MODALITIES, Modality, Observation

PSEUDO_COUNT: Final = 100.0
"""One full-weight modality counts as this many draws for the least width of an interval (see `spread`)."""
TOGETHER: Final = 1.0
"""Seconds up to which the middles of two readings tell of the same moment, so that they differ by noise."""
FEW: Final = 6
"""Pairs of readings two apart below which their correlation cannot be estimated."""
ASSUMED: Final = 0.9
"""Correlation of neighbours where it cannot be estimated."""
SUDDEN: Final = 4.0
"""Times the median difference of neighbours beyond which one is a change of expression: for noise of one dimension
that is 2.7 standard deviations, for more it does not happen."""
MOST: Final = 0.95
LEAST: Final = 2.0
"""Degrees of freedom that an estimated noise has at least."""


@dataclass(frozen=True, slots=True)
class Noise:
    """The noise of one modality's readings of one person.

    `covariance` (7, 7) is that of the log-probabilities of one reading, `correlation` that of readings `spacing`
    seconds apart; it falls as a power of the distance (an autoregressive process of first order). The covariance is
    widened for the few readings that it may be estimated from: by the square of Student's quantile over the normal one.
    """

    covariance: Array
    correlation: float
    spacing: float


@dataclass(frozen=True, slots=True)
class Part:
    """A reading that entered a fused one: the middle of its span in seconds, and its weight within its modality."""

    time: float
    weight: float


def noise_of(observations: Sequence[Observation]) -> Noise | None:
    """The noise of one modality's readings, in any order; None where no two tell of the same moment.

    From squared differences of neighbours (the variogram), so that a slow change of expression hardly counts, without
    those more than `SUDDEN` times the median, which are changes themselves. With V1
    and V2 those of readings one and two apart, the correlation of neighbours is V2 / V1 - 1, in [0, 0.95], and
    the variance V1 / 2 over one less it. With fewer than `FEW` pairs two apart the correlation is taken as
    0.9, which is on the safe side.
    """
    ordered = sorted(observations, key=lambda o: o.start + o.end)
    if len(ordered) < 2:
        return None
    logs = log_probabilities([o.probabilities for o in ordered])
    steps = np.diff([(o.start + o.end) / 2 for o in ordered])
    near = steps <= TOGETHER + 1e-6
    if not near.any():
        return None
    moves = logs[1:] - logs[:-1]
    near &= _usual(moves, near)
    one, two = moves[near], (logs[2:] - logs[:-2])[near[1:] & near[:-1]]
    first = float((one**2).mean())
    correlation, wider = ASSUMED, 1.0
    if len(two) >= FEW:
        correlation = min(MOST, max(0.0, float((two**2).mean()) / first - 1)) if first > 0 else 0.0
        wider = student(max(LEAST, len(one) * (1 - correlation))) / NORMAL
    covariance = one.T @ one / len(one) / 2 / (1 - correlation)
    return Noise(covariance * wider**2, correlation, max(float(np.median(steps[near])), 1e-6))


def _usual(moves: Array, near: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which differences (n, 7) of neighbours are no sudden change."""
    sizes = np.sqrt((moves**2).sum(axis=1))
    middle = float(np.median(sizes[near]))
    result: NDArray[np.bool_] = sizes <= max(SUDDEN * middle, 1e-9)
    return result


def _share(parts: Sequence[Part], noise: Noise) -> float:
    """The variance of a weighted mean of readings, as a share of that of one."""
    times, weights = np.array([[part.time, part.weight] for part in parts]).T
    apart = np.abs(times[:, None] - times[None]) / noise.spacing
    alike = noise.correlation**apart if noise.correlation else (apart < 1e-6).astype(float)
    return float(weights @ alike @ weights) / float(weights.sum()) ** 2


def spread(
    pooled: Array, weights: Array, parts: Mapping[Modality, Sequence[Part]], noise: Mapping[Modality, Noise | None]
) -> tuple[Array, float]:
    """95 % half-widths, shape (7,), of the pooled probabilities of one step, and that of the lead of the first.

    Two covariances are added. (a) How much readings vary: the noise of each modality's readings in the smoothed step
    (`parts`), correlated as they are, carried through the pool by the delta method. (b) How sure the pool can be: that
    of a multinomial of 1 + 100 W draws for a raw weight of W, so that no reading is shown as exact and weak
    evidence is shown as wide. (b) is a convention, not an estimate. The intervals are about repeatability: they
    know nothing of a model that is wrong about this person, nor of the rounding off of a sudden change by
    the smoothing.

    The lead is the difference between the two largest, p and q. Its half-width is the lead that they would have if
    log(p / q) lay 1.96 standard deviations from 0, p + q as it is: where both are equally likely that holds without
    the delta method, which is too narrow for large noise.
    """
    draws = 1 + PSEUDO_COUNT * float(weights.sum())
    logs = np.zeros((len(pooled), len(pooled)))
    shares = weights / weights.sum()
    for index, name in enumerate(MODALITIES):
        found = noise.get(name)
        if shares[index] > 0 and found is not None and parts.get(name):
            logs = logs + shares[index] ** 2 * _share(parts[name], found) * found.covariance
    turn = np.diag(pooled) - np.outer(pooled, pooled)  # what log-probabilities do to probabilities
    variances = np.diag(turn @ logs @ turn) + pooled * (1 - pooled) / draws
    widths: Array = np.minimum(1.0, NORMAL * np.sqrt(variances))
    second, first = (int(place) for place in np.argsort(pooled, kind="stable")[-2:])
    both = float(pooled[first] + pooled[second])
    apart = logs[first, first] + logs[second, second] - 2 * logs[first, second] + 4 / (both * draws)
    return widths, both * float(np.tanh(NORMAL * np.sqrt(max(apart, 0.0)) / 2))
