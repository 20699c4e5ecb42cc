"""`mer data import|list|check|transcribe`: labelled sets, what is in them and what is wrong with them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from mer_batch.cli.common import Progress, guarded, place, say
from mer_batch.cli.transcribe import transcribe
from mer_batch.errors import EXIT_FAILED, EXIT_OK

if TYPE_CHECKING:
    from mer_batch.data.check import Checked

SHOWN = 5
"""Files left out that are named."""


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    group = typer.Typer(
        help="Import, list, check and transcribe data sets.", no_args_is_help=True, rich_markup_mode=None
    )
    group.command("import")(import_data)
    group.command("list")(list_data)
    group.command("check")(check_data)
    group.command("transcribe")(transcribe)
    app.add_typer(group, name="data")


@guarded
def import_data(
    kind: str = typer.Argument(
        ...,
        help="fer2013, ferplus, rafdb; cremad, emodb, emovo, ravdess, savee, tess; carer, dailydialog, goemotions, "
        "meld; or folder for any labelled tree.",
    ),
    source: Path = typer.Argument(..., help="The set as it was downloaded: a folder, zip, tar or CSV; never changed."),
    out: Path | None = typer.Option(
        None,
        "--out",
        "-o",
        help="Folder of the imported set; the same one goes on or repeats [default: among your data sets, where "
        "recipes find it by its name; mer data list says where that is].",
    ),
    copy: bool = typer.Option(False, "--copy", help="Keep a copy of all files in --out, so that SOURCE can go."),
    pictures: Path | None = typer.Option(None, help="For ferplus: the import of fer2013.csv that the votes are for."),
    quiet: bool = typer.Option(False, "--quiet", "-q", help="No progress."),
) -> int:
    """Make a set of what was downloaded, for recipes and for mer data check: mer data import fer2013 archive.zip."""
    from mer_batch.data.importing import import_set

    place(out, folder=True, quiet=quiet)
    with Progress(quiet) as progress:
        imported = import_set(kind, source, out, progress, copy=copy, pictures=pictures)
    manifest = imported.manifest
    for reason, count in sorted(manifest.card.get("left_out", {}).items()):
        say(f"left out: {count:,} x {reason}")
    for problem in list(imported.skipped.values())[:SHOWN]:
        say(problem)
    splits = ", ".join(f"{split} {count:,}" for split, count in manifest.rows["split"].value_counts().items() if split)
    noun = "sentences" if manifest.modality == "text" else "files"
    typer.echo(f"{imported.folder}: {len(manifest.rows):,} {noun}" + (f" ({splits})" if splits else ""))
    typer.echo(f"Terms: {manifest.licence}")
    if not manifest.files.place.resolve().is_relative_to(imported.folder.resolve()):
        typer.echo(f"Its files are read from {manifest.files.place}, which must stay there; --copy keeps a copy")
    return EXIT_OK


@guarded
def list_data() -> int:
    """Show where data sets live (MER_DATA, else ./data and your own), which are there, and how to get the others."""
    from mer_batch.data.found import absent, found
    from mer_batch.data.importers import known
    from mer_batch.data.sets import roots

    typer.echo(f"Data sets live in {' and '.join(map(str, roots()))}; MER_DATA names another folder.")
    sets = found()
    for one in sets:
        if one.manifest is None:
            typer.echo(f"{one.folder}\n  cannot be read: {one.problem}")
            continue
        rows = one.manifest.rows
        splits = ", ".join(f"{split or 'no split'} {count:,}" for split, count in rows["split"].value_counts().items())
        labels = ", ".join(f"{label or '(none)'} {count:,}" for label, count in rows["label"].value_counts().items())
        terms = one.manifest.card.get("licence") or (known()[one.kind].licence if one.kind in known() else "not known")
        typer.echo(f"{one.folder}  ({one.kind}, {one.manifest.modality})\n  {splits}\n  {labels}\n  {terms}")
    if not sets:
        typer.echo("There are none yet; mer data import brings them, or set MER_DATA to the folder that has them.")
    for importer in absent(sets):
        typer.echo(
            f"absent: {importer.kind}  {importer.title}\n  {importer.get}; then: mer data import {importer.kind} SOURCE"
            f"\n  {importer.licence}"
        )
    return EXIT_OK


@guarded
def check_data(
    folder: Path = typer.Argument(..., help="An imported set, any folder, zip or tar of files, or a CSV of paths."),
    split: Path | None = typer.Option(None, help="CSV with path (or id) and split, instead of the set's own splits."),
    group: list[str] | None = typer.Option(
        None, help="Column not to be shared by splits; repeat for more [default: speaker, subject, actor, identity]."
    ),
    faces: bool = typer.Option(False, "--faces", help="Also look for pictures in which our detector finds no face."),
    out: Path | None = typer.Option(None, "--json", help="Write everything that was found to this file."),
    table: Path | None = typer.Option(None, "--csv", help="Write all pairs of copies to this file."),
    fix: Path | None = typer.Option(None, help="Write the set without leaking training items to this folder."),
    device: str = typer.Option("auto", help="Where --faces runs: auto, cpu, cuda, cuda:N or mps."),
    quiet: bool = typer.Option(False, "--quiet", "-q", help="No progress."),
) -> int:
    """Look for copies, leaks, label conflicts and odd files; the exit code is 1 when splits leak into each other.

    A leak is an item of one split that is in another too, exactly or as a near copy (mirrored, coded again, with other
    light or a mark on it), or a person who is in both.
    """
    from mer_batch.data.check import check, with_splits
    from mer_batch.data.fix import KIND, write_fixed
    from mer_batch.data.manifest import read_manifest
    from mer_batch.data.store import check_free
    from mer_batch.data.summary import summary
    from mer_batch.nets.device import check_device

    place(out, "--json", quiet=quiet)
    place(table, "--csv", quiet=quiet)
    if fix is not None:
        place(fix, "--fix", folder=True, quiet=quiet)
        check_free(fix, KIND, folder)
    if faces:
        check_device(device)
    manifest = read_manifest(folder)
    if split is not None:
        manifest = with_splits(manifest, split)
    with Progress(quiet) as progress:
        checked = check(manifest, group or None, device if faces else None, progress)
    typer.echo(summary(checked))
    _write(checked, out, table)
    if fix is not None:
        written = write_fixed(checked, folder, fix)
        typer.echo(f"\n{written}: the set without {len(checked.drop):,} leaking items")
    elif checked.leaks:
        typer.echo(f"\nThe splits leak: --fix FOLDER writes the set without {len(checked.drop):,} items.")
    return EXIT_FAILED if checked.leaks and fix is None else EXIT_OK


def _write(checked: Checked, out: Path | None, table: Path | None) -> None:
    from mer_batch.files import whole_file
    from mer_batch.tables_out import write_table

    if out is not None:
        with whole_file(out) as part:
            part.write_text(json.dumps(checked.as_json(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    if table is not None:
        write_table(table, checked.pairs)
