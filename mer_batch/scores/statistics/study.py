"""A study of runs over seeds and batch sizes, computed from their predictions alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np

from mer_batch.errors import unknown_name
from mer_batch.labels import EMOTIONS
from mer_batch.scores.metrics import SCORES, confusion_matrix
from mer_batch.scores.predictions import Predictions
from mer_batch.scores.statistics import errors
from mer_batch.scores.statistics.blocks import holm
from mer_batch.scores.statistics.effect import Effect, effect
from mer_batch.scores.statistics.intervals import (
    Mean,
    as_row,
    as_share,
    effect_of,
    gain,
    over_both,
    over_seeds,
    percentile,
    run_spans,
)
from mer_batch.scores.statistics.mcnemar import Detectable, detectable, mcnemar
from mer_batch.scores.statistics.readings import Table
from mer_batch.scores.statistics.resampling import DRAWS, Resampled, resample
from mer_batch.scores.statistics.trials import Grid, grid
from mer_batch.scores.statistics.variance import Variance, variance
from mer_batch.types import Interval


@dataclass(frozen=True)
class RunScores:
    """One run: its scores with intervals over new test items, and its confusion counts (7, 7)."""

    seed: int
    batch_size: int
    scores: Mapping[str, Interval]
    confusion: list[list[int]]

    def as_json(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "seed": self.seed,
            "batch_size": self.batch_size,
            "scores": {name: as_row(span) for name, span in self.scores.items()},
            "confusion": self.confusion,
        }


@dataclass(frozen=True)
class Average:
    """A score of a configuration: mean and standard deviation over seeds (None for one), and three intervals.

    `over_seeds`: new seeds, the same test set (t); `over_items`: these runs, new test items (bootstrap);
    `over_both`: new seeds and new items.
    """

    sd: float | None
    over_seeds: Interval
    over_items: Interval
    over_both: Mean

    @property
    def mean(self) -> float:
        """Over the seeds."""
        return self.over_seeds.value

    def as_json(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "mean": self.mean,
            "sd": self.sd,
            "over_seeds": as_row(self.over_seeds),
            "over_items": as_row(self.over_items),
            "over_both": self.over_both.as_json(),
        }


@dataclass(frozen=True)
class Configuration:
    """All runs of one batch size."""

    batch_size: int
    seeds: tuple[int, ...]
    scores: Mapping[str, Average]

    def as_json(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self) | {"scores": {name: score.as_json() for name, score in self.scores.items()}}


@dataclass(frozen=True)
class RunPair:
    """What run `second` gains over run `first` in accuracy; `holm` is `p` adjusted for all pairs.

    Runs are told by their place in `Study.runs`. The interval is a paired bootstrap over items and `p` McNemar's; where
    groups are drawn both are Student's over groups.
    """

    first: int
    second: int
    gain: Interval
    discordant: int
    p: float
    holm: float

    def as_json(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self) | {"gain": as_row(self.gain)}


@dataclass(frozen=True)
class Study:
    """Everything that the runs tell. `score` is the one that decides; `units` items or groups were drawn from."""

    score: str
    n: int
    units: int
    by: str | None
    labels: tuple[str, ...]
    seeds: tuple[int, ...]
    batch_sizes: tuple[int, ...]
    runs: tuple[RunScores, ...]
    configurations: tuple[Configuration, ...]
    variance: Mapping[str, Variance]
    """By score, of the seeds that have every batch size; empty where none has."""
    effect: Effect | None
    run_pairs: tuple[RunPair, ...]
    confusions: tuple[errors.Confusion, ...]
    classes: tuple[errors.ClassSpread, ...]
    items: errors.Items
    detectable: Detectable | None
    """For two runs that differ by their seed alone; None where no two runs share a batch size."""

    def configuration(self, batch_size: int) -> Configuration:
        """The runs of one batch size."""
        return next(found for found in self.configurations if found.batch_size == batch_size)

    def as_json(self) -> dict[str, Any]:
        """Everything, for JSON; `confusion` has labels as rows and readings as columns, both by `emotions`."""
        plain = ("score", "n", "units", "by", "labels", "seeds", "batch_sizes")
        lists = ("runs", "configurations", "run_pairs", "confusions", "classes")
        return {
            **{name: getattr(self, name) for name in plain},
            "emotions": EMOTIONS,
            **{name: [row.as_json() for row in getattr(self, name)] for name in lists},
            "variance": {name: found.as_json() for name, found in self.variance.items()},
            "effect": self.effect.as_json() if self.effect else None,
            "items": self.items.as_json(),
            "detectable": self.detectable.as_json() if self.detectable else None,
        }


def study(
    trials: Sequence[tuple[int, int, Predictions]],
    score: str = "accuracy",
    by: str | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> Study:
    """Everything that runs, as (seed, batch size, predictions), tell; `score` (of `metrics.SCORES`) decides.

    `by` names a column of the predictions, such as speaker, whose items are not independent: then whole groups are
    drawn instead of items. Missing runs are allowed; tests take the seeds that have every batch size. Raises
    `DataError` where the runs do not read the same items, `UsageError` for an unknown score.
    """
    if score not in SCORES:
        raise unknown_name("score", score, SCORES)
    found = grid(trials, by)
    resampled = resample(found.table, draws, seed)
    places, confusions = found.complete, _confusions(found.table)
    split = {
        name: variance(places, resampled.values[name], resampled.drawn[name], resampled.inflation)
        for name in (SCORES if len(places) else ())
    }
    return Study(
        score,
        len(found.table.ids),
        resampled.units,
        by,
        tuple(EMOTIONS[label] for label in np.unique(found.table.labels)),
        found.seeds,
        found.batch_sizes,
        tuple(_run(trial, number, resampled, confusions[number]) for number, trial in enumerate(trials)),
        tuple(_configuration(found, size, resampled) for size in found.batch_sizes),
        split,
        effect(found, resampled, score),
        _run_pairs(found.table, resampled),
        tuple(errors.persistent(confusions)),
        tuple(errors.class_spreads(found.table, resampled, found.places, found.batch_sizes)),
        errors.items(found.table),
        _detectable(found),
    )


def _confusions(table: Table) -> Any:
    return np.stack([confusion_matrix(table.labels, readings) for readings in table.readings])


def _run(trial: tuple[int, int, Predictions], number: int, resampled: Resampled, confusion: Any) -> RunScores:
    return RunScores(trial[0], trial[1], run_spans(resampled, number, confusion), confusion.tolist())


def _configuration(found: Grid, size: int, resampled: Resampled) -> Configuration:
    runs = found.of_batch(size)
    seeds = tuple(
        seed
        for seed, place in zip(found.seeds, found.places[:, found.batch_sizes.index(size)], strict=True)
        if place >= 0
    )
    return Configuration(size, seeds, {name: _average(resampled, name, runs) for name in SCORES})


def _average(resampled: Resampled, name: str, runs: Any) -> Average:
    values, drawn = resampled.values[name][runs], resampled.drawn[name][:, runs]
    both = over_both(values, drawn, resampled.units)
    return Average(
        float(values.std(ddof=1)) if len(values) > 1 else None,
        as_share(over_seeds(values)),
        _over_items(resampled, name, runs, drawn),
        replace(both, span=as_share(both.span)),
    )


def _over_items(resampled: Resampled, name: str, runs: Any, drawn: Any) -> Interval:
    """The mean of these runs over new items, or new groups."""
    value = float(resampled.values[name][runs].mean())
    if not resampled.grouped:
        return percentile(value, drawn.mean(axis=1))
    found = effect_of(resampled, name, runs)
    return found.share() if found else Interval(value, None, None)


def _run_pairs(table: Table, resampled: Resampled) -> tuple[RunPair, ...]:
    right = table.right
    numbers = list(combinations(range(len(right)), 2))
    tests = [mcnemar(right[a], right[b]) for a, b in numbers]
    p = [test.p if not resampled.grouped else _p(resampled, a, b) for (a, b), test in zip(numbers, tests, strict=True)]
    return tuple(
        RunPair(a, b, gain(resampled, "accuracy", a, b), test.discordant, own, h)
        for (a, b), test, own, h in zip(numbers, tests, p, holm(p), strict=True)
    )


def _p(resampled: Resampled, first: int, second: int) -> float:
    found = effect_of(resampled, "accuracy", [second], first)
    return found.p if found else 1.0


def _detectable(found: Grid) -> Detectable | None:
    right = found.table.right
    pairs = [pair for size in found.batch_sizes for pair in combinations(found.of_batch(size).tolist(), 2)]
    if not pairs:
        return None
    discordance = float(np.mean([(right[a] != right[b]).mean() for a, b in pairs]))
    return detectable(len(found.table.ids), discordance)
