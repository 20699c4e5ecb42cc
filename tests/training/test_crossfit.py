"""Label cleaning: folds, out-of-fold readings, and what is left out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from mer_batch.tasks.task import Examples
from mer_batch.training.fitting import crossfit
from toy_training import Clouds, mer, toy_recipe

CPU = torch.device("cpu")
pytestmark = pytest.mark.usefixtures("unreported")


def test_folds_spread_classes_and_keep_ids_together() -> None:
    labels = torch.repeat_interleave(torch.arange(7), torch.tensor([20, 20, 20, 20, 20, 20, 40]))
    ids = tuple(f"clip-{place // 2}" for place in range(len(labels)))
    which = crossfit.folds(Examples(torch.zeros(160, 1), labels, ids), 5, seed=1)
    assert (which[::2] == which[1::2]).all()
    for label, count in enumerate([4, 4, 4, 4, 4, 4, 8]):
        assert np.bincount(which[labels.numpy() == label], minlength=5).tolist() == [count] * 5


def test_wrong_labels_are_found_and_told(tmp_path: Path) -> None:
    wrong = 20
    task, said = Clouds(per_class=30, spread=0.3, wrong=wrong), list[str]()
    train = task.train()
    recipe = toy_recipe(train={"lr": 0.05}, clean={"folds": 3, "epochs": 8})
    kept = set(crossfit.believed(recipe, task, train, CPU, tmp_path, said.append).tolist())
    clear = {place for place in range(len(train)) if place % 7 not in (1, 2)}  # disgust and fear lie together
    assert not kept & clear & set(range(wrong))
    assert len(clear - kept) == len(clear & set(range(wrong))), "no sound label is left out"
    table = pd.read_csv(tmp_path / "clean.csv").set_index("id")
    assert list(table.columns) == ["label", "suggested"]
    assert table.loc["1-0"].tolist() == ["happy", "angry"]
    assert table.loc["1-4"].tolist() == ["angry", "neutral"]
    assert said[-1].startswith(f"cleaning: {len(train) - len(kept)} of 210 training examples left out")


def test_readings_come_from_networks_that_did_not_see_the_example(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[set[str]] = []
    real = crossfit.run_epoch

    def spied(job: crossfit.Job, state: object) -> float:
        seen.append(set(job.train.ids))
        return real(job, state)  # type: ignore[arg-type]

    monkeypatch.setattr(crossfit, "run_epoch", spied)
    task = Clouds()
    train = task.train()
    recipe = toy_recipe(clean={"folds": 3, "epochs": 1})
    crossfit.out_of_fold(recipe, task, train, CPU, tmp_path, lambda _line: None)
    which = crossfit.folds(train, 3, recipe.train.seed)
    for fold, ids in enumerate(seen):
        assert ids == {name for name, place in zip(train.ids, which, strict=True) if place != fold}


def test_an_interrupted_cleaning_repeats_no_fold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task = Clouds()
    recipe = toy_recipe(clean={"folds": 3, "epochs": 1})
    whole = crossfit.out_of_fold(recipe, task, task.train(), CPU, _made(tmp_path / "whole"), lambda _line: None)
    real, calls = crossfit._read_fold, []

    def dying(*arguments: object) -> object:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(crossfit, "_read_fold", dying)
    with pytest.raises(KeyboardInterrupt):
        crossfit.out_of_fold(recipe, task, task.train(), CPU, _made(tmp_path / "cut"), lambda _line: None)
    again = crossfit.out_of_fold(recipe, task, task.train(), CPU, tmp_path / "cut", lambda _line: None)
    assert len(calls) == 4, "one fold, the interrupted one, and the two that were left"
    np.testing.assert_array_equal(again, whole)


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def test_a_run_with_cleaning_tells_how_many_it_left_out(recipe: Path, tmp_path: Path) -> None:
    from mer_batch.training.runs import runfile

    recipe.write_text(recipe.read_text() + "[clean]\nfolds = 2\nepochs = 1\n")
    code, output = mer("train", recipe, "--out", "run", "--epochs", 1, "--device", "cpu")
    assert code == 0, output
    left = len(pd.read_csv(tmp_path / "run" / "clean.csv"))
    assert f"cleaning: {left} of 54 training examples left out" in output
    assert runfile.read(tmp_path / "run").dropped == left
