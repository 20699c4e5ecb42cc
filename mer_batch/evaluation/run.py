"""Reading a labelled set with a classifier and scoring it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mer_batch.classifier import Classifier
from mer_batch.evaluation.metrics import Scores, score
from mer_batch.training.task import LabelledSet

CHUNK = 256
Views = Callable[[Sequence[Any]], list[Sequence[Any]]]


def read_set(reader: Classifier[Any], labelled: LabelledSet, views: Views | None = None) -> NDArray[np.float64]:
    """Probabilities (items, 7); with `views`, the mean over the views of every item (test-time augmentation)."""
    parts = []
    for start in range(0, len(labelled.items), CHUNK):
        items = labelled.items[start : start + CHUNK]
        readings = [reader.predict(view) for view in (views(items) if views else [items])]
        parts.append(np.mean(readings, axis=0))
    return np.concatenate(parts).astype(np.float64)


def by_id(labelled: LabelledSet, readings: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Labels (n,) and mean probabilities (n, 7) of the n distinct ids, in order of appearance."""
    order = {name: position for position, name in enumerate(dict.fromkeys(labelled.ids))}
    which = np.array([order[name] for name in labelled.ids])
    sums = np.zeros((len(order), readings.shape[1]))
    np.add.at(sums, which, readings)
    labels = np.zeros(len(order), dtype=np.int64)
    labels[which] = np.asarray(labelled.labels)
    return labels, sums / np.bincount(which)[:, None]


def evaluate(reader: Classifier[Any], labelled: LabelledSet, views: Views | None = None) -> Scores:
    """All scores of `reader` on `labelled`."""
    return score(*by_id(labelled, read_set(reader, labelled, views)))
