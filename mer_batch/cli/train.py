"""`mer train RECIPE`: fit a network by a recipe, calibrate it and write its card."""

from __future__ import annotations

from pathlib import Path

import typer

from mer_batch.cli.common import DEVICE, guarded, say
from mer_batch.errors import EXIT_OK


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("train")(train)


@guarded
def train(
    recipe: str = typer.Argument(..., help="Name of a shipped recipe (fer, voice, text) or a TOML file."),
    tta: bool = typer.Option(False, "--tta", help="Also score the test set with test-time augmentation."),
    out: Path | None = typer.Option(None, "--out", "-o", help="Run folder [default: a new one under runs/]."),
    resume: Path | None = typer.Option(None, "--resume", help="Run folder to go on with."),
    epochs: int | None = typer.Option(None, help="Passes over the data, instead of the recipe's."),
    seed: int | None = typer.Option(None, help="Seed, instead of the recipe's."),
    device: str = DEVICE,
) -> int:
    """Train by a recipe; the model lands in RUN/model and can be used as --face-model RUN/model."""
    from mer_batch.training import runs

    folder = runs.train(
        recipe, out=out, resume=resume, tta=tta, device=device, changes={"epochs": epochs, "seed": seed}, say=say
    )
    typer.echo(f"Run: {folder}")
    return EXIT_OK
