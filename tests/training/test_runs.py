"""Run folders: changes on resume, parents, lineage, what the commands print."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from mer_batch.errors import UsageError
from mer_batch.tasks.recipe import differences, parse_changes, read_recipe
from mer_batch.training.fitting import checkpoint, record
from mer_batch.training.runs import lock, runfile
from mer_batch.training.runs.parents import find_parent, transplant
from toy_training import mer

pytestmark = pytest.mark.usefixtures("unreported")


def trained(*arguments: object) -> str:
    code, output = mer("train", *arguments, "--device", "cpu")
    assert code == 0, output
    return output


def test_run_json_tells_what_a_run_is(recipe: Path, tmp_path: Path) -> None:
    trained(recipe, "--out", "run", "--epochs", 2, "--set", "train.lr=0.01", "--set", "train.select=uar", "--seed", 5)
    run = json.loads((tmp_path / "run" / "run.json").read_text())
    assert (run["name"], run["recipe"], run["task"], run["state"]) == ("run", "toy", "face", "finished")
    assert (run["epochs_done"], run["parent"], run["changes"], run["device"]) == (2, None, [], "cpu")
    options = run["options"]["train"]
    assert (options["epochs"], options["lr"], options["select"], options["seed"]) == (2, 0.01, "uar", 5)
    assert run["options"]["net"] == {"name": "face-resnet", "widths": [8, 16], "depths": [1, 1], "dropout": 0.0}
    assert run["best"] == max(row["uar"] for row in record.read(tmp_path / "run"))
    assert run["versions"]["torch"]
    assert run["scores"]["n"] == 21
    assert (tmp_path / "run" / "recipe.toml").read_text() == recipe.read_text()


def test_a_finished_run_holds_its_model_and_its_report(finished: Path) -> None:
    for name in ("report.html", "curves.png", "predictions/test.parquet", "model/weights.safetensors"):
        assert (Path("run") / name).is_file(), name


def test_a_report_that_fails_fails_no_run(recipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mer_batch.pages.run import page as run_page

    def broken(*_: object) -> Path:
        raise ValueError("no ink")

    monkeypatch.setattr(run_page, "write_run_report", broken)
    assert "mer: no report: no ink" in trained(recipe, "--out", "run", "--epochs", 1)
    assert runfile.read(Path("run")).state == "finished"


def test_changes_on_resume_are_applied_and_recorded(finished: Path, tmp_path: Path) -> None:
    output = trained("--resume", "run", "--epochs", 3, "--set", "train.lr=0.5", "--set", "train.optimizer=sgd")
    assert "changed train.lr from 0.02 to 0.5" in output
    run = runfile.read(tmp_path / "run")
    assert run.changes == [
        {"epoch": 1, "step": 4, "option": "train.epochs", "from": 1, "to": 3},
        {"epoch": 1, "step": 4, "option": "train.lr", "from": 0.02, "to": 0.5},
        {"epoch": 1, "step": 4, "option": "train.optimizer", "from": "adamw", "to": "sgd"},
    ]
    assert (run.epochs_done, run.state) == (3, "finished")
    saved = checkpoint.load(tmp_path / "run" / checkpoint.NAME)
    assert "momentum_buffer" in next(iter(saved["optimizer"]["state"].values()))
    rates = [row["rate"] for row in record.read(tmp_path / "run")]
    assert rates[1] > 0.02, "the new rate is in force"
    assert "after epoch 1, step 4, train.lr: 0.02 -> 0.5" in mer("train", "show", "run")[1]


def test_another_recipe_on_resume_counts_as_changes(finished: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text(finished.read_text().replace("mixup = 0.2", "mixup = 0.0").replace("epochs = 8", "epochs = 2"))
    trained(other, "--resume", "run")
    assert {row["option"]: row["to"] for row in runfile.read(Path("run")).changes} == {
        "train.mixup": 0.0, "train.epochs": 2
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--set", "net.widths=[4, 8]"), "cannot change net.widths from [8, 16] to [4, 8]"),
        (("--set", "net.name=fer-resnet18"), "cannot change net.name"),
        (("--set", "data.limit=3"), "cannot change data.limit from None to 3"),
        (("--set", "train.auxiliary=0"), "cannot switch train.auxiliary"),
        (("--out", "elsewhere"), "leave out --out"),
        (("--parent", "face"), "leave out --out and --parent"),
        (("--set", "train.speed=3"), "unknown [train] option 'speed'"),
        (("--set", "speed=3"), "--set takes section.key=value"),
        (("--set", "train.epochs=many"), "[train] epochs must be a whole number, got 'many'"),
        ((), "run is finished; give it more --epochs"),
    ],
)
def test_changes_that_cannot_work_are_refused(finished: Path, arguments: tuple[str, ...], message: str) -> None:
    before = Path("run/run.json").read_text()
    code, output = mer("train", "--resume", "run", "--device", "cpu", *arguments)
    assert code == 2
    assert message in output
    assert len(output.strip().splitlines()) == 1
    assert Path("run/run.json").read_text() == before


def test_lineage_from_the_root_to_the_child(finished: Path, tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "run").rename(tmp_path / "runs" / "first")
    recipe, short = "toy.toml", ("--epochs", 1)
    trained(recipe, "--out", "runs/second", *short, "--parent", "runs/first", "--set", "train.lr=0.001")
    trained(recipe, "--out", "runs/third", *short, "--parent", "runs/second", "--set", "train.mixup=0")
    runs = [runfile.read(tmp_path / "runs" / name) for name in ("first", "second", "third")]
    assert [run.parent for run in runs] == [None, runs[0].id, runs[1].id]
    code, listed = mer("train", "list")
    assert code == 0
    lines = listed.splitlines()
    assert lines[0].split() == ["run", "recipe", "state", "epochs", "best", "validation", "test", "parent", "age"]
    assert {line.split()[0] for line in lines[1:]} == {f"runs/{name}" for name in ("first", "second", "third")}
    third = next(line for line in lines if line.startswith("runs/third"))
    assert re.search(r"toy +finished +1/1 +accuracy 0\.\d{4} +accuracy 0\.\d{4} +runs/second +0 min$", third)
    shown = mer("train", "show", "runs/third")[1]
    places = [shown.index(text) for text in ("from runs/second", "train.mixup: 0.2 -> 0.0", "from runs/first")]
    assert places == sorted(places)
    assert "train.lr: 0.02 -> 0.001" in shown[places[2] :]
    assert "model/weights.safetensors" in shown
    (tmp_path / "runs").rename(tmp_path / "moved")
    assert "from moved/second" in mer("train", "show", "moved/third")[1]


def test_no_runs_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert mer("train", "list") == (
        0,
        "There are no runs in runs; mer train RECIPE starts one, --runs names another folder.\n",
    )
    code, output = mer("train", "show", "nothing")
    assert code == 2
    assert "nothing is not a run folder" in output


STILL = ("--epochs", 1, "--set", "train.lr=1e-12")
"""So slow that the weights stay what they were at the start."""


def test_a_child_starts_from_the_best_weights_of_its_parent(finished: Path, tmp_path: Path) -> None:
    trained("toy.toml", "--out", "child", "--parent", "run", *STILL)
    best = checkpoint.load(tmp_path / "run" / checkpoint.NAME)["best_state"]
    child = checkpoint.load(tmp_path / "child" / checkpoint.NAME)["net"]
    for name, value in best.items():
        if name.endswith("weight"):
            torch.testing.assert_close(child[name], value, atol=1e-6, rtol=0)


def test_a_model_with_fewer_outputs_gives_what_fits(finished: Path, tmp_path: Path) -> None:
    output = trained("toy.toml", "--out", "child", "--parent", "run/model", *STILL)
    assert "not taken" not in output, "the seven emotions of the last layer fit, auxiliary outputs are fresh"
    given = find_parent("run/model")
    child = checkpoint.load(tmp_path / "child" / checkpoint.NAME)["net"]
    assert len(child["head.weight"]) == 17
    torch.testing.assert_close(child["head.weight"][:7], given.weights["head.weight"], atol=1e-6, rtol=0)
    assert runfile.read(tmp_path / "child").parent == "run/model"


def test_transplant_keeps_what_fits() -> None:
    own = {"a": torch.zeros(10, 4), "head": torch.zeros(17, 4), "new": torch.zeros(2)}
    weights, left = transplant(own, {"a": torch.ones(10, 4), "head": torch.ones(7, 4), "old": torch.ones(3)})
    assert left == ["new"]
    assert weights["a"].sum() == 40
    assert weights["head"].sum(dim=1).tolist() == [4.0] * 7 + [0.0] * 10
    with pytest.raises(UsageError, match="another network"):
        transplant(own, {"a": torch.ones(9, 5)})


@pytest.mark.parametrize(
    ("parent", "message"),
    [("nobody", "unknown run or model 'nobody'"), ("face", "another network"), ("voice", "reads voice")],
)
def test_parents_that_cannot_be_are_refused(recipe: Path, parent: str, message: str) -> None:
    code, output = mer("train", recipe, "--parent", parent, "--device", "cpu", "--out", "run")
    assert code == 2
    assert message in output


def test_one_process_at_a_time_in_a_folder(finished: Path, tmp_path: Path) -> None:
    assert not lock.is_held(tmp_path / "run")
    with lock.alone(tmp_path / "run"):
        assert lock.is_held(tmp_path / "run")
        code, output = mer("train", "--resume", "run", "--epochs", 2, "--device", "cpu")
    assert code == 2
    assert "being trained by another process" in output
    assert runfile.read(tmp_path / "run").state == "finished"


def test_a_damaged_run_json_is_one_line_and_not_listed(finished: Path, tmp_path: Path) -> None:
    (tmp_path / "runs" / "bad").mkdir(parents=True)
    (tmp_path / "run").rename(tmp_path / "runs" / "good")
    (tmp_path / "runs" / "bad" / "run.json").write_text('{"name": ')
    listed = mer("train", "list")[1]
    assert "runs/good" in listed
    assert "runs/bad" not in listed
    code, output = mer("train", "show", "runs/bad")
    assert (code, len(output.strip().splitlines())) == (1, 1)


def test_teachers_raise_their_pupil(finished: Path, tmp_path: Path) -> None:
    finished.write_text(finished.read_text() + '[distill]\nteachers = ["run", "run/model"]\nweight = 1.0\n')
    output = trained(finished, "--out", "pupil", "--epochs", 1)
    assert output.count("reads 54 training examples") == 2
    assert runfile.read(tmp_path / "pupil").options["distill"]["teachers"] == ["run", "run/model"]
    with np.load("pupil/teachers.npz") as stored:
        assert stored["probabilities"].shape == (54, 7)
        np.testing.assert_allclose(stored["probabilities"].sum(axis=1), 1, rtol=1e-5)
    assert "reads 54" not in trained("--resume", "pupil", "--epochs", 2), "what they said is kept"


@pytest.mark.parametrize(
    ("teachers", "message"),
    [("[]", "needs teachers"), ('["voice"]', "reads voice, not face"), ('["nobody"]', "unknown run or model")],
)
def test_teachers_that_cannot_be_are_refused(recipe: Path, teachers: str, message: str) -> None:
    recipe.write_text(recipe.read_text() + f"[distill]\nteachers = {teachers}\n")
    code, output = mer("train", recipe, "--out", "run", "--device", "cpu")
    assert code == 2
    assert message in output


def test_settings_are_toml_or_text() -> None:
    settings = ["train.lr=1e-3", "net.widths=[4, 8]", "train.select=uar", "data.limit=5", 'net.name="x"']
    assert parse_changes(settings) == {
        "train.lr": 1e-3, "net.widths": [4, 8], "train.select": "uar", "data.limit": 5, "net.name": "x"
    }  # fmt: skip


def test_effective_options_make_the_same_recipe() -> None:
    from mer_batch.tasks.recipe import parse

    recipe = read_recipe("voice")
    assert differences(recipe.options(), parse("voice", json.loads(json.dumps(recipe.options()))).options()) == {}


def test_help_speaks_of_all_three_commands() -> None:
    code, output = mer("train", "--help")
    assert code == 0
    assert output.startswith("Usage: mer train [OPTIONS] [recipe]".replace("mer", output.split()[1]))
    for text in ("--resume", "--parent", "--set", "--keep-leaks", "mer train list", "mer train show RUN", "torchrun"):
        assert text in output
    assert "Usage:" in mer("train", "list", "--help")[1]
