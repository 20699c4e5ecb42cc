"""Where the data sets are, and what to do about one that is not there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from mer_batch.data.importers import known
from mer_batch.errors import DataError
from mer_batch.labels import INDEX, canonical
from mer_batch.resources import data_home, user_data

LOCAL: Final = Path("data")
"""Sets of one project, beside its other files; looked at before the user's own."""
ROOMS: Final = {"face": "fer", "voice": "speech", "text": "text"}
"""Folders of the sets of each modality inside a folder of sets."""


def roots() -> list[Path]:
    """The folders of data sets, the nearest first: `MER_DATA` alone where it is set, else ./data and the user's own."""
    chosen = user_data()
    return [chosen] if chosen is not None else [LOCAL, data_home()]


def place_for(name: str, modality: str) -> Path:
    """The folder into which a set is imported where none is named, and in which `data_set` finds it by its name."""
    return (user_data() or data_home()) / ROOMS[modality] / name


def data_set(name: str, file: str = "") -> Path:
    """The folder of a set inside one of the `roots`: speech/ravdess, or ravdess wherever that is.

    `file` is what must lie in it. Raises `DataError` when it is absent, which tells how to get it.
    """
    for place in _places(name):
        if (place / file).exists():
            return place
    raise DataError(missing(name))


def require(names: Iterable[str], file: str) -> None:
    """Raise `DataError` unless all these sets are at hand, each with `file`: on the first at length, on all by name."""
    absent = [name for name in names if not any((place / file).exists() for place in _places(name))]
    if absent:
        others = f"; absent too: {', '.join(absent[1:])} (mer data list tells of them)" if absent[1:] else ""
        raise DataError(missing(absent[0]) + others)


def find_set(name: str) -> Path:
    """A data set by its path, or by its name as `data_set` takes it. Raises `DataError` when absent."""
    given = Path(name)
    return given if given.exists() else data_set(name)


def _places(name: str) -> Iterator[Path]:
    for root in roots():
        yield root / name
        if len(Path(name).parts) == 1 and root.is_dir():
            yield from (folder / name for folder in sorted(root.iterdir()))


def missing(name: str) -> str:
    """One line on a set that is not at hand: where it was looked for, where it is to be had and on what terms, and the
    command that brings it.
    """
    looked = f"the data set {name} is not in {' or '.join(map(str, roots()))}"
    importer = known().get(Path(name).name)
    if importer is None and len(Path(name).parts) > 1:
        return f"there is no data set at {name}; give a folder, a zip or a CSV file, or the name of an imported set"
    if importer is None:
        return f"{looked}; import it (mer data import folder SOURCE), or set MER_DATA to the folder of data sets"
    return (
        f"{looked}; {importer.get}, then run: mer data import {importer.kind} SOURCE   (terms: {importer.licence}); "
        "or set MER_DATA to the folder of data sets"
    )


def label_index(name: str) -> int:
    """The index in `labels.EMOTIONS` of a data set's label. Raises `DataError` for one without counterpart."""
    emotion = canonical(name)
    if emotion is None:
        raise DataError(f"the label {name!r} has no counterpart among our seven")
    return INDEX[emotion]
