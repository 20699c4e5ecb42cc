"""Optimizers by name."""

from __future__ import annotations

from torch import nn, optim

from mer_batch.tasks.options import TrainOptions


def make_optimizer(net: nn.Module, options: TrainOptions) -> optim.Optimizer:
    """The optimizer that a recipe asks for; biases and normalisation are not decayed."""
    trained = [parameter for parameter in net.parameters() if parameter.requires_grad]
    groups = [
        {"params": [parameter for parameter in trained if parameter.ndim > 1], "weight_decay": options.weight_decay},
        {"params": [parameter for parameter in trained if parameter.ndim <= 1], "weight_decay": 0.0},
    ]
    if options.optimizer == "adamw":
        return optim.AdamW(groups, lr=options.lr)
    if options.optimizer == "adam":
        return optim.Adam(groups, lr=options.lr)
    return optim.SGD(groups, lr=options.lr, momentum=0.9, nesterov=True)
