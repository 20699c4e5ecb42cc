"""Training what comes behind a frozen encoder: it hears each example a few times, and never again.

An encoder that does not change would compute the same in every epoch. So its outputs are kept, for the examples as they
are and for some augmented versions of them, and the loop trains the rest on these.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from mer_batch import nets
from mer_batch.errors import UsageError
from mer_batch.tasks.recipe import Recipe
from mer_batch.tasks.task import Examples, LabelledSet, Split, Task
from mer_batch.training.fitting import randomness
from mer_batch.training.fitting.state import Job

BATCH = 32
"""Examples that the encoder hears at once."""


class Kept(Task):
    """A task whose examples are what an encoder heard; all else is that of the task behind it."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self.modality, self.input, self.data, self.licence = task.modality, task.input, task.data, task.licence
        self.main, self.auxiliary = task.main, task.auxiliary

    def train(self) -> Examples:
        """Sound, not what was heard of it."""
        return self._task.train()

    def validation(self) -> Examples:
        """Likewise."""
        return self._task.validation()

    def held_out(self, split: Split) -> LabelledSet:
        """Those of the task."""
        return self._task.held_out(split)

    def prepare(self, inputs: Tensor, train: bool, generator: torch.Generator) -> Tensor:  # noqa: ARG002
        """What was heard, as it is."""
        return inputs.float()


def check_versions(recipe: Recipe) -> None:
    """Raises `UsageError` for a network that is trained from its first layer on."""
    options = {**recipe.net_options, "start": ""} if "start" in recipe.net_options else recipe.net_options
    with torch.device("meta"):
        _encoder(nets.build(recipe.net, classes=2, **options))


def _encoder(net: nn.Module) -> Any:
    if not getattr(net, "fixed", False):
        raise UsageError("[train] versions needs a network whose encoder is frozen; see frozen of voice-encoder")
    return net


def heard(job: Job, validation: Examples) -> tuple[Job, Examples]:
    """The job and the validation as the frozen encoder hears them; as they are where the recipe wants no versions.

    Every version is drawn from the seed of the run and its number, so that a resumed run hears the same.
    """
    options = job.recipe.train
    if not options.versions:
        return job, validation
    randomness.seed_all(options.seed)
    net = _encoder(nets.build(job.recipe.net, classes=job.outputs, **job.recipe.net_options)).to(job.device).eval()
    if job.weights is not None:
        net.load_state_dict(job.weights)
    job.task.strength = options.strength
    count = options.versions + 1
    table = torch.cat([_table(net, job, job.train, version) for version in range(count)])
    known = replace(validation, inputs=_table(net, job, validation, 0))
    net.settle(table, known.inputs)
    people = job.train.people * count
    train = replace(
        job.train,
        inputs=centred(table, people) if options.centred else table,
        labels=job.train.labels.repeat(count),
        ids=job.train.ids * count,
        people=people,
        **{name: _repeated(getattr(job.train, name), count) for name in ("soft", "targets", "shares")},
    )
    teacher = _repeated(job.teacher, count)
    weights = {name: value.cpu() for name, value in net.state_dict().items()}
    return replace(job, task=Kept(job.task), train=train, teacher=teacher, weights=weights), known


def _repeated(column: Tensor | None, count: int) -> Tensor | None:
    return None if column is None else column.repeat(count, *(1,) * (column.ndim - 1))


def centred(table: Tensor, people: Sequence[str]) -> Tensor:
    """What was heard (n, ...) less the mean of its person, at the mean of all: within-transformation of panel data.

    Raises `UsageError` where nobody is named.
    """
    if not people:
        raise UsageError("[train] centred needs a task that knows whose its examples are, such as voice")
    numbers = {name: number for number, name in enumerate(dict.fromkeys(people))}
    which = torch.tensor([numbers[name] for name in people])
    values = table.float()
    sums = torch.zeros(len(numbers), *values.shape[1:]).index_add(0, which, values)
    counts = torch.bincount(which).view(-1, *(1,) * (values.ndim - 1))
    return (values - (sums / counts)[which] + values.mean(dim=0)).to(table.dtype)


@torch.no_grad()
def _table(net: Any, job: Job, examples: Examples, version: int) -> Tensor:
    """What the encoder hears (n, ...), in half precision; version 0 is not augmented."""
    generator = torch.Generator().manual_seed(job.recipe.train.seed * 10_007 + version)
    found = torch.empty(0)
    for places in _batches(examples, version, generator):
        inputs = job.task.prepare(examples.inputs[places].to(job.device), version > 0, generator)
        part = net.embed(inputs).half().cpu()
        if not len(found):
            found = torch.zeros(len(examples), *part.shape[1:], dtype=part.dtype)
        found[places] = part
    return found


def _batches(examples: Examples, version: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Places in batches: shuffled where augmented, since examples are heard in the background of their neighbours."""
    count = len(examples)
    yield from (torch.randperm(count, generator=generator) if version else torch.arange(count)).split(BATCH)
