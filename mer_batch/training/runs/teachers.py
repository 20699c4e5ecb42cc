"""Teachers: what trained networks say of the training examples, softened for the loss (arXiv:1503.02531)."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor

from mer_batch.errors import UsageError
from mer_batch.files import whole_file
from mer_batch.labels import EMOTIONS
from mer_batch.nets.store import ModelCard, load_net
from mer_batch.tasks.recipe import Recipe
from mer_batch.tasks.task import Examples, Task, load_task
from mer_batch.training.fitting.loop import outputs_of
from mer_batch.training.runs.parents import model_folder

NAME: Final = "teachers.npz"
_SHAPES: Final = ("size", "channels", "mean", "std", "sample_rate", "seconds", "length", "buckets")
"""What of a card's input section decides how a training example looks."""


def teach(recipe: Recipe, train: Examples, folder: Path, device: torch.device, say: Callable[[str], None]) -> Tensor:
    """The teachers' mean probabilities (n, 7) for the training examples, softened by the recipe's temperature.

    They read the examples once, without augmentation; under mixup the student's targets are mixed as labels
    are. What they said is kept in the run folder. Raises `UsageError` for a teacher of another task or input.
    """
    assert recipe.distill is not None
    models = [model_folder(spec) for spec in recipe.distill.teachers]
    loaded = [load_net(model, device) for model in models]
    key = _key([card for _, card in loaded], train)
    probabilities = _cached(folder / NAME, key)
    if probabilities is None:
        readings = []
        for model, (net, card) in zip(models, loaded, strict=True):
            say(f"teacher {model} reads {len(train)} training examples")
            task, examples = _as_read_by(recipe, card, model, train)
            logits = outputs_of(net, task, examples, recipe.train.batch_size, device) / card.temperature
            ours = logits[:, [card.labels.index(name) for name in EMOTIONS]]
            readings.append((ours + torch.tensor(card.bias or (0.0,))).softmax(dim=1))
        probabilities = torch.stack(readings).mean(dim=0)
        with whole_file(folder / NAME) as part:
            np.savez(part, key=np.array(key), probabilities=probabilities.numpy())
    return soften(probabilities, recipe.distill.temperature)


def soften(probabilities: Tensor, temperature: float) -> Tensor:
    """Probabilities (n, k) at a temperature: as if their logits had been divided by it."""
    return (probabilities.clamp(min=1e-8).log() / temperature).softmax(dim=1)


def _as_read_by(recipe: Recipe, card: ModelCard, model: Path, train: Examples) -> tuple[Task, Examples]:
    """The task and the training examples as a teacher takes them."""
    if card.modality != recipe.task:
        raise UsageError(f"the teacher {model} reads {card.modality}, not {recipe.task}")
    own = {key: value for key, value in recipe.data.items() if key not in ("size", "channels")}
    task = load_task(recipe.task, own)
    task.adapt({key: card.input[key] for key in _SHAPES if key in card.input})
    for key in _SHAPES:
        if key in card.input and key in task.input and task.input[key] != card.input[key]:
            raise UsageError(f"the teacher {model} reads {key} {card.input[key]}, the recipe gives {task.input[key]}")
    examples = task.train()
    places = {name: place for place, name in enumerate(examples.ids)}
    if len(places) == len(examples):
        return task, examples.take(torch.tensor([places[name] for name in train.ids]))
    if examples.ids != train.ids:
        raise UsageError("[distill] and [clean] do not go together where examples share an id")
    return task, examples


def _key(cards: list[ModelCard], train: Examples) -> str:
    return sha256("\n".join([*(card.sha256 for card in cards), *train.ids]).encode()).hexdigest()


def _cached(path: Path, key: str) -> Tensor | None:
    if not path.is_file():
        return None
    with np.load(path) as stored:
        return torch.from_numpy(stored["probabilities"]) if str(stored["key"]) == key else None
