"""Readings from files: run folders, predictions of ours, and tables of any other tool."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from mer_batch.errors import DataError, UsageError
from mer_batch.labels import EMOTIONS, INDEX, canonical
from mer_batch.scores.metrics import Ints
from mer_batch.scores.statistics.readings import Readings
from mer_batch.tables import number, read_csv

if TYPE_CHECKING:
    import pandas as pd

READING: Final = ("reading", "prediction")
"""Columns that hold the name of the emotion which was read."""


def read_both(first: Path, second: Path, split: str = "test") -> tuple[Readings, Readings]:
    """The readings of two run folders or prediction files; one of two tables may leave the labels to the other.

    Raises `UsageError` where there is no such file, `DataError` where a table cannot be used.
    """
    paths = [predictions_of(path, split) for path in (first, second)]
    tables = [_table(path) for path in paths]
    labelled = [table for table in tables if "label" in table]
    if not labelled:
        raise DataError(f"neither {first} nor {second} has a column 'label'; one of them must")
    given = dict(zip(labelled[0]["id"], labelled[0]["label"], strict=True))
    sides = [_readings(str(path), table, given) for path, table in zip((first, second), tables, strict=True)]
    return sides[0], sides[1]


def predictions_of(path: Path, split: str) -> Path:
    """The file of predictions in a run folder, or `path` itself where it is a file."""
    if path.is_file():
        return path
    if not path.is_dir():
        raise UsageError(f"there is no run folder or prediction file at {path}")
    known = sorted(found.stem for found in path.glob("predictions/*.parquet"))
    if split in known:
        return path / "predictions" / f"{split}.parquet"
    if not known:
        raise UsageError(f"{path} holds no predictions/{split}.parquet; name a finished run or a prediction file")
    raise UsageError(f"{path} holds no predictions of {split!r}; choose with --split: {', '.join(known)}")


def _table(path: Path) -> pd.DataFrame:
    """A table with `id` as text; every cell of a CSV is text."""
    import pandas as pd

    if path.suffix.lower() == ".parquet":
        try:
            table = pd.read_parquet(path)
        except (OSError, ValueError) as error:
            raise DataError(f"cannot read predictions from {path}: {str(error).splitlines()[0]}") from error
        table.columns = pd.Index([str(name).strip().lower() for name in table])
        if "id" not in table:
            raise DataError(f"{path} lacks the column 'id'; it has {', '.join(table.columns)}")
    else:
        # "NA" and "none" are words here.
        found = read_csv(path).whole()
        for name in ("id", *found.columns):
            found.needed(name)
        table = pd.DataFrame({name: [row[name] for row in found.rows] for name in found.columns})
    return table.assign(id=table["id"].astype(str).str.strip())


def _readings(name: str, table: pd.DataFrame, given: dict[str, str]) -> Readings:
    if "label" not in table:
        table = table[table["id"].isin(given)]
        table = table.assign(label=[given[one] for one in table["id"]])
    columns = _columns(table)
    reading = next((column for column in READING if column in table), None)
    if reading is None and len(columns) < 2:
        raise DataError(
            f"{name} lacks readings: it needs a column {' or '.join(READING)} with the name of an emotion, "
            f"or columns of probabilities named {', '.join(EMOTIONS)}"
        )
    read = _likeliest(name, table, columns) if reading is None else _emotions(name, table, reading)
    known = {"id", "label", *READING, *(column for found in columns.values() for column in found)}
    groups = {column: tuple(table[column].astype(str)) for column in table if column not in known}
    return Readings(name, tuple(table["id"]), _emotions(name, table, "label"), read, groups)


def _columns(table: pd.DataFrame) -> dict[str, list[str]]:
    """The columns of probabilities of each emotion."""
    found: dict[str, list[str]] = {}
    for column in table.columns:
        emotion = canonical(column)
        if emotion is not None:
            found.setdefault(emotion, []).append(column)
    return found


def _emotions(name: str, table: pd.DataFrame, column: str) -> Ints:
    words = [str(word) for word in table[column]]
    places = [INDEX.get(canonical(word) or "", -1) for word in words]
    if -1 in places:
        at = places.index(-1)
        raise DataError(
            f"{name}: the {column} {words[at]!r} of {table['id'].iloc[at]!r} is no emotion of ours; "
            f"rename it to one of {', '.join(EMOTIONS)}, or leave such items out of both tables"
        )
    return np.array(places, dtype=np.int64)


def _likeliest(name: str, table: pd.DataFrame, columns: dict[str, list[str]]) -> Ints:
    """The emotion of the largest probability; an emotion without a column is never read."""
    shares = np.full((len(table), len(EMOTIONS)), -np.inf)
    for emotion, found in columns.items():
        shares[:, INDEX[emotion]] = sum(_numbers(name, table, found))
    result: Ints = shares.argmax(axis=1)
    return result


def _numbers(
    name: str, table: pd.DataFrame, columns: Sequence[str]
) -> list[np.ndarray[tuple[int], np.dtype[np.float64]]]:
    found = []
    for column in columns:
        values = np.array([_number(cell) for cell in table[column]], dtype=np.float64)
        if not np.isfinite(values).all():
            at = int(np.flatnonzero(~np.isfinite(values))[0])
            raise DataError(
                f"{name}: the {column} of {table['id'].iloc[at]!r} is no number: {table[column].iloc[at]!r}"
            )
        found.append(values)
    return found


def _number(cell: object) -> float:
    try:
        return number(cell) if isinstance(cell, str) else float(cell)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return math.nan
