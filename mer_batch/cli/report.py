"""`mer report timeline.json`: any output again, without a model."""

from __future__ import annotations

from pathlib import Path

import typer

from mer_batch.cli.common import guarded
from mer_batch.errors import EXIT_OK


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("report")(report)


@guarded
def report(
    timeline: Path = typer.Argument(..., help="A timeline.json that `mer analyze` wrote."),
    out: Path | None = typer.Option(None, "--out", "-o", help="Report to write [default: beside the timeline]."),
    labels: Path | None = typer.Option(None, help="True labels (CSV: start,end,person,emotion) to score against."),
    embed_media: bool = typer.Option(False, "--embed-media", help="Put the video inside the page."),
    assets: str = typer.Option("inline", help="Scripts inside the page (inline) or in a file beside it (shared)."),
    redact: str = typer.Option("", help="Leave out faces, words and/or names, separated by commas."),
) -> int:
    """Rebuild the report and the table from a timeline."""
    from mer_batch import output

    name = timeline.name.removesuffix(".json").removesuffix(".timeline")
    page = output.Page(out or timeline.with_name(f"{name}.html"), labels, embed_media, assets, redact)
    typer.echo(f"Report: {page.write(output.read_timeline(timeline))}")
    return EXIT_OK
