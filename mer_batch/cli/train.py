"""`mer train RECIPE`, `mer train list` and `mer train show RUN`: fit networks and keep account of the runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from mer_batch.cli.common import DEVICE, guarded, say
from mer_batch.errors import EXIT_OK, UsageError

RUNS = Path("runs")


class _Train(TyperGroup):
    """A group whose command `run` is meant wherever no other one is named."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, args if args and args[0] in self.commands else ["run", *args])


class _Run(TyperCommand):
    """The command that is named by nothing."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        return [piece for piece in super().collect_usage_pieces(ctx) if piece != "run"]

    def format_usage(self, ctx: Any, formatter: Any) -> None:
        formatter.write_usage(ctx.parent.command_path, " ".join(self.collect_usage_pieces(ctx)))


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    group = typer.Typer(cls=_Train, no_args_is_help=False, rich_markup_mode=None, add_completion=False)
    group.command("run", cls=_Run, epilog="mer train list shows the runs there are, mer train show RUN one of them.")(
        train
    )
    group.command("list")(list_runs)
    group.command("show")(show_run)
    app.add_typer(group, name="train", help="Train by a recipe, or list and show training runs.")


@guarded
def train(
    recipe: str | None = typer.Argument(
        None,
        help="A shipped recipe (fer, voice, text, fusion), a TOML file, or a pattern such as 'reference/cremad-*'.",
    ),
    tta: bool = typer.Option(False, "--tta", help="Also score the test set with test-time augmentation."),
    views: str | None = typer.Option(None, help="Which views --tta averages: five, ten or r1 (face), shifts (voice)."),
    out: Path | None = typer.Option(None, "--out", "-o", help="Run folder [default: a new one under runs/]."),
    resume: Path | None = typer.Option(None, "--resume", help="Run folder, or a checkpoint in it, to go on from."),
    parent: str | None = typer.Option(None, "--parent", help="Run or model whose weights a new run starts from."),
    settings: list[str] = typer.Option(
        [], "--set", metavar="SECTION.KEY=VALUE", help="Any option of the recipe, such as train.lr=0.01; repeatable."
    ),
    epochs: int | None = typer.Option(None, help="Passes over the data, instead of the recipe's."),
    seed: int | None = typer.Option(None, help="Seed, instead of the recipe's."),
    keep_leaks: bool = typer.Option(
        False, "--keep-leaks", help="Train with the copies of test items too, as the literature does."
    ),
    folds: bool = typer.Option(False, "--folds", help="Train every fold of the recipe's split and sum them up."),
    corpora: bool = typer.Option(False, "--corpora", help="Train on each set alone and test on each other one."),
    leave_out: bool = typer.Option(False, "--leave-out", help="Train on all sets but one and test on it, in turn."),
    device: str = DEVICE,
) -> int:
    """Train by a recipe; the model lands in RUN/model and can be used as --face-model RUN/model.

    With --folds, --corpora, --leave-out or a pattern the same command again goes on where it was stopped.
    Several devices: torchrun --nproc-per-node N -m mer_batch train RECIPE.
    """
    from mer_batch.pages.run.page import write_run_report
    from mer_batch.tasks.recipe import parse_changes
    from mer_batch.training.fitting import distributed
    from mer_batch.training.runs import run as runs
    from mer_batch.training.runs import several

    flags = {"train.epochs": epochs, "train.seed": seed, "data.keep_leaks": True if keep_leaks else None}
    changes = parse_changes(settings) | {name: value for name, value in flags.items() if value is not None}
    asked: dict[several.Way, bool] = {"folds": folds, "corpora": corpora, "leave-out": leave_out}
    ways = [way for way, wanted in asked.items() if wanted]
    if ways or several.is_pattern(recipe):
        if len(ways) > 1 or resume or parent:
            raise UsageError(
                "--folds, --corpora, --leave-out, --resume and --parent exclude each other; repeat the command to go on"
            )
        order = several.Order(device, say, changes, views or tta, write_run_report)
        folder, lines = several.train(recipe, ways[0] if ways else "", order, out)
        typer.echo("\n".join([*lines, f"Runs: {folder}"]))
        return EXIT_OK
    folder = runs.train(
        recipe,
        out=out,
        resume=resume,
        parent=parent,
        tta=views or tta,
        device=device,
        changes=changes,
        say=say,
        page=write_run_report,
    )
    if distributed.is_first():
        typer.echo(f"Run: {folder}")
    return EXIT_OK


@guarded
def list_runs(
    root: Path = typer.Option(RUNS, "--runs", help="Folder that holds the runs."),
) -> int:
    """List the runs, newest first, with their state, best validation score, test score and parent."""
    from mer_batch.training.runs import lineage

    typer.echo("\n".join(lineage.table(root)))
    return EXIT_OK


@guarded
def show_run(run: Path = typer.Argument(..., help="Run folder.")) -> int:
    """Show one run: where it comes from, what was changed on the way, its scores and its files."""
    from mer_batch.training.runs import lineage

    typer.echo("\n".join(lineage.show(run)))
    return EXIT_OK
