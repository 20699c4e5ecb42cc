"""The set without what leaks, as another set that points to the same files."""

from __future__ import annotations

from pathlib import Path

from mer_batch.data.check import Checked
from mer_batch.data.store import claim, write_set
from mer_batch.errors import DataError

KIND = "fixed"


def write_fixed(checked: Checked, source: Path, out: Path) -> Path:
    """Write the set without the items of less protected splits that leak or cannot be read; test items all stay.

    Raises `DataError` when a split would lose all its items, `UsageError` when `out` holds something else.
    """
    manifest = checked.manifest
    unreadable = set(checked.facts["unreadable_files"])
    kept = manifest.rows[~manifest.rows["path"].isin(checked.drop | unreadable)]
    lost = set(manifest.splits) - set(kept["split"])
    if lost:
        raise DataError(f"nothing would be left of {', '.join(sorted(lost))}: split the set anew, by person")
    claim(out, KIND, source)
    about = dict(manifest.card) | {
        "licence": manifest.licence,
        "source": str(source.resolve()),
        "left_out": {"leaking": len(checked.drop), "cannot be read": len(unreadable)},
    }
    return write_set(out, out.resolve().name, KIND, manifest.modality, kept, manifest.files.place, about)
