"""How loud the sound is, so finely that the pause between two speakers shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mer_batch.types import SAMPLE_RATE, Floats, Samples

Times: TypeAlias = NDArray[np.float64]

STEP: Final = 0.02
"""Seconds of sound to a level."""
EARLY: Final = 0.5
LATE: Final = 0.2
"""Seconds by which mouths show a handover before and after it is heard: who is about to speak opens the mouth."""
DEEP: Final = 15.0
"""Decibels below what is around, from which a dip is taken for the pause at a handover."""
_SMOOTH: Final = 5  # levels: longer than a period of any voice, shorter than a syllable
_AROUND: Final = 0.4  # seconds on both sides that a dip is compared with
_FLOOR: Final = 1e-9


class Levels:
    """Takes blocks of sound, and puts handovers that mouths show where the sound has its pause."""

    def __init__(self) -> None:
        self._times: list[Times] = []
        self._powers: list[Floats] = []

    def feed(self, start: float, samples: Samples) -> None:
        """Take a block of mono sound (n,) at `SAMPLE_RATE` that starts at `start` seconds."""
        size = round(STEP * SAMPLE_RATE)
        whole = len(samples) // size
        powers = np.square(samples[: whole * size].reshape(whole, size)).mean(1)
        self._powers.append(powers.astype(np.float32))
        self._times.append(start + (np.arange(whole, dtype=np.float64) + 0.5) * STEP)

    def settled(self, handovers: Sequence[float]) -> tuple[float, ...]:
        """The handovers (sorted, in seconds), each at the deepest dip near it, or where it was without a clear one.

        None is moved past a neighbour.
        """
        if not handovers or not self._times:
            return tuple(handovers)
        times, powers = np.concatenate(self._times), np.concatenate(self._powers).astype(np.float64)
        found: list[float] = []
        for place, time in enumerate(handovers):
            before = (handovers[place - 1] + time) / 2 if place else -np.inf
            after = (handovers[place + 1] + time) / 2 if place + 1 < len(handovers) else np.inf
            first, last = np.searchsorted(times, (max(time - LATE, before), min(time + EARLY, after)))
            found.append(_dip(times, powers, int(first), int(last), time))
        return tuple(found)


def _dip(times: Times, powers: Times, first: int, last: int, otherwise: float) -> float:
    """The time of the lowest level of those from `first` to `last`, if it is deep."""
    reach = round(_AROUND / STEP)
    low = max(first - reach, 0)
    near = powers[low : last + reach]
    if last <= first or len(near) < _SMOOTH:
        return otherwise
    levels = 10 * np.log10(np.convolve(near, np.ones(_SMOOTH) / _SMOOTH, "same") + _FLOOR)
    inside = levels[first - low : last - low]
    at = int(inside.argmin())
    # Smoothing with zeros beyond the ends would make dips of them; these lie outside, unless the sound itself ends.
    return float(times[first + at]) if np.median(levels) - inside[at] >= DEEP else otherwise
