"""The parts of held-out data that are scored side by side: public or private, by what leaks, by data set.

A leaking item is one that has a copy in the training data. Scores on all items are what the literature
prints; those without the leaking items are what a new picture can expect.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mer_batch.errors import unknown_name

ALL: Final = "all"
WITHOUT: Final = "without leaking"
ONLY: Final = "only leaking"
PREFIXES: Final[Mapping[str, str]] = {"public_test/": "public", "private_test/": "private"}
"""How the ids of FER2013 tell its parts."""
BOTH: Final = "both"
NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "public": ("public",),
    "private": ("private",),
    "validation": ("validation", "public"),
    "test": ("test", "private"),
    "both": (),
    "all": (),
}
"""Values of `--split` for a task's own held-out data, and the parts that each shows; none = whatever there is."""


@dataclass(frozen=True)
class Part:
    """Items of one part: all of them, those without a copy in the training data, only those with one, or a set's."""

    name: str
    items: str
    where: NDArray[np.bool_]

    @property
    def title(self) -> str:
        """The part's name in tables."""
        return self.name if self.items == ALL else f"{self.name}, {self.items}"


def part_names(ids: Sequence[str], split: str) -> list[str]:
    """The part of each item: FER2013's own names where ids tell them, else the name of the split."""
    return [next((name for start, name in PREFIXES.items() if item.startswith(start)), split) for item in ids]


def check_split(split: str) -> None:
    """Raise `UsageError` unless `split` is one of `NAMES`."""
    if split not in NAMES:
        raise unknown_name("split", split, NAMES)


def parts(
    names: Sequence[str],
    ids: Sequence[str],
    leaking: Collection[str],
    split: str = "all",
    sets: Sequence[str] = (),
    main: str = "",
) -> list[Part]:
    """The parts of `split` for items with these part names and ids, each whole and by leaks where there are some.

    `sets` are the data sets of the items, where they are known: a part of several is also told set by set. Where
    one of them is `main`, the whole part is that set's.
    """
    place = np.array(names)
    leaks = np.array([name in leaking for name in ids], dtype=bool)
    origin = np.array(sets, dtype=str) if len(sets) else np.full(len(place), "")
    own = origin == main if (origin == main).any() else np.ones(len(place), dtype=bool)
    return [
        part
        for name, where in _whole(place, split)
        for part in (
            Part(name, ALL, where & own),
            *_by_leaks(name, where & own, leaks),
            *_by_set(name, where, origin, main),
        )
    ]


def main_part(found: Sequence[Part], split: str = "") -> Part:
    """The part whose confusions are shown: the last whole one, but the private one where all are listed."""
    whole = [part for part in found if part.items == ALL]
    named = {part.name: part for part in whole}
    return named.get("private", whole[-1]) if split == "all" else whole[-1]


def _whole(place: NDArray[np.str_], split: str) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    present = list(dict.fromkeys(place.tolist()))
    if split != BOTH:
        for name in present:
            yield name, place == name
    if len(present) > 1:
        yield BOTH, np.ones(len(place), dtype=bool)
    elif split == BOTH:
        yield present[0], np.ones(len(place), dtype=bool)


def _by_leaks(name: str, where: NDArray[np.bool_], leaks: NDArray[np.bool_]) -> Iterator[Part]:
    for items, kept in ((WITHOUT, where & ~leaks), (ONLY, where & leaks)):
        if (where & leaks).any() and kept.any():
            yield Part(name, items, kept)


def _by_set(name: str, where: NDArray[np.bool_], origin: NDArray[np.str_], main: str) -> Iterator[Part]:
    present = np.unique(origin[where])
    if len(present) > 1:
        yield from (Part(name, str(one), where & (origin == one)) for one in present if one != main)
