"""Trainings that take a moment: a toy task and network for the loop, and the command line in this process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from typer.testing import CliRunner

from mer_batch import nets
from mer_batch.cli import app
from mer_batch.labels import EMOTIONS
from mer_batch.tasks.recipe import Recipe, parse
from mer_batch.tasks.task import Examples, LabelledSet, Split, Task
from mer_batch.training.fitting import checkpoint, loop
from mer_batch.training.fitting.state import Job

WIDTH = 8


@nets.register("toy-mlp")
def toy_mlp(classes: int, dropout: float = 0.2, norm: bool = False) -> nn.Module:
    layers: list[nn.Module] = [nn.Linear(WIDTH, 16), nn.BatchNorm1d(16) if norm else nn.Identity()]
    return nn.Sequential(*layers, nn.Tanh(), nn.Dropout(dropout), nn.Linear(16, classes))


class Clouds(Task):
    """Points around one centre a class; disgust and fear lie close together, so that they are the hardest."""

    modality = "face"
    input: Mapping[str, Any] = {}
    data = "clouds"
    licence = "none"
    auxiliary = 3

    def __init__(self, per_class: int = 6, spread: float = 0.8, wrong: int = 0) -> None:
        self._per_class, self._spread, self._wrong = per_class, spread, wrong

    def _examples(self, seed: int) -> Examples:
        chance = torch.Generator().manual_seed(seed)
        centres = 2 * torch.eye(len(EMOTIONS), WIDTH)
        centres[2] = centres[1] + 0.2
        labels = torch.arange(len(EMOTIONS)).repeat(self._per_class)
        points = centres[labels] + self._spread * torch.randn(len(labels), WIDTH, generator=chance)
        soft = torch.eye(3)[labels % 3]
        labels = labels.clone()
        labels[: self._wrong] = (labels[: self._wrong] + 3) % len(EMOTIONS)
        return Examples(points, labels, tuple(f"{seed}-{place}" for place in range(len(labels))), soft)

    def train(self) -> Examples:
        return self._examples(1)

    def validation(self) -> Examples:
        return replace(self._examples(2), soft=None)

    def held_out(self, split: Split) -> LabelledSet:
        examples = self._examples({"validation": 2, "test": 3}[split])
        return LabelledSet(split, list(examples.inputs), examples.labels.tolist(), examples.ids)

    def prepare(self, inputs: Tensor, train: bool, generator: torch.Generator) -> Tensor:
        if not train:
            return inputs
        return inputs + 0.1 * self.strength * torch.randn(inputs.shape, generator=generator)


def toy_recipe(net: Mapping[str, Any] | None = None, **sections: Mapping[str, Any]) -> Recipe:
    """A recipe for the clouds; `sections` are tables such as train={"lr": 0.1}, put over small defaults."""
    train = {"epochs": 3, "batch_size": 8, "optimizer": "adamw", "lr": 0.01, "checkpoint_every": 1}
    table: dict[str, Any] = {"task": "face", "net": {"name": "toy-mlp", **(net or {})}, **sections}
    return parse("toy", table | {"train": train | dict(sections.get("train", {}))})


def toy_job(recipe: Recipe, task: Task | None = None, **rest: Any) -> Job:
    chosen = task or Clouds()
    return Job(recipe, chosen, chosen.train(), torch.device("cpu"), **rest)


def toy_fit(recipe: Recipe, folder: Path, resume: bool = False, load: bool = True, **rest: Any) -> dict[str, Any]:
    """Fit on the clouds, or go on from the checkpoint in `folder`; returns the last checkpoint where `load`."""
    folder.mkdir(exist_ok=True)
    job = toy_job(recipe, **rest)
    saved = checkpoint.load(folder / checkpoint.NAME) if resume else None
    loop.fit(job, job.task.validation(), folder, saved, lambda _row: None)
    return checkpoint.load(folder / checkpoint.NAME) if load else {}


def same(one: object, other: object) -> bool:
    """Whether two checkpoints are equal bit by bit, but for times."""
    if isinstance(one, Tensor):
        return isinstance(other, Tensor) and torch.equal(one, other)
    if isinstance(one, dict):
        keys = one.keys() - {"seconds"}
        return isinstance(other, dict) and one.keys() == other.keys() and all(same(one[k], other[k]) for k in keys)
    if isinstance(one, (list, tuple)):
        same_kind = isinstance(other, (list, tuple)) and len(one) == len(other)
        return same_kind and all(same(*pair) for pair in zip(one, other, strict=True))
    return one == other


def mer(*arguments: object) -> tuple[int, str]:
    """Exit code and output of the command line."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return result.exit_code, result.output
