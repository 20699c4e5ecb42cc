"""The text task and a whole training on toy data, through the real command line."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from mer_batch import nets
from mer_batch.cli import app
from mer_batch.errors import DataError, ModelError, UsageError
from mer_batch.labels import EMOTIONS, INDEX
from mer_batch.nets.store import read_card
from mer_batch.nets.wordpiece import PADDING, SEPARATOR, SPECIAL, UNKNOWN, Line, bare
from mer_batch.readers import load_classifier
from mer_batch.tasks.recipe import read_recipe
from mer_batch.tasks.sentences import copy_key, held_out_keys, held_out_rows, read_rows, training_rows
from mer_batch.tasks.spelling import FILLERS, heard
from mer_batch.tasks.task import Task, load_task
from text import toy_text

RECIPE = """
task = "text"

[net]
name = "sentence-encoder"
vocabulary = "words.txt"
width = 24
inner = 32
heads = 2
layers = 1

[data]
validation = ""
context = 2
repeats = 2

[train]
epochs = 10
batch_size = 16
optimizer = "adamw"
lr = 0.01
auxiliary = 0.3
"""
TOY: Mapping[str, Any] = {"validation": "", "context": 2, "repeats": 2}


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MER_DATA", str(toy_text.make(tmp_path / "data")))
    monkeypatch.chdir(tmp_path)
    toy_text.vocabulary(tmp_path / "words.txt")
    return tmp_path


def toy_task(**options: Any) -> Task:
    task = load_task("text", {**TOY, **options})
    task.adapt(nets.input_of("sentence-encoder", vocabulary="words.txt"))
    return task


def trained(folder: Path, recipe: str = RECIPE) -> Path:
    (folder / "toy.toml").write_text(recipe)
    result = CliRunner().invoke(app, ["train", "toy.toml", "--out", "run", "--device", "cpu"])
    assert result.exit_code == 0, result.output
    return folder / "run"


def test_training_by_command_gives_a_model_that_reads(data: Path) -> None:
    run = trained(data)
    (data / "words.txt").unlink()
    card = read_card(run / "model")
    assert card.confusion_source == "MELD test"
    assert card.scores["weighted_f1"] > 0.9
    assert card.scores["n"] == 84
    assert card.input["languages"] == ["en"]
    assert {"test", "test, goemotions", "test, meld in context"} < set(card.evaluations)
    assert card.evaluations["test, goemotions"]["n"] == 83
    reader = load_classifier("text", str(run / "model"), "cpu")
    rows = reader.predict(["I am so FURIOUS with you!", "wow really", ""])
    assert [EMOTIONS[place] for place in rows[:2].argmax(axis=1)] == ["angry", "surprise"]
    np.testing.assert_allclose(rows.sum(axis=1), 1, rtol=1e-5)
    result = CliRunner().invoke(app, ["evaluate", "text", "--model", "run", "--json", "scores.json", "--device", "cpu"])
    assert result.exit_code == 0, result.output
    assert "meld unpunctuated against meld:" in result.output
    found = json.loads((data / "scores.json").read_text())
    assert found["n"] == 84
    assert found["weighted_f1"] == pytest.approx(card.scores["weighted_f1"], abs=1e-3)
    assert [(row["set"], row["less"]) for row in found["twins"]] == [
        ("meld unpunctuated", "meld"),
        ("meld in context", "meld"),
    ]
    parts = {part["items"]: part["weighted_f1"] for part in found["parts"]}
    twin = found["twins"][0]["weighted_f1"]
    assert twin["value"] == pytest.approx(parts["meld unpunctuated"] - parts["all"])
    assert twin["interval"][0] <= twin["value"] <= twin["interval"][1]


def test_a_reading_does_not_depend_on_the_batch(data: Path) -> None:
    reader = load_classifier("text", str(trained(data, RECIPE.replace("epochs = 10", "epochs = 1")) / "model"), "cpu")
    texts = ["yay", "", Line("I will never go", ["Oh no!"]), "what?!"] * 80
    together = reader.predict(texts)
    alone = np.concatenate([reader.predict([text]) for text in texts[:4]])
    np.testing.assert_allclose(together[:4], alone, atol=1e-5)
    np.testing.assert_allclose(together[-4:], alone, atol=1e-5)
    assert not np.allclose(reader.predict(["I will never go"]), reader.predict(texts[2:3]), atol=1e-5)


def test_sentences_of_held_out_parts_do_not_train(data: Path) -> None:
    leaked = read_rows("meld", "dev")[0]
    assert copy_key(leaked.text) == copy_key(read_rows("meld", "train")[0].text)
    ids = toy_task(repeats=1).train().ids
    assert "meld:meld_train_0" not in ids
    assert "meld:meld_train_1" in ids
    assert len(training_rows("meld", set())) == 84
    assert len(training_rows("meld", held_out_keys(["goemotions"]))) == 84


def test_flagged_and_unlabelled_rows_do_not_count(data: Path) -> None:
    assert [row.id for row in held_out_rows("dailydialog", "test")][:1] == ["dailydialog_test_1"]
    assert len(held_out_rows("goemotions", "test")) == 83


def test_short_sentences_are_nobodys_copy() -> None:
    assert copy_key("Oh my God!") is None
    assert copy_key("I don't know you.") == copy_key("i DONT know you")


def test_what_was_said_before_is_of_the_same_dialogue(data: Path) -> None:
    rows = read_rows("meld", "test")
    assert rows[4].before == ()
    assert rows[6].before == (rows[4].text, rows[5].text)
    assert rows[6].line("film").before == ()


def test_examples_hold_three_spellings_and_fine_labels(data: Path) -> None:
    task = toy_task()
    train = task.train()
    assert len(train) == 2 * 83 + 84
    assert train.soft is not None
    assert train.soft.shape[1] == task.auxiliary == 7
    assert train.soft.sum(dim=1).tolist() == [0.0] * 2 * 83 + [1.0] * 84
    kinds = Counter(SPECIAL[kind] for kind in train.inputs[:, 0].tolist())
    assert kinds == {"<film>": 2 * 83, "<forum>": 84}
    written, plain, _ = train.inputs.chunk(3, dim=1)
    marks = torch.isin(written, torch.tensor([len(toy_text.PIECES), len(toy_text.PIECES) + 1]))
    assert marks.any()
    assert not torch.isin(plain, torch.tensor([len(toy_text.PIECES), len(toy_text.PIECES) + 1])).any()


def test_augmentation_is_seeded_and_chooses_a_spelling_a_row(data: Path) -> None:
    task = toy_task(alone=0.0, bare=1.0, heard=0.0)
    inputs = task.train().inputs[:40]
    prepared = task.prepare(inputs, True, torch.Generator().manual_seed(1))
    plain = inputs.chunk(3, dim=1)[1].long()
    assert torch.equal(prepared, plain[:, : prepared.shape[1]])
    assert not plain[:, prepared.shape[1] :].any()
    mixed = toy_task(alone=0.5, token_dropout=0.3)
    first, again = (mixed.prepare(inputs, True, torch.Generator().manual_seed(1)) for _ in range(2))
    assert torch.equal(first, again)
    assert (first[:, 0] == inputs[:, 0]).all()
    assert 0.15 < float((first == UNKNOWN).sum() / (first > SEPARATOR).sum()) < 0.4
    unmarked = toy_task(unmarked=0.5).prepare(task.train().inputs, True, torch.Generator().manual_seed(1))
    marks = Counter(SPECIAL[kind] for kind in unmarked[:, 0].tolist())
    assert marks["<film>"] + marks["<forum>"] == 3 * 83 + 1
    assert 84 / 4 < marks["<forum>"] < 3 * 84 / 4
    assert set(Counter(SPECIAL[kind] for kind in task.train().inputs[:, 0].tolist())) == {"<film>", "<forum>"}
    alone = toy_task(alone=1.0).prepare(inputs, True, torch.Generator())
    assert ((alone == SEPARATOR).sum(dim=1) == 1).all()
    assert float(((first == SEPARATOR).sum(dim=1) > 1).float().mean()) > 0.2


def test_validation_is_read_alone_as_written(data: Path) -> None:
    task = toy_task()
    table = task.prepare(task.validation().inputs, False, torch.Generator())
    assert len(table) == 168
    assert ((table == SEPARATOR).sum(dim=1) == 1).all()
    assert (table[:, -1] != PADDING).any()


def test_recognizers_hear_fillers_repeats_and_gaps_now_and_then() -> None:
    text = "I really don't want to go there again, because she was right all along!"
    versions = [heard(text, Random(seed)) for seed in range(300)]
    assert versions[0] == heard(text, Random(0))
    plain = bare(text).split()
    assert any(" ".join(filler) in version for version in versions for filler in FILLERS[:3])
    assert 0.05 < np.mean([version == " ".join(plain) for version in versions]) < 0.6
    assert np.mean([len(version.split()) for version in versions]) == pytest.approx(len(plain) * 1.11, rel=0.04)
    assert heard("No!", Random(1)).split()[-1] == "no"


def test_neutral_and_whole_classes_can_be_limited(data: Path) -> None:
    few = toy_task(sets=["dailydialog"], neutral=0.05, repeats=1)
    counts = Counter(EMOTIONS[label] for label in few.train().labels.tolist())
    assert counts["neutral"] == round(0.05 * 72)
    assert counts["angry"] == 12
    limited = toy_task(sets=["meld"], limit=3, repeats=1).train()
    assert set(Counter(limited.labels.tolist()).values()) == {3}
    assert limited.soft is None


def test_held_out_sets_are_lines_of_their_kind(data: Path) -> None:
    test = toy_task().held_out("test")
    assert test.name == "MELD test"
    assert test.items[1] == read_rows("meld", "test")[1].text
    assert list(test.labels[:84]) == [INDEX[EMOTIONS[number % 7]] for number in range(84)]
    sets = Counter(test.groups["set"])
    assert sets == {"meld": 84, "goemotions": 83, "dailydialog": 83, "meld unpunctuated": 84, "meld in context": 84}
    assert {line.kind for line in test.items} == {"film", "forum", "chat"}
    assert len(set(test.ids)) == len(test.ids)
    assert "meld in context" not in toy_task(context=0).held_out("validation").groups["set"]


def test_a_frozen_list_must_fit_the_data(data: Path) -> None:
    with pytest.raises(DataError, match=r"text_validation\.csv names .*published version"):
        toy_task(validation="text_validation.csv").validation()


def test_what_does_not_fit_is_one_line(data: Path) -> None:
    with pytest.raises(UsageError, match=r"Did you mean 'token_dropout'"):
        load_task("text", {"token_dropot": 1})
    with pytest.raises(UsageError, match="unknown text set 'melt'"):
        load_task("text", {"sets": ["melt"]})
    with pytest.raises(UsageError, match="must name meld"):
        load_task("text", {"tests": ["goemotions"]})
    with pytest.raises(UsageError, match="shares"):
        load_task("text", {"bare": 0.7, "heard": 0.7})
    with pytest.raises(UsageError, match="name a \\[net\\]"):
        load_task("text", {}).adapt({"channels": 1})


def test_a_card_that_does_not_fit_its_network_is_refused(data: Path) -> None:
    path = trained(data, RECIPE.replace("epochs = 10", "epochs = 1")) / "model" / "model.toml"
    text = path.read_text()
    path.write_text(text.replace("context = 2\n", ""))
    with pytest.raises(ModelError, match=r"lacks input\.context"):
        load_classifier("text", str(path.parent), "cpu")


def test_the_shipped_recipe_and_frozen_lists_fit_the_published_data(
    shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MER_DATA", str(shared_data))
    recipe = read_recipe("text")
    task = load_task("text", recipe.data)
    validation = Counter(task.held_out("validation").groups["set"])
    assert validation["meld"] == validation["goemotions"] == validation["meld unpunctuated"] == 1109
    test = Counter(task.held_out("test").groups["set"])
    assert (test["meld"], test["goemotions"], test["dailydialog"]) == (2610, 4968, 5517)
    shipped = Path(__file__).parents[2] / "train" / "splits" / "text_validation.csv"
    with shipped.open(encoding="utf-8", newline="") as file:
        listed = {row["id"] for row in csv.DictReader(file)}
    held_out = {copy_key(row.text) for row in read_rows("goemotions", "dev") if row.id in listed}
    kept = training_rows("goemotions", held_out_keys(["meld", "goemotions", "dailydialog"]))
    assert not {copy_key(row.text) for row in kept} & (held_out - {None})
