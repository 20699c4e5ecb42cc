"""Recipes: TOML files that say what is trained on what, and how."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from mer_batch.errors import UsageError, unknown_name
from mer_batch.resources import data_dir

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@dataclass(frozen=True)
class TrainOptions:
    """How a network is fitted. Every field is a key of a recipe's `[train]` table."""

    epochs: int = 30
    """Passes over the training examples."""
    batch_size: int = 128
    """Examples per optimizer step."""
    lr: float = 0.05
    """Peak learning rate."""
    optimizer: str = "sgd"
    """sgd (Nesterov, momentum 0.9) or adamw."""
    weight_decay: float = 5e-4
    """Decay of weight matrices and kernels; biases and normalisation are spared."""
    warmup: float = 0.1
    """Share of all steps in which the rate rises; a cosine to zero follows."""
    label_smoothing: float = 0.1
    """Share of the target spread over all classes."""
    class_weights: float = 0.0
    """Exponent of inverse class frequency in the loss: 0 = none, 1 = balanced."""
    mixup: float = 0.0
    """Beta parameter of mixup (Zhang et al., arXiv:1710.09412); 0 = off."""
    auxiliary: float = 0.0
    """Weight of the auxiliary soft targets in the loss."""
    ema: float = 0.0
    """Decay of the moving average of weights that is evaluated and shipped; 0 = off."""
    clip: float = 5.0
    """Largest gradient norm."""
    calm: int = 0
    """Last epochs with weak augmentation, so that the network ends on pictures like the real ones."""
    patience: int = 0
    """Epochs without a better validation score before stopping; 0 = never."""
    select: str = "accuracy"
    """Validation score that chooses the epoch: accuracy, uar, macro_f1 or weighted_f1."""
    seed: int = 42
    """Seed of weights, order and augmentation."""

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "lr"):
            if not getattr(self, name) > 0:
                raise UsageError(f"[train] {name} must be positive, got {getattr(self, name)}")
        if self.optimizer not in ("sgd", "adamw"):
            raise unknown_name("optimizer", self.optimizer, ("sgd", "adamw"))
        scores = ("accuracy", "uar", "macro_f1", "weighted_f1")
        if self.select not in scores:
            raise unknown_name("score", self.select, scores)


@dataclass(frozen=True)
class Recipe:
    """A whole training: task, data, network, options."""

    name: str
    task: str
    net: str
    net_options: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    train: TrainOptions = TrainOptions()
    text: str = ""
    """The file as written, kept with the run."""


def shipped_recipes() -> dict[str, Path]:
    """Recipes of the installation by name, sub-folders included (`reference/...`)."""
    folder = data_dir("train")
    return {path.relative_to(folder).with_suffix("").as_posix(): path for path in sorted(folder.rglob("*.toml"))}


def read_recipe(spec: str) -> Recipe:
    """The recipe named `spec`, or read from the file `spec`. Raises `UsageError` for what does not fit."""
    shipped = shipped_recipes()
    path = shipped.get(spec) or Path(spec)
    if not path.is_file():
        raise unknown_name("recipe", spec, shipped)
    text = path.read_text(encoding="utf-8")
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"the recipe {path} is malformed: {error}") from error
    return _parse(path.stem, table, text)


def _parse(name: str, table: dict[str, Any], text: str) -> Recipe:
    net = dict(table.get("net", {}))
    if "task" not in table or "name" not in net:
        raise UsageError(f"the recipe {name!r} needs a task and a [net] with a name")
    for key in table:
        if key not in ("task", "net", "data", "train"):
            raise unknown_name("recipe section", key, ("task", "net", "data", "train"))
    options = table.get("train", {})
    known = [option.name for option in fields(TrainOptions)]
    for key in options:
        if key not in known:
            raise unknown_name("[train] option", key, known)
    architecture = net.pop("name")
    return Recipe(name, table["task"], architecture, net, table.get("data", {}), TrainOptions(**options), text)
