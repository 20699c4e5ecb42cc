"""One table for every labelled set: what `mer data import` made, a folder tree, a CSV, or the shared layout.

A `Manifest` is a table with the columns `path`, `label` (ours where it has a counterpart, else as the set says)
and `split` ("" = none), and whatever else is known: `pixel_sha256`, `speaker`, `sentence`, FER+ votes...
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from mer_batch.data.files import ARCHIVES, SUFFIXES, Files, FolderFiles, open_files
from mer_batch.errors import DataError
from mer_batch.labels import INDEX, canonical
from mer_batch.tables import Row, Table, lines_of, read_csv
from mer_batch.types import Modality

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mer_batch.types import Samples

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TABLE: Final = "manifest.csv"
CARD: Final = "dataset.toml"
PERSONS: Final = ("speaker", "subject", "actor", "identity")
"""Columns that name the person: to have one in two splits is leakage."""
CONTENTS: Final = ("sentence", "sentence_or_word")
"""Columns that name what is said."""
VOTES: Final = (
    "neutral",
    "happiness",
    "surprise",
    "sadness",
    "anger",
    "disgust",
    "fear",
    "contempt",
    "unknown",
    "NF",
)
"""Columns of FER+ votes (Barsoum et al., arXiv:1608.01041); NF = not a face."""
SPLITS: Final = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
    "public_test": "public_test",
    "publictest": "public_test",
    "private_test": "private_test",
    "privatetest": "private_test",
}
"""Names of parts as sets write them (lower case) to ours."""
_TEXT: Final = ("path", "label", "split", "source_label", *PERSONS, *CONTENTS, "pixel_sha256", "audio_sha256")


@dataclass(frozen=True)
class Manifest:
    """A labelled set. `skipped` counts, by reason, what was left out while it was read."""

    name: str
    kind: str
    modality: Modality
    rows: pd.DataFrame
    files: Files
    card: dict[str, Any] = field(default_factory=dict)
    skipped: Counter[str] = field(default_factory=Counter)

    @property
    def licence(self) -> str:
        """The terms, as far as known."""
        return str(self.card.get("licence", "not known"))

    @property
    def has_votes(self) -> bool:
        """Whether FER+ votes are there."""
        return set(VOTES) <= set(self.rows.columns)

    @cached_property
    def splits(self) -> list[str]:
        """The parts, in order of first appearance; empty when the set has none."""
        return [name for name in self.rows["split"].unique() if name]

    def emotions(self) -> Manifest:
        """Only the rows whose label is one of our seven; the others are counted in `skipped`."""
        ours = self.rows["label"].isin(list(INDEX))
        outside = Counter(
            {f"label {name!r}": int(n) for name, n in self.rows.loc[~ours, "label"].value_counts().items()}
        )
        return replace(self, rows=self.rows[ours].reset_index(drop=True), skipped=self.skipped + outside)

    def part(self, split: str) -> Manifest:
        """Only the rows of one split."""
        return replace(self, rows=self.rows[self.rows["split"] == split].reset_index(drop=True))

    def read_bytes(self, path: str) -> bytes:
        """The stored file of a row. Raises `DataError` when it is missing."""
        return self.files.read(path)

    def read_picture(self, path: str) -> NDArray[np.uint8]:
        """A picture, upright, (height, width) if grey, (height, width, 3) if colour. Raises `DataError`."""
        from mer_batch.data.pictures import decode_picture

        return decode_picture(self.read_bytes(path), path)

    def read_sound(self, path: str) -> Samples:
        """A sound as 16 kHz mono samples (n,) in [-1, 1]. Raises `DataError`."""
        from mer_batch.data.sounds import decode_mono

        return decode_mono(self.read_bytes(path), path)


def read_manifest(source: Path) -> Manifest:
    """The set at `source`: a folder (imported, with a manifest.csv, or a tree), a zip or tar of a tree, or a CSV.

    Raises `DataError` when there is nothing to read or a table is malformed.
    """
    if not source.exists():
        raise DataError(f"there is no data set at {source}; give a folder, a zip or a CSV file")
    if source.is_dir() and (source / CARD).is_file():
        return _imported(source)
    if source.is_dir() and (source / TABLE).is_file():
        return _tabled(source / TABLE, _archive_in(source), source)
    if source.suffix.lower() in (".csv", ".tsv"):
        return _tabled(source, FolderFiles(source.parent), source)
    return tree_manifest(source)


def read_card(folder: Path) -> dict[str, Any]:
    """What `dataset.toml` says. Raises `DataError` for a damaged one."""
    try:
        return tomllib.loads((folder / CARD).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise DataError(f"cannot read {folder / CARD}: {str(error).splitlines()[0]}; import the set again") from error


def _imported(folder: Path) -> Manifest:
    card = read_card(folder)
    missing = {"name", "kind", "modality", "files"} - set(card)
    if missing:
        raise DataError(f"{folder / CARD} lacks {', '.join(sorted(missing))}; import the set again")
    if card["modality"] == "text":
        raise DataError(f"{folder} holds sentences; this command reads sets of pictures or sounds")
    place = folder / card["files"]
    if not place.exists():
        raise DataError(f"the files of {folder} are gone from {card['files']}; import the set again, or with --copy")
    rows, skipped = read_table(folder / TABLE)
    return Manifest(str(card["name"]), str(card["kind"]), card["modality"], rows, open_files(place), card, skipped)


def _archive_in(folder: Path) -> Files:
    """The only archive beside a manifest.csv, as the shared sets have it, else the folder."""
    archives = [path for path in sorted(folder.iterdir()) if path.suffix.lower() in ARCHIVES]
    return open_files(archives[0]) if len(archives) == 1 else FolderFiles(folder)


def _tabled(table: Path, files: Files, source: Path) -> Manifest:
    rows, skipped = read_table(table)
    votes = table.parent / "ferplus.csv"
    if votes.is_file() and not set(VOTES) <= set(rows.columns):
        rows = rows.join(pd.read_csv(votes).set_index("path")[list(VOTES)], on="path")
    return Manifest(_name(source), "table", modality_of(list(rows["path"]), source), rows, files, skipped=skipped)


def read_table(path: Path) -> tuple[pd.DataFrame, Counter[str]]:
    """The rows of a CSV with `path` and `label`, labels and splits by our names, and what was left out, by reason.

    Raises `DataError` for a table without these columns, and for a path with two labels or in two splits.
    """
    table = read_csv(path)
    if table.column("path") is None or table.column("label") is None:
        raise table.lacks("path and label")
    skipped = Counter(f"line {line} {reason}" for line, reason in table.left_out)
    kept, repeats = _once(table)
    if repeats:
        skipped["rows that repeat an earlier one"] = repeats
    columns = {
        name if name in _TEXT else header: [row[name] for row in kept]
        for name, header in zip(table.columns, table.headers, strict=True)
    }
    rows = pd.DataFrame({name: cells if name in _TEXT else _typed(cells) for name, cells in columns.items()})
    for name in set(VOTES) & set(rows.columns):
        rows[name] = pd.to_numeric(rows[name], errors="coerce")
    rows["label"] = [our_label(name) for name in rows["label"]]
    rows["split"] = [our_split(name) for name in rows["split"]] if "split" in rows.columns else ""
    return rows, skipped


def _once(table: Table) -> tuple[list[Row], int]:
    """The rows with each path once, and how many repeated another. Raises `DataError` for one that contradicts it."""
    first: dict[str, Row] = {}
    for row in table.rows:
        before = first.setdefault(row["path"], row)
        if before is row:
            continue
        for name in ("label", "split"):
            if our_label(before[name]) != our_label(row[name]):
                raise DataError(
                    f"{table.path}: {lines_of([before.line, row.line])} give {row['path']!r} two {name}s, "
                    f"{before[name]!r} and {row[name]!r}; keep one of them"
                )
    return list(first.values()), len(table.rows) - len(first)


def _typed(cells: list[str]) -> pd.Series:
    """A column as numbers where it holds nothing else, as pandas reads it."""
    column = pd.Series(cells, dtype=str)
    try:
        return pd.to_numeric(column) if all(cells) else column
    except ValueError:
        return column


def tree_manifest(source: Path) -> Manifest:
    """The set in a tree `[split/]label/file`, in a folder, zip or tar; files at the top have no label.

    Raises `DataError` when it holds neither pictures nor sounds.
    """
    files = open_files(source)
    modality = modality_of(files.names, source)
    names = files.of_kind(modality)
    rows = pd.DataFrame([(name, *_place(name)) for name in names], columns=["path", "label", "split"])
    other = len(files.names) - len(names)
    skipped = Counter({"not a picture" if modality == "face" else "not a sound": other} if other else {})
    return Manifest(_name(source), "tree", modality, rows, files, skipped=skipped)


def _name(source: Path) -> str:
    return source.stem if source.is_file() else source.resolve().name


def _place(name: str) -> tuple[str, str]:
    """Label and split by the folders of a file."""
    folders = PurePosixPath(name).parts[:-1]
    splits = [folder for folder in folders if folder.lower() in SPLITS]
    label = folders[-1] if folders and folders[-1] not in splits else ""
    return our_label(label), our_split(splits[0]) if splits else ""


def our_label(name: str) -> str:
    """Our name for a label, or the name as it is when it has no counterpart."""
    return canonical(name) or name.strip()


def our_split(name: str) -> str:
    """Our name for a split, or the name as it is."""
    return SPLITS.get(name.strip().lower(), name.strip())


def modality_of(names: list[str], source: Path) -> Modality:
    """Whether files are pictures or sounds, by the more frequent of their endings. Raises `DataError` for neither."""
    endings = Counter(PurePosixPath(name).suffix.lower() for name in names)
    counts = {kind: sum(endings[ending] for ending in known) for kind, known in SUFFIXES.items()}
    if not any(counts.values()):
        raise DataError(f"{source} holds neither pictures nor sounds ({len(names)} files looked at)")
    return "face" if counts["face"] >= counts["voice"] else "voice"


def clip_ids(name: str, paths: Sequence[str]) -> list[str]:
    """Ids of the clips of set `name`: its name and the file's, whatever its folder and format.

    Where file names repeat, with their folders.
    """
    stems = [PurePosixPath(path).stem for path in paths]
    if len(set(stems)) < len(stems):
        stems = [PurePosixPath(path).with_suffix("").as_posix() for path in paths]
    return [f"{name}/{stem}" for stem in stems]
