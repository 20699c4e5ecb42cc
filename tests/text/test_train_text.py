"""The text task and a whole training on toy data, through the real command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from mer_batch.classifier import load_classifier
from mer_batch.cli import app
from mer_batch.errors import DataError, ModelError, UsageError
from mer_batch.labels import EMOTIONS, INDEX
from mer_batch.nets.store import read_card
from mer_batch.text.tokens import PIECES, Tokenizer, words
from mer_batch.training.recipe import read_recipe
from mer_batch.training.task import load_task
from mer_batch.training.tasks.text import copy_key, read_rows
from text import toy_text

RECIPE = """
task = "text"

[net]
name = "text-conv"
buckets = 2048
width = 16
hidden = 16
dropout = 0.1

[data]
buckets = 2048
length = 12
meld_repeats = 2
token_dropout = 0.1
validation = ""

[train]
epochs = 6
batch_size = 16
optimizer = "adamw"
lr = 0.02
auxiliary = 0.3
"""
TOY = {"validation": "", "length": 12, "buckets": 2048, "meld_repeats": 2}


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MER_DATA", str(toy_text.make(tmp_path / "data")))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_training_by_command_gives_a_model_that_reads(data: Path) -> None:
    (data / "toy.toml").write_text(RECIPE)
    result = CliRunner().invoke(app, ["train", "toy.toml", "--out", "run", "--device", "cpu"])
    assert result.exit_code == 0, result.output
    card = read_card(data / "run" / "model")
    assert card.confusion_source == "MELD test"
    assert card.scores["weighted_f1"] > 0.9
    assert card.scores["n"] == 84
    assert card.input["languages"] == ["en"]
    assert card.net_options["buckets"] == 2048
    reader = load_classifier("text", str(data / "run" / "model"), "cpu")
    rows = reader.predict(["I am so FURIOUS with you!", "wow really", ""])
    assert [EMOTIONS[place] for place in rows[:2].argmax(axis=1)] == ["angry", "surprise"]
    np.testing.assert_allclose(rows.sum(axis=1), 1, rtol=1e-5)


def test_a_reading_does_not_depend_on_the_batch(data: Path) -> None:
    (data / "toy.toml").write_text(RECIPE.replace("epochs = 6", "epochs = 1"))
    assert CliRunner().invoke(app, ["train", "toy.toml", "--out", "run", "--device", "cpu"]).exit_code == 0
    reader = load_classifier("text", str(data / "run" / "model"), "cpu")
    texts = ["yay", "", "I will never ever go there again with John and the others", "what?!"] * 80
    together = reader.predict(texts)
    alone = np.concatenate([reader.predict([text]) for text in texts[:4]])
    np.testing.assert_allclose(together[:4], alone, atol=1e-5)
    np.testing.assert_allclose(together[-4:], alone, atol=1e-5)


def test_sentences_of_held_out_parts_do_not_train(data: Path) -> None:
    task = load_task("text", TOY | {"meld_repeats": 1})
    leaked = read_rows("meld", "dev")[0]
    assert copy_key(leaked.text) == copy_key(read_rows("meld", "train")[0].text)
    assert "meld_train_0" not in task.train().ids
    assert "meld_train_1" in task.train().ids


def test_short_sentences_are_nobodys_copy() -> None:
    assert copy_key("Oh my God!") is None
    assert copy_key("I don't know you.") == copy_key("i DONT know you")


def test_examples_hold_both_spellings_and_fine_labels(data: Path) -> None:
    task = load_task("text", TOY)
    train = task.train()
    assert len(train) == 2 * 83 + 84
    assert train.inputs.shape == (len(train), 2 * 12 * PIECES)
    assert train.soft is not None
    assert train.soft.shape[1] == task.auxiliary == 7
    assert train.soft.sum(dim=1).tolist() == [0.0] * 2 * 83 + [1.0] * 84
    film, forum = Tokenizer(12, 2048), Tokenizer(12, 2048, opening="<forum>")
    row = read_rows("goemotions", "train")[0]
    assert train.inputs[2 * 83, : 12 * PIECES].tolist() == forum.encode([words(row.text)])[0].tolist()
    dev = read_rows("goemotions", "dev")[0]
    assert task.validation().inputs[84, : 12 * PIECES].tolist() == film.encode([words(dev.text)])[0].tolist()


def test_augmentation_is_seeded_and_spares_the_opening(data: Path) -> None:
    task = load_task("text", TOY | {"token_dropout": 0.5, "unpunctuated": 0.0})
    inputs = task.train().inputs[:40]
    first, again = (task.prepare(inputs, True, torch.Generator().manual_seed(1)) for _ in range(2))
    assert torch.equal(first, again)
    clean = task.prepare(inputs, False, torch.Generator())
    assert torch.equal(clean, inputs[:, : 12 * PIECES].long())
    assert torch.equal(first[:, :PIECES], clean[:, :PIECES])
    assert 0.2 < float((first != 0).sum() / (clean != 0).sum()) < 0.8


def test_held_out_sets_are_sentences_as_written(data: Path) -> None:
    task = load_task("text", TOY)
    test = task.held_out("test")
    assert test.name == "MELD test"
    assert test.items[1] == read_rows("meld", "test")[1].text
    assert list(test.labels) == [INDEX[EMOTIONS[number % 7]] for number in range(84)]
    assert len(set(task.held_out("validation").ids)) == 168


def test_a_frozen_list_must_fit_the_data(data: Path) -> None:
    with pytest.raises(DataError, match=r"text_validation\.csv names .*published version"):
        load_task("text", {}).validation()


def test_unknown_options_list_the_known() -> None:
    with pytest.raises(UsageError, match=r"Did you mean 'token_dropout'"):
        load_task("text", {"token_dropot": 1})


def test_the_shipped_recipe_and_frozen_list_fit_the_published_data(
    shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MER_DATA", str(shared_data))
    recipe = read_recipe("text")
    task = load_task("text", recipe.data)
    validation = task.held_out("validation")
    assert len(validation.items) == len(set(validation.ids)) == 2 * 1109
    assert sum(name.startswith("meld:") for name in validation.ids) == 1109
    assert len(task.held_out("test").items) == 2610
    assert recipe.net_options["buckets"] == task.input["buckets"]


def test_a_card_that_does_not_fit_its_network_is_refused(data: Path) -> None:
    (data / "toy.toml").write_text(RECIPE.replace("epochs = 6", "epochs = 1"))
    assert CliRunner().invoke(app, ["train", "toy.toml", "--out", "run", "--device", "cpu"]).exit_code == 0
    path = data / "run" / "model" / "model.toml"
    text = path.read_text()
    path.write_text(text.replace("length = 12\nbuckets = 2048", "length = 12\nbuckets = 9999"))
    with pytest.raises(ModelError, match="more buckets than its network"):
        load_classifier("text", str(data / "run" / "model"), "cpu")
