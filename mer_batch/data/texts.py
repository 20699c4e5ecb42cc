"""Sets of sentences: a folder with one CSV for each part, as `mer train text` reads them."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any, Final

import pandas as pd

from mer_batch.data.files import FolderFiles
from mer_batch.data.importers import Importer, Listing
from mer_batch.data.manifest import CARD, Manifest, our_label, our_split, read_card
from mer_batch.data.store import claim, write_card
from mer_batch.errors import DataError
from mer_batch.labels import INDEX
from mer_batch.tables import read_csv
from mer_batch.tables_out import write_table

COLUMNS: Final = ("id", "dialogue_id", "turn", "speaker", "text", "label", "original_label")
TRAIN: Final = "train.csv"


def write_texts(importer: Importer, listing: Listing, source: Path, out: Path) -> Manifest:
    """Write a listing of sentences into the folder `out`: one CSV for each part, and the card.

    A label without counterpart among ours is left empty; the set's own stays in `original_label`.
    Raises `DataError` for an empty source, `UsageError` when `out` holds something else.
    """
    rows = listing.rows
    if rows.empty:
        raise DataError(f"{source} holds no sentence; check the folder")
    ours = [our_label(name) for name in rows["label"]]
    rows = rows.assign(label=[name if name in INDEX else "" for name in ours])
    claim(out, importer.kind, source)
    columns = [*COLUMNS, *(name for name in rows.columns if name not in (*COLUMNS, "split"))]
    for part, own in rows.reindex(columns=[*columns, "split"], fill_value="").groupby("split", sort=False):
        write_table(out / f"{part}.csv", own[columns])
    about: dict[str, Any] = {"title": importer.title, "licence": importer.licence, "source": str(source.resolve())}
    about |= {"name": importer.kind, "kind": importer.kind, "modality": "text", "files": "."}
    counts = {str(part): len(own) for part, own in rows.groupby("split", sort=False)}
    left_out = {reason: count for reason, count in listing.skipped.items() if count}
    write_card(out, about | {"counts": counts, "left_out": left_out})
    return read_texts(out)


def is_texts(folder: Path) -> bool:
    """Whether a folder holds sentences in parts."""
    if not (folder / TRAIN).is_file():
        return False
    with (folder / TRAIN).open(encoding="utf-8", errors="replace", newline="") as file:
        return {"id", "text", "label"} <= set(next(csv.reader(file), ()))


def read_texts(folder: Path) -> Manifest:
    """The sentences of all parts as one table; `path` is the id. Raises `DataError`."""
    card = read_card(folder) if (folder / CARD).is_file() else {}
    tables = []
    for path in sorted(folder.glob("*.csv")):
        found = read_csv(path).whole()
        table = pd.DataFrame({name: [row[name] for row in found.rows] for name in found.columns})
        if {"id", "text", "label"} <= set(table.columns):
            tables.append(table.rename(columns={"id": "path"}).assign(split=our_split(path.stem)))
    rows = pd.concat(tables, ignore_index=True)
    name = str(card.get("name", folder.name))
    return Manifest(name, str(card.get("kind", folder.name)), "text", rows, FolderFiles(folder), card)
