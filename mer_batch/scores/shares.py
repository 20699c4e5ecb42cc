"""The one interval for a share of items, such as accuracy or a recall: Wilson's, at 95 %.

It is for items that are independent of each other. Groups of items, such as the clips of a speaker, are drawn whole
(`metrics.group_intervals`), steps of a recording in blocks (`bootstrap.block_bootstrap`).
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mer_batch.types import Interval

LEVEL: Final = 0.95


def wilson(hits: int, n: int) -> Interval:
    """A share with Wilson's interval (1927), which holds for shares near 0 and 1 too; n is at least 1.

    A recall of 0 of 3 is not known to be 0, as a bootstrap would have it.
    """
    from scipy.stats import binomtest

    span = binomtest(hits, n).proportion_ci(LEVEL, method="wilson")
    return Interval(hits / n, float(span.low), float(span.high))


def mean_of_shares(hits: NDArray[Any], support: NDArray[Any]) -> Interval:
    """Mean of independent shares, such as the recall of each class, from Wilson's interval of each.

    Zou & Donner (2008), Stat. Med. 27, 1693-1702. Unlike a bootstrap it stays honest where a class is always read
    right. Classes without items are left out; at least one has some.
    """
    spans = [wilson(*pair) for pair in zip(hits.tolist(), support.tolist(), strict=True) if pair[1]]
    values, lows, highs = np.array([[span.value, span.low, span.high] for span in spans], dtype=np.float64).T
    mean, n = float(values.mean()), len(spans)
    down, up = (float(np.sqrt(((values - bounds) ** 2).sum())) / n for bounds in (lows, highs))
    return Interval(mean, mean - down, mean + up)
