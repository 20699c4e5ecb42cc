"""Writing a set's folder: `manifest.csv`, and `dataset.toml` that says what it is and where its files are."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pandas as pd

from mer_batch.data.manifest import CARD, TABLE, read_card
from mer_batch.errors import DataError, UsageError
from mer_batch.files import sha256_of, whole_file
from mer_batch.tables_out import write_table

FILES = "files"
"""Folder of the files that a set holds itself: single files, so that each is whole or absent, an import can be
resumed, and people can look at them. Archives of pictures are read in place and need none."""


def claim(out: Path, kind: str, source: Path) -> None:
    """Make the folder `out`. Raises `UsageError` when it holds anything but an import of the same kind and source,
    or lies inside the source.
    """
    check_free(out, kind, source)
    out.mkdir(parents=True, exist_ok=True)


def check_free(out: Path, kind: str, source: Path) -> None:
    """Raise what `claim` raises, and make nothing."""
    if source.is_dir() and out.resolve().is_relative_to(source.resolve()):
        raise UsageError(f"{out} lies inside the source, which is never written to; choose another --out")
    used = out.exists() and (not out.is_dir() or any(out.iterdir()))
    if used and _owner(out) != (kind, str(source.resolve())):
        raise UsageError(f"{out} holds something else; choose another --out or remove it")


def write_set(
    out: Path, name: str, kind: str, modality: str, rows: pd.DataFrame, place: Path, extra: Mapping[str, Any]
) -> Path:
    """Write the two files of a set whose files are at `place`; returns `out`. The date stays when nothing changed."""
    columns = [column for column in rows.columns if not column.startswith("_")]
    write_table(out / TABLE, rows[columns])
    digest = sha256_of(out / TABLE)
    made = datetime.now(timezone.utc).isoformat(timespec="seconds")
    if (out / CARD).is_file() and (before := read_card(out)).get("manifest_sha256") == digest:
        made = before.get("made", made)
    counts = {
        split or "none": {str(label) or "none": int(count) for label, count in part["label"].value_counts().items()}
        for split, part in rows.groupby("split")
    }
    card = {**extra, "name": name, "kind": kind, "modality": modality, "files": _seen_from(out, place), "made": made}
    card |= {"items": len(rows), "counts": counts, "manifest_sha256": digest}
    write_card(out, card)
    return out


def write_card(out: Path, card: Mapping[str, Any]) -> None:
    """Write `dataset.toml`."""
    import tomli_w

    # Tables must follow plain values.
    ordered = dict(sorted(card.items(), key=lambda item: isinstance(item[1], Mapping)))
    with whole_file(out / CARD) as part:
        part.write_text(tomli_w.dumps(ordered), encoding="utf-8")


def _seen_from(out: Path, place: Path) -> str:
    """A relative path for files inside the set's folder, so that it can be moved; else an absolute one."""
    if place.resolve().is_relative_to(out.resolve()):
        return place.resolve().relative_to(out.resolve()).as_posix() or "."
    return str(place.resolve())


def _owner(out: Path) -> tuple[str, str] | None:
    """Kind and source of the import that a folder holds, whole or begun, or None."""
    from mer_batch.data.journal import JOURNAL, read_head

    if not out.is_dir():
        return None
    if (out / CARD).is_file():
        try:
            card = read_card(out)
        except DataError:
            return None
        return str(card.get("kind")), str(card.get("source"))
    return read_head(out / JOURNAL) if (out / JOURNAL).is_file() else None


def inside(folder: Path, name: str) -> Path:
    """The path of a member in a folder. Raises `DataError` for a name that leads out of it."""
    path = Path(os.path.normpath(folder / name))
    if not path.is_relative_to(os.path.normpath(folder)):
        raise DataError(f"the name {name!r} leads out of the data set")
    return path
