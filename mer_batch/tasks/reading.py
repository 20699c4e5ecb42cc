"""Reading a labelled set with a classifier, once: every score of every part is then computed from the reading."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mer_batch.classifier import Classifier, calibrated
from mer_batch.tasks.task import LabelledSet, OnProgress, silent

Shares = NDArray[np.float64]
"""Probabilities (n, 7) in the order of `labels.EMOTIONS`."""
CHUNK = 256
LEAST = 1e-7
"""Smallest probability whose logarithm is taken."""
Views = Callable[[Sequence[Any]], list[Sequence[Any]]]
"""Several views of each item; the first is the item itself."""


@dataclass(frozen=True)
class Reading:
    """What one reader said of one set: logits (views, items, 7) before calibration, by `labels.EMOTIONS`.

    `ids` (n) are distinct, `labels` (n,) their true labels; `which` (items,) is the place in `ids` of each item;
    `groups` are what else is known of each id, by name.
    """

    name: str
    ids: tuple[str, ...]
    labels: NDArray[np.int64]
    which: NDArray[np.int64]
    logits: NDArray[np.float32]
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ids)

    def of(self, name: str) -> Reading:
        """The part of one data set, as the group `set` tells; all of it for ""."""
        if not name or "set" not in self.groups:
            return self
        kept = np.flatnonzero(np.array(self.groups["set"]) == name)
        places = np.full(len(self), -1)
        places[kept] = np.arange(len(kept))
        items = places[self.which] >= 0
        return Reading(
            self.name,
            tuple(self.ids[place] for place in kept),
            self.labels[kept],
            places[self.which][items],
            self.logits[:, items],
            {key: tuple(values[place] for place in kept) for key, values in self.groups.items()},
        )

    def probabilities(
        self, temperature: float = 1.0, bias: Sequence[float] = (), plain: bool = False
    ) -> NDArray[np.float64]:
        """Calibrated probabilities (n, 7), means over the views and parts of an id; `plain` takes one view only."""
        shares = calibrated(self.logits[:1] if plain else self.logits, temperature, bias).mean(axis=0)
        sums = np.zeros((len(self), shares.shape[1]))
        np.add.at(sums, self.which, shares)
        return sums / np.bincount(self.which)[:, None]

    def evidence(self, plain: bool = True) -> NDArray[np.float64]:
        """Logarithms (n, 7) of the mean probabilities at temperature 1, which are what is calibrated.

        Users see readings with mirroring and averaging over windows included; at one window an id these
        logarithms differ from the logits by a constant.
        """
        result: NDArray[np.float64] = np.log(np.maximum(self.probabilities(plain=plain), LEAST))
        return result


def read_set(
    reader: Classifier[Any], labelled: LabelledSet, views: Views | None = None, on_progress: OnProgress = silent
) -> Reading:
    """Read every item once, or once a view. Raises `DataError` where the set's files can none of them be read."""
    parts: list[NDArray[np.float32]] = []
    seen: list[int] = []
    for items, places in labelled.chunks(CHUNK, on_progress):
        parts.append(np.stack([reader.scores(view) for view in (views(items) if views else [items])]))
        seen += places
    ids = [labelled.ids[place] for place in seen]
    order = {name: place for place, name in enumerate(dict.fromkeys(ids))}
    which = np.array([order[name] for name in ids], dtype=np.int64)
    labels = np.zeros(len(order), dtype=np.int64)
    labels[which] = np.asarray([labelled.labels[place] for place in seen])
    first = [seen[place] for place in np.unique(which, return_index=True)[1]]
    groups = {name: tuple(str(values[place]) for place in first) for name, values in labelled.groups.items()}
    return Reading(labelled.name, tuple(order), labels, which, np.concatenate(parts, axis=1), groups)
