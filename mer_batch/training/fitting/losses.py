"""Losses by name, for targets that are distributions: each gives one value an example, before averaging."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

import torch
from torch import Tensor
from torch.nn import functional

from mer_batch.labels import EMOTIONS
from mer_batch.tasks.options import DistillOptions, TrainOptions
from mer_batch.training.fitting.mixing import Batch

Loss: TypeAlias = Callable[[Tensor, Tensor, Tensor, float], Tensor]


def cross_entropy(logits: Tensor, targets: Tensor, weights: Tensor, _gamma: float = 0.0) -> Tensor:
    """Weighted cross-entropy (n,) of logits (n, k) and target distributions (n, k); `weights` (k,) by class."""
    return -(targets * weights * functional.log_softmax(logits, dim=1)).sum(dim=1)


def focal(logits: Tensor, targets: Tensor, weights: Tensor, gamma: float) -> Tensor:
    """Focal loss (Lin et al., arXiv:1708.02002): the term of a class counts (1 - p)^gamma of the cross-entropy."""
    logs = functional.log_softmax(logits, dim=1)
    return -(targets * weights * (1 - logs.exp()).clamp(min=0) ** gamma * logs).sum(dim=1)


LOSSES: Final[dict[str, Loss]] = {"cross-entropy": cross_entropy, "focal": focal}


def smooth(targets: Tensor, share: float) -> Tensor:
    """Target distributions (n, k) with a share spread over all classes (Szegedy et al., arXiv:1512.00567)."""
    return targets * (1 - share) + share / targets.shape[1]


def class_weights(labels: Tensor, power: float) -> Tensor:
    """Weights (7,) of the classes: (n / (7 n_c)) ** power; 1 is the usual "balanced" weight.

    A class without examples counts as if it had one.
    """
    counts = torch.bincount(labels, minlength=len(EMOTIONS)).clamp(min=1).float()
    return (len(labels) / (len(EMOTIONS) * counts)) ** power


def distillation(logits: Tensor, softened: Tensor, temperature: float) -> Tensor:
    """Divergence (n,) of softened logits from the teachers' softened probabilities, times temperature squared.

    The factor keeps the gradient's size at any temperature (Hinton et al., arXiv:1503.02531, section 2.1).
    """
    logs = functional.log_softmax(logits / temperature, dim=1)
    return temperature**2 * functional.kl_div(logs, softened, reduction="none").sum(dim=1)


def total_loss(
    output: Tensor, batch: Batch, weights: Tensor, options: TrainOptions, distill: DistillOptions | None
) -> Tensor:
    """The sum of all losses (n,) of outputs (n, 7 + auxiliary) in single precision."""
    output = output.float()
    logits = output[:, : len(EMOTIONS)]
    loss = LOSSES[options.loss](logits, smooth(batch.targets, options.label_smoothing), weights, options.gamma)
    if batch.teacher is not None and distill is not None:
        taught = distillation(logits, batch.teacher, distill.temperature)
        loss = (1 - distill.weight) * loss + distill.weight * taught
    if batch.soft is not None:
        auxiliary = functional.log_softmax(output[:, len(EMOTIONS) :], dim=1)
        loss = loss - options.auxiliary * (batch.soft * auxiliary).sum(dim=1)
    return loss
