"""Folds, corpora and patterns of recipes: several trainings under one command, and how they go on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import toy_voice
from mer_batch.scores import predictions
from mer_batch.scores.metrics import confusion_matrix, group_intervals, score
from mer_batch.tasks import recipe as recipes
from mer_batch.training.fitting import loop
from mer_batch.training.runs import folds, runfile
from toy_training import mer

pytestmark = pytest.mark.usefixtures("unreported")

REPORTED = """[reported]
accuracy = 0.5
on = "toys"
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("several")
    first, second = toy_voice.make_set(root / "pair", 2), toy_voice.make_set(root / "trio", 3)
    (root / "toy.toml").write_text(toy_voice.recipe([first, second], epochs=1) + REPORTED)
    return root


@pytest.fixture
def there(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return made / "toy.toml"


def trained(*arguments: object) -> str:
    code, output = mer("train", *arguments, "--device", "cpu")
    assert code == 0, output
    return output


def read(path: Path) -> dict[str, Any]:
    table: dict[str, Any] = json.loads(path.read_text())
    return table


def no_training(*_: object) -> None:
    raise AssertionError("a finished run was trained again")


def test_every_fold_is_trained_and_every_clip_is_tested_once(
    there: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = trained(there, "--folds", "--out", "study")
    table = read(tmp_path / "study" / "folds.json")
    assert [row["run"] for row in table["folds"]] == ["fold-0", "fold-1", "fold-2"]
    assert table["pooled"]["n"] == (2 + 3) * 7 * 2, "every clip of both sets"
    assert table["pooled"]["repeats"] == 2 * 7, "the pair has two folds, so its first speaker is tested again"
    assert table["pooled"]["intervals_over"] == "5 speakers"
    assert np.sum(table["pooled"]["confusion"]) == table["pooled"]["n"]
    uars = [row["uar"] for row in table["folds"]]
    assert table["mean"]["uar"] == pytest.approx(np.mean(uars))
    assert table["deviation"]["uar"] == pytest.approx(np.std(uars, ddof=1))
    assert f"{np.mean(uars):.4f}" in output
    heard = []
    for row in table["folds"]:
        stored = predictions.read(tmp_path / "study" / row["run"] / "predictions" / "test.parquet")
        assert score(stored.labels, stored.probabilities, draws=1).values["uar"] == pytest.approx(row["uar"])
        heard.append(set(stored.groups["speaker"]))
    assert heard[0] == {"pair_0", "trio_0"}
    assert heard[1] == {"pair_1", "trio_1"}
    monkeypatch.setattr(loop, "fit", no_training)
    again = trained(there, "--folds", "--out", "study")
    assert again.count("is finished") == 3
    assert read(tmp_path / "study" / "folds.json") == table
    code, output = mer("train", there, "--folds", "--out", "study", "--set", "train.lr=0.5")
    assert code == 2
    assert "study/fold-0 was trained with train.lr = 0.01, not 0.5; choose another --out" in output


def test_a_fold_that_was_killed_goes_on(there: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trio = ("--set", f'data.sets=["{there.parent / "trio"}"]', "--epochs", 2, "--set", "train.checkpoint_every=1")
    trained(there, "--folds", "--out", "whole", *trio)
    real, begun = loop._step, []

    def dying(job: Any, state: Any, *rest: Any) -> None:
        begun.append(state.step)
        if len([step for step in begun if step == 0]) == 2 and state.step == 1:
            raise KeyboardInterrupt
        real(job, state, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "_step", dying)
        assert mer("train", there, "--folds", "--out", "cut", *trio, "--device", "cpu")[0] == 130
    assert runfile.read(tmp_path / "cut" / "fold-0").state == runfile.FINISHED
    assert runfile.read(tmp_path / "cut" / "fold-1").state == runfile.INTERRUPTED
    assert not (tmp_path / "cut" / "folds.json").exists()
    before = (tmp_path / "cut" / "fold-0" / "model" / "weights.safetensors").stat().st_mtime_ns
    trained(there, "--folds", "--out", "cut", *trio)
    assert (tmp_path / "cut" / "fold-0" / "model" / "weights.safetensors").stat().st_mtime_ns == before
    assert runfile.read(tmp_path / "cut" / "fold-1").resumed == [1], "after its first epoch"
    assert read(tmp_path / "cut" / "folds.json") == read(tmp_path / "whole" / "folds.json")


def test_each_corpus_against_the_others(there: Path, tmp_path: Path) -> None:
    output = trained(there, "--corpora")
    table = read(tmp_path / "runs" / "toy-corpora" / "corpora.json")
    assert table["sets"] == ["pair", "trio"]
    assert {name: list(row) for name, row in table["trained_on"].items()} == {"pair": ["trio"], "trio": ["pair"]}
    assert table["trained_on"]["pair"]["trio"]["n"] == 3 * 7 * 2
    stored = predictions.read(tmp_path / "runs" / "toy-corpora" / "from-pair" / "predictions" / "test.parquet")
    assert set(stored.groups["set"]) == {"trio"}
    assert f"{table['trained_on']['pair']['trio']['uar']:.4f}" in output


def test_each_corpus_is_left_out_in_turn(there: Path, tmp_path: Path) -> None:
    output = trained(there, "--leave-out")
    table = read(tmp_path / "runs" / "toy-leave-out" / "leave-out.json")
    assert list(table["sets"]) == ["pair", "trio"]
    assert {name: row["n"] for name, row in table["sets"].items()} == {"pair": 2 * 7 * 2, "trio": 3 * 7 * 2}
    for name in table["sets"]:
        folder = tmp_path / "runs" / "toy-leave-out" / f"without-{name}"
        stored = predictions.read(folder / "predictions" / "test.parquet")
        assert set(stored.groups["set"]) == {name}
        assert name not in runfile.read(folder).options["data"]["sets"][0]
        found = score(stored.labels, stored.probabilities).values
        assert found["uar"] == pytest.approx(table["sets"][name]["uar"])
    assert table["mean"]["uar"] == pytest.approx(np.mean([row["uar"] for row in table["sets"].values()]))
    low, high = table["uar_interval"]
    assert low <= table["mean"]["uar"] <= high
    assert f"mean UAR {table['mean']['uar']:.4f}" in output


@pytest.mark.parametrize("folded", [False, True])
def test_recipes_by_a_pattern_give_one_table(
    folded: bool, there: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = {"toys/one": there, "toys/two": tmp_path / "two.toml", "other": there}
    (tmp_path / "two.toml").write_text(there.read_text().partition("[reported]")[0])
    monkeypatch.setattr(recipes, "shipped_recipes", lambda: found)
    monkeypatch.setattr("mer_batch.training.runs.several.shipped_recipes", lambda: found)
    output = trained("toys/*", "--out", "all", "--set", "data.split=sentence", *(["--folds"] if folded else []))
    table = read(tmp_path / "all" / "recipes.json")
    assert list(table) == ["toys/one", "toys/two"]
    assert table["toys/one"]["reported"] == {"accuracy": 0.5, "on": "toys"}
    assert table["toys/two"]["reported"] == {}
    assert table["toys/one"]["n"] == 5 * 7 * (2 if folded else 1), "a sentence held out, or each once"
    row = next(line for line in output.splitlines() if line.startswith("toys/one"))
    assert row.split()[1:4] == [str(table["toys/one"]["n"]), "0.5000", f"{table['toys/one']['accuracy']:.4f}"]
    assert "reported: accuracy on toys" in output
    assert f"intervals over {table['toys/one']['intervals_over']}" in output
    assert (tmp_path / "all" / "one" / "folds.json").exists() == folded


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--folds", "--set", "data.split=random"), "--folds needs a split with folds"),
        (("--folds", "--corpora"), "exclude each other"),
        (("--folds", "--leave-out"), "exclude each other"),
        (("--folds", "--resume", "."), "exclude each other"),
    ],
)
def test_mistakes_are_one_line(arguments: tuple[str, ...], message: str, there: Path) -> None:
    code, output = mer("train", there, *arguments)
    assert code == 2
    assert message in output
    assert len(output.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--folds",), "need a recipe"),
        (("refrence/*",), "unknown recipe"),
        (("reference/*", "--corpora"), "one recipe"),
        (("reference/*", "--leave-out"), "one recipe"),
    ],
)
def test_what_is_to_be_trained_must_be_there(arguments: tuple[str, ...], message: str, there: Path) -> None:
    code, output = mer("train", *arguments)
    assert code == 2
    assert message in output


def test_a_pattern_that_is_a_file_is_that_file(there: Path, tmp_path: Path) -> None:
    (tmp_path / "toy[1].toml").write_text(there.read_text())
    trained("toy[1].toml", "--out", "run")
    assert runfile.read(tmp_path / "run").state == runfile.FINISHED


def test_intervals_over_speakers_know_that_their_clips_hang_together() -> None:
    """One speaker is always read right, the other never: a bootstrap over clips would be far too sure."""
    truth = np.tile(np.arange(7), 40)
    speakers = np.repeat(["a", "b"], 140)
    reading = np.where(speakers == "a", truth, (truth + 1) % 7)
    spans = group_intervals(truth, reading, speakers)
    assert spans["accuracy"][0] < 0.01
    assert spans["accuracy"][1] > 0.99
    assert set(spans) == {"accuracy", "uar", "macro_f1", "weighted_f1"}
    each = group_intervals(truth, reading, np.arange(len(truth)).astype(str))
    items = score(truth, np.eye(7)[reading]).intervals["accuracy"]
    np.testing.assert_allclose(each["accuracy"], items, atol=0.02)
    assert confusion_matrix(truth, reading).trace() == 140


def test_few_speakers_are_the_unit_too(tmp_path: Path) -> None:
    run = tmp_path / "run"
    shares = np.eye(7)[[0, 1, 2, 3]]
    groups = {"speaker": ["a", "a", "b", "c"]}
    predictions.write(run / folds.TEST, list("wxyz"), [0, 1, 2, 4], shares, groups=groups, set="toy test")
    found = folds.pooled([run, run])
    assert (found.name, found.over, found.repeats, found.scores.n) == ("toy test", "3 speakers", 4, 4)
