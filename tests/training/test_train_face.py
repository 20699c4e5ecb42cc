"""Whole trainings of a toy network on a toy FER2013, through the real command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import toy_fer
from mer_batch import nets
from mer_batch.labels import EMOTIONS
from mer_batch.nets.store import read_card
from mer_batch.tasks.face import Fer2013, task
from mer_batch.tasks.recipe import read_recipe, shipped_recipes
from mer_batch.tasks.task import load_task
from mer_batch.training.fitting import loop, record
from mer_batch.training.fitting.state import Job
from toy_training import mer


def test_train_then_evaluate_agree(recipe: Path, tmp_path: Path) -> None:
    code, output = mer("train", recipe, "--tta", "--out", "run", "--device", "cpu")
    assert code == 0, output
    card = read_card(tmp_path / "run" / "model")
    assert card.scores["n"] == 21
    assert "accuracy_tta" in card.scores
    assert "Recipe: `train/toy.toml`" in (tmp_path / "run" / "model" / "MODEL_CARD.md").read_text()
    code, output = mer("evaluate", "face", "--model", "run/model", "--json", "scores.json", "--device", "cpu")
    assert code == 0, output
    scores = json.loads((tmp_path / "scores.json").read_text())
    assert scores["accuracy"] == pytest.approx(card.scores["accuracy"], abs=1e-4)
    assert np.array(scores["confusion"]).tolist() == [list(row) for row in card.confusion or ()]


@pytest.mark.parametrize("name", ["fer-imagenet", "fer-gpu"])
def test_the_shipped_recipes_run_to_their_end_at_toy_size(name: str, recipe: Path, tmp_path: Path) -> None:
    sizes = {"data.size": 40, "data.detail": 24, "data.early": 0.5, "train.epochs": 2, "train.batch_size": 32}
    network = {"net.start": '""', "net.width": 0.1, "net.features": 16}
    changes = [part for key, value in {**sizes, **network}.items() for part in ("--set", f"{key}={value}")]
    code, output = mer("train", name, "--tta", "--out", "run", "--device", "cpu", *changes)
    assert code == 0, output
    card = read_card(tmp_path / "run" / "model")
    assert "accuracy_tta" in card.scores
    assert {key: card.input[key] for key in ("size", "detail")} == {"size": 40, "detail": 24}
    assert "targets halfway between labels and FER+ votes" in card.data


def test_toy_network_learns(recipe: Path, tmp_path: Path) -> None:
    face = load_task("face", {})
    job = Job(read_recipe(str(recipe), {"train.strength": 0.3}), face, face.train(), torch.device("cpu"))
    loop.fit(job, face.validation(), tmp_path, None, lambda _row: None)
    rows = record.read(tmp_path)
    assert [row["epoch"] for row in rows] == list(range(1, 9))
    assert rows[-1]["loss"] < rows[0]["loss"]
    assert rows[-1]["best"] > 2 / len(EMOTIONS)


def test_leaks_are_dropped_from_training(recipe: Path) -> None:
    clean, leaky = task({}), task({"keep_leaks": True})
    assert isinstance(clean, Fer2013)
    gone = set(leaky.train().ids) - set(clean.train().ids)
    assert gone == {"train/angry/train_0.jpg", "train/sad/train_1.jpg"}


def test_any_labelled_folder_can_be_evaluated(finished: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    for name in ("Joy", "anger", "contempt"):
        (tmp_path / "set" / name).mkdir(parents=True)
        for number in range(3):
            Image.fromarray(toy_fer.stripes(1, rng)).save(tmp_path / "set" / name / f"{number}.png")
    code, output = mer(
        "evaluate", "face", "--data", "set", "--model", "run/model", "--json", "scores.json", "--device", "cpu"
    )
    assert code == 0, output
    assert "left out: 3 x label 'contempt' has no counterpart" in output
    scores = json.loads((tmp_path / "scores.json").read_text())
    assert scores["n"] == 6
    assert scores["present"] == ["angry", "happy"]
    assert np.array(scores["confusion"]).shape == (len(scores["labels"]), len(scores["labels"]))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("train", "nothing"), "unknown recipe 'nothing'"),
        (("train", "toy.toml", "--device", "gpu"), "unknown device 'gpu'"),
        (("train", "toy.toml", "--epochs", "0"), "epochs must be positive"),
        (("train", "toy.toml", "--resume", "."), "not a run folder"),
        (("evaluate", "smell"), "unknown task 'smell'"),
        (("evaluate", "text", "--tta"), "--tta has no views for text"),
        (("evaluate", "face", "--model", "fase"), "unknown model 'fase'"),
    ],
)
def test_mistakes_are_one_line_and_exit_2(recipe: Path, arguments: tuple[str, ...], message: str) -> None:
    code, output = mer(*arguments)
    assert code == 2
    assert message in output
    assert len(output.strip().splitlines()) == 1


@pytest.mark.parametrize(
    "text", ["task = 'face'", "task = 'face'\n[net]\nname='face-resnet'\n[train]\nspeed=1", "=", ""]
)
def test_malformed_recipes_are_refused(recipe: Path, text: str) -> None:
    recipe.write_text(text)
    code, output = mer("train", recipe)
    assert code == 2
    assert len(output.strip().splitlines()) == 1


def test_missing_data_is_one_line(recipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MER_DATA", "/nowhere")
    code, output = mer("train", recipe)
    assert code == 1
    assert "set MER_DATA" in output
    assert len(output.strip().splitlines()) == 1


def test_every_shipped_recipe_can_be_read_and_says_how_it_is_run() -> None:
    assert {"fer", "voice", "text"} <= set(shipped_recipes())
    for name in shipped_recipes():
        recipe = read_recipe(name)
        assert recipe.text.startswith("# mer train ")
        options = dict(recipe.net_options)
        if "weights" in options:
            options["weights"] = "none"  # a test fetches nothing
        if not recipe.net.startswith("hf:"):
            nets.build(recipe.net, classes=7, **options)
