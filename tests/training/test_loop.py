"""The loop itself: accumulation, precision, early stopping, several processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional

from mer_batch.errors import UsageError
from mer_batch.tasks.task import Examples
from mer_batch.training.fitting import checkpoint, loop, record
from mer_batch.training.fitting.distributed import World
from mer_batch.training.fitting.losses import class_weights
from mer_batch.training.fitting.state import start
from mer_batch.training.runs import runfile
from toy_training import Clouds, same, toy_fit, toy_job, toy_mlp, toy_recipe


def gradients(**train: Any) -> list[torch.Tensor]:
    """The gradients of the first step on a batch of 20, without dropout."""
    recipe = toy_recipe(net={"dropout": 0.0}, train={"batch_size": 20, "clip": 1e9, "mixup": 0.3, **train})
    job = toy_job(recipe)
    state = start(job)
    loop._begin(job, state)
    assert state.order is not None
    loop._step(job, state, state.order[:20], class_weights(job.train.labels, 1.0))
    return [parameter.grad for parameter in state.net.parameters() if parameter.grad is not None]


@pytest.mark.parametrize("micro", [1, 3, 7, 20, 100])
def test_accumulated_gradients_are_those_of_the_whole_batch(micro: int) -> None:
    whole, parts = gradients(), gradients(micro_batch=micro)
    assert len(whole) == 4
    for one, other in zip(whole, parts, strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-4)


def test_a_micro_batch_is_the_most_that_passes_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []
    real = loop.total_loss

    def seen(output: torch.Tensor, *rest: Any) -> torch.Tensor:
        sizes.append(len(output))
        return real(output, *rest)

    monkeypatch.setattr(loop, "total_loss", seen)
    saved = toy_fit(toy_recipe(train={"epochs": 1, "batch_size": 16, "micro_batch": 6}), tmp_path / "run")
    assert max(sizes) <= 6
    assert sum(sizes) == 42
    assert saved["progress"]["step"] == 3


def test_the_shares_of_the_processes_are_the_batch() -> None:
    batch = torch.arange(10)
    shares = [World(rank, 3).share(batch) for rank in range(3)]
    assert sorted(torch.cat(shares).tolist()) == batch.tolist()
    assert {len(share) for share in shares} == {3, 4}


def test_soft_targets_replace_labels(tmp_path: Path) -> None:
    class Voted(Clouds):
        """Everybody calls everything sad."""

        def train(self) -> Examples:
            plain = super().train()
            return Examples(plain.inputs, plain.labels, plain.ids, targets=functional.one_hot(torch.full((42,), 5), 7))

    saved = toy_fit(toy_recipe(train={"epochs": 6, "lr": 0.05}), tmp_path / "run", task=Voted())
    net = toy_mlp(7)
    net.load_state_dict(saved["net"])
    assert net.eval()(Voted().train().inputs).argmax(dim=1).tolist() == [5] * 42


def test_no_examples_have_no_scores() -> None:
    task = Clouds()
    one = task.validation()
    none = Examples(one.inputs[:0], one.labels[:0], ())
    assert loop.outputs_of(toy_mlp(7), task, none, 16, torch.device("cpu")).shape == (0, 7)


def test_early_stopping_waits_and_the_best_epoch_ships(tmp_path: Path) -> None:
    recipe = toy_recipe(train={"epochs": 60, "patience": 2, "lr": 0.05, "label_smoothing": 0.0})
    job = toy_job(recipe)
    (tmp_path / "run").mkdir()
    net = loop.fit(job, job.task.validation(), tmp_path / "run", None, lambda _row: None)
    rows = record.read(tmp_path / "run")
    best = max(range(len(rows)), key=lambda place: rows[place]["accuracy"])
    assert len(rows) == best + 3 < 60
    validation = job.task.validation()
    logits = loop.outputs_of(net, job.task, validation, 8, job.device)
    assert (logits.argmax(dim=1) == validation.labels).float().mean().item() == pytest.approx(rows[best]["accuracy"])
    assert logits.shape == (42, 7)


def test_a_single_left_over_example_does_not_break_batch_normalisation(tmp_path: Path) -> None:
    recipe = toy_recipe(net={"norm": True}, train={"batch_size": 41, "epochs": 2})
    assert toy_fit(recipe, tmp_path / "run")["progress"]["step"] == 2


def test_phases_and_rates_are_recorded(tmp_path: Path) -> None:
    recipe = toy_recipe(train={"epochs": 6, "warmup": 0.2, "calm": 2, "lr": 0.5, "optimizer": "sgd"})
    toy_fit(recipe, tmp_path / "run")
    rows = record.read(tmp_path / "run")
    assert [row["phase"] for row in rows] == ["warm-up", "warm-up", "main", "main", "calm", "calm"]
    assert [row["step"] for row in rows] == [6, 12, 18, 24, 30, 36]
    assert rows[1]["rate"] > rows[3]["rate"] > rows[5]["rate"] == pytest.approx(0, abs=1e-9)


def test_the_same_seed_gives_the_same_weights_and_another_does_not(tmp_path: Path) -> None:
    one, again = (toy_fit(toy_recipe(), tmp_path / name)["net"] for name in ("one", "again"))
    other = toy_fit(toy_recipe(train={"seed": 7}), tmp_path / "other")["net"]
    assert same(one, again)
    assert not same(one, other)


def test_adam_decays_by_gradient_and_adamw_by_weight() -> None:
    kinds = {name: start(toy_job(toy_recipe(train={"optimizer": name}))).optimizer for name in ("adam", "adamw")}
    assert type(kinds["adam"]) is torch.optim.Adam
    assert type(kinds["adamw"]) is torch.optim.AdamW
    for optimizer in kinds.values():
        assert [group["weight_decay"] for group in optimizer.param_groups] == [5e-4, 0.0]


@pytest.mark.parametrize(
    ("train", "world", "message"),
    [
        ({"precision": "bf16"}, World(), "needs a GPU"),
        ({"batch_size": 3}, World(0, 4), "too small for 4 processes"),
    ],
)
def test_what_cannot_work_is_refused_at_once(train: dict[str, Any], world: World, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        loop.check(toy_job(toy_recipe(train=train), world=world))


TRAIN = ("-m", "mer_batch", "train")
TWINS = """
import sys
from pathlib import Path
import torch
from mer_batch.training.fitting import distributed
from toy_training import Clouds, toy_fit, toy_recipe

recipe = toy_recipe(net={"dropout": 0.0}, train={"strength": 0.0, "batch_size": 9, "micro_batch": 2})
with distributed.joined("cpu") as (world, _):
    shared = toy_fit(recipe, Path("shared"), world=world, load=world.is_first)
    if world.is_first:
        alone = toy_fit(recipe, Path("alone"))
        for name, value in alone["net"].items():
            torch.testing.assert_close(shared["net"][name], value, atol=1e-5, rtol=1e-4)
        print("equal", world.size)
"""


def test_two_processes_take_the_steps_of_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parent.parent), prepend=os.pathsep)
    Path("twins.py").write_text(TWINS)
    done = torchrun("twins.py")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["equal", "2"]


def torchrun(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    return subprocess.run(
        [*command, *arguments],
        capture_output=True, text=True, check=False, env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip


def test_two_processes_train_one_network(recipe: Path, tmp_path: Path) -> None:
    recipe.write_text(recipe.read_text() + 'checkpoint_every = 2\n[sampling]\nkind = "adaptive"\n')
    done = torchrun(*TRAIN, "toy.toml", "--out", "run", "--device", "cpu", "--epochs", "3")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Run: run") == 1
    assert done.stderr.count("epoch 3/3") == 1
    run = runfile.read(tmp_path / "run")
    assert (run.state, run.processes, run.epochs_done) == ("finished", 2, 3)
    rows = record.read(tmp_path / "run")
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    assert rows[-1]["loss"] < rows[0]["loss"]
    saved = checkpoint.load(tmp_path / "run" / checkpoint.NAME)
    assert len(saved["processes"]) == 2
    chances = [process["chance"]["generator"] for process in saved["processes"]]
    assert not torch.equal(*chances), "each process augments in its own way"
    more = torchrun(*TRAIN, "--resume", "run", "--device", "cpu", "--epochs", "4")
    assert more.returncode == 0, more.stderr
    assert [row["epoch"] for row in record.read(tmp_path / "run")] == [1, 2, 3, 4]


def test_more_processes_than_examples_in_a_batch_is_said(recipe: Path) -> None:
    done = torchrun(*TRAIN, "toy.toml", "--out", "run", "--device", "cpu", "--set", "train.batch_size=1")
    assert done.returncode != 0
    assert "batch_size 1 of 54 examples is too small for 2 processes" in done.stderr
    assert not Path("run").exists()
