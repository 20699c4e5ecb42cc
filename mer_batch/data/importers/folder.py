"""Any set as `[split/]label/file`, or with a manifest.csv."""

from __future__ import annotations

from pathlib import Path

from mer_batch.data.importers import Listing, importer
from mer_batch.data.manifest import read_manifest


@importer(
    "folder",
    title="labelled files",
    modality=None,
    licence="not known; as the files' owner says",
    get="give a folder or zip of [split/]label/file, or a CSV with path and label",
)
def folder(source: Path) -> Listing:
    """A folder tree, a zip or tar of one, a folder with manifest.csv, or a CSV."""
    manifest = read_manifest(source)
    return Listing(manifest.rows, manifest.files.place, skipped=manifest.skipped)
