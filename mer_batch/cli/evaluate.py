"""`mer evaluate`: how far a model can be trusted on a labelled set, and `--seeds`: whether it is really better."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import typer

from mer_batch.cli.common import DEVICE, Progress, guarded, place, say
from mer_batch.cli.values import ManyValues
from mer_batch.errors import EXIT_FAILED, EXIT_OK, UsageError, unknown_name


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("evaluate", cls=ManyValues)(evaluate)


@guarded
def evaluate(
    task: str | None = typer.Argument(None, help="face, voice, text or fusion [default: what the ensemble reads]."),
    data: Path | None = typer.Option(
        None,
        help="A folder .../LABEL/FILE, or a CSV with path or text, label, maybe start and end in seconds "
        "[default: the card's test set].",
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
    seeds: list[int] | None = typer.Option(
        None, "--seeds", metavar="SEED...", help="Train and test a recipe with each seed and batch size, and study it."
    ),
    batch_sizes: list[int] | None = typer.Option(
        None, "--batch-sizes", metavar="SIZE...", help="With --seeds: batch sizes [default: 8 16 32 64]."
    ),
    task_name: str | None = typer.Option(None, "--task", help="With --seeds: face, voice, text or fusion."),
    recipe: str | None = typer.Option(None, "--recipe", help="With --seeds: any recipe, instead of the task's own."),
    settings: list[str] | None = typer.Option(
        None, "--set", metavar="SECTION.KEY=VALUE", help="With --seeds: an option of the recipe; repeatable."
    ),
    by: str | None = typer.Option(
        None, metavar="COLUMN", help="With --seeds: whose items are alike [default: what the split keeps apart]."
    ),
    workers: int = typer.Option(1, help="With --seeds: runs at the same time, a process each."),
    engine: str = typer.Option("local", help="With --seeds: local, or ray (a cluster by RAY_ADDRESS)."),
    quick: bool = typer.Option(False, "--quick", help="With --seeds: one batch size, few epochs, a sample."),
    allow_leaks: bool = typer.Option(False, "--allow-leaks", help="With --seeds: go on with a split that leaks."),
) -> int:
    """Score a model; intervals are at 95 % over the items (of accuracy Wilson's, else bootstraps); classes that the set
    lacks are left out.

    Face pictures with a copy in the training data are scored apart, as "without leaking" and "only leaking".

    With --seeds it trains instead: mer evaluate --seeds 42 2023 7 123 314 runs 5 seeds x 4 batch sizes of the task
    whose data are there and tells whether any is really better. The same command again goes on where it was stopped.
    """
    if seeds or batch_sizes or quick:
        from mer_batch.tasks.recipe import parse_changes

        if task and task_name and task != task_name:
            raise UsageError(f"--task {task_name} and {task} are two tasks; name one")
        if data or split or model or ensemble or tta or views:
            raise UsageError("--seeds trains models of its own; leave out --data, --split, --model, --ensemble, --tta")
        options = {"quick": quick, "by": by, "device": device, "allow_leaks": allow_leaks}
        changes = parse_changes(settings or [])
        chosen = (task or task_name, recipe, tuple(seeds or ()), tuple(batch_sizes or ()), changes)
        return _grid(chosen, options, (out, workers, engine, json_file))
    if task_name or recipe or settings or by or allow_leaks:
        raise UsageError("--task, --recipe, --set, --by and --allow-leaks belong to --seeds")
    from mer_batch.evaluation import table
    from mer_batch.evaluation.command import evaluate_model
    from mer_batch.evaluation.result import Request
    from mer_batch.nets.device import check_device

    if task is None and not ensemble:
        raise UsageError("say what to evaluate: mer evaluate face, voice, text or fusion")
    if model and ensemble:
        raise UsageError("--model and --ensemble exclude each other; name every member after --ensemble")
    check_device(device)
    place(json_file, "--json")
    place(out, folder=True)
    models = tuple(ensemble) if ensemble else (model or "default",)
    if task == "fusion" and not ensemble:
        from mer_batch.evaluation import fusion

        if fusion.weighs(models[0]):
            if data or tta or views:
                raise UsageError("fusion is scored on the pairs of its own recipe; leave out --data, --tta and --views")
            return _fusion(models[0], split or "test", device, json_file, out)
    with Progress() as progress:
        found = evaluate_model(Request(task, models, data, split, views or tta, device), progress)
    for note in found.notes:
        say(note)
    typer.echo(table.as_text(found))
    if json_file is not None:
        table.write_json(found, json_file)
    if out is not None:
        table.write_files(found, out)
        typer.echo(f"\nFiles: {out}")
    return EXIT_OK


def _fusion(model: str, split: str, device: str, json_file: Path | None, out: Path | None) -> int:
    """Each modality alone, pooled and gated, with paired tests."""
    from mer_batch.evaluation import fusion, fusion_text
    from mer_batch.files import whole_file

    if split not in ("validation", "test"):
        raise unknown_name("split", split, ("validation", "test"))
    found = fusion.study(model, "validation" if split == "validation" else "test", device)
    typer.echo(fusion_text.as_text(found))
    for path in filter(None, (json_file, out and out / "fusion.json")):
        with whole_file(path) as part:
            part.write_text(json.dumps(fusion_text.as_json(found), indent=1) + "\n", encoding="utf-8")
    if out is not None:
        fusion.write_predictions(found, out)
        typer.echo(f"\nFiles: {out}")
    return EXIT_OK


def _grid(chosen: Any, options: dict[str, Any], files: tuple[Path | None, int, str, Path | None]) -> int:
    """`--seeds`: the grid."""
    from mer_batch.evaluation.grid.cells import check_engine
    from mer_batch.evaluation.grid.command import as_json, evaluate_grid, lines
    from mer_batch.evaluation.grid.order import order
    from mer_batch.files import whole_file
    from mer_batch.nets.device import check_device
    from mer_batch.pages.run.page import write_run_report
    from mer_batch.pages.study import write_grid_page

    out, workers, engine, json_file = files
    made = order(*chosen, **options)
    name = f"{made.common.name}{'-quick' if made.quick else ''}"
    folder = out or Path("runs") / "evaluate" / name
    check_device(made.device)
    check_engine(engine, workers)
    place(json_file, "--json")
    place(folder, folder=True)
    with Progress() as progress:
        found = evaluate_grid(made, folder, workers, engine, say, progress, write_run_report)
    typer.echo("\n".join(lines(found)))
    typer.echo(f"\nReport: {write_grid_page(found)}")
    if json_file is not None:
        with whole_file(json_file) as part:
            part.write_text(json.dumps(as_json(found), indent=1) + "\n", encoding="utf-8")
    return EXIT_FAILED if found.failed else EXIT_OK
