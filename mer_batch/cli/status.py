"""`mer status DIR`: how far a batch is."""

from __future__ import annotations

from pathlib import Path

import typer

from mer_batch.cli.common import guarded
from mer_batch.errors import EXIT_OK, EXIT_PARTIAL, UsageError


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("status")(status)


@guarded
def status(folder: Path = typer.Argument(..., metavar="DIR", help="The folder of a batch.")) -> int:
    """Tell what is finished, what failed and why, and what was begun; exit 4 where something failed."""
    from mer_batch.batch.ledger import NAME, STATES, Ledger

    if not (folder / NAME).is_file():
        raise UsageError(f"{folder} has no {NAME}; give the folder that mer analyze PATH... --out wrote")
    history = Ledger(folder).read()
    entries = list(history.entries.values())
    files = history.runs[-1]["files"] if history.runs else len(entries)
    counts = {state: sum(entry.state == state for entry in entries) for state in STATES}
    typer.echo(f"{files} files asked for in the last run; " + ", ".join(f"{n} {state}" for state, n in counts.items()))
    for entry in entries:
        if entry.state in ("failed", "partial"):
            tries = f" ({entry.tries} times)" if entry.tries > 1 else ""
            typer.echo(f"{entry.state}: {entry.facts.get('name', entry.uri)}: {entry.facts.get('error', '')}{tries}")
    for event in history.begun.values():
        typer.echo(f"begun and not ended: {event.get('name')}, at {event.get('at')}")
    if history.damaged:
        typer.echo(f"{history.damaged} damaged lines of {NAME} were left out")
    return EXIT_PARTIAL if counts["failed"] or counts["partial"] else EXIT_OK
