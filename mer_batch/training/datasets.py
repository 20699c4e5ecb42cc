"""Where the training data is, and reading of the public data sets as they are distributed."""

from __future__ import annotations

from pathlib import Path

from mer_batch.errors import DataError
from mer_batch.labels import INDEX, canonical
from mer_batch.resources import user_data


def data_set(*parts: str) -> Path:
    """A data set inside `MER_DATA` (default: ../shared/data, then ./data). Raises `DataError` when absent."""
    roots = [user_data()] if user_data() else [Path("../shared/data"), Path("data")]
    for root in roots:
        if root is not None and root.joinpath(*parts).exists():
            return root.joinpath(*parts)
    raise DataError(
        f"the data set {'/'.join(parts)} was not found in {roots[0]}; set MER_DATA to the folder of data sets"
    )


def label_index(name: str) -> int:
    """The index in `labels.EMOTIONS` of a data set's label. Raises `DataError` for one without counterpart."""
    emotion = canonical(name)
    if emotion is None:
        raise DataError(f"the label {name!r} has no counterpart among our seven")
    return INDEX[emotion]
