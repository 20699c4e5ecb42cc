"""Where the spread of a score over runs comes from: seed, batch size, what is left, and the test set."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mer_batch.scores.metrics import Ints
from mer_batch.scores.statistics.blocks import mean_squares
from mer_batch.scores.statistics.resampling import Floats


@dataclass(frozen=True)
class Variance:
    """Variance components of the score of a run with a new seed on a new test set of this size.

    Estimates below 0 are set to 0 and named in `truncated`. `seed`, `batch_size` and `rest` (their interaction and
    what no setting explains) are None where the runs cannot tell them: `seed` takes seeds, `batch_size` batch sizes,
    `rest` both; with one batch size `seed` holds the rest too. `test` is what the choice of test items adds.
    """

    seed: float | None
    batch_size: float | None
    rest: float | None
    test: float
    truncated: tuple[str, ...]

    @property
    def parts(self) -> dict[str, float]:
        """The components that are known."""
        found = {"seed": self.seed, "batch_size": self.batch_size, "rest": self.rest, "test": self.test}
        return {name: value for name, value in found.items() if value is not None}

    @property
    def shares(self) -> dict[str, float]:
        """The known components as shares of their sum; all 0 where nothing varies."""
        total = sum(self.parts.values())
        return {name: value / total if total else 0.0 for name, value in self.parts.items()}

    def as_json(self) -> dict[str, Any]:
        """For JSON; `sd` are the components' square roots."""
        deviations = {name: float(np.sqrt(value)) for name, value in self.parts.items()}
        return asdict(self) | {"shares": self.shares, "sd": deviations}


def variance(places: Ints, values: Floats, drawn: Floats, inflation: float) -> Variance:
    """Split the variance of the scores `values` (r,) of the runs `places` (seeds, batch sizes), none missing.

    Two-way analysis of variance without replicates, seeds random, by the method of moments; batch sizes are few and
    chosen, so that theirs is the mean square of their effects. What drawing test items does to each mean square,
    seen in `drawn` (draws, r), is taken off first: the runs share their items, and part of what tells them apart is
    luck with these. `inflation` makes variances over draws unbiased.
    """
    test = float(drawn.var(axis=0).mean() * inflation)
    luck = drawn - drawn.mean(axis=0)
    seeds, sizes = places.shape
    raw: dict[str, float] = {}
    if seeds > 1 and sizes > 1:
        by_seed, by_size, rest = (
            float(found - chance.mean() * inflation)
            for found, chance in zip(mean_squares(values[places]), mean_squares(luck[:, places]), strict=True)
        )
        raw = {"seed": (by_seed - rest) / sizes, "batch_size": (by_size - rest) / seeds, "rest": rest}
    elif places.size > 1:
        cells = places.ravel()
        chance = float(luck[:, cells].var(axis=1, ddof=1).mean() * inflation)
        raw = {"seed" if seeds > 1 else "batch_size": float(values[cells].var(ddof=1)) - chance}
    kept = {name: max(value, 0.0) for name, value in raw.items()}
    truncated = tuple(name for name, value in raw.items() if value < 0)
    return Variance(kept.get("seed"), kept.get("batch_size"), kept.get("rest"), test, truncated)
