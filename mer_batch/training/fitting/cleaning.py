"""Finding wrong labels by confident learning (Northcutt, Jiang & Chuang, arXiv:1911.00068)."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mer_batch.errors import unknown_name
from mer_batch.tasks.options import CLEANINGS as METHODS

Method: TypeAlias = Literal["noise_rate", "confident_joint"]


def thresholds(labels: NDArray[Any], probabilities: NDArray[Any]) -> NDArray[np.float64]:
    """For every class, the mean probability that its own examples are given; infinite for a class without any.

    Args:
        labels: class indices (n,).
        probabilities: (n, k), predicted for each example by a model that was not trained on it.
    """
    classes = probabilities.shape[1]
    counts = np.bincount(labels, minlength=classes)
    sums = np.bincount(labels, probabilities[np.arange(len(labels)), labels], classes)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.inf)


def confident_labels(labels: NDArray[Any], probabilities: NDArray[Any]) -> NDArray[np.int64]:
    """The class that each example confidently is (n,), -1 where it is none: the likeliest above its threshold."""
    above = probabilities >= thresholds(labels, probabilities) - 1e-12
    likeliest = np.where(above, probabilities, -1.0).argmax(axis=1)
    return np.where(above.any(axis=1), likeliest, -1).astype(np.int64)


def confident_joint(labels: NDArray[Any], probabilities: NDArray[Any]) -> NDArray[np.float64]:
    """Estimated counts (k, k) of given label (rows) and true label (columns); rows sum to the label counts."""
    classes = probabilities.shape[1]
    confident = confident_labels(labels, probabilities)
    counted = np.zeros((classes, classes))
    sure = confident >= 0
    np.add.at(counted, (labels[sure], confident[sure]), 1)
    given = np.bincount(labels, minlength=classes)
    empty = counted.sum(axis=1) == 0
    counted[empty, empty] = 1  # a class whose examples are never confident is taken at its word
    joint: NDArray[np.float64] = counted / counted.sum(axis=1, keepdims=True) * given[:, None]
    return joint


def find_label_issues(
    labels: NDArray[Any], probabilities: NDArray[Any], method: Method = "noise_rate"
) -> NDArray[np.bool_]:
    """Which labels (n,) are likely wrong.

    `noise_rate` takes from each pair of given and true class as many examples as the confident joint
    counts, those first that lean most to the true class; `confident_joint` takes all examples that
    confidently are of another class. An example whose label is also its likeliest class is never taken.

    Args:
        labels: given class indices (n,).
        probabilities: (n, k), predicted for each example by a model that was not trained on it
            (cross-validation).
        method: how much is pruned.

    Raises `UsageError` for an unknown method, `ValueError` for shapes that do not fit.
    """
    labels, probabilities = np.asarray(labels, dtype=np.int64), np.asarray(probabilities, dtype=np.float64)
    if probabilities.ndim != 2 or labels.shape != probabilities.shape[:1]:
        raise ValueError(f"labels {labels.shape} and probabilities {probabilities.shape} do not fit together")
    if method not in METHODS:
        raise unknown_name("pruning method", method, METHODS)
    disagrees = probabilities.argmax(axis=1) != labels
    if method == "noise_rate":
        wrong = _by_noise_rate(labels, probabilities)
    else:
        confident = confident_labels(labels, probabilities)
        wrong = (confident >= 0) & (confident != labels)
    result: NDArray[np.bool_] = wrong & disagrees
    return result


def _by_noise_rate(labels: NDArray[np.int64], probabilities: NDArray[np.float64]) -> NDArray[np.bool_]:
    joint = confident_joint(labels, probabilities)
    wrong = np.zeros(len(labels), dtype=bool)
    for given in range(len(joint)):
        members = np.flatnonzero(labels == given)
        for true in range(len(joint)):
            count = 0 if true == given else round(joint[given, true])
            if count:
                lean = probabilities[members, true] - probabilities[members, given]
                wrong[members[np.argsort(-lean, kind="stable")[:count]]] = True
    return wrong
