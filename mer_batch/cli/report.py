"""`mer report timeline.json` and `mer report RUN`: any report again, without a model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import typer

from mer_batch.cli.common import guarded, place, say, tell, uncollected
from mer_batch.errors import EXIT_OK, UsageError


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("report")(report)


@guarded
def report(
    source: Path = typer.Argument(
        ..., metavar="TIMELINE|RUN", help="A timeline.json that `mer analyze` wrote, or the folder of a training run."
    ),
    out: Path | None = typer.Option(None, "--out", "-o", help="Report to write [default: beside the timeline]."),
    labels: Path | None = typer.Option(None, help="True labels (CSV: start,end,person,emotion) to score against."),
    embed_media: bool = typer.Option(False, "--embed-media", help="Put the video inside the page."),
    assets: str = typer.Option("inline", help="Scripts inside the page (inline) or in a file beside it (shared)."),
    redact: str = typer.Option("", help="Leave out faces, words and/or names, separated by commas."),
    names: str = typer.Option("", help='Names for people: "Person 1=Anna,Voice A=Ben".'),
    beside: Path | None = typer.Option(
        None, "--beside", metavar="TIMELINE", help="Another timeline on the same axis: another file or other models."
    ),
    pictures: bool = typer.Option(
        True, "--pictures/--no-pictures", help="Show a run's worst errors as pictures, clips or sentences."
    ),
) -> int:
    """Rebuild the report and the table from a timeline, or the report of a training run."""
    from mer_batch import output
    from mer_batch.people.edits import edits_of
    from mer_batch.timeline.edited import edited

    if source.is_dir():
        more = bool(out or labels or embed_media or redact or names or beside or assets != "inline")
        return _run_report(source, pictures, more)
    name = source.name.removesuffix(".json").removesuffix(".timeline")
    page = output.Page(out or source.with_name(f"{name}.html"), labels, embed_media, assets, redact, source, (beside,))
    place(page.out)
    edits = edits_of(source, names)
    for notice in edits.notices:
        say(notice)
    with uncollected():
        timeline = output.read_timeline(source)
        second = None
        if beside is not None:
            theirs = edits_of(beside)
            second = edited(output.read_timeline(beside), replace(theirs, notices=()), strict=False)
        # The timeline stays as it was found, so that edits can be taken back.
        page.write(edited(timeline, replace(edits, notices=())), on_notice=say, saved=timeline, second=second)
    tell(f"Report: {page.out}")
    tell(f"Files: {' '.join(str(path) for path in page.files[1:])}")
    return EXIT_OK


def _run_report(folder: Path, pictures: bool, more: bool) -> int:
    from mer_batch.pages.run.page import load_run_task, write_run_report

    if more:
        raise UsageError("the report of a run takes no option but --no-pictures; it is written in the run's folder")
    typer.echo(f"Report: {write_run_report(folder, load_run_task(folder) if pictures else None, pictures=pictures)}")
    return EXIT_OK
