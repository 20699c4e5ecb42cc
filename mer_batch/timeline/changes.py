"""Change points of a multivariate series of probabilities, with a false-alarm rate that holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np

from mer_batch.fusion.lanes import SMOOTHING
from mer_batch.fusion.pool import Array
from mer_batch.types import Observation

FALSE_ALARMS: Final = 0.05
"""Chance that a series of constant noise gets any change point (checked by simulation in the tests)."""
SHORTEST: Final = 2
"""Steps between change points."""
LEAST_CHANGE: Final = 0.15
"""Total variation between the means before and after, below which a change is not worth telling."""
LONGEST: Final = 4096
"""Steps searched at once: the search is quadratic. Half an hour at the default step."""
REACH: Final = 1.5
"""Seconds around a boundary of the grid in which the exact time is looked for."""
_LEAST_NOISE: Final = 1e-4


def change_points(probabilities: Array) -> list[int]:
    """Indices in 1 .. n-1 at which a new level begins, for a table of shape (n, 7).

    PELT (Killick, Fearnhead & Eckley 2012, in ruptures) for shifts of the mean of the square roots of
    the probabilities, the transform that makes Euclidean distance the Hellinger distance and evens out
    the noise. Changes smaller than `LEAST_CHANGE` are dropped.
    """
    found: list[int] = []
    for first in range(0, len(probabilities), LONGEST):
        found += [first + index for index in _search(np.sqrt(probabilities[first : first + LONGEST]))]
    return _worth_telling(probabilities, found)


def _search(series: Array) -> list[int]:
    if len(series) < 2 * SHORTEST:
        return []
    before = _pelt()(np.ascontiguousarray(series, dtype=np.float64), penalty(series), SHORTEST)
    found: list[int] = []
    index = int(before[len(series)])
    while index > 0:
        found.append(index)
        index = int(before[index])
    return found[::-1]


@cache
def _pelt() -> Callable[[Array, float, int], Sequence[int]]:
    """The compiled search of ruptures: for a series, a penalty and a least length, where the last level begins.

    Entry i says so of the first i rows. `import ruptures` brings all of scipy's statistics, which the search does not
    need: of half a second little is left.
    """
    package = find_spec("ruptures")
    folders = package.submodule_search_locations if package is not None else None
    where = [str(Path(folder) / "detection" / "_detection") for folder in folders or ()]
    spec = PathFinder.find_spec("ekcpd", where)
    if spec is None or spec.loader is None:  # a version that keeps it elsewhere
        from ruptures.detection._detection import ekcpd as module
    else:
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
    search: Callable[[Array, float, int], Sequence[int]] = module.ekcpd_pelt_L2
    return search


def penalty(series: Array) -> float:
    """The cost of a change point for a series of shape (n, d).

    Splitting constant noise lowers the squared error by a sum of chi-squares weighted by the long-run
    variances v of the columns. It exceeds sum(v) + 2 |v| sqrt(x) + 2 max(v) x with probability at most
    exp(-x) (Laurent & Massart 2000, lemma 1); x = log(n / FALSE_ALARMS) holds for all n places at once.
    """
    variances = np.maximum(long_run_variance(series), _LEAST_NOISE)
    x = float(np.log(len(series) / FALSE_ALARMS))
    bound = variances.sum() + 2 * np.sqrt((variances**2).sum() * x) + 2 * variances.max() * x
    return float(bound)


def long_run_variance(series: Array) -> Array:
    """The long-run variance of every column, shape (d,), for a series of shape (n, d), blind to level shifts.

    From the squared differences of neighbouring block means: their median ignores the few pairs that
    a change falls between. They are short by a known factor because fusion smooths over three steps.
    Blocks are four steps, two in a short series, where four would leave too few pairs.
    """
    size = 4 if len(series) >= 40 else 2
    means = np.lib.stride_tricks.sliding_window_view(series, size, axis=0).mean(axis=-1)
    squares = (means[size:] - means[:-size]) ** 2
    contrast = np.convolve(np.repeat([1 / size, -1 / size], size), SMOOTHING)
    # 0.455 is the median of a chi-square with one degree of freedom.
    result: Array = np.median(squares, axis=0) / 0.455 / float((contrast**2).sum())
    return result


def _worth_telling(table: Array, found: list[int]) -> list[int]:
    """Drops the smallest change until all are large enough; dropping one changes its neighbours' means."""
    kept = list(found)
    while kept:
        edges = [0, *kept, len(table)]
        means = [table[low:high].mean(axis=0) for low, high in pairwise(edges)]
        sizes = [float(np.abs(after - before).sum() / 2) for before, after in pairwise(means)]
        least = int(np.argmin(sizes))
        if sizes[least] >= LEAST_CHANGE:
            break
        del kept[least]
    return kept


def refine(observations: Sequence[Observation], time: float, start: float, end: float, reach: float = REACH) -> float:
    """The time of the change near `time`, to the spacing of the faces.

    Among the person's faces within `reach` seconds and between `start` and `end`, the split into two
    constant levels of least squared error; half way between the last face before and the first after. Without
    at least two faces on either side the time stays as it is.
    """
    low, high = max(start, time - reach), min(end, time + reach)
    faces = [o for o in observations if o.modality == "face" and low <= o.start < high and o.quality > 0]
    if len(faces) < 4:
        return time
    series = np.sqrt([o.probabilities for o in faces])
    costs = [_error(series[:split]) + _error(series[split:]) for split in range(2, len(faces) - 1)]
    split = int(np.argmin(costs)) + 2
    return round((faces[split - 1].start + faces[split].start) / 2, 4)


def _error(series: Array) -> float:
    return float(((series - series.mean(axis=0)) ** 2).sum())
