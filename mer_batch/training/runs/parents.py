"""Starting a network from the weights of another run or model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from mer_batch.errors import UsageError, unknown_name
from mer_batch.labels import EMOTIONS
from mer_batch.nets.store import CARD, built_in, load_net, read_card
from mer_batch.tasks.recipe import Recipe
from mer_batch.training.fitting import checkpoint
from mer_batch.training.runs import runfile
from mer_batch.types import TaskName


@dataclass(frozen=True)
class Parent:
    """Where weights come from: the id of a run or the name of a model, its folder, its task and the weights."""

    name: str
    folder: Path
    task: TaskName | str
    weights: Mapping[str, Tensor]


def find_parent(spec: str) -> Parent:
    """The best weights of a run folder, or those of a model folder or shipped model.

    Raises `UsageError` for what is neither, or a run without an epoch done.
    """
    folder = Path(spec)
    if (folder / runfile.NAME).is_file():
        run = runfile.read(folder)
        return Parent(run.id, folder, run.task, _best(folder))
    model = model_folder(spec)
    net, card = load_net(model, torch.device("cpu"))
    name = card.name if model.parent == _shipped() else str(model)
    return Parent(name, model, card.modality, net.state_dict())


def model_folder(spec: str) -> Path:
    """The folder with the weights and the card of a model folder, a finished run or a shipped model."""
    for folder in (Path(spec), Path(spec) / "model"):
        if (folder / CARD).is_file():
            return folder
    if (Path(spec) / runfile.NAME).is_file():
        raise UsageError(f"{spec} has no model yet; finish it with mer train --resume {spec}")
    shipped = built_in()
    if spec not in shipped:
        raise unknown_name("run or model", spec, shipped)
    return shipped[spec]


def check_teachers(recipe: Recipe) -> None:
    """Raise `UsageError` for a teacher of a recipe that is not there or reads something else; `ModelError` likewise."""
    for spec in recipe.distill.teachers if recipe.distill is not None else ():
        folder = model_folder(spec)
        card = read_card(folder)
        if card.modality != recipe.task:
            raise UsageError(f"the teacher {folder} reads {card.modality}, not {recipe.task}")


def transplant(own: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], list[str]]:
    """`own` with what fits of the `given` weights, and the names of what did not.

    A last layer that differs only in its auxiliary outputs gives those of the emotions. Raises `UsageError`
    when less than half of the network fits.
    """
    result, left, fitting = dict(own), [], 0
    for name, value in own.items():
        other = given.get(name)
        if other is not None and other.shape == value.shape:
            result[name] = other.to(value)
            fitting += value.numel()
        elif other is not None and _is_wider(value, other):
            result[name] = value.clone()
            result[name][: len(EMOTIONS)] = other[: len(EMOTIONS)].to(value)
            fitting += value.numel()
        else:
            left.append(name)
    if fitting * 2 < sum(value.numel() for value in own.values()):
        raise UsageError("the weights of --parent are those of another network")
    return result, left


def _is_wider(value: Tensor, other: Tensor) -> bool:
    """Whether two tables differ in their number of rows only, both with one an emotion at least."""
    same = value.ndim > 0 and value.shape[1:] == other.shape[1:]
    return same and min(len(value), len(other)) >= len(EMOTIONS)


def _best(folder: Path) -> Mapping[str, Tensor]:
    run, path = checkpoint.find(folder)
    saved = checkpoint.load(path) if path is not None else {}
    if not saved.get("best_state"):
        raise UsageError(f"{run} has not finished an epoch; it has no weights to start from")
    weights: Mapping[str, Tensor] = saved["best_state"]
    return weights


def _shipped() -> Path | None:
    return next((folder.parent for folder in built_in().values()), None)
