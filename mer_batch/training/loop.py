"""The one training loop: any task, any registered network, resumable after every epoch."""

from __future__ import annotations

import copy
import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from mer_batch import nets
from mer_batch.evaluation.metrics import confusion_matrix, scores_from_confusion
from mer_batch.labels import EMOTIONS
from mer_batch.training import checkpoint
from mer_batch.training.recipe import Recipe, TrainOptions
from mer_batch.training.task import Examples, Task

CALM = 0.4
"""Strength of augmentation in the calm epochs at the end."""
Log = Callable[[dict[str, Any]], None]


@dataclass
class Fit:
    """Everything that changes while a network is fitted."""

    net: nn.Module
    average: nn.Module
    optimizer: torch.optim.Optimizer
    scheduler: torch.optim.lr_scheduler.LambdaLR
    epoch: int = 0
    best: float = -1.0
    best_epoch: int = -1
    best_state: dict[str, Tensor] | None = None


def fit(recipe: Recipe, task: Task, device: torch.device, folder: Path, resume: bool, log: Log) -> nn.Module:
    """Train as the recipe says and return the network of the best validation epoch (moving average if any).

    `folder` receives `checkpoint.pt` and `metrics.jsonl` after every epoch; with `resume` training goes
    on from there and ends with the same weights as an undisturbed run (on a CPU).
    """
    options = recipe.train
    train, validation = task.train(), task.validation()
    state = _start(recipe, task, len(train), device)
    saved = checkpoint.load(folder) if resume else None
    if saved is not None:
        _restore(state, saved)
    weights = _class_weights(train.labels, options.class_weights).to(device)
    while state.epoch < options.epochs and not _exhausted(state, options):
        began = time.monotonic()
        task.strength = CALM if state.epoch >= options.epochs - options.calm else 1.0
        loss = _epoch(state, task, train, options, weights, device)
        scores = scores_of(state.average, task, validation, options.batch_size, device)
        _keep_best(state, scores[options.select])
        state.epoch += 1
        _record(folder, state, {"loss": loss, **scores, "seconds": time.monotonic() - began}, log)
    assert state.best_state is not None
    state.average.load_state_dict(state.best_state)
    return trim_head(state.average, len(EMOTIONS)).eval()


def _start(recipe: Recipe, task: Task, examples: int, device: torch.device) -> Fit:
    options = recipe.train
    torch.manual_seed(options.seed)
    extra = task.auxiliary if options.auxiliary else 0
    net = nets.build(recipe.net, classes=len(EMOTIONS) + extra, **recipe.net_options).to(device)
    net = net.to(memory_format=torch.channels_last) if _has_pictures(net) else net
    optimizer = _optimizer(net, options)
    steps = options.epochs * math.ceil(examples / options.batch_size)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, steps, options.warmup))
    return Fit(net, copy.deepcopy(net), optimizer, scheduler)


def _has_pictures(net: nn.Module) -> bool:
    return any(isinstance(module, nn.Conv2d) for module in net.modules())


def _optimizer(net: nn.Module, options: TrainOptions) -> torch.optim.Optimizer:
    decayed = [parameter for parameter in net.parameters() if parameter.ndim > 1]
    spared = [parameter for parameter in net.parameters() if parameter.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": options.weight_decay}, {"params": spared, "weight_decay": 0.0}]
    if options.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=options.lr)
    return torch.optim.SGD(groups, lr=options.lr, momentum=0.9, nesterov=True)


def _rate(step: int, steps: int, warmup: float) -> float:
    start = max(1, int(steps * warmup))
    if step < start:
        return (step + 1) / start
    return 0.5 * (1 + math.cos(math.pi * (step - start) / max(1, steps - start)))


def _class_weights(labels: Tensor, power: float) -> Tensor:
    counts = torch.bincount(labels, minlength=len(EMOTIONS)).clamp(min=1).float()
    return (len(labels) / (len(EMOTIONS) * counts)) ** power


def _epoch(
    state: Fit, task: Task, train: Examples, options: TrainOptions, weights: Tensor, device: torch.device
) -> float:
    generator = torch.Generator().manual_seed(options.seed * 10_007 + state.epoch)
    torch.manual_seed(options.seed * 10_007 + state.epoch)  # dropout draws from the global generator
    state.net.train()
    total = 0.0
    for batch in torch.randperm(len(train), generator=generator).split(options.batch_size):
        inputs = task.prepare(train.inputs[batch].to(device), True, generator)
        targets = functional.one_hot(train.labels[batch], len(EMOTIONS)).float().to(device)
        soft = train.soft[batch].to(device) if train.soft is not None and options.auxiliary else None
        inputs, targets, soft = _mix(inputs, targets, soft, options.mixup, generator)
        loss = _loss(state.net(inputs), targets, soft, weights, options)
        state.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(state.net.parameters(), options.clip)
        state.optimizer.step()
        state.scheduler.step()
        _average(state, options.ema)
        total += loss.item() * len(batch)
    return total / len(train)


def _mix(
    inputs: Tensor, targets: Tensor, soft: Tensor | None, alpha: float, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor | None]:
    if not alpha or not inputs.is_floating_point():
        return inputs, targets, soft
    seed = int(torch.randint(2**31, (1,), generator=generator))
    share = float(np.random.default_rng(seed).beta(alpha, alpha))
    other = torch.randperm(len(inputs), generator=generator).to(inputs.device)
    mixed = None if soft is None else share * soft + (1 - share) * soft[other]
    return share * inputs + (1 - share) * inputs[other], share * targets + (1 - share) * targets[other], mixed


def _loss(output: Tensor, targets: Tensor, soft: Tensor | None, weights: Tensor, options: TrainOptions) -> Tensor:
    logits = output[:, : len(EMOTIONS)]
    smooth = targets * (1 - options.label_smoothing) + options.label_smoothing / len(EMOTIONS)
    loss = -(smooth * weights * functional.log_softmax(logits, dim=1)).sum(dim=1).mean()
    if soft is None:
        return loss
    auxiliary = -(soft * functional.log_softmax(output[:, len(EMOTIONS) :], dim=1)).sum(dim=1).mean()
    return loss + options.auxiliary * auxiliary


@torch.no_grad()
def _average(state: Fit, decay: float) -> None:
    # A young average forgets faster, so that the first epochs are not dominated by the initial weights.
    step = state.scheduler.last_epoch
    keep = min(decay, (1 + step) / (10 + step)) if decay else 0.0
    for old, new in zip(state.average.state_dict().values(), state.net.state_dict().values(), strict=True):
        if old.is_floating_point():
            old.lerp_(new, 1 - keep)
        else:
            old.copy_(new)


@torch.no_grad()
def outputs_of(net: nn.Module, task: Task, examples: Examples, batch_size: int, device: torch.device) -> Tensor:
    """Logits (n, 7) on the CPU for examples without augmentation."""
    net.eval()
    generator = torch.Generator()
    parts = [
        net(task.prepare(part.to(device), False, generator))[:, : len(EMOTIONS)].cpu()
        for part in examples.inputs.split(batch_size)
    ]
    return torch.cat(parts)


def scores_of(
    net: nn.Module, task: Task, examples: Examples, batch_size: int, device: torch.device
) -> dict[str, float]:
    """Accuracy, UAR, macro and weighted F1 of a network on examples."""
    reading = outputs_of(net, task, examples, batch_size, device).argmax(dim=1)
    return scores_from_confusion(confusion_matrix(examples.labels.numpy(), reading.numpy()))


def _keep_best(state: Fit, value: float) -> None:
    if value > state.best:
        state.best, state.best_epoch = value, state.epoch
        state.best_state = {key: tensor.detach().cpu().clone() for key, tensor in state.average.state_dict().items()}


def _exhausted(state: Fit, options: TrainOptions) -> bool:
    return bool(options.patience) and state.epoch - state.best_epoch > options.patience


def _record(folder: Path, state: Fit, row: dict[str, Any], log: Log) -> None:
    row = {"epoch": state.epoch, "rate": state.scheduler.get_last_lr()[0], **row, "best": state.best}
    checkpoint.save(folder, _snapshot(state))
    with (folder / "metrics.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")
    log(row)


def _snapshot(state: Fit) -> dict[str, Any]:
    return {
        "net": state.net.state_dict(),
        "average": state.average.state_dict(),
        "optimizer": state.optimizer.state_dict(),
        "scheduler": state.scheduler.state_dict(),
        "progress": {key: getattr(state, key) for key in ("epoch", "best", "best_epoch")},
        "best_state": state.best_state,
    }


def _restore(state: Fit, saved: dict[str, Any]) -> None:
    state.net.load_state_dict(saved["net"])
    state.average.load_state_dict(saved["average"])
    state.optimizer.load_state_dict(saved["optimizer"])
    state.scheduler.load_state_dict(saved["scheduler"])
    for key, value in saved["progress"].items():
        setattr(state, key, value)
    state.best_state = saved["best_state"]


def trim_head(net: nn.Module, classes: int) -> nn.Module:
    """Cut the auxiliary outputs off the last layer, `net.head`."""
    head = getattr(net, "head", None)
    if isinstance(head, nn.Linear) and head.out_features > classes:
        trimmed = nn.Linear(head.in_features, classes).to(head.weight)
        trimmed.load_state_dict({"weight": head.weight[:classes], "bias": head.bias[:classes]})
        net.head = trimmed
    return net
