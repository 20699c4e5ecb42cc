"""`mer compare A B`: is B really better?"""

from __future__ import annotations

import json
from pathlib import Path

import typer

from mer_batch.cli.common import guarded, place
from mer_batch.errors import EXIT_OK


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("compare")(compare)


@guarded
def compare(
    first: Path = typer.Argument(..., metavar="A", help="A run folder, or a file of predictions."),
    second: Path = typer.Argument(..., metavar="B", help="Another one, on the same items."),
    split: str = typer.Option("test", help="Which predictions of a run folder: test, validation or another name."),
    by: str | None = typer.Option(
        None, metavar="COLUMN", help="Decide by new groups, such as speaker: items of one are not independent."
    ),
    json_file: Path | None = typer.Option(None, "--json", help="Write all numbers to this file."),
) -> int:
    """Tell whether B is better than A on the same items, with paired intervals and McNemar's test.

    A prediction file is a Parquet file of mer, or a CSV of any tool with the columns id, label, and either reading (or
    prediction) or a probability for each emotion. Items are matched by id.
    """
    from mer_batch.evaluation import comparison_text
    from mer_batch.files import whole_file
    from mer_batch.scores.statistics import comparison, tables

    place(json_file, "--json")
    found = comparison.compare(*tables.read_both(first, second, split), by)
    typer.echo(comparison_text.as_text(found))
    if json_file is not None:
        with whole_file(json_file) as partial:
            partial.write_text(json.dumps(found.as_json(), indent=1) + "\n", encoding="utf-8")
    return EXIT_OK
