"""Peaks of a curve by height and prominence, as `scipy.signal.find_peaks` finds them.

To import scipy.signal takes a third of a second, longer than all that is done with it here.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def find_peaks(curve: NDArray[np.float64], height: float, prominence: float) -> list[tuple[int, float]]:
    """(index, prominence) of each peak of `curve` (n,), in order.

    A peak is a value, or a run of equal values (told by its middle), with lower ones on both sides; it is at least
    `height` high and stands at least `prominence` above the higher of the lowest points between it and the nearest
    higher values, or the ends, to its left and right.
    """
    firsts = np.flatnonzero(np.concatenate([[True], curve[1:] != curve[:-1]]))
    levels = curve[firsts]
    tops = 1 + np.flatnonzero((levels[1:-1] > levels[:-2]) & (levels[1:-1] > levels[2:]))
    found = []
    for top in tops[levels[tops] >= height]:
        place = int(firsts[top] + firsts[top + 1] - 1) // 2
        above = _prominence(curve, place)
        if above >= prominence:
            found.append((place, above))
    return found


def _prominence(curve: NDArray[np.float64], place: int) -> float:
    higher = np.flatnonzero(curve > curve[place])
    after = int(np.searchsorted(higher, place))
    left = higher[after - 1] + 1 if after else 0
    right = higher[after] if after < len(higher) else len(curve)
    return float(curve[place] - max(curve[left : place + 1].min(), curve[place:right].min()))
