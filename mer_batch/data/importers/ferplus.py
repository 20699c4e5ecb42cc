"""FER+ (Barsoum et al., arXiv:1608.01041): ten votes for each picture of FER2013."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Final

import pandas as pd

from mer_batch.data.importers import Listing, importer
from mer_batch.data.importers.fer2013 import USAGES
from mer_batch.data.manifest import VOTES, Manifest, read_manifest
from mer_batch.errors import DataError, UsageError

NAME: Final = "Image name"


@importer(
    "ferplus",
    title="FER+ votes for FER2013",
    modality="face",
    licence="votes: MIT; pictures: FER2013, rights stay with the photographers, research use",
    get="get fer2013new.csv from Microsoft's FERPlus repository on GitHub; first import fer2013.csv as fer2013",
)
def ferplus(source: Path, pictures: Path | None = None) -> Listing:
    """`fer2013new.csv` joined to an import of `fer2013.csv` by row, or to pictures named as the table names them.

    Row n of the table is row n of fer2013.csv. The number in a name such as fer0000032.png is not the row: it
    leaves out the rows without a name, so names are only matched to names.
    """
    if pictures is None:
        raise UsageError("FER+ holds votes only; give --pictures FOLDER, an import of fer2013.csv")
    table = _table(source / "fer2013new.csv" if source.is_dir() else source)
    base = read_manifest(pictures)
    rows = base.rows.drop(columns=[name for name in VOTES if name in base.rows.columns])
    keys = _by_row(table, rows, pictures) if "row" in rows.columns else _by_name(table, base, pictures)
    votes = table[list(VOTES)].reindex(keys).reset_index(drop=True)
    return Listing(pd.concat([rows.reset_index(drop=True), votes], axis=1), base.files.place)


def _by_row(table: pd.DataFrame, rows: pd.DataFrame, pictures: Path) -> list[int]:
    keys = [int(row) for row in rows["row"]]
    if max(keys) >= len(table):
        raise DataError(
            f"the votes have {len(table):,} rows, but {pictures} has row {max(keys):,}; they do not belong together"
        )
    usages = [USAGES.get(str(usage), str(usage)) for usage in table["Usage"].iloc[keys]]
    if usages != list(rows["split"]):
        raise DataError(f"the votes and {pictures} split their rows differently: they are not of the same order")
    return keys


def _by_name(table: pd.DataFrame, base: Manifest, pictures: Path) -> list[int]:
    named = {name: row for row, name in enumerate(table[NAME]) if name}
    keys = [named.get(PurePosixPath(path).name, -1) for path in base.rows["path"]]
    if max(keys) < 0:
        raise DataError(
            f"no votes fit {pictures}: it needs the rows of fer2013.csv (mer data import fer2013 fer2013.csv) "
            "or pictures named like fer0000000.png"
        )
    return keys


def _table(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(path, dtype={NAME: str, "Usage": str}, keep_default_na=False)
    except (ValueError, UnicodeDecodeError, OSError) as error:
        raise DataError(f"cannot read {path}: {str(error).splitlines()[0]}") from error
    missing = {NAME, "Usage", *VOTES} - set(table.columns)
    if missing:
        raise DataError(f"{path} lacks the columns {', '.join(sorted(missing))}; give fer2013new.csv")
    return table
