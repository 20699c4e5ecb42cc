"""Intervals for numbers from consecutive steps of a recording, which resemble their neighbours.

The steps count for as many independent ones as their own correlation leaves (the effective sample size), whatever their
length in seconds; with that number the interval of a share is Wilson's, which stays inside 0 and 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mer_batch.scores.shares import bounded, student, wilson_of
from mer_batch.types import Interval

Floats = NDArray[np.float64]

SHORTEST: Final = 10.0
"""Seconds below which there is no interval."""
LASTING: Final = 10.0
"""Seconds that count as one independent step where nothing ever changes, so that the data cannot tell: expressions
usually stay correlated for less than half of it."""
UNSEEN: Final = 1.5
"""How many times the correlation that was found the few changes of a rare label may raise it."""
LEAST: Final = 2.0
"""Degrees of freedom of Student's t at least."""


@dataclass(frozen=True, slots=True)
class Correlation:
    """Of a series: the steps that count as one independent one, and up to which lag (in steps) it was summed up."""

    steps: float
    window: int


def correlation(series: Floats) -> Correlation:
    """The integrated autocorrelation of a series (n,) that is not constant, in [1, n].

    The sum of autocorrelations, in pairs of lags, up to the first pair that is not positive, no pair larger than the
    one before it: Geyer (1992), "Practical Markov chain Monte Carlo", Statistical Science 7, 473-483.
    """
    n = len(series)
    moved = np.fft.rfft(series - series.mean(), 2 * n)
    covariance = np.fft.irfft(np.abs(moved) ** 2)[:n]
    pairs = covariance[: n // 2 * 2].reshape(-1, 2).sum(axis=1)
    stop = int(np.argmax(pairs <= 0)) if (pairs <= 0).any() else len(pairs)
    total = float(2 * np.minimum.accumulate(pairs[:stop]).sum() - covariance[0]) if stop else 0.0
    return Correlation(min(max(total / float(covariance[0]), 1.0), float(n)), max(2 * stop, 1))


def share_of_steps(flags: NDArray[Any], seconds: Floats, shortest: float = SHORTEST) -> Interval:
    """The share of the time for which `flags` (n,) are true, for steps of `seconds` (n,); n is at least 1.

    How long a label stays is known from its changes: with few of them it is taken to stay longer than was seen (half a
    change more each way, as a Markov chain), at most `UNSEEN` times, and the interval is Student's. Where it
    never changes, `LASTING` seconds count as one step. None below
    `shortest` seconds.
    """
    flags = np.asarray(flags, dtype=bool)
    total = float(seconds.sum())
    value = min(float(seconds @ flags) / total, 1.0)
    if total < shortest - 1e-6:
        return Interval(value, None, None)
    n = total**2 / float((seconds**2).sum())  # steps of unlike length tell less
    changes = int((flags[1:] != flags[:-1]).sum())
    if not changes:
        return wilson_of(value, max(1.0, min(n, total / LASTING)))
    found = correlation(flags.astype(np.float64))
    lasting = max(found.steps, min(_markov(flags), UNSEEN * found.steps))
    freedom = max(LEAST, min(len(flags) / found.window, changes))
    return wilson_of(value, max(1.0, n / lasting - 1), student(freedom))


def _markov(flags: NDArray[np.bool_]) -> float:
    """The integrated autocorrelation of a chain of two states with the changes of `flags` and half a one each way."""
    before, after = flags[:-1], flags[1:]
    left = (int((before & ~after).sum()) + 0.5) / (int(before.sum()) + 1)
    came = (int((~before & after).sum()) + 0.5) / (int((~before).sum()) + 1)
    stays = min(max(1 - left - came, 0.0), 1 - 1e-6)
    return (1 + stays) / (1 - stays)


def score_of_steps(value: float, influence: Floats) -> Interval | None:
    """A score inside 0 and 1 from what each step adds to it (n,), by the delta method, on the scale of log odds.

    `influence` is the derivative of the score by the number of such steps, times n. None where no step moves it.
    """
    moves = influence - influence.mean()
    n = len(moves)
    if not 0 < value < 1 or float(np.abs(moves).max()) < 1e-12:
        return None
    found = correlation(moves)
    lasting = found.steps / max(1 - found.steps / n, 0.2)
    error = float(np.sqrt(moves.var() * lasting / n))
    return bounded(value, error, student(max(LEAST, n / found.window)))
