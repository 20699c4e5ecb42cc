"""Recipes: TOML files that say what is trained on what, and how."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from mer_batch.errors import DataError, UsageError, unknown_name
from mer_batch.nets.store import find_model
from mer_batch.resources import data_dir
from mer_batch.scores.calibration import CalibrateOptions
from mer_batch.tasks.options import (
    CleanOptions,
    DistillOptions,
    SamplingOptions,
    TrainOptions,
    as_table,
    section,
)
from mer_batch.types import TaskName

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

RECIPES: Final = {"face": "fer", "voice": "voice", "text": "text", "fusion": "fusion"}
"""The recipe whose held-out data a model is scored on, unless its own run says otherwise."""
SECTIONS: Final = ("net", "data", "train", "sampling", "distill", "clean", "calibrate")


@dataclass(frozen=True)
class Recipe:
    """A whole training: task, data, network, options."""

    name: str
    task: str
    net: str
    net_options: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    train: TrainOptions = field(default_factory=TrainOptions)
    sampling: SamplingOptions = field(default_factory=SamplingOptions)
    distill: DistillOptions | None = None
    clean: CleanOptions | None = None
    calibrate: CalibrateOptions = field(default_factory=CalibrateOptions)
    reported: Mapping[str, Any] = field(default_factory=dict)
    """What a publication says that it reached: `accuracy`, and `on` what."""
    text: str = ""
    """The file as written, kept with the run."""

    def options(self) -> dict[str, Any]:
        """Everything that is in force, as the table of a recipe, defaults included."""
        table: dict[str, Any] = {
            "task": self.task,
            "net": {"name": self.net, **self.net_options},
            "data": dict(self.data),
            "train": as_table(self.train),
            "sampling": as_table(self.sampling),
            "calibrate": as_table(self.calibrate),
        }
        if self.distill is not None:
            table["distill"] = as_table(self.distill)
        if self.clean is not None:
            table["clean"] = as_table(self.clean)
        return table


def shipped_recipes() -> dict[str, Path]:
    """Recipes of the installation by name, sub-folders included (`reference/...`)."""
    folder = data_dir("train")
    return {path.relative_to(folder).with_suffix("").as_posix(): path for path in sorted(folder.rglob("*.toml"))}


def read_recipe(spec: str, changes: Mapping[str, Any] | None = None) -> Recipe:
    """The recipe named `spec`, or read from the file `spec`, with `changes` ("train.lr": 0.01) put in.

    Raises `UsageError` for what does not fit.
    """
    shipped = shipped_recipes()
    path = shipped.get(spec) or Path(spec)
    if not path.is_file():
        raise unknown_name("recipe", spec, shipped)
    try:
        text = path.read_text(encoding="utf-8")
        table = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"the recipe {path} is malformed: {error}") from error
    return parse(path.stem, changed(table, changes or {}), text)


def parse(name: str, table: Mapping[str, Any], text: str = "") -> Recipe:
    """The recipe that a table describes. Raises `UsageError` for what does not fit."""
    for key in table:
        if key not in ("task", *SECTIONS, "reported"):
            raise unknown_name("recipe section", key, ("task", *SECTIONS))
    for key in (*SECTIONS, "reported"):
        if not isinstance(table.get(key, {}), Mapping):
            raise UsageError(f"[{key}] of the recipe {name!r} must be a table")
    net = dict(table.get("net", {}))
    if "task" not in table or "name" not in net:
        raise UsageError(f"the recipe {name!r} needs a task and a [net] with a name")
    return Recipe(
        name=name,
        task=str(table["task"]),
        net=str(net.pop("name")),
        net_options=net,
        data=dict(table.get("data", {})),
        train=section(TrainOptions, "train", table.get("train", {})),
        sampling=section(SamplingOptions, "sampling", table.get("sampling", {})),
        distill=section(DistillOptions, "distill", table["distill"]) if "distill" in table else None,
        clean=section(CleanOptions, "clean", table["clean"]) if "clean" in table else None,
        calibrate=section(CalibrateOptions, "calibrate", table.get("calibrate", {})),
        reported=dict(table.get("reported", {})),
        text=text,
    )


def changed(table: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A recipe table with dotted options ("train.lr") set."""
    result = {key: dict(value) if isinstance(value, Mapping) else value for key, value in table.items()}
    for option, value in changes.items():
        name, _, key = option.partition(".")
        if name not in SECTIONS:
            raise unknown_name("recipe section", name, SECTIONS)
        result.setdefault(name, {})[key] = value
    return result


def parse_changes(settings: Sequence[str]) -> dict[str, Any]:
    """Dotted options from command-line texts such as `train.lr=0.01`; a value that is no TOML is a text."""
    changes: dict[str, Any] = {}
    for setting in settings:
        option, equals, value = setting.partition("=")
        if not equals or not option.partition(".")[2].strip():
            raise UsageError(f"--set takes section.key=value such as train.lr=0.01, got {setting!r}")
        try:
            changes[option.strip()] = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            changes[option.strip()] = value.strip()
    return changes


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Dotted options whose values differ between two recipe tables, as (old, new); None = not set."""
    before, after = _flat(old), _flat(new)
    names = sorted({*before, *after})
    return {name: (before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)}


def _flat(table: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in table.items():
        if isinstance(value, Mapping):
            flat |= {f"{key}.{name}": item for name, item in value.items()}
        else:
            flat[key] = value
    return flat


def recipe_of(modality: TaskName, model: str) -> Recipe:
    """The recipe of the run that a model came from, with what was changed for it; the task's own where no `run.json`
    lies beside it.

    Raises `DataError` for one that cannot be read: what the model was trained on is then not known, and a guess could
    test it, or train a gate, on its own training data.
    """
    recipe = read_recipe(RECIPES[modality])
    if model.startswith("hf:"):
        return recipe
    folder = find_model(modality, model)
    path = (folder.parent if folder.name == "model" else folder) / "run.json"
    try:
        options = json.loads(path.read_text(encoding="utf-8"))["options"]
        return Recipe(recipe.name, str(options["task"]), recipe.net, data=dict(options["data"]))
    except FileNotFoundError:
        return recipe
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}; it tells what the model was trained on") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataError(
            f"{path} is damaged, so that nobody knows what the model was trained on; restore it, or move "
            f"{folder} out of its run to have it read as a model of the recipe {recipe.name}"
        ) from error
