"""Scores of a classifier against annotators' labels, with 95 % intervals: Wilson's for shares, else bootstraps.

These are over new items. Where items come in groups that are alike, such as the clips of a speaker, there are intervals
over new groups beside them (`Grouped`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mer_batch.labels import EMOTIONS
from mer_batch.scores.ece import calibration_error, expected_calibration_error
from mer_batch.scores.groups import Effect, effect, unit
from mer_batch.scores.shares import wilson
from mer_batch.types import Interval

Ints = NDArray[np.int64]
BLOCK: Final = 1_000_000
"""Drawn items held in memory at a time."""
SCORES: Final = ("accuracy", "uar", "macro_f1", "weighted_f1")


def confusion_matrix(truth: Ints, reading: Ints) -> Ints:
    """Counts (7, 7): rows are the labels, columns the readings."""
    counts = np.zeros((len(EMOTIONS), len(EMOTIONS)), dtype=np.int64)
    np.add.at(counts, (truth, reading), 1)
    return counts


def scores_from_confusion(counts: Ints) -> dict[str, float]:
    """Accuracy, UAR (mean recall), macro F1 and weighted F1; classes without examples are left out."""
    return {name: float(values[0]) for name, values in scores_from_confusions(counts[None]).items()}


def scores_from_confusions(counts: Ints) -> dict[str, NDArray[np.float64]]:
    """The scores (k,) of k confusion matrices (k, 7, 7); see `scores_from_confusion`."""
    support, predicted = counts.sum(axis=2), counts.sum(axis=1)
    hits = np.diagonal(counts, axis1=1, axis2=2).astype(float)
    classes = np.maximum((support > 0).sum(axis=1), 1)
    f1 = 2 * hits / np.maximum(support + predicted, 1)
    total = np.maximum(support.sum(axis=1), 1)
    return {
        "accuracy": hits.sum(axis=1) / total,
        "uar": (hits / np.maximum(support, 1)).sum(axis=1) / classes,
        "macro_f1": np.where(support > 0, f1, 0).sum(axis=1) / classes,
        "weighted_f1": (f1 * support).sum(axis=1) / total,
    }


def draws_of(n: int, draws: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """Bootstrap draws of n items in blocks (k, n) that fit into memory, `draws` rows in all."""
    rng = np.random.default_rng(seed)
    block = max(1, BLOCK // max(n, 1))
    for start in range(0, draws, block):
        yield rng.integers(0, n, (min(block, draws - start), n))


def drawn_confusions(truth: Ints, reading: Ints, pick: NDArray[np.int64]) -> Ints:
    """Confusion matrices (k, 7, 7) of k draws of items, `pick` (k, n)."""
    cells = len(EMOTIONS) ** 2
    found = _sums((truth * len(EMOTIONS) + reading)[pick], cells)
    return found.reshape(len(pick), len(EMOTIONS), len(EMOTIONS)).astype(np.int64)


def _sums(places: Ints, width: int, weights: NDArray[Any] | None = None) -> NDArray[Any]:
    """Sums (k, width) of weights (k, n), or counts, at their places in each row."""
    offset = places + width * np.arange(len(places))[:, None]
    flat = None if weights is None else weights.ravel()
    return np.bincount(offset.ravel(), flat, width * len(places)).reshape(len(places), width)


def mean_negative_log(truth: Ints, probabilities: NDArray[Any]) -> float:
    """Mean -log p(label) in nats of probabilities (n, 7)."""
    return float(_surprise(truth, probabilities).mean())


def _surprise(truth: Ints, probabilities: NDArray[Any]) -> NDArray[np.float64]:
    own = np.asarray(probabilities, dtype=np.float64)[np.arange(len(truth)), truth]
    result: NDArray[np.float64] = -np.log(np.maximum(own, 1e-12))
    return result


@dataclass(frozen=True)
class Grouped:
    """95 % intervals over new groups: `by` names what they are, such as speaker, `units` counts them."""

    by: str
    units: int
    intervals: Mapping[str, tuple[float, float]]

    def as_json(self) -> dict[str, Any]:
        """For JSON."""
        return {"by": self.by, "units": self.units, "intervals": {k: list(span) for k, span in self.intervals.items()}}


@dataclass(frozen=True)
class Scores:
    """All scores of one reader on one set. `intervals` are at 95 % over items: Wilson's for the accuracy, which is a
    share of items, percentile bootstraps for the others. `recall_intervals` are Wilson's. `grouped` are over new groups
    of items that are alike, such as speakers; None where no groups are known or there is but one.

    `values` has accuracy, UAR, macro and weighted F1, `ece` and `nll` of the calibrated probabilities and, where
    the probabilities before calibration were given, `ece_before` and `nll_before`. `ece` is the binned error as it is
    usually told, which chance raises; `ece_debiased` is without that, and the one that has an interval.
    """

    n: int
    present: tuple[str, ...]
    values: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]
    confusion: Ints
    per_class: Mapping[str, Mapping[str, float]]
    recall_intervals: Mapping[str, tuple[float, float]]
    grouped: Grouped | None = None

    def as_json(self) -> dict[str, Any]:
        """A flat table: n, every score, intervals, and confusion (rows = truth, columns = reading, by `labels`).

        `present` are the labels that the set has; averages leave out the others. `ranked` are the same, most confusing
        (lowest F1) first.
        """
        return {
            "n": self.n,
            "labels": list(EMOTIONS),
            "present": list(self.present),
            "ranked": self.ranked,
            **self.values,
            "intervals": {name: list(span) for name, span in self.intervals.items()},
            "over_groups": self.grouped.as_json() if self.grouped else None,
            "confusion": self.confusion.tolist(),
            "confusion_normalised": self.shares().tolist(),
            "per_class": {
                name: {
                    **row,
                    "recall_interval": list(self.recall_intervals[name]),
                    "taken_for": self.taken_for[name] or None,
                }
                for name, row in self.per_class.items()
            },
        }

    @property
    def ranked(self) -> list[str]:
        """The labels of the set, most confusing (lowest F1) first."""
        return sorted(self.per_class, key=lambda name: self.per_class[name]["f1"])

    @property
    def taken_for(self) -> dict[str, str]:
        """The other label that each label is read as most often; "" for one that is always read right."""
        wrong = self.confusion * (1 - np.eye(len(EMOTIONS), dtype=np.int64))
        return {
            name: EMOTIONS[int(row.argmax())] if row.any() else ""
            for name, row in zip(EMOTIONS, wrong, strict=True)
            if name in self.per_class
        }

    def shares(self) -> NDArray[np.float64]:
        """The confusion matrix with rows that sum to 1; a row without items is zero."""
        sums = np.maximum(self.confusion.sum(axis=1, keepdims=True), 1)
        result: NDArray[np.float64] = self.confusion / sums
        return result


def _per_class(counts: Ints) -> dict[str, dict[str, float]]:
    table = {}
    for index, name in enumerate(EMOTIONS):
        support, predicted, hits = counts[index].sum(), counts[:, index].sum(), counts[index, index]
        if support:
            table[name] = {
                "support": int(support),
                "precision": float(hits / predicted) if predicted else 0.0,
                "recall": float(hits / support),
                "f1": float(2 * hits / (support + predicted)),
            }
    return table


Spans = dict[str, tuple[float, float]]


def _intervals(truth: Ints, probabilities: NDArray[Any], before: NDArray[Any] | None, draws: int, seed: int) -> Spans:
    """Intervals of every score: accuracy by Wilson, all others from the same draws of items."""
    reading = probabilities.argmax(axis=1)
    forms = {"": probabilities} | ({} if before is None else {"_before": before})
    surprises = {end: _surprise(truth, form) for end, form in forms.items()}
    rows = []
    for pick in draws_of(len(truth), draws, seed):
        counts = drawn_confusions(truth, reading, pick)
        scores = scores_from_confusions(counts)
        for end, surprise in surprises.items():
            scores[f"nll{end}"] = surprise[pick].mean(axis=1)
        rows.append(scores)
    spans = {name: _span(np.concatenate([row[name] for row in rows])) for name in rows[0]}
    return spans | {"accuracy": _share(int((reading == truth).sum()), len(truth))}


def group_intervals(truth: Ints, reading: Ints, groups: NDArray[Any]) -> Spans:
    """95 % intervals over new groups (n,), such as speakers, of every score, accuracy too; see `groups`.

    A score that fewer than two groups tell of is left out.
    """
    spans = {name: one.share() for name, one in group_effects(truth, reading, groups).items()}
    return {name: _bounds(span) for name, span in spans.items()}


def group_effects(truth: Ints, reading: Ints, groups: NDArray[Any]) -> dict[str, Effect]:
    """Every score with its error over new groups (n,), but for those that fewer than two groups tell of."""
    counts = _confusions_by(truth, reading, groups)
    values, without = scores_from_confusion(counts.sum(axis=0)), scores_from_confusions(counts.sum(axis=0) - counts)
    sizes = counts.sum(axis=(1, 2))
    found = {name: effect(values[name], without[name], sizes) for name in SCORES}
    return {name: one for name, one in found.items() if one is not None}


def grouped(truth: Ints, probabilities: NDArray[Any], groups: Ints, by: str, draws: int = 1000) -> Grouped | None:
    """The intervals of all scores of probabilities (n, 7) over new groups, numbers (n,) from 0; None for one group."""
    sizes = np.bincount(groups)
    if len(sizes) < 2:
        return None
    spans = group_intervals(truth, probabilities.argmax(axis=1), groups)
    surprise = np.bincount(groups, _surprise(truth, probabilities))
    loss = effect(surprise.sum() / len(truth), (surprise.sum() - surprise) / (len(truth) - sizes), sizes)
    error = calibration_error(truth, probabilities, groups, draws)
    spans["ece_debiased"] = error.low, error.high
    if loss is not None:
        spans["nll"] = _bounds(loss.plain())
    return Grouped(by, len(sizes), spans)


def _confusions_by(truth: Ints, reading: Ints, groups: NDArray[Any]) -> NDArray[np.int64]:
    """The confusion matrix of each group (groups, 7, 7), in the order of their names."""
    names, places = np.unique(groups, return_inverse=True)
    counts = np.zeros((len(names), len(EMOTIONS), len(EMOTIONS)), dtype=np.int64)
    np.add.at(counts, (places, truth, reading), 1)
    return counts


def _span(values: NDArray[Any]) -> tuple[float, float]:
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)


def _share(hits: int, n: int) -> tuple[float, float]:
    return _bounds(wilson(hits, n))


def _bounds(span: Interval) -> tuple[float, float]:
    assert span.low is not None
    assert span.high is not None
    return span.low, span.high


def _recall_intervals(counts: Ints) -> Spans:
    rows = zip(EMOTIONS, np.diagonal(counts).tolist(), counts.sum(axis=1).tolist(), strict=True)
    return {name: _share(hits, support) for name, hits, support in rows if support}


def score(
    truth: Ints,
    probabilities: NDArray[Any],
    draws: int = 1000,
    seed: int = 0,
    before: NDArray[Any] | None = None,
    groups: Mapping[str, Sequence[str]] | None = None,
) -> Scores:
    """Score probabilities (n, 7) against labels (n,), indices into `labels.EMOTIONS`; n is at least 1.

    `before` (n, 7) are the same readings before calibration; `groups` are what else is known of the
    items, by name: the speaker, if it is among them.
    """
    counts = confusion_matrix(truth, probabilities.argmax(axis=1))
    values = scores_from_confusion(counts)
    for end, form in (("", probabilities), ("_before", before)):
        if form is not None:
            values[f"ece{end}"] = expected_calibration_error(truth, form)
            values[f"nll{end}"] = mean_negative_log(truth, form)
    present = tuple(name for index, name in enumerate(EMOTIONS) if counts[index].sum())
    spans = _intervals(truth, probabilities, before, draws, seed)
    error = calibration_error(truth, probabilities, draws=draws, seed=seed)
    values["ece_debiased"], spans["ece_debiased"] = error.debiased, (error.low, error.high)
    known = unit(groups or {})
    own = None if known is None else grouped(truth, probabilities, known[1], known[0], draws)
    return Scores(len(truth), present, values, spans, counts, _per_class(counts), _recall_intervals(counts), own)
