"""Everything that changes while a network is fitted, and its way into a checkpoint and back."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import torch
from torch import Tensor, nn

from mer_batch import nets
from mer_batch.errors import UsageError
from mer_batch.labels import EMOTIONS
from mer_batch.tasks.recipe import Recipe
from mer_batch.tasks.task import Examples, Task
from mer_batch.training.fitting import randomness
from mer_batch.training.fitting.distributed import World
from mer_batch.training.fitting.optimizers import make_optimizer
from mer_batch.training.fitting.sampling import first_focus
from mer_batch.training.fitting.schedules import Schedule, make_schedule

_PROGRESS: Final = ("epoch", "done", "step", "seconds", "best", "best_epoch")


@dataclass(frozen=True)
class Job:
    """What one training works on; nothing of it changes while it runs.

    `teacher` (n, 7) are softened probabilities for `train`, `weights` the state that the network starts from.
    """

    recipe: Recipe
    task: Task
    train: Examples
    device: torch.device
    world: World = field(default_factory=World)
    teacher: Tensor | None = None
    weights: Mapping[str, Tensor] | None = None

    @property
    def outputs(self) -> int:
        """Width of the network's last layer: the emotions and the auxiliary targets."""
        return len(EMOTIONS) + (self.task.auxiliary if self.recipe.train.auxiliary else 0)

    @property
    def steps(self) -> int:
        """Optimizer steps an epoch."""
        return math.ceil(len(self.train) / self.recipe.train.batch_size)


@dataclass
class Fit:
    """Everything that changes while a network is fitted."""

    net: nn.Module
    average: nn.Module
    wrapped: nn.Module
    """`net` as the processes share it."""
    optimizer: torch.optim.Optimizer
    schedule: Schedule
    total: Tensor
    """Sum of the losses of this process's examples in the running epoch, (), on the device."""
    focus: tuple[str, ...] = ()
    """Classes that the running epoch draws more often."""
    epoch: int = 0
    """Epochs done."""
    done: int = 0
    """Examples of the running epoch that all processes together are through with."""
    step: int = 0
    """Optimizer steps done."""
    seconds: float = 0.0
    """Time that earlier sittings spent on the running epoch."""
    best: float = -1.0
    best_epoch: int = -1
    best_state: dict[str, Tensor] | None = None
    order: Tensor | None = None
    """Places of the examples of the running epoch, None before it begins."""
    generator: torch.Generator = field(default_factory=torch.Generator)
    history: list[dict[str, Any]] = field(default_factory=list)
    """The rows of the epochs done."""


def start(job: Job) -> Fit:
    """A fresh network, or one with the weights that the job brings, and all that goes with it."""
    options = job.recipe.train
    randomness.seed_all(options.seed)
    net = nets.build(job.recipe.net, classes=job.outputs, **job.recipe.net_options).to(job.device)
    if any(isinstance(module, nn.Conv2d) for module in net.modules()):
        net = net.to(memory_format=torch.channels_last)
    if job.weights is not None:
        net.load_state_dict(job.weights)
    return Fit(
        net=net,
        average=copy.deepcopy(net),
        wrapped=job.world.wrapped(net, job.device),
        optimizer=make_optimizer(net, options),
        schedule=make_schedule(options, job.steps),
        total=torch.zeros((), device=job.device),
        focus=first_focus(job.recipe.sampling),
    )


def snapshot(job: Job, state: Fit) -> dict[str, Any]:
    """The state as tensors and plain values. Every process must call this."""
    return {
        "net": state.net.state_dict(),
        "average": state.average.state_dict(),
        "best_state": state.best_state,
        "optimizer": state.optimizer.state_dict(),
        "schedule": state.schedule.state(),
        "progress": {key: getattr(state, key) for key in _PROGRESS},
        "order": state.order,
        "focus": list(state.focus),
        "history": state.history,
        "processes": job.world.gathered(
            {"chance": randomness.state_of(state.generator), "total": state.total.detach().cpu()}
        ),
        "examples": len(job.train),
        "options": job.recipe.options(),
    }


def restore(job: Job, state: Fit, saved: Mapping[str, Any]) -> None:
    """Go on from a snapshot, with whatever options the job has now. Raises `UsageError` where the data differ."""
    if saved["examples"] != len(job.train):
        raise UsageError(f"the run had {saved['examples']} training examples, now there are {len(job.train)}")
    state.net.load_state_dict(saved["net"])
    state.average.load_state_dict(saved["average"])
    state.best_state = saved["best_state"]
    before = saved["options"]
    if before["train"]["optimizer"] == job.recipe.train.optimizer:
        _restore_optimizer(state.optimizer, saved["optimizer"])
    state.schedule.restore(saved["schedule"])
    for key in _PROGRESS:
        setattr(state, key, saved["progress"][key])
    state.order, state.history = saved["order"], list(saved["history"])
    if before["sampling"] == job.recipe.options()["sampling"] or state.order is not None:
        state.focus = tuple(saved["focus"])
    if job.world.rank < len(saved["processes"]):
        own = saved["processes"][job.world.rank]
        randomness.restore(state.generator, own["chance"])
        state.total = own["total"].to(job.device)


def _restore_optimizer(optimizer: torch.optim.Optimizer, saved: Mapping[str, Any]) -> None:
    """Take over what the optimizer remembers of each parameter, but not its options, which may have changed."""
    options = [{key: value for key, value in group.items() if key != "params"} for group in optimizer.param_groups]
    optimizer.load_state_dict(dict(saved))
    for group, own in zip(optimizer.param_groups, options, strict=True):
        group.update(own)
