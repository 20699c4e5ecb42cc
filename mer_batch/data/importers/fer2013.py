"""FER2013 (Goodfellow et al., arXiv:1307.0414): the contest's CSV of pixels, or pictures in folders."""

from __future__ import annotations

import io
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from mer_batch.data.files import open_files
from mer_batch.data.importers import Listing, importer
from mer_batch.data.manifest import read_manifest
from mer_batch.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

LABELS: Final = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""The meaning of the contest's numbers 0 to 6."""
USAGES: Final = {"Training": "train", "PublicTest": "public_test", "PrivateTest": "private_test"}
TABLES: Final = ("fer2013.csv", "icml_face_data.csv")
SIDE: Final = 48


@importer(
    "fer2013",
    title="FER2013, 35,887 grey faces of 48x48 from the web",
    modality="face",
    licence="FER2013: web pictures of an ICML 2013 contest; rights stay with the photographers, research use",
    get="get fer2013.csv, or its pictures in folders, from Kaggle ('Challenges in Representation Learning')",
)
def fer2013(source: Path) -> Listing:
    """`fer2013.csv` or `icml_face_data.csv`, a folder, zip or tar with one of them, or with [split/]label/file."""
    if source.suffix.lower() == ".csv":
        return _listed(source, source.parent)
    files = open_files(source)
    tables = sorted((name for name in files.names if PurePosixPath(name).name in TABLES), key=_preferred)
    return _listed(io.BytesIO(files.read(tables[0])), source, tables[0]) if tables else _tree(source)


def _preferred(name: str) -> tuple[int, int]:
    return TABLES.index(PurePosixPath(name).name), name.count("/")


def _tree(source: Path) -> Listing:
    """Pictures in folders; those of one test folder are told apart by their names, PublicTest_1.jpg."""
    manifest = read_manifest(source)
    rows = manifest.rows.copy()
    names = [PurePosixPath(path).name.split("_")[0] for path in rows["path"]]
    rows["split"] = [USAGES.get(name, split) for name, split in zip(names, rows["split"], strict=True)]
    return Listing(rows, manifest.files.place, skipped=manifest.skipped)


def _listed(table: Path | io.BytesIO, place: Path, name: str = "") -> Listing:
    """Rows as pictures named by their place in the table, which is how FER+ votes are matched."""
    title = name or str(table)
    frame = _table(table, title)
    splits = [USAGES.get(usage, usage) for usage in frame["Usage"].str.strip()]
    labels = [_label(title, row, number) for row, number in enumerate(frame["emotion"])]
    paths = [f"{split}/{label}/{row:05d}.png" for row, (split, label) in enumerate(zip(splits, labels, strict=True))]
    pixels = dict(zip(paths, frame["pixels"], strict=True))
    rows = pd.DataFrame({"path": paths, "label": labels, "split": splits, "row": range(len(frame))})
    return Listing(rows, place, make=lambda path: _picture(pixels[path], path))


def _table(source: Path | io.BytesIO, path: str) -> pd.DataFrame:
    try:
        frame = pd.read_csv(source, dtype=str, keep_default_na=False)
    except (ValueError, UnicodeDecodeError, OSError) as error:
        raise DataError(f"cannot read {path}: {str(error).splitlines()[0]}") from error
    frame.columns = [str(name).strip() for name in frame.columns]  # icml_face_data.csv has " Usage" and " pixels"
    if not {"emotion", "pixels", "Usage"} <= set(frame.columns):
        raise DataError(f"{path} needs the columns emotion, pixels and Usage; it has {', '.join(frame.columns)}")
    return frame


def _label(table: str, row: int, number: str) -> str:
    if number.strip() not in map(str, range(len(LABELS))):
        raise DataError(f"{table}, row {row}: the emotion {number!r} is none of 0 to {len(LABELS) - 1}")
    return LABELS[int(number)]


def _picture(pixels: str, path: str) -> NDArray[np.uint8]:
    try:
        values = np.array(pixels.split(), dtype=np.int64)
    except (ValueError, OverflowError) as error:
        raise DataError(f"cannot read the picture {path}: its pixels are not numbers") from error
    if len(values) != SIDE * SIDE or values.min() < 0 or values.max() > 255:
        raise DataError(f"cannot read the picture {path}: needs {SIDE * SIDE} pixels of 0 to 255, has {len(values)}")
    return values.reshape(SIDE, SIDE).astype(np.uint8)
