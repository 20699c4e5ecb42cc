"""95 % intervals: over seeds, over test items, and over both."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from mer_batch.scores.groups import Effect, effect
from mer_batch.scores.metrics import SCORES, Ints
from mer_batch.scores.shares import LEVEL, mean_of_shares, wilson
from mer_batch.scores.statistics.resampling import Floats, Resampled
from mer_batch.types import Interval

ALPHA: Final = 0.05


def as_row(span: Interval) -> dict[str, float | None]:
    """For JSON."""
    return {"value": span.value, "low": span.low, "high": span.high}


def over_seeds(values: Floats) -> Interval:
    """Mean of a score over runs (s,) with Student's t interval: new seeds, the same test set. None for one run."""
    return spread(float(np.mean(values)), _error(values), len(values) - 1)


def spread(value: float, error: float, df: float) -> Interval:
    """`value` +- t(df) standard errors; without bounds where there are no degrees of freedom."""
    from scipy.stats import t

    if df <= 0:
        return Interval(value, None, None)
    reach = float(t.ppf((1 + LEVEL) / 2, df)) * error
    return Interval(value, value - reach, value + reach)


def run_spans(resampled: Resampled, reader: int, confusion: Ints) -> dict[str, Interval]:
    """Intervals over new items, or groups of them, of the scores of one reader with counts (7, 7).

    Over items accuracy and UAR are from Wilson's intervals, the others percentiles of draws; over groups see `groups`.
    """
    if resampled.grouped:
        found = {name: effect_of(resampled, name, [reader]) for name in SCORES}
        return {
            name: one.share() if one else Interval(float(resampled.values[name][reader]), None, None)
            for name, one in found.items()
        }
    spans = {
        name: percentile(float(resampled.values[name][reader]), resampled.drawn[name][:, reader]) for name in SCORES
    }
    spans["accuracy"] = wilson(int(np.trace(confusion)), int(confusion.sum()))
    spans["uar"] = mean_of_shares(np.diagonal(confusion), confusion.sum(axis=1))
    return spans


def effect_of(resampled: Resampled, name: str, readers: Sequence[int], less: int | None = None) -> Effect | None:
    """The mean score of some readers, less that of another, with its error over new groups."""
    assert resampled.sizes is not None
    value, without = (
        resampled.values[name][list(readers)].mean(),
        resampled.without[name][:, list(readers)].mean(axis=1),
    )
    if less is not None:
        value, without = value - resampled.values[name][less], without - resampled.without[name][:, less]
    return effect(float(value), without, resampled.sizes)


def gain(resampled: Resampled, name: str, first: int, second: int) -> Interval:
    """What the second reader gains over the first: percentiles of paired draws, over groups see `groups`."""
    values, drawn = resampled.values[name], resampled.drawn[name]
    value = float(values[second] - values[first])
    if not resampled.grouped:
        return percentile(value, drawn[:, second] - drawn[:, first])
    found = effect_of(resampled, name, [second], first)
    return found.difference() if found else Interval(value, None, None)


def as_share(span: Interval) -> Interval:
    """`span` within 0 and 1, beyond which a t interval can reach."""
    if span.low is None or span.high is None:
        return span
    return Interval(span.value, max(span.low, 0.0), min(span.high, 1.0))


def percentile(value: float, drawn: Floats) -> Interval:
    """`value` with the middle 95 % of `drawn` (draws,), draws in which it is undefined (NaN) left out."""
    with warnings.catch_warnings():
        # A class that no draw has gives no interval.
        warnings.filterwarnings("ignore", "All-NaN")
        low, high = np.nanpercentile(drawn, [100 * ALPHA / 2, 100 * (1 - ALPHA / 2)])
    if np.isnan(low):
        return Interval(value, None, None)
    return Interval(value, float(low), float(high))


@dataclass(frozen=True)
class Mean:
    """A mean over runs, or of differences between runs, as one of new seeds on new test sets of the same kind."""

    span: Interval
    error: float
    df: float

    @property
    def p(self) -> float:
        """Two-sided p of a true mean of 0."""
        from scipy.stats import t

        if self.df <= 0 or self.error == 0:
            return 1.0 if self.span.value == 0 or self.df <= 0 else 0.0
        return float(2 * t.sf(abs(self.span.value) / self.error, self.df))

    def as_json(self) -> dict[str, Any]:
        """For JSON."""
        return as_row(self.span) | {"error": self.error, "df": self.df}


def over_both(values: Floats, drawn: Floats, units: int) -> Mean:
    """Mean of `values` (s,) of runs with other seeds, read on the same test set, over new seeds and new items.

    The variance between runs over s has what seeds and each run's own luck with the items add; what the items do
    to all runs alike is the mean covariance between runs over drawn test sets, `drawn` (draws, s) of `units` items
    or groups. Student's t with Satterthwaite's (1946) degrees of freedom, since a bootstrap of 5 seeds would be too
    narrow. With one run only the items speak.
    """
    runs, mean = len(values), float(np.mean(values))
    covariance = np.atleast_2d(np.cov(drawn, rowvar=False)) * units / max(units - 1, 1)
    if runs == 1:
        error = float(np.sqrt(covariance[0, 0]))
        return Mean(spread(mean, error, units - 1), error, units - 1)
    seeds = _error(values) ** 2
    items = max(float(covariance.sum() - np.trace(covariance)) / (runs * (runs - 1)), 0.0)
    terms = seeds**2 / (runs - 1) + items**2 / max(units - 1, 1)
    df = (seeds + items) ** 2 / terms if terms > 0 else runs - 1
    error = float(np.sqrt(seeds + items))
    return Mean(spread(mean, error, df), error, df)


def _error(values: Floats) -> float:
    return float(np.std(values, ddof=1) / np.sqrt(len(values))) if len(values) > 1 else 0.0
