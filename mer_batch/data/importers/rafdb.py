"""RAF-DB, single labels (Li & Deng, doi:10.1109/TIP.2018.2868382): the authors' layout, or folders 1 to 7."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Final

import pandas as pd

from mer_batch.data.files import Files, open_files
from mer_batch.data.importers import Listing, importer
from mer_batch.data.manifest import SPLITS
from mer_batch.errors import DataError

LABELS: Final = {
    "1": "surprise",
    "2": "fear",
    "3": "disgust",
    "4": "happy",
    "5": "sad",
    "6": "angry",
    "7": "neutral",
}
LISTS: Final = ("list_patition_label.txt", "list_partition_label.txt")
"""The authors' file has the first name, spelt so."""


@importer(
    "rafdb",
    title="RAF-DB, 15,339 faces from the web with seven labels",
    modality="face",
    licence="RAF-DB: non-commercial research only, no redistribution; by agreement with the authors",
    get="ask the authors with the form on their page; unpack basic/ with the aligned pictures",
)
def rafdb(source: Path) -> Listing:
    """A folder or zip with list_patition_label.txt and pictures (aligned ones preferred), or [split/]1..7/file."""
    files = open_files(source)
    table = next((name for name in files.names if PurePosixPath(name).name.lower() in LISTS), None)
    return _listed(files, table) if table is not None else _numbered(files)


def _listed(files: Files, table: str) -> Listing:
    # Sorted so that an aligned picture replaces the whole photograph of the same name.
    ordered = sorted(files.of_kind("face"), key=lambda name: "_aligned" in PurePosixPath(name).name)
    places = {PurePosixPath(name).stem.removesuffix("_aligned"): name for name in ordered}
    rows, missing = [], 0
    for number, line in enumerate(files.read(table).decode("utf-8", "replace").splitlines(), 1):
        if not line.strip():
            continue
        name, label = _entry(table, number, line)
        if name in places:
            rows.append((places[name], label, name.split("_")[0]))
        else:
            missing += 1
    if not rows:
        raise DataError(f"none of the {missing:,} pictures in {table} is there; unpack the aligned pictures beside it")
    return Listing(_frame(rows), files.place, skipped={"listed but absent": missing} if missing else {})


def _entry(table: str, number: int, line: str) -> tuple[str, str]:
    parts = line.split()
    if len(parts) != 2 or parts[1] not in LABELS:
        raise DataError(f"{table}, line {number}: expected 'train_00001.jpg 5', found {line[:60]!r}")
    return PurePosixPath(parts[0]).stem, LABELS[parts[1]]


def _numbered(files: Files) -> Listing:
    rows = []
    for name in files.of_kind("face"):
        folders = PurePosixPath(name).parts[:-1]
        split = next((part for part in folders if part.lower() in SPLITS), "")
        if folders and folders[-1] in LABELS:
            rows.append((name, LABELS[folders[-1]], split))
    if not rows:
        raise DataError(f"{files.place} has neither {LISTS[0]} nor folders 1 to 7 with pictures")
    return Listing(_frame(rows), files.place)


def _frame(rows: list[tuple[str, str, str]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["path", "label", "split"])
