"""`mer data import`: read a set once in its own layout, so that everything else knows only one.

The source is never written to. Files stay where they are, in folders or archives, unless a copy is wanted or
the source holds no files (a CSV of pixels).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from mer_batch.data import importers
from mer_batch.data.files import Files, open_files
from mer_batch.data.importers import Listing
from mer_batch.data.journal import JOURNAL, Journal
from mer_batch.data.manifest import Manifest, our_label, our_split, read_manifest
from mer_batch.data.pictures import decode_picture, encode_png, pixel_hash
from mer_batch.data.scan import OnProgress
from mer_batch.data.sets import place_for
from mer_batch.data.store import FILES, claim, inside, write_set
from mer_batch.data.texts import write_texts
from mer_batch.errors import DataError
from mer_batch.files import whole_file
from mer_batch.tables_out import write_rows

SKIPPED = "skipped.csv"


@dataclass(frozen=True)
class Imported:
    """The finished set, the files that were left out with the reason, and the set's folder."""

    manifest: Manifest
    skipped: Mapping[str, str]
    folder: Path


def import_set(
    kind: str, source: Path, out: Path | None, on_progress: OnProgress, copy: bool = False, pictures: Path | None = None
) -> Imported:
    """Import `source` into the folder `out`; an interrupted import goes on, a finished one is checked again.

    Without `out` the set goes where `sets.data_set` finds it by its name: that of the kind, or of a folder's source.

    Raises `UsageError` for an unknown kind or a used folder, `DataError` when the source has not the kind's layout.
    """
    importer = importers.find(kind)
    if not source.exists():
        raise DataError(f"there is nothing at {source}; {importer.get}")
    listing = importer.read(source, pictures)
    if importer.modality == "text":
        folder = out or place_for(kind, "text")
        return Imported(write_texts(importer, listing, source, folder), {}, folder)
    listing = _tidied(listing)
    if out is None:
        name = kind if importer.modality else source.resolve().stem
        out = place_for(name, importer.modality or _modality(listing))
    claim(out, kind, source)
    with Journal(out / JOURNAL, kind, str(source.resolve())) as journal:
        _read_all(listing, importer.modality or _modality(listing), out, copy, journal, on_progress)
        facts = [journal.known[path] for path in listing.rows["path"]]
        skipped = {
            path: fact["problem"] for path, fact in zip(listing.rows["path"], facts, strict=True) if "problem" in fact
        }
        good = [path not in skipped for path in listing.rows["path"]]
        if not any(good):
            raise DataError(f"none of the {len(good):,} files in {source} can be read; {next(iter(skipped.values()))}")
        measured = pd.DataFrame(facts).drop(columns="problem", errors="ignore")
        # What was measured here replaces what a manifest in the source says.
        said = listing.rows.drop(columns=[column for column in measured.columns if column in listing.rows.columns])
        rows = pd.concat([said, measured], axis=1)[good]
        for column in set(rows.columns) & {"width", "height", "sample_rate"}:
            rows[column] = rows[column].astype(int)
        _write_skipped(out / SKIPPED, skipped)
        extra = _card(importer, source, listing, len(skipped))
        place = out / FILES if copy or listing.make else listing.place
        write_set(out, out.resolve().name, kind, importer.modality or _modality(listing), rows, place, extra)
        journal.remove()
    return Imported(read_manifest(out), skipped, out)


def _tidied(listing: Listing) -> Listing:
    """The listing with our labels and splits, and the set's own label beside ours where it differs."""
    rows = listing.rows.reset_index(drop=True).copy()
    if rows.empty:
        raise DataError(f"{listing.place} holds nothing of that kind; check the folder, or name another kind")
    source_labels = rows["label"].astype(str)
    rows["label"] = [our_label(name) for name in source_labels]
    if "source_label" not in rows.columns and (rows["label"] != source_labels).any():
        rows["source_label"] = source_labels
    rows["split"] = [our_split(name) for name in rows["split"]] if "split" in rows.columns else ""
    return Listing(rows, listing.place, listing.make, listing.skipped)


def _modality(listing: Listing) -> str:
    from mer_batch.data.manifest import modality_of

    return modality_of(list(listing.rows["path"]), listing.place)


def _read_all(
    listing: Listing, modality: str, out: Path, copy: bool, journal: Journal, on_progress: OnProgress
) -> None:
    files = None if listing.make else open_files(listing.place)
    keep = out / FILES if copy or listing.make else None
    for position, path in enumerate(listing.rows["path"]):
        stored = keep is None or inside(keep, path).is_file()
        if path not in journal.known or not (stored or "problem" in journal.known[path]):
            journal.add(path, _read(listing, files, path, modality, keep))
        on_progress("importing", (position + 1) / len(listing.rows))


def _read(listing: Listing, files: Files | None, path: str, modality: str, keep: Path | None) -> dict[str, Any]:
    """The facts of one file, or its problem; stores it where wanted."""
    try:
        data = encode_png(listing.make(path)) if listing.make else files.read(path)  # type: ignore[union-attr]
        facts = _facts(data, path, modality)
    except DataError as error:
        return {"problem": str(error)}
    if keep is not None:
        with whole_file(inside(keep, path)) as part:
            part.write_bytes(data)
    return facts


def _facts(data: bytes, path: str, modality: str) -> dict[str, Any]:
    if modality == "voice":
        from mer_batch.data.sounds import decode_sound

        sound = decode_sound(data, path)
        return {"audio_sha256": sound.content(), "seconds": round(sound.seconds, 4), "sample_rate": sound.rate}
    picture = decode_picture(data, path)
    return {"pixel_sha256": pixel_hash(picture), "width": picture.shape[1], "height": picture.shape[0]}


def _card(importer: importers.Importer, source: Path, listing: Listing, skipped: int) -> dict[str, Any]:
    left_out = Counter(listing.skipped) + Counter({"cannot be read": skipped} if skipped else {})
    return {
        "title": importer.title,
        "licence": importer.licence,
        "source": str(source.resolve()),
        "left_out": dict(left_out),
    }


def _write_skipped(path: Path, skipped: Mapping[str, str]) -> None:
    if not skipped:
        path.unlink(missing_ok=True)
        return
    write_rows(path, ["path", "reason"], skipped.items())
