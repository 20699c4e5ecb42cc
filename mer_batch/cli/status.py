"""`mer status DIR`: how far a batch is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import typer

from mer_batch.cli.common import guarded
from mer_batch.errors import EXIT_OK, EXIT_PARTIAL, UsageError


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("status")(status)


TOLD = 20
"""Files with missing outputs that are listed."""


def _missing(folder: Path, facts: Mapping[str, Any]) -> Iterator[str]:
    """The outputs of a file that are not there as they were written."""
    from mer_batch.files import size_of

    return (name for name, size in (facts.get("outputs") or {}).items() if size_of(folder / name) != size)


@guarded
def status(folder: Path = typer.Argument(..., metavar="DIR", help="The folder of a batch.")) -> int:
    """Tell what is finished, what failed and why, and what was begun; exit 4 where something failed."""
    from mer_batch.batch.ledger import NAME, STATES, Ledger
    from mer_batch.wording import counted, flat

    if not (folder / NAME).is_file():
        raise UsageError(f"{folder} has no {NAME}; give the folder that mer analyze PATH... --out wrote")
    history = Ledger(folder).read()
    entries = list(history.entries.values())
    files = history.runs[-1].get("files") if history.runs else len(entries)
    counts = {state: sum(entry.state == state for entry in entries) for state in STATES}
    typer.echo(f"{files} files asked for in the last run; " + ", ".join(f"{n} {state}" for state, n in counts.items()))
    for entry in entries:
        if entry.state in ("failed", "partial"):
            tries = f" ({entry.tries} times)" if entry.tries > 1 else ""
            name = entry.facts.get("name", entry.uri)
            typer.echo(flat(f"{entry.state}: {name}: {entry.facts.get('error', '')}{tries}"))
    for event in history.begun.values():
        typer.echo(flat(f"begun and not ended: {event.get('name')}, at {event.get('at')}"))
    gone = [str(entry.facts.get("name", entry.uri)) for entry in entries if any(_missing(folder, entry.facts))]
    for name in gone[:TOLD]:
        typer.echo(flat(f"output missing or changed: {name}; the same mer analyze again writes it"))
    if len(gone) > TOLD:
        typer.echo(f"and {len(gone) - TOLD} more")
    if history.damaged:
        typer.echo(f"{counted(history.damaged, 'damaged line')} of {NAME} left out")
    if history.foreign:
        typer.echo(f"{counted(history.foreign, 'line')} of {NAME} left out, as another version wrote them")
    return EXIT_PARTIAL if counts["failed"] or counts["partial"] else EXIT_OK
