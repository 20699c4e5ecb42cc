"""What readers said of the same items, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from mer_batch.errors import DataError
from mer_batch.labels import EMOTIONS
from mer_batch.scores.groups import numbered
from mer_batch.scores.metrics import Ints
from mer_batch.scores.predictions import Predictions


@dataclass(frozen=True)
class Readings:
    """One reader's `readings` (n,) of items with `labels` (n,), both indices into `labels.EMOTIONS`.

    `groups` are what else is known of the items, by name, such as the speaker.
    """

    name: str
    ids: tuple[str, ...]
    labels: Ints
    readings: Ints
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Table:
    """r readers' `readings` (r, n) of the same n items; `unmatched` (r,) items of each had no partner.

    `groups` (n,) are the numbers of the groups to which the items belong, None where each item stands for itself.
    """

    ids: tuple[str, ...]
    labels: Ints
    readings: Ints
    unmatched: tuple[int, ...]
    groups: Ints | None = None

    @property
    def right(self) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        """Which readings (r, n) are the label."""
        result: np.ndarray[tuple[int, ...], np.dtype[np.bool_]] = self.readings == self.labels
        return result


def of_predictions(name: str, found: Predictions) -> Readings:
    """The most probable emotion of each item."""
    return Readings(name, found.ids, found.labels, found.probabilities.argmax(axis=1), found.groups)


def align(readers: Sequence[Readings], by: str | None = None) -> Table:
    """The items that every reader has, in the first one's order; `by` names the groups.

    Raises `DataError` where an id stands twice, no item is common to all, labels disagree or the groups are unknown.
    """
    places = [_places(reader) for reader in readers]
    ids = tuple(name for name in readers[0].ids if all(name in found for found in places))
    if not ids:
        raise DataError(_no_match(readers))
    picks = [np.array([found[name] for name in ids]) for found in places]
    labels = np.stack([reader.labels[pick] for reader, pick in zip(readers, picks, strict=True)])
    _check_labels(readers, ids, labels)
    readings = np.stack([reader.readings[pick] for reader, pick in zip(readers, picks, strict=True)])
    unmatched = tuple(len(reader.ids) - len(ids) for reader in readers)
    return Table(ids, labels[0], readings, unmatched, None if by is None else _groups(readers, picks, by))


def _places(reader: Readings) -> dict[str, int]:
    found: dict[str, int] = {}
    for place, name in enumerate(reader.ids):
        if found.setdefault(name, place) != place:
            raise DataError(f"the id {name!r} stands twice in {reader.name}; each item needs an id of its own")
    return found


def _no_match(readers: Sequence[Readings]) -> str:
    empty = [reader.name for reader in readers if not reader.ids]
    if empty:
        return f"{empty[0]} holds no item"
    told = "; ".join(f"{reader.name} has {reader.ids[0]!r}" for reader in readers[:2])
    return f"no id is common to all: {told}; ids must be written alike on all sides"


def _check_labels(readers: Sequence[Readings], ids: Sequence[str], labels: Ints) -> None:
    for other in range(1, len(readers)):
        wrong = np.flatnonzero(labels[other] != labels[0])
        if len(wrong):
            at = int(wrong[0])
            ours, theirs = (EMOTIONS[labels[side, at]] for side in (0, other))
            raise DataError(
                f"labels disagree on {len(wrong)} of {len(ids)} items: {ids[at]!r} is {ours} in {readers[0].name} "
                f"and {theirs} in {readers[other].name}; only readings of the same labels can be compared"
            )


def _groups(readers: Sequence[Readings], picks: Sequence[Ints], by: str) -> Ints:
    for reader, pick in zip(readers, picks, strict=True):
        if by in reader.groups:
            own = {
                name: np.array(values)[pick].tolist() for name, values in reader.groups.items() if name in (by, "set")
            }
            found = numbered(own, by)
            if found is None:
                raise DataError(f"the column {by!r} is empty for some items, which so belong to no group")
            return found
    known = sorted({name for reader in readers for name in reader.groups})
    raise DataError(f"no column {by!r} to group the items by; known: {', '.join(known) or 'none'}")
