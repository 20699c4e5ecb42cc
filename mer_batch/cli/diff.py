"""`mer diff A B`: what another model or option changed."""

from __future__ import annotations

import json
from pathlib import Path

import typer

from mer_batch.cli.common import guarded
from mer_batch.errors import EXIT_OK


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("diff")(diff)


@guarded
def diff(
    first: Path = typer.Argument(..., metavar="BEFORE", help="A folder of reports, or a timeline.json."),
    second: Path = typer.Argument(..., metavar="AFTER", help="The same files, read by other models or options."),
    most: int = typer.Option(10, help="Changes that are listed for a file, the longest first."),
    json_file: Path | None = typer.Option(None, "--json", metavar="FILE", help="Write every change as JSON."),
) -> int:
    """Compare two runs over the same files: which segments changed, from what to what, and by how much."""
    from mer_batch.batch.diff import diff as compare
    from mer_batch.batch.diff import lines
    from mer_batch.files import whole_file
    from mer_batch.wording import printable

    found = compare(first, second)
    typer.echo("\n".join(printable(line) for line in lines(found, most)))
    if json_file is not None:
        with whole_file(json_file) as part:
            part.write_text(json.dumps([one.as_json() for one in found], indent=1) + "\n", encoding="utf-8")
    return EXIT_OK
