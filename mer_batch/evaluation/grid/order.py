"""What a grid trains: the recipe, its data and why these, the seeds and the batch sizes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mer_batch.data.manifest import TABLE
from mer_batch.data.sets import data_set
from mer_batch.data.texts import TRAIN
from mer_batch.errors import DataError, UsageError, unknown_name
from mer_batch.tasks.recipe import Recipe, read_recipe

SEEDS: Final = (42, 2023, 7, 123, 314)
BATCH_SIZES: Final = (8, 16, 32, 64)
QUICK_EPOCHS: Final = 3
QUICK_ITEMS: Final = 6
"""Items per class of each part in a quick grid."""
QUICK_BATCH: Final = 16


@dataclass(frozen=True)
class Default:
    """A task's usual experiment: recipe, changes to it, the data that it needs, and what it tests."""

    recipe: str
    changes: Mapping[str, Any]
    needs: str
    what: str


DEFAULTS: Final[Mapping[str, Default]] = {
    "fusion": Default(
        "reference/tess-fusion",
        {"data.split": "sentence"},
        "tess",
        "voice and words of TESS, every clip once, the words of the test not in training",
    ),
    "voice": Default(
        "voice",
        {"data.sets": ["ravdess"], "data.split": "speaker", "train.strength": 0.3, "train.mixup": 0.0},
        "ravdess",
        "the voice of RAVDESS, four whole actors held out",
    ),
    "face": Default("fer", {}, "fer2013", "faces of FER2013, the private test part"),
    "text": Default("text", {}, "meld", "utterances of MELD, the test part"),
}
"""In the order in which they are tried where no task is named."""
FILES: Final = {"text": TRAIN}
"""What must lie in the folder of a task's set, where that is not its table."""


@dataclass(frozen=True)
class Order:
    """One grid. `why` is the sentence that tells what is trained on which data, and why."""

    recipe: str
    changes: Mapping[str, Any]
    why: str
    seeds: tuple[int, ...] = SEEDS
    batch_sizes: tuple[int, ...] = BATCH_SIZES
    quick: bool = False
    score: str = "accuracy"
    by: str | None = None
    device: str = "auto"
    allow_leaks: bool = False

    def __post_init__(self) -> None:
        for name, values in (("seeds", self.seeds), ("batch-sizes", self.batch_sizes)):
            if not values or len(set(values)) < len(values):
                raise UsageError(f"--{name} takes distinct numbers, got {' '.join(map(str, values)) or 'none'}")
        if min(self.seeds) < 0 or min(self.batch_sizes) < 1:
            raise UsageError("seeds count from 0 and batch sizes from 1")

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The runs, seed by seed, so that a grid that is stopped leaves whole seeds."""
        return tuple(Cell(seed, size) for seed in self.seeds for size in self.batch_sizes)

    @property
    def common(self) -> Recipe:
        """The recipe that all runs share, but for seed and batch size."""
        return read_recipe(self.recipe, self.changes)


@dataclass(frozen=True, order=True)
class Cell:
    """One run of a grid."""

    seed: int
    batch_size: int

    @property
    def name(self) -> str:
        """The name of its folder."""
        return f"batch-{self.batch_size}_seed-{self.seed}"

    @property
    def figure(self) -> str:
        """The name of its confusion matrix."""
        return f"confusion_matrix_batch_{self.batch_size}_seed_{self.seed}.png"

    @property
    def changes(self) -> dict[str, Any]:
        """What tells its recipe from the others'."""
        return {"train.seed": self.seed, "train.batch_size": self.batch_size}


def order(
    task: str | None,
    recipe: str | None,
    seeds: tuple[int, ...],
    batch_sizes: tuple[int, ...],
    changes: Mapping[str, Any],
    *,
    quick: bool = False,
    by: str | None = None,
    **rest: Any,
) -> Order:
    """A grid of `task` (of `DEFAULTS`) or of any `recipe`; without either, of the first task whose data are there.

    `changes` are options of the recipe. `by` names the groups of items that are alike; by default what the split
    keeps apart. Raises `UsageError` and `DataError` with what to do.
    """
    spec, usual, why = _chosen(task, recipe)
    settings = {**usual, **changes}
    batches = batch_sizes or ((QUICK_BATCH,) if quick else BATCH_SIZES)
    if quick:
        settings = {"train.epochs": QUICK_EPOCHS, "data.limit": QUICK_ITEMS, **settings}
        why += f" Quick: {settings['train.epochs']} epochs on a sample, to see that everything runs; no result."
    grouped = by or _groups(read_recipe(spec, settings))
    return Order(spec, settings, why, seeds or SEEDS, batches, quick, by=grouped, **rest)


def _chosen(task: str | None, recipe: str | None) -> tuple[str, Mapping[str, Any], str]:
    if recipe is not None:
        if task is not None and read_recipe(recipe).task != task:
            raise UsageError(f"the recipe {recipe} is of the task {read_recipe(recipe).task}, not {task}")
        return recipe, {}, f"Recipe {Path(recipe).stem}, as asked for."
    if task is not None:
        if task not in DEFAULTS:
            raise unknown_name("task", task, DEFAULTS)
        chosen = DEFAULTS[task]
        data_set(chosen.needs, FILES.get(task, TABLE))
        return chosen.recipe, chosen.changes, f"Recipe {chosen.recipe}: {chosen.what}; the task was asked for."
    missing: list[str] = []
    for name, chosen in DEFAULTS.items():
        if _at_hand(name):
            lacks = (
                f", as {' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not at hand" if missing else ""
            )
            because = f"the {name} task, the first of {', '.join(DEFAULTS)} whose data are there{lacks}"
            return chosen.recipe, chosen.changes, f"Recipe {chosen.recipe}: {chosen.what}; {because}."
        missing.append(chosen.needs)
    raise DataError(
        f"none of {', '.join(missing)} is at hand: mer data list tells how to get them; import one, set MER_DATA "
        "to the folder of data sets, or give --recipe"
    )


def _at_hand(task: str) -> bool:
    try:
        data_set(DEFAULTS[task].needs, FILES.get(task, TABLE))
    except DataError:
        return False
    return True


def _groups(recipe: Recipe) -> str | None:
    """What a recipe's split keeps apart: items with the same speaker, or the same sentence, are not independent."""
    kinds = str(recipe.data.get("split", "")).split("+")
    return next((name for name in ("speaker", "sentence") if name in kinds), None)
