"""A training run: a folder with its recipe, checkpoint, metrics and, at the end, the model."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mer_batch.errors import UsageError
from mer_batch.evaluation.tta import views_for
from mer_batch.nets.device import pick_device
from mer_batch.training import loop
from mer_batch.training.export import export
from mer_batch.training.recipe import Recipe, read_recipe
from mer_batch.training.task import load_task


def train(
    spec: str,
    *,
    out: Path | None,
    resume: Path | None,
    tta: bool,
    device: str,
    changes: Mapping[str, Any],
    say: Callable[[str], None],
) -> Path:
    """Run the recipe `spec` to its end and return the run folder, which then holds `model/`.

    `changes` replace `[train]` options where not None. Raises `UsageError` for a folder that already holds
    a run, unless it is the one to `resume`.
    """
    recipe = read_recipe(spec)
    recipe = replace(recipe, train=replace(recipe.train, **{k: v for k, v in changes.items() if v is not None}))
    where = pick_device(device)
    task = load_task(recipe.task, recipe.data)
    if tta:
        views_for(task.modality)
    folder = _folder(recipe, out, resume)
    (folder / "recipe.toml").write_text(recipe.text, encoding="utf-8")
    net = loop.fit(recipe, task, where, folder, resume is not None, lambda row: say(_line(recipe, row)))
    card, _ = export(net, recipe, task, folder / "model", device, tta)
    for name, value in card.scores.items():
        say(f"{card.confusion_source}: {name} {value:g}")
    return folder


def _folder(recipe: Recipe, out: Path | None, resume: Path | None) -> Path:
    if resume is not None:
        if not (resume / "recipe.toml").is_file():
            raise UsageError(f"{resume} is not a run folder")
        return resume
    folder = out or Path("runs") / f"{recipe.name}-{time.strftime('%Y%m%d-%H%M%S')}"
    if (folder / "recipe.toml").exists():
        raise UsageError(f"{folder} already holds a run; go on with --resume {folder} or choose another --out")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _line(recipe: Recipe, row: Mapping[str, Any]) -> str:
    return (
        f"epoch {row['epoch']}/{recipe.train.epochs}  loss {row['loss']:.4f}  "
        f"validation accuracy {row['accuracy']:.4f}  uar {row['uar']:.4f}  best {row['best']:.4f}  "
        f"{row['seconds']:.0f} s"
    )
