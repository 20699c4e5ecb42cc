"""Scores of a classifier against annotators' labels, with bootstrap intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mer_batch.labels import EMOTIONS

Ints = NDArray[np.int64]
SCORES: Final = ("accuracy", "uar", "macro_f1", "weighted_f1")


def confusion_matrix(truth: Ints, reading: Ints) -> Ints:
    """Counts (7, 7): rows are the labels, columns the readings."""
    counts = np.zeros((len(EMOTIONS), len(EMOTIONS)), dtype=np.int64)
    np.add.at(counts, (truth, reading), 1)
    return counts


def scores_from_confusion(counts: Ints) -> dict[str, float]:
    """Accuracy, UAR (mean recall), macro F1 and weighted F1; classes without examples are left out."""
    support = counts.sum(axis=1)
    hits = np.diag(counts).astype(float)
    present = support > 0
    predicted = counts.sum(axis=0)
    recall = hits[present] / support[present]
    f1 = 2 * hits[present] / np.maximum(support[present] + predicted[present], 1)
    return {
        "accuracy": float(hits.sum() / support.sum()),
        "uar": float(recall.mean()),
        "macro_f1": float(f1.mean()),
        "weighted_f1": float((f1 * support[present]).sum() / support.sum()),
    }


def expected_calibration_error(truth: Ints, probabilities: NDArray[Any], bins: int = 15) -> float:
    """ECE with equal-width bins of the largest probability (Guo et al., arXiv:1706.04599)."""
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == truth
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    counts = np.bincount(which, minlength=bins)
    gaps = np.abs(np.bincount(which, correct, bins) - np.bincount(which, confidence, bins))
    return float(gaps.sum() / counts.sum())


@dataclass(frozen=True)
class Scores:
    """All scores of one reader on one set. `intervals` are 95 % percentile bootstraps over items."""

    n: int
    present: tuple[str, ...]
    values: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]
    confusion: Ints
    per_class: Mapping[str, Mapping[str, float]]

    def as_json(self) -> dict[str, Any]:
        """A flat table: n, every score, intervals, and confusion (rows = truth, columns = reading, by `labels`).

        `present` are the labels that the set has; averages leave out the others.
        """
        return {
            "n": self.n,
            "labels": list(EMOTIONS),
            "present": list(self.present),
            **self.values,
            "intervals": {name: list(span) for name, span in self.intervals.items()},
            "confusion": self.confusion.tolist(),
            "per_class": {name: dict(row) for name, row in self.per_class.items()},
        }


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


def _intervals(truth: Ints, probabilities: NDArray[Any], draws: int, seed: int) -> dict[str, tuple[float, float]]:
    rng = np.random.default_rng(seed)
    reading = probabilities.argmax(axis=1)
    rows = []
    for _ in range(draws):
        pick = rng.integers(0, len(truth), len(truth))
        scores = scores_from_confusion(confusion_matrix(truth[pick], reading[pick]))
        scores["ece"] = expected_calibration_error(truth[pick], probabilities[pick])
        rows.append(scores)
    spans = {}
    for name in rows[0]:
        low, high = np.percentile([row[name] for row in rows], [2.5, 97.5])
        spans[name] = (float(low), float(high))
    return spans


def score(truth: Ints, probabilities: NDArray[Any], draws: int = 1000, seed: int = 0) -> Scores:
    """Score probabilities (n, 7) against labels (n,), indices into `labels.EMOTIONS`."""
    counts = confusion_matrix(truth, probabilities.argmax(axis=1))
    values = scores_from_confusion(counts) | {"ece": expected_calibration_error(truth, probabilities)}
    present = tuple(name for index, name in enumerate(EMOTIONS) if counts[index].sum())
    return Scores(
        len(truth), present, values, _intervals(truth, probabilities, draws, seed), counts, _per_class(counts)
    )
