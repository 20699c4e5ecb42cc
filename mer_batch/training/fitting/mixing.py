"""Batches, and mixing their examples: mixup and CutMix on tensors, driven by one generator."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mer_batch.errors import UsageError
from mer_batch.tasks.options import TrainOptions


@dataclass(frozen=True)
class Batch:
    """Network inputs (n, ...), target distributions (n, 7), auxiliary ones (n, k) and the teachers' (n, 7)."""

    inputs: Tensor
    targets: Tensor
    soft: Tensor | None = None
    teacher: Tensor | None = None

    def __len__(self) -> int:
        return len(self.inputs)

    def parts(self, count: int) -> list[Batch]:
        """The batch in `count` parts of nearly equal size."""
        tables = (self.inputs, self.targets, self.soft, self.teacher)
        columns = [[None] * count if table is None else table.tensor_split(count) for table in tables]
        return [Batch(*row) for row in zip(*columns, strict=True)]


def mix(batch: Batch, options: TrainOptions, generator: torch.Generator) -> Batch:
    """The batch after mixup or CutMix as the options say; where both are on, chance chooses for each batch."""
    if not (options.mixup or options.cutmix) or not batch.inputs.is_floating_point():
        return batch
    both = bool(options.mixup and options.cutmix)
    cut = not options.mixup or (both and float(torch.rand(1, generator=generator)) < options.cutmix_share)
    return cutmix(batch, options.cutmix, generator) if cut else mixup(batch, options.mixup, generator)


def mixup(batch: Batch, alpha: float, generator: torch.Generator) -> Batch:
    """Each example blended with another one, targets too (Zhang et al., arXiv:1710.09412)."""
    share = _beta(alpha, generator)
    other = _partners(batch, generator)
    return _blended(batch, share * batch.inputs + (1 - share) * batch.inputs[other], other, share)


def cutmix(batch: Batch, alpha: float, generator: torch.Generator) -> Batch:
    """One rectangle of each picture taken from another, targets by area (Yun et al., arXiv:1905.04899).

    Raises `UsageError` for inputs that are not pictures (n, c, h, w).
    """
    if batch.inputs.ndim != 4:
        raise UsageError("[train] cutmix needs pictures; use mixup for this task")
    share = _beta(alpha, generator)
    other = _partners(batch, generator)
    rows, columns = (_span(size, (1 - share) ** 0.5, generator) for size in batch.inputs.shape[2:])
    inputs = batch.inputs.clone()
    inputs[:, :, rows, columns] = batch.inputs[other][:, :, rows, columns]
    area = (rows.stop - rows.start) * (columns.stop - columns.start)
    return _blended(batch, inputs, other, 1 - area / (inputs.shape[2] * inputs.shape[3]))


def _beta(alpha: float, generator: torch.Generator) -> float:
    seed = int(torch.randint(2**31, (1,), generator=generator))
    return float(np.random.default_rng(seed).beta(alpha, alpha))


def _partners(batch: Batch, generator: torch.Generator) -> Tensor:
    return torch.randperm(len(batch), generator=generator).to(batch.inputs.device)


def _span(size: int, part: float, generator: torch.Generator) -> slice:
    """A random stretch of a side, `part` of it long, cut off where it leaves the picture."""
    middle, half = int(torch.randint(size, (1,), generator=generator)), int(size * part) // 2
    return slice(max(middle - half, 0), min(middle + half, size))


def _blended(batch: Batch, inputs: Tensor, other: Tensor, share: float) -> Batch:
    def blend(table: Tensor | None) -> Tensor | None:
        return None if table is None else share * table + (1 - share) * table[other]

    targets = share * batch.targets + (1 - share) * batch.targets[other]
    return Batch(inputs, targets, blend(batch.soft), blend(batch.teacher))
