"""Leaving out examples whose labels are probably wrong: every example is judged by a network that never saw it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from mer_batch.files import whole_file
from mer_batch.labels import EMOTIONS
from mer_batch.tables_out import write_table
from mer_batch.tasks.options import SamplingOptions
from mer_batch.tasks.recipe import Recipe
from mer_batch.tasks.task import Examples, Task
from mer_batch.training.fitting.cleaning import find_label_issues
from mer_batch.training.fitting.loop import next_epoch, outputs_of, run_epoch
from mer_batch.training.fitting.state import Job, start

TABLE: Final = "clean.csv"
READINGS: Final = "clean-readings.npy"


def believed(
    recipe: Recipe, task: Task, train: Examples, device: torch.device, folder: Path, say: Callable[[str], None]
) -> Tensor:
    """The places (k,) of the examples whose labels are not doubted; the others stand in `clean.csv`.

    The table has the columns id, label and suggested.
    Both the table and the readings of each fold are kept in the run folder, so that a resumed run leaves out
    the same ones and repeats no fold.
    """
    assert recipe.clean is not None
    readings = out_of_fold(recipe, task, train, device, folder, say)
    labels = train.labels.numpy()
    doubted = find_label_issues(labels, readings, recipe.clean.method)  # type: ignore[arg-type]
    table = pd.DataFrame(
        {
            "id": [train.ids[place] for place in np.flatnonzero(doubted)],
            "label": [EMOTIONS[label] for label in labels[doubted]],
            "suggested": [EMOTIONS[place] for place in readings[doubted].argmax(axis=1)],
        }
    )
    write_table(folder / TABLE, table)
    say(f"cleaning: {len(table)} of {len(train)} training examples left out, see {folder / TABLE}")
    return torch.from_numpy(np.flatnonzero(~doubted))


def folds(train: Examples, count: int, seed: int) -> NDArray[np.int64]:
    """The fold (n,) of every example: classes spread evenly, examples of one id together."""
    rng = np.random.default_rng(seed)
    first = {name: place for place, name in reversed(list(enumerate(train.ids)))}
    labels = train.labels.numpy()
    fold: dict[str, int] = {}
    for label in range(len(EMOTIONS)):
        names = [name for name, place in first.items() if labels[place] == label]
        fold |= {names[place]: number % count for number, place in enumerate(rng.permutation(len(names)))}
    return np.array([fold[name] for name in train.ids], dtype=np.int64)


def out_of_fold(
    recipe: Recipe, task: Task, train: Examples, device: torch.device, folder: Path, say: Callable[[str], None]
) -> NDArray[np.float64]:
    """Probabilities (n, 7) of each example by a network that was fitted on the other folds."""
    assert recipe.clean is not None
    path = folder / READINGS
    readings = np.load(path) if path.is_file() else np.full((len(train), len(EMOTIONS)), np.nan)
    which = folds(train, recipe.clean.folds, recipe.train.seed)
    for fold in range(recipe.clean.folds):
        apart = which == fold
        if not np.isnan(readings[apart]).any():
            continue
        readings[apart] = _read_fold(recipe, task, train, device, apart)
        with whole_file(path) as part:
            np.save(part, readings)
        right = (readings[apart].argmax(axis=1) == train.labels.numpy()[apart]).mean()
        say(f"cleaning: fold {fold + 1}/{recipe.clean.folds}  accuracy {right:.4f}")
    result: NDArray[np.float64] = readings
    return result


def _read_fold(
    recipe: Recipe, task: Task, train: Examples, device: torch.device, apart: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """What a network fitted on the examples that are not `apart` says of those that are."""
    assert recipe.clean is not None
    # Smoothed targets flatten the probabilities that tell a doubtful label from a sound one.
    options = replace(recipe.train, epochs=recipe.clean.epochs, label_smoothing=0.0)
    plain = replace(recipe, train=options, sampling=SamplingOptions(), distill=None)
    job = Job(plain, task, train.take(torch.from_numpy(np.flatnonzero(~apart))), device)
    state = start(job)
    while state.epoch < options.epochs:
        state.schedule.epoch_ended(run_epoch(job, state))
        next_epoch(job, state)
    held_out = train.take(torch.from_numpy(np.flatnonzero(apart)))
    logits = outputs_of(state.average, task, held_out, options.batch_size, device)
    result: NDArray[np.float64] = logits.double().softmax(dim=1).numpy()
    return result
