"""`mer evaluate face|voice|text`: how far a model can be trusted on a labelled set."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from mer_batch.cli.common import DEVICE, guarded, say
from mer_batch.errors import EXIT_OK
from mer_batch.labels import EMOTIONS

if TYPE_CHECKING:
    from mer_batch.evaluation.metrics import Scores


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("evaluate")(evaluate)


@guarded
def evaluate(
    task: str = typer.Argument(..., help="face, voice or text."),
    data: Path | None = typer.Option(
        None, help="A folder .../LABEL/FILE, or a CSV with path or text, and label [default: the card's test set]."
    ),
    model: str = typer.Option("default", help="A shipped name, a model folder or hf:NAME."),
    tta: bool = typer.Option(False, "--tta", help="Average over several views of each item."),
    out: Path | None = typer.Option(None, "--json", help="Write all scores to this file."),
    device: str = DEVICE,
) -> int:
    """Score a model; intervals are 95 % bootstraps over the items, classes that the set lacks are left out."""
    from mer_batch.evaluation.command import evaluate_model

    name, scores, notes = evaluate_model(task, data, model, tta, device)
    for note in notes:
        say(note)
    typer.echo(_table(name, scores))
    if out is not None:
        out.write_text(json.dumps({"set": name, "task": task, "model": model, **scores.as_json()}, indent=1) + "\n")
    return EXIT_OK


def _table(name: str, scores: Scores) -> str:
    lines = [f"{name}: n = {scores.n}, {len(scores.present)} classes", "", "score         value   95 % interval"]
    for key, value in scores.values.items():
        low, high = scores.intervals[key]
        lines.append(f"{key:<12} {value:6.4f}   {low:.4f} to {high:.4f}")
    lines += ["", "class            n  precision  recall      F1"]
    for label, row in scores.per_class.items():
        columns = f"{row['precision']:9.3f}  {row['recall']:6.3f}  {row['f1']:6.3f}"
        lines.append(f"{label:<10} {row['support']:7.0f}  {columns}")
    lines += ["", "confusion (rows: label, columns: reading)"]
    lines.append(" " * 10 + "".join(f"{label[:7]:>9}" for label in EMOTIONS))
    for label, counts in zip(EMOTIONS, scores.confusion.tolist(), strict=True):
        lines.append(f"{label:<10}" + "".join(f"{count:>9}" for count in counts))
    return "\n".join(lines)
