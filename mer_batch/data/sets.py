"""Where the data sets are."""

from __future__ import annotations

from pathlib import Path

from mer_batch.errors import DataError
from mer_batch.labels import INDEX, canonical
from mer_batch.resources import user_data


def roots() -> list[Path]:
    """The folders of data sets: `MER_DATA`, else ../shared/data and ./data."""
    chosen = user_data()
    return [chosen] if chosen is not None else [Path("../shared/data"), Path("data")]


def data_set(*parts: str) -> Path:
    """A data set inside `MER_DATA` (default: ../shared/data, then ./data). Raises `DataError` when absent."""
    for root in roots():
        if root.joinpath(*parts).exists():
            return root.joinpath(*parts)
    raise DataError(
        f"the data set {'/'.join(parts)} was not found in {roots()[0]}; set MER_DATA to the folder of data sets, "
        "and see `mer data list`"
    )


def find_set(name: str) -> Path:
    """A data set by its path, or by its name inside `MER_DATA`: speech/ravdess, or ravdess wherever that is.

    Raises `DataError` when absent.
    """
    given = Path(name)
    if given.exists():
        return given
    if len(given.parts) == 1:
        for root in roots():
            for folder in sorted(root.glob(f"*/{name}")):
                return folder
    return data_set(*given.parts)


def label_index(name: str) -> int:
    """The index in `labels.EMOTIONS` of a data set's label. Raises `DataError` for one without counterpart."""
    emotion = canonical(name)
    if emotion is None:
        raise DataError(f"the label {name!r} has no counterpart among our seven")
    return INDEX[emotion]
