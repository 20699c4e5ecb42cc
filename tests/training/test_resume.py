"""A run that is stopped anywhere, in any way, ends with the weights of one that was not."""

from __future__ import annotations

import json
import os
import random
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from mer_batch.errors import DataError, MerError
from mer_batch.training.fitting import checkpoint, loop, record
from mer_batch.training.runs import runfile
from sharing import killed
from toy_training import Clouds, mer, same, toy_fit, toy_recipe

EVERYTHING = """
task = "face"
[net]
name = "face-resnet"
widths = [4, 8]
depths = [1, 1]
dropout = 0.3
[train]
epochs = 5
batch_size = 8
optimizer = "adamw"
lr = 0.02
ema = 0.7
auxiliary = 0.3
mixup = 0.4
checkpoint_every = 2
[sampling]
kind = "adaptive"
"""
RECIPES: dict[str, dict[str, Any]] = {
    "everything": {
        "train": {"mixup": 0.4, "ema": 0.9, "auxiliary": 0.3, "class_weights": 1.0, "loss": "focal", "calm": 1},
        "sampling": {"kind": "adaptive"},
    },
    "batch norm": {"net": {"norm": True}, "train": {"optimizer": "sgd", "lr": 0.1, "micro_batch": 3}},
    "plateau": {"train": {"schedule": "plateau", "decay_patience": 0, "optimizer": "adam", "epochs": 4}},
    "step": {"train": {"schedule": "step", "milestones": [1]}, "sampling": {"kind": "balanced"}},
    "focus": {"sampling": {"kind": "focus", "focus": ["fear", "sad"]}},
}


pytestmark = pytest.mark.usefixtures("unreported")


def cut_after(steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the loop die as it begins the step after so many."""
    real = loop._step

    def dying(job: Any, state: Any, *rest: Any) -> None:
        if state.step == steps:
            raise KeyboardInterrupt
        real(job, state, *rest)

    monkeypatch.setattr(loop, "_step", dying)


@pytest.mark.parametrize("name", RECIPES)
def test_resumed_anywhere_ends_the_same(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = toy_recipe(**RECIPES[name])
    whole = toy_fit(recipe, tmp_path / "whole")
    last = int(whole["progress"]["step"])
    for steps in (1, 5, 6, 7, 8, last - 1):
        with monkeypatch.context() as patch:
            cut_after(steps, patch)
            with pytest.raises(KeyboardInterrupt):
                toy_fit(recipe, tmp_path / f"cut-{steps}")
        torch.manual_seed(999)  # what another process would bring
        again = toy_fit(recipe, tmp_path / f"cut-{steps}", resume=True)
        assert same(again, whole), steps
        rows = [record.read(tmp_path / run) for run in ("whole", f"cut-{steps}")]
        assert same(*rows), steps


def test_checkpoints_between_epochs_do_not_change_the_outcome(tmp_path: Path) -> None:
    often = toy_fit(toy_recipe(), tmp_path / "often")
    seldom = toy_fit(toy_recipe(train={"checkpoint_every": 0}), tmp_path / "seldom")
    assert same(often["net"], seldom["net"])


@pytest.mark.usefixtures("one_thread")
def test_killed_by_the_system_and_resumed_ends_the_same(recipe: Path, tmp_path: Path) -> None:
    recipe.write_text(EVERYTHING)
    steps = random.randrange(2, 30)
    killed("train", "toy.toml", "--out", "cut", "--device", "cpu", step=steps, within=random.uniform(0, 0.02))
    assert "killed" in mer("train", "list", "--runs", ".")[1]
    for arguments in (("--resume", "cut"), ("toy.toml", "--out", "whole")):
        code, output = mer("train", *arguments, "--device", "cpu")
        assert code == 0, output
    cut, whole = (checkpoint.load(tmp_path / run / checkpoint.NAME) for run in ("cut", "whole"))
    for part in ("net", "average", "best_state", "optimizer", "schedule", "progress", "focus"):
        assert same(cut[part], whole[part]), (part, steps)
    rows = [record.read(tmp_path / run) for run in ("cut", "whole")]
    assert [row["epoch"] for row in rows[0]] == [1, 2, 3, 4, 5]
    assert same(*rows)
    weights = [(tmp_path / run / "model" / "weights.safetensors").read_bytes() for run in ("cut", "whole")]
    assert weights[0] == weights[1]
    assert runfile.read(tmp_path / "cut").state == "finished"


def test_any_kept_checkpoint_can_be_resumed(recipe: Path, tmp_path: Path) -> None:
    recipe.write_text(EVERYTHING.replace("epochs = 5", "epochs = 3\nkeep_checkpoints = true"))
    assert mer("train", recipe, "--out", "run", "--device", "cpu")[0] == 0
    first = checkpoint.load(tmp_path / "run" / checkpoint.NAME)
    names = sorted(path.stem for path in (tmp_path / "run" / "checkpoints").iterdir())
    assert {"epoch-0001", "epoch-0002", "epoch-0003", "epoch-0001-step-000002"} <= set(names)
    code, output = mer("train", "--resume", "run/checkpoints/epoch-0001.pt", "--device", "cpu")
    assert code == 0, output
    assert same(checkpoint.load(tmp_path / "run" / checkpoint.NAME)["net"], first["net"])
    assert [row["epoch"] for row in record.read(tmp_path / "run")] == [1, 2, 3]


def test_a_kill_during_the_writing_leaves_the_last_checkpoint(tmp_path: Path) -> None:
    recipe = toy_recipe()
    whole = toy_fit(recipe, tmp_path / "whole")
    toy_fit(toy_recipe(train={"epochs": 3}), tmp_path / "cut")
    (tmp_path / "cut" / f"{checkpoint.NAME}.partial").write_bytes(b"half of it")
    assert same(toy_fit(recipe, tmp_path / "cut", resume=True), whole)


@pytest.mark.parametrize("damage", [b"", b"nothing like it", None])
def test_a_damaged_checkpoint_is_one_line(finished: Path, tmp_path: Path, damage: bytes | None) -> None:
    path = tmp_path / "run" / checkpoint.NAME
    path.write_bytes(path.read_bytes()[:5000] if damage is None else damage)
    code, output = mer("train", "--resume", "run", "--epochs", 2, "--device", "cpu")
    assert code == 1
    assert "the checkpoint run/checkpoint.pt cannot be read" in output
    assert len(output.strip().splitlines()) == 1


def test_a_foreign_pickle_is_never_run(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return os.mkdir, (str(tmp_path / "harm"),)

    torch.save({"format": checkpoint.FORMAT, "net": Evil()}, tmp_path / checkpoint.NAME)
    with pytest.raises(DataError, match="cannot be read"):
        checkpoint.load(tmp_path / checkpoint.NAME)
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), RuntimeError("file write failed")])
def test_a_full_disk_keeps_the_last_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    toy_fit(toy_recipe(train={"epochs": 1}), tmp_path / "run")
    before = (tmp_path / "run" / checkpoint.NAME).read_bytes()

    def full(_state: object, file: Any) -> None:
        file.write(b"a part")
        raise error

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(MerError, match="the last checkpoint is kept"):
        toy_fit(toy_recipe(train={"epochs": 2}), tmp_path / "run", resume=True)
    assert (tmp_path / "run" / checkpoint.NAME).read_bytes() == before
    assert not list((tmp_path / "run").glob("*.partial"))


def test_a_limit_of_the_system_is_one_line_and_exit_1(finished: Path, tmp_path: Path) -> None:
    path = tmp_path / "run" / checkpoint.NAME
    before = path.read_bytes()
    limit = len(before) // 2
    done = subprocess.run(
        [sys.executable, "-m", "mer_batch", "train", "--resume", "run", "--epochs", "2", "--device", "cpu"],
        capture_output=True, text=True, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    errors = [line for line in done.stderr.splitlines() if "error:" in line]
    assert errors == ["mer: error: cannot write run/checkpoint.pt: File too large; the last checkpoint is kept"]
    assert "Traceback" not in done.stderr
    assert path.read_bytes() == before
    run = runfile.read(tmp_path / "run")
    assert (run.state, run.epochs_done) == ("failed", 1)
    assert "File too large" in run.reason
    code, output = mer("train", "--resume", "run", "--device", "cpu")
    assert code == 0, output
    assert [row["epoch"] for row in record.read(tmp_path / "run")] == [1, 2]


def test_interrupted_says_how_to_go_on(recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        cut_after(5, patch)
        code, output = mer("train", recipe, "--out", "run", "--device", "cpu")
    assert code == 130
    assert output.splitlines()[-2:] == ["mer: resume with: mer train --resume run", "mer: interrupted"]
    assert json.loads((tmp_path / "run" / "run.json").read_text())["state"] == "interrupted"


def test_a_run_that_diverges_fails_and_keeps_its_last_good_checkpoint(tmp_path: Path) -> None:
    toy_fit(toy_recipe(train={"epochs": 1}), tmp_path / "run")
    before = (tmp_path / "run" / checkpoint.NAME).read_bytes()
    with pytest.raises(MerError, match="not a number"):
        toy_fit(toy_recipe(train={"epochs": 9, "lr": 1e38, "optimizer": "sgd"}), tmp_path / "run", resume=True)
    assert torch.isfinite(checkpoint.load(tmp_path / "run" / checkpoint.NAME)["net"]["0.weight"]).all()
    assert len(before) > 0


def test_other_data_cannot_be_resumed_on(tmp_path: Path) -> None:
    toy_fit(toy_recipe(train={"epochs": 1}), tmp_path / "run")
    with pytest.raises(MerError, match="42 training examples, now there are 35"):
        toy_fit(toy_recipe(), tmp_path / "run", resume=True, task=Clouds(per_class=5))
