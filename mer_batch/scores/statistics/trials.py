"""Runs over seeds and batch sizes: what a study is fed with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from mer_batch.errors import DataError
from mer_batch.scores.metrics import Ints
from mer_batch.scores.predictions import Predictions
from mer_batch.scores.statistics.readings import Table, align, of_predictions


class Trial(NamedTuple):
    """One run: how it was trained, and what it reads in the test set."""

    seed: int
    batch_size: int
    predictions: Predictions

    @property
    def name(self) -> str:
        """Such as "batch 32, seed 7"."""
        return f"batch {self.batch_size}, seed {self.seed}"


@dataclass(frozen=True)
class Grid:
    """r runs on the same items. `places` (seeds, batch sizes) are the numbers of the runs in `table`, -1 for none."""

    names: tuple[str, ...]
    seeds: tuple[int, ...]
    batch_sizes: tuple[int, ...]
    places: Ints
    table: Table

    def of_batch(self, batch_size: int) -> Ints:
        """The runs of a batch size, by seed."""
        column = self.places[:, self.batch_sizes.index(batch_size)]
        return column[column >= 0]

    @property
    def complete(self) -> Ints:
        """The runs (s, batch sizes) of the seeds that have one with every batch size."""
        return self.places[(self.places >= 0).all(axis=1)]

    @property
    def complete_seeds(self) -> tuple[int, ...]:
        """The seeds of `complete`."""
        return tuple(seed for seed, row in zip(self.seeds, self.places, strict=True) if row.min() >= 0)


def grid(trials: Sequence[tuple[int, int, Predictions]], by: str | None = None) -> Grid:
    """Runs side by side; batch sizes ascend, seeds stay in order. `by` names groups of items that are alike.

    Raises `DataError` where there is no run, one is there twice, or they read different items or labels.
    """
    if not trials:
        raise DataError("a study needs at least one run")
    runs = [Trial(*trial) for trial in trials]
    seeds = tuple(dict.fromkeys(run.seed for run in runs))
    sizes = tuple(sorted({run.batch_size for run in runs}))
    places = np.full((len(seeds), len(sizes)), -1, dtype=np.int64)
    for number, run in enumerate(runs):
        cell = seeds.index(run.seed), sizes.index(run.batch_size)
        if places[cell] >= 0:
            raise DataError(f"the run with {run.name} is there twice")
        places[cell] = number
    table = align([of_predictions(run.name, run.predictions) for run in runs], by)
    if any(table.unmatched):
        at = int(np.argmax(table.unmatched))
        raise DataError(f"the runs read different items: {table.unmatched[at]} of {runs[at].name} are not in all")
    return Grid(tuple(run.name for run in runs), seeds, sizes, places, table)
