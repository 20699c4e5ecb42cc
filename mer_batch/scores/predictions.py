"""Predictions on disk, so that every score can be computed again without the model.

A Parquet file with one row an item: `id`, `label` (name of the true emotion) and one column a probability,
named by the emotion; further columns are groups, such as `set` and `speaker`. What is known of the whole (the set's
name, the temperature, the views) stands in the file's own metadata, as JSON under the key `mer`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mer_batch.errors import DataError
from mer_batch.files import whole_file
from mer_batch.labels import EMOTIONS, INDEX

KEY: Final = b"mer"
COLUMNS: Final = ("id", "label", *EMOTIONS)


@dataclass(frozen=True)
class Predictions:
    """n items: `ids`, `labels` (n,) and `probabilities` (n, 7), both by `labels.EMOTIONS`, and what is known of all."""

    ids: tuple[str, ...]
    labels: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    meta: Mapping[str, Any] = field(default_factory=dict)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What else is known of each item, by name."""

    def __len__(self) -> int:
        return len(self.ids)


def write(
    path: Path,
    ids: Sequence[str],
    labels: Sequence[int] | NDArray[Any],
    probabilities: NDArray[Any],
    *,
    groups: Mapping[str, Sequence[str]] | None = None,
    **meta: Any,
) -> Path:
    """Write predictions to `path`, whole or not at all, and return it; folders are made.

    `labels` (n,) are indices into `labels.EMOTIONS`, `probabilities` (n, 7) in its order; `groups` are texts (n)
    by name; `meta` must fit JSON.
    """
    import pyarrow as pa
    from pyarrow import parquet

    columns = {"id": [str(name) for name in ids], "label": [EMOTIONS[int(label)] for label in labels]}
    shares = np.asarray(probabilities, dtype=np.float64)
    found = {name: [str(value) for value in values] for name, values in (groups or {}).items()}
    table = pa.table(columns | {name: shares[:, place] for place, name in enumerate(EMOTIONS)} | found)
    with whole_file(path) as partial:
        parquet.write_table(table.replace_schema_metadata({KEY: json.dumps(meta).encode()}), partial)
    return path


def read(path: Path) -> Predictions:
    """The predictions in `path`. Raises `DataError` when there are none or columns are missing."""
    import pyarrow as pa
    from pyarrow import parquet

    try:
        table = parquet.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise DataError(f"cannot read predictions from {path}: {str(error).splitlines()[0]}") from error
    missing = [name for name in COLUMNS if name not in table.column_names]
    if missing:
        raise DataError(f"{path} holds no predictions: it lacks the columns {', '.join(missing)}")
    try:
        labels = np.array([INDEX[name] for name in table["label"].to_pylist()], dtype=np.int64)
    except KeyError as error:
        raise DataError(f"{path}: the label {error.args[0]!r} is none of {', '.join(EMOTIONS)}") from error
    shares = np.stack([table[name].to_numpy().astype(np.float64) for name in EMOTIONS], axis=1)
    meta = json.loads((table.schema.metadata or {}).get(KEY, b"{}"))
    groups = {name: tuple(map(str, table[name].to_pylist())) for name in table.column_names if name not in COLUMNS}
    return Predictions(tuple(str(name) for name in table["id"].to_pylist()), labels, shares, meta, groups)
