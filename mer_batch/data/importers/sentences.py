"""What the importers of sentences share: finding a set's files, reading their lines, and marking copies."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Final

import pandas as pd

from mer_batch.data.files import Files
from mer_batch.errors import DataError

LEAST: Final = 4
"""Words from which a shared turn counts as a copy; shorter ones are everybody's."""


def one_of(files: Files, name: str) -> str:
    """The path of the file `name`, wherever it lies. Raises `DataError` when it is not there."""
    found = [path for path in files.names if PurePosixPath(path).name.lower() == name]
    if not found:
        raise DataError(f"{files.place} holds no {name}; give the folder or zip that has the set's files")
    return min(found, key=lambda path: path.count("/"))


def text_lines(files: Files, name: str) -> list[str]:
    """The lines of a text in UTF-8, without blanks around them and without the last line end."""
    return [line.strip() for line in files.read(name).decode("utf-8-sig", "replace").rstrip("\r\n").split("\n")]


def csv_rows(files: Files, name: str, columns: Sequence[str]) -> pd.DataFrame:
    """A table as texts, with one blank for line ends inside. Raises `DataError` when a column is missing."""
    try:
        table = pd.read_csv(io.BytesIO(files.read(name)), dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (ValueError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read {name} in {files.place}: {str(error).splitlines()[0]}") from error
    lacking = [column for column in columns if column not in table.columns]
    if lacking:
        raise DataError(f"{name} in {files.place} lacks the columns {', '.join(lacking)}")
    return table.map(lambda text: " ".join(str(text).splitlines()).strip())


def mark_copies(table: pd.DataFrame) -> None:
    """Mark rows outside train in place: `text_in_train` for turns of `LEAST` words, case and blanks aside, and
    `dialogue_in_train` for whole dialogues, of which letters and digits are compared.
    """
    turns = table["text"].map(lambda text: " ".join(text.lower().split()))
    long = turns.str.count(" ") >= LEAST - 1
    whole = turns.map(_letters).groupby(table["dialogue_id"]).transform(" ".join)
    train = table["split"] == "train"
    marks = {
        "text_in_train": long & turns.isin(set(turns[train])),
        "dialogue_in_train": whole.isin(set(whole[train])),
    }
    for name, mark in marks.items():
        table[name] = (mark & ~train).map({True: "1", False: ""})


def _letters(text: str) -> str:
    return "".join(letter for letter in text if letter.isalnum())
