"""`mer evaluate face|voice|text`: how far a model can be trusted on a labelled set."""

from __future__ import annotations

from pathlib import Path

import typer

from mer_batch.cli.common import DEVICE, guarded, say
from mer_batch.cli.values import ManyValues
from mer_batch.errors import EXIT_OK, UsageError


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("evaluate", cls=ManyValues)(evaluate)


@guarded
def evaluate(
    task: str | None = typer.Argument(None, help="face, voice or text [default: what the ensemble reads]."),
    data: Path | None = typer.Option(
        None, help="A folder .../LABEL/FILE, or a CSV with path or text, and label [default: the card's test set]."
    ),
    split: str | None = typer.Option(
        None, help="Part of the data: public, private, both or all (FER2013), validation or test, or a set's own name."
    ),
    model: str | None = typer.Option(None, help="A shipped name, a model folder, a run folder or hf:NAME."),
    ensemble: list[str] | None = typer.Option(
        None, "--ensemble", metavar="RUN...", help="Runs or model folders whose probabilities are averaged."
    ),
    tta: bool = typer.Option(False, "--tta", help="Average over several views of each item."),
    views: str | None = typer.Option(None, help="Which views: five, ten or r1 (face), shifts (voice); implies --tta."),
    json_file: Path | None = typer.Option(None, "--json", help="Write all scores to this file."),
    out: Path | None = typer.Option(None, "--out", "-o", help="Folder for predictions, scores and figures."),
    device: str = DEVICE,
) -> int:
    """Score a model; intervals are 95 % bootstraps over the items, classes that the set lacks are left out.

    Face pictures with a copy in the training data are scored apart, as "without leaking" and "only leaking".
    """
    from mer_batch.evaluation import table
    from mer_batch.evaluation.command import evaluate_model
    from mer_batch.evaluation.result import Request

    if task is None and not ensemble:
        raise UsageError("say what to evaluate: mer evaluate face, voice or text")
    if model and ensemble:
        raise UsageError("--model and --ensemble exclude each other; name every member after --ensemble")
    models = tuple(ensemble) if ensemble else (model or "default",)
    found = evaluate_model(Request(task, models, data, split, views or tta, device))
    for note in found.notes:
        say(note)
    typer.echo(table.as_text(found))
    if json_file is not None:
        table.write_json(found, json_file)
    if out is not None:
        table.write_files(found, out)
        typer.echo(f"\nFiles: {out}")
    return EXIT_OK
