"""Scores of a classifier against annotators' labels, with 95 % intervals: Wilson's for shares, else bootstraps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mer_batch.labels import EMOTIONS
from mer_batch.scores.shares import wilson

Ints = NDArray[np.int64]
BINS: Final = 15
"""Bins of the calibration error."""
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


def expected_calibration_error(truth: Ints, probabilities: NDArray[Any], bins: int = BINS) -> float:
    """ECE with equal-width bins of the largest probability (Guo et al., arXiv:1706.04599)."""
    which, gaps = _bins(truth, probabilities, bins)
    return float(np.abs(np.bincount(which, gaps, bins)).sum() / len(truth))


def _bins(truth: Ints, probabilities: NDArray[Any], bins: int) -> tuple[Ints, NDArray[np.float64]]:
    """The bin of each item, and by how much it is more right (0 or 1) than sure."""
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == truth
    which = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    return which, correct - confidence.astype(np.float64)


def mean_negative_log(truth: Ints, probabilities: NDArray[Any]) -> float:
    """Mean -log p(label) in nats of probabilities (n, 7)."""
    return float(_surprise(truth, probabilities).mean())


def _surprise(truth: Ints, probabilities: NDArray[Any]) -> NDArray[np.float64]:
    own = np.asarray(probabilities, dtype=np.float64)[np.arange(len(truth)), truth]
    result: NDArray[np.float64] = -np.log(np.maximum(own, 1e-12))
    return result


@dataclass(frozen=True)
class Scores:
    """All scores of one reader on one set. `intervals` are at 95 % over items: Wilson's for the accuracy, which is a
    share of items, percentile bootstraps for all others. `recall_intervals` are Wilson's.

    `values` has accuracy, UAR, macro and weighted F1, `ece` and `nll` of the calibrated probabilities and, where
    the probabilities before calibration were given, `ece_before` and `nll_before`.
    """

    n: int
    present: tuple[str, ...]
    values: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]
    confusion: Ints
    per_class: Mapping[str, Mapping[str, float]]
    recall_intervals: Mapping[str, tuple[float, float]]

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
    binned = {end: _bins(truth, form, BINS) for end, form in forms.items()}
    surprises = {end: _surprise(truth, form) for end, form in forms.items()}
    rows = []
    for pick in draws_of(len(truth), draws, seed):
        counts = drawn_confusions(truth, reading, pick)
        scores = scores_from_confusions(counts)
        for end, (which, gaps) in binned.items():
            scores[f"ece{end}"] = np.abs(_sums(which[pick], BINS, gaps[pick])).sum(axis=1) / len(truth)
            scores[f"nll{end}"] = surprises[end][pick].mean(axis=1)
        rows.append(scores)
    spans = {name: _span(np.concatenate([row[name] for row in rows])) for name in rows[0]}
    return spans | {"accuracy": _share(int((reading == truth).sum()), len(truth))}


def group_intervals(truth: Ints, reading: Ints, groups: NDArray[Any], draws: int = 1000, seed: int = 0) -> Spans:
    """95 % percentile bootstraps over whole groups (n,), such as speakers, whose items are not independent: of every
    score, accuracy too, since Wilson's interval is for independent items.
    """
    return {name: _span(values) for name, values in group_draws(truth, reading, groups, draws, seed).items()}


def group_draws(
    truth: Ints, reading: Ints, groups: NDArray[Any], draws: int = 1000, seed: int = 0
) -> dict[str, NDArray[np.float64]]:
    """Every score (draws,) of bootstraps over whole groups (n,)."""
    names, places = np.unique(groups, return_inverse=True)
    counts = np.stack([confusion_matrix(truth[places == g], reading[places == g]) for g in range(len(names))])
    picks = np.concatenate(list(draws_of(len(names), draws, seed)))
    weights = _sums(picks, len(names))
    return scores_from_confusions(np.einsum("kg,gij->kij", weights, counts))


def _span(values: NDArray[Any]) -> tuple[float, float]:
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)


def _share(hits: int, n: int) -> tuple[float, float]:
    span = wilson(hits, n)
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
) -> Scores:
    """Score probabilities (n, 7) against labels (n,), indices into `labels.EMOTIONS`; n is at least 1.

    `before` (n, 7) are the same readings before calibration.
    """
    counts = confusion_matrix(truth, probabilities.argmax(axis=1))
    values = scores_from_confusion(counts)
    for end, form in (("", probabilities), ("_before", before)):
        if form is not None:
            values[f"ece{end}"] = expected_calibration_error(truth, form)
            values[f"nll{end}"] = mean_negative_log(truth, form)
    present = tuple(name for index, name in enumerate(EMOTIONS) if counts[index].sum())
    spans = _intervals(truth, probabilities, before, draws, seed)
    return Scores(len(truth), present, values, spans, counts, _per_class(counts), _recall_intervals(counts))
