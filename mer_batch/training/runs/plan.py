"""What `mer train` is about to do: a new run, or an old one that goes on, perhaps with other options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from mer_batch.errors import UsageError
from mer_batch.tasks.recipe import Recipe, changed, differences, parse, read_recipe, shipped_recipes
from mer_batch.training.fitting import checkpoint
from mer_batch.training.runs import runfile
from mer_batch.training.runs.parents import find_parent
from mer_batch.training.runs.runfile import Run

_FIXED: Final = ("task", "net", "data", "clean")
"""Sections that make a run what it is."""


@dataclass(frozen=True)
class Plan:
    """A recipe, the run folder, its `run.json` as it will be, and where to go on from."""

    recipe: Recipe
    folder: Path
    run: Run
    parent: str | None = None
    saved: Mapping[str, Any] | None = None
    """The checkpoint to go on from."""
    changes: list[dict[str, Any]] = field(default_factory=list)
    """What differs from the run as it was."""


def new_plan(spec: str | None, stamp: str, changes: Mapping[str, Any], out: Path | None, parent: str | None) -> Plan:
    """A new run; `stamp` makes its folder's name unique."""
    if spec is None:
        raise UsageError(f"give a recipe ({', '.join(sorted(shipped_recipes()))}, or a file), or --resume RUN")
    recipe = read_recipe(spec, changes)
    folder = out or Path("runs") / f"{recipe.name}-{stamp}"
    if (folder / "recipe.toml").exists():
        raise UsageError(f"{folder} already holds a run; go on with --resume {folder} or choose another --out")
    run = Run(name=folder.resolve().name, recipe=recipe.name, task=recipe.task, options=recipe.options())
    if parent is not None:
        found = find_parent(parent)
        if found.task != recipe.task:
            raise UsageError(f"the parent {parent} reads {found.task}, the recipe is for {recipe.task}")
        run.parent, run.parent_folder = found.name, str(found.folder)
    return Plan(recipe, folder, run, parent)


def resume_plan(
    spec: str | None, resume: Path, changes: Mapping[str, Any], out: Path | None, parent: str | None
) -> Plan:
    """The run in the folder `resume` (or from one of its kept checkpoints), with changed options where any."""
    if out is not None or parent is not None:
        raise UsageError("--resume goes on in its own folder; leave out --out and --parent")
    folder, path = checkpoint.find(resume)
    run = runfile.read(folder)
    recipe = _recipe(spec, folder, run, changes)
    found = differences(run.options, recipe.options())
    _refuse_fixed(folder, found)
    if run.state == runfile.FINISHED and not found and resume == folder:
        raise UsageError(f"{folder} is finished; give it more --epochs, or start a child with --parent {folder}")
    saved = checkpoint.load(path) if path is not None else None
    progress = saved["progress"] if saved is not None else {"epoch": 0, "step": 0}
    listed = [
        {"epoch": progress["epoch"], "step": progress["step"], "option": name, "from": old, "to": new}
        for name, (old, new) in found.items()
    ]
    run.changes += listed
    run.resumed.append(progress["epoch"])
    run.options, run.epochs_done = recipe.options(), progress["epoch"]
    return Plan(recipe, folder, run, run.parent_folder, saved, listed)


def _recipe(spec: str | None, folder: Path, run: Run, changes: Mapping[str, Any]) -> Recipe:
    """The run's own options, or the recipe `spec`, with the changes; name and text stay those of the run."""
    table = read_recipe(spec).options() if spec is not None else run.options
    text = (folder / "recipe.toml").read_text(encoding="utf-8")
    return parse(run.recipe, changed(table, changes), text)


def _refuse_fixed(folder: Path, found: Mapping[str, tuple[Any, Any]]) -> None:
    for name, (old, new) in found.items():
        if name.partition(".")[0] in _FIXED:
            raise UsageError(
                f"--resume cannot change {name} from {old} to {new}; start a new run with --parent {folder}"
            )
    auxiliary = found.get("train.auxiliary")
    if auxiliary is not None and not all(auxiliary):
        raise UsageError(
            f"--resume cannot switch train.auxiliary, which makes another network; start one with --parent {folder}"
        )
