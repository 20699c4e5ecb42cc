"""The one training loop: any task, any registered network, resumable after any batch that left a checkpoint."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.parallel import DistributedDataParallel

from mer_batch.errors import MerError, UsageError
from mer_batch.labels import EMOTIONS
from mer_batch.nets.heads import trim_head
from mer_batch.scores.metrics import confusion_matrix, scores_from_confusion
from mer_batch.tasks.options import TrainOptions
from mer_batch.tasks.recipe import Recipe
from mer_batch.tasks.task import Examples, Task
from mer_batch.training.fitting import checkpoint, randomness, record, sampling
from mer_batch.training.fitting.heard import check_versions, heard
from mer_batch.training.fitting.losses import class_weights, total_loss
from mer_batch.training.fitting.mixing import Batch, mix
from mer_batch.training.fitting.state import Fit, Job, restore, snapshot, start

CALM: Final = 0.3
"""Strength of augmentation in the calm epochs at the end."""
LEAST: Final = 2
"""Fewest examples a process in a batch: batch normalisation needs two. A shorter rest of an epoch is left out."""
Log = Callable[[dict[str, Any]], None]


def fit(job: Job, validation: Examples, folder: Path, saved: Mapping[str, Any] | None, log: Log) -> nn.Module:
    """Train as the recipe says and return the network of the best validation epoch (moving average if any).

    `folder` receives `checkpoint.pt` and a row of metrics; from such a checkpoint (`saved`) training goes on
    and ends with the same weights as an undisturbed run (on a CPU, with as many threads). `log` hears the row of
    every epoch.
    """
    check(job)
    job, validation = heard(job, validation)
    state = start(job)
    if saved is not None:
        restore(job, state, saved)
    if job.world.is_first:
        record.rewind(folder, state.epoch)
    while state.epoch < job.recipe.train.epochs and not _exhausted(state, job.recipe.train):
        _epoch(job, state, validation, folder, log)
    if state.best_state is not None:
        state.average.load_state_dict(state.best_state)
    return trim_head(state.average, len(EMOTIONS)).eval()


def check(job: Job) -> None:
    """Raises `UsageError` for what cannot work on these devices."""
    check_options(job.recipe, job.task, job.device)
    options = job.recipe.train
    if job.world.size > min(options.batch_size, len(job.train)):
        raise UsageError(
            f"batch_size {options.batch_size} of {len(job.train)} examples is too small for {job.world.size} "
            "processes; raise it or lower --nproc-per-node"
        )


def check_options(recipe: Recipe, task: Task, device: torch.device) -> None:
    """What can be said of a training before its data are read. Raises `UsageError` likewise."""
    options = recipe.train
    if (options.mixup or options.cutmix) and not task.blends:
        raise UsageError(f"[train] mixup and cutmix cannot blend what the {recipe.task} task reads; leave them out")
    if options.versions:
        check_versions(recipe)
    if options.precision == "bf16" and device.type != "cuda":
        raise UsageError(f'[train] precision = "bf16" needs a GPU, not {device.type}; use "auto"')


def _epoch(job: Job, state: Fit, validation: Examples, folder: Path, log: Log) -> None:
    """One epoch, what validation says of it, and its checkpoint."""
    options = job.recipe.train
    began = time.monotonic() - state.seconds

    def checkpoint_due() -> None:
        if options.checkpoint_every and state.step % options.checkpoint_every == 0:
            state.seconds = time.monotonic() - began
            _save(job, state, folder)

    loss, focus, phase = run_epoch(job, state, checkpoint_due), state.focus, _phase(job, state)
    row = job.world.from_first(_judged(job, state, validation))
    state.schedule.epoch_ended(row["validation_loss"])
    _keep_best(state, row[options.select])
    next_epoch(job, state, sampling.next_focus(job.recipe.sampling, row["per_class"]))
    counted = {"epoch": state.epoch, "step": state.step, "rate": _rate(job, state), "loss": loss, **row}
    timed = {"focus": list(focus), "phase": phase, "seconds": time.monotonic() - began, "best": state.best}
    state.history.append(counted | timed)
    if job.world.is_first:
        record.epoch(folder, state.history[-1])
    _save(job, state, folder)
    log(state.history[-1])


def run_epoch(job: Job, state: Fit, on_batch: Callable[[], None] = lambda: None) -> float:
    """Train on the rest of the running epoch and return its mean loss. Raises `MerError` when it diverges.

    `on_batch` is called after every batch but the last.
    """
    options = job.recipe.train
    calm = state.epoch >= options.epochs - options.calm
    job.task.strength = min(CALM, options.strength) if calm else options.strength
    job.task.progress = state.epoch / options.epochs
    if state.order is None:
        _begin(job, state)
    assert state.order is not None
    weights = class_weights(job.train.labels, options.class_weights).to(job.device)
    state.net.train()
    while state.done < len(state.order):
        places = state.order[state.done : state.done + options.batch_size]
        if len(places) >= LEAST * job.world.size or not state.done:
            _step(job, state, places, weights)
        state.done += len(places)
        if state.done < len(state.order):
            on_batch()
    return _mean_loss(job, state)


def next_epoch(job: Job, state: Fit, focus: tuple[str, ...] = ()) -> None:
    """Close the running epoch; the next one draws the classes of `focus` more often."""
    state.epoch, state.done, state.order, state.seconds = state.epoch + 1, 0, None, 0.0
    state.total, state.focus = torch.zeros((), device=job.device), focus


def _begin(job: Job, state: Fit) -> None:
    """Seed the epoch and draw its order; all processes draw the same one and augment differently."""
    seed = job.recipe.train.seed * 10_007 + state.epoch
    state.generator = randomness.seed_all(seed)
    state.order = sampling.draw(job.train.labels, job.recipe.sampling, state.focus, state.generator, job.train.shares)
    if not job.world.is_first:
        state.generator = randomness.seed_all(seed + 7_919 * job.world.rank)


def _step(job: Job, state: Fit, places: Tensor, weights: Tensor) -> None:
    """One optimizer step on the examples at `places`, of which this process takes its share."""
    options = job.recipe.train
    batch = mix(_batch(job, job.world.share(places), state.generator), options, state.generator)
    state.optimizer.zero_grad(set_to_none=True)
    parts = batch.parts(-(-len(batch) // options.micro_batch) if options.micro_batch else 1)
    for number, part in enumerate(parts, 1):
        with _syncing(state.wrapped, number == len(parts)):
            with _precision(options.precision, job.device):
                output = state.wrapped(_laid_out(part.inputs))
            loss = total_loss(output, part, weights, options, job.recipe.distill).sum()
            # The processes' gradients are averaged, so that this is the mean over the whole batch.
            (loss * job.world.size / len(places)).backward()
        state.total += loss.detach()
    nn.utils.clip_grad_norm_(state.net.parameters(), options.clip)
    for group in state.optimizer.param_groups:
        group["lr"] = _rate(job, state)
    state.optimizer.step()
    state.step += 1
    _average(state, options.ema)


def _batch(job: Job, places: Tensor, generator: torch.Generator) -> Batch:
    train, device = job.train, job.device
    inputs = job.task.prepare(train.inputs[places].to(device), True, generator)
    if train.targets is not None:
        targets = train.targets[places].float()
    else:
        targets = functional.one_hot(train.labels[places], len(EMOTIONS)).float()
    soft = train.soft[places].to(device) if train.soft is not None and job.recipe.train.auxiliary else None
    teacher = None if job.teacher is None else job.teacher[places].to(device)
    return Batch(inputs, targets.to(device), soft, teacher)


def _laid_out(inputs: Tensor) -> Tensor:
    if inputs.is_cuda and inputs.ndim == 4:
        return inputs.contiguous(memory_format=torch.channels_last)
    return inputs


def _syncing(net: nn.Module, last: bool) -> AbstractContextManager[None]:
    """Processes exchange gradients once a step, with its last part."""
    if isinstance(net, DistributedDataParallel) and not last:
        return net.no_sync()
    return nullcontext()


def _precision(name: str, device: torch.device) -> AbstractContextManager[None]:
    if name != "fp32" and device.type == "cuda" and torch.cuda.is_bf16_supported():
        return torch.autocast("cuda", torch.bfloat16)
    return nullcontext()


def _rate(job: Job, state: Fit) -> float:
    # Counted by examples, not by past steps, so that a batch size changed on resume keeps its place.
    step = state.epoch * job.steps + state.done / job.recipe.train.batch_size
    return job.recipe.train.lr * state.schedule.factor(step)


@torch.no_grad()
def _average(state: Fit, decay: float) -> None:
    # A young average forgets faster, so that the first epochs are not dominated by the initial weights.
    keep = min(decay, (1 + state.step) / (10 + state.step)) if decay else 0.0
    for old, new in zip(state.average.state_dict().values(), state.net.state_dict().values(), strict=True):
        if old.is_floating_point():
            old.lerp_(new, 1 - keep)
        else:
            old.copy_(new)


@torch.no_grad()
def outputs_of(net: nn.Module, task: Task, examples: Examples, batch_size: int, device: torch.device) -> Tensor:
    """Logits (n, 7) on the CPU for examples without augmentation."""
    net.eval()
    if not len(examples.inputs):
        return torch.zeros(0, len(EMOTIONS))
    generator = torch.Generator()
    parts = [
        net(task.prepare(part.to(device), False, generator))[:, : len(EMOTIONS)].float().cpu()
        for part in examples.inputs.split(batch_size)
    ]
    return torch.cat(parts)


def _judged(job: Job, state: Fit, validation: Examples) -> dict[str, Any]:
    """What the average network reads on validation: mean loss, scores and F1 by class; empty but for the first."""
    if not job.world.is_first:
        return {}
    size = job.recipe.train.micro_batch or job.recipe.train.batch_size
    logits = outputs_of(state.average, job.task, validation, size, job.device)
    counts = confusion_matrix(validation.labels.numpy(), logits.argmax(dim=1).numpy())
    loss = float(functional.cross_entropy(logits, validation.labels))
    return {"validation_loss": loss, **scores_from_confusion(counts), "per_class": sampling.f1_by_class(counts)}


def _keep_best(state: Fit, value: float) -> None:
    if value > state.best:
        state.best, state.best_epoch = value, state.epoch
        state.best_state = {key: tensor.detach().cpu().clone() for key, tensor in state.average.state_dict().items()}


def _exhausted(state: Fit, options: TrainOptions) -> bool:
    return bool(options.patience) and state.epoch - state.best_epoch > options.patience


def _phase(job: Job, state: Fit) -> str:
    """warm-up, main or calm: what the recipe does in the running epoch."""
    options = job.recipe.train
    if state.epoch >= options.epochs - options.calm:
        return "calm"
    return "warm-up" if state.epoch * job.steps < int(options.warmup * options.epochs * job.steps) else "main"


def _mean_loss(job: Job, state: Fit) -> float:
    assert state.order is not None
    loss = job.world.summed(float(state.total)) / max(state.done, 1)
    if not abs(loss) < float("inf"):
        raise MerError(f"the loss of epoch {state.epoch + 1} is not a number any more; try a lower lr or clip")
    return loss


def _save(job: Job, state: Fit, folder: Path) -> None:
    _mean_loss(job, state) if state.order is not None else None
    content = snapshot(job, state)
    if job.world.is_first:
        name = f"epoch-{state.epoch + bool(state.done):04d}" + (f"-step-{state.step:06d}" if state.done else "")
        checkpoint.save(folder, content, name if job.recipe.train.keep_checkpoints else None)
