"""Which pictures of a labelled set train, choose the epoch and test, so that no copy is on two sides."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Final

import pandas as pd

from mer_batch.data.manifest import Manifest
from mer_batch.errors import DataError, UsageError, unknown_name
from mer_batch.tasks.copies import copy_groups, draw_part
from mer_batch.tasks.face_options import SHARE, FaceOptions
from mer_batch.tasks.task import Split

BOTH: Final = ("public_test", "private_test")
"""The official tests of FER2013 together, which is all that some copies of the set know as its test."""
_OWN: Final[Mapping[Split, tuple[str, ...]]] = {
    "validation": ("validation", "public_test"),
    "test": ("test", "private_test"),
}
Copies = tuple[set[str], set[str]]


class FaceParts:
    """The parts of a set: its own by name, or drawn from the training part in whole groups of copies.

    `known` are the paths of training pictures that copy a held-out one, and of these; None = they are searched.

    Raises `UsageError` for a part that the set does not have, or one that would both choose and test.
    """

    def __init__(self, manifest: Manifest, title: str, options: FaceOptions, known: Copies | None = None) -> None:
        self._manifest, self._title, self._options, self._known = manifest, title, options, known
        for name in set(self._own("validation")) & set(self._own("test")):
            raise UsageError(
                f"[data] validation and test are both {name}: the test must not choose the epoch; "
                f"set validation = {SHARE} to hold that much of the training part back"
            )

    def train(self) -> pd.DataFrame:
        """The rows of the training part without what is held back, and without copies unless they are kept."""
        rows = self._pool
        for held in self._drawn.values():
            rows = rows[~rows.path.isin(held.path)]
        return self._without_leaks(rows)

    def rows(self, split: Split) -> pd.DataFrame:
        """The rows of a held-out part. Raises `DataError` when it is empty."""
        own, every = self._own(split), self._manifest.rows
        rows = every[every.split.isin(own)] if own else self._drawn[split]
        if rows.empty:
            raise DataError(f"{self._title} is too small to hold back a {split} part; name one in [data]")
        return rows

    def named(self, name: str) -> pd.DataFrame:
        """The rows of one of the set's parts by name, or of both official tests. Raises `UsageError`."""
        names = BOTH if name == "both" else (name,)
        for each in names:
            if each not in self._manifest.splits:
                raise unknown_name(f"part of {self._title}", each, [*self._manifest.splits, "validation", "test"])
        return self._manifest.rows[self._manifest.rows.split.isin(names)]

    def title(self, split: Split | str) -> str:
        """How a part is called in reports."""
        if split not in _OWN:
            return _joined(self._title, BOTH if split == "both" else (split,))
        own = self._own("test" if split == "test" else "validation")
        share = self._share("test" if split == "test" else "validation")
        return _joined(self._title, own) if own else f"{self._title} {split} ({share:.0%} of the training part)"

    @cached_property
    def copies(self) -> Copies:
        """Paths of training pictures that copy one of the set's own held-out parts, and those held-out pictures."""
        if self._known is not None:
            return self._known
        inside, outside = self.groups[self._pool.path], self.groups.drop(self._pool.path)
        return set(inside.index[inside.isin(outside)]), set(outside.index[outside.isin(inside)])

    @property
    def _held(self) -> set[str]:
        return {name for split in _OWN for name in self._own(split)}

    @cached_property
    def _pool(self) -> pd.DataFrame:
        """The rows that are no held-out part of the set."""
        rows = self._manifest.rows
        return rows[rows.split == "train"] if "train" in self._manifest.splits else rows[~rows.split.isin(self._held)]

    def _own(self, split: Split) -> list[str]:
        """The set's own parts that serve as `split`; none where a share of the training part does."""
        said, there = getattr(self._options, split), self._manifest.splits
        if not isinstance(said, str):
            return []
        if not said:
            return [name for name in _OWN[split] if name in there][:1]
        names = list(BOTH) if said == "both" else [said]
        known = [name for name in there if name != "train"]
        for name in names:
            if name not in known:
                raise unknown_name(f"part of {self._title} for {split}", name, known)
        return names

    def _share(self, split: Split) -> float:
        said = getattr(self._options, split)
        return SHARE if isinstance(said, str) else float(said)

    @cached_property
    def groups(self) -> pd.Series:
        """A number by path for the training and the set's own held-out parts; copies share theirs."""
        rows = self._manifest.rows
        paths = pd.concat([self._pool.path, rows.path[rows.split.isin(self._held)]])
        return pd.Series(copy_groups(self._manifest.read_picture(path) for path in paths), index=paths.to_numpy())

    @cached_property
    def _drawn(self) -> Mapping[Split, pd.DataFrame]:
        """The parts that are drawn from the pool, the same for every network."""
        order: tuple[Split, Split] = ("test", "validation")
        wanted = [split for split in order if not self._own(split)]
        found: dict[Split, pd.DataFrame] = {}
        rows = self._without_leaks(self._pool) if wanted else self._pool
        for split in wanted:
            groups = self.groups[rows.path].to_numpy()
            chosen = draw_part(rows.label.to_numpy(), groups, self._share(split), self._options.split_seed)
            found[split], rows = rows[chosen], rows[~chosen]
        return found

    def _without_leaks(self, rows: pd.DataFrame) -> pd.DataFrame:
        return rows if self._options.keep_leaks else rows[~rows.path.isin(self.copies[0])]


def _joined(title: str, names: tuple[str, ...] | list[str]) -> str:
    return f"{title} {' and '.join(names).replace('_', ' ')}"
