"""Shares of what was named, true at every scale: what the still picture of the lanes is drawn from.

The page's script sums the same runs in the same way (`shares` in templates/core.js).
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mer_batch.labels import EMOTIONS
from mer_batch.report.lanes import Columns
from mer_batch.report.thin import GAP, UNNAMED

CLASSES: Final = (*range(len(EMOTIONS)), UNNAMED, GAP)
"""What a moment of a lane can be, in the order of the columns of `shares`; outside of all runs it is none of them."""


def seconds_by(runs: Columns, edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Milliseconds of each of `CLASSES` up to each of `edges` (ms), shape (len(edges), 9)."""
    spans = np.cumsum(np.asarray(runs["t"], np.int64).ravel()).reshape(-1, 2)
    table = np.zeros((len(edges), len(CLASSES)))
    for place, label in enumerate(CLASSES):
        own = spans[np.asarray(runs["l"]) == label]
        if len(own):
            total = np.cumsum(own[:, 1] - own[:, 0])
            known = np.column_stack([np.r_[0, total[:-1]], total]).ravel()
            table[:, place] = np.interp(edges, own.ravel(), known)
    return table


def shares(runs: Columns, edges: NDArray[np.float64]) -> NDArray[Any]:
    """The share of each of `CLASSES` between neighbouring `edges` (ms, rising), shape (len(edges) - 1, 9)."""
    widths: NDArray[np.float64] = np.diff(edges)[:, None]
    found: NDArray[np.float64] = np.diff(seconds_by(runs, edges), axis=0) / np.where(widths > 0, widths, 1.0)
    return found
