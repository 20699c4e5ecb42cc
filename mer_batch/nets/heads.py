"""The last layer of a network, whatever the architecture calls it."""

from __future__ import annotations

import torch
from torch import nn

from mer_batch.errors import ModelError


def last_layer(net: nn.Module) -> tuple[str, nn.Linear | nn.Conv2d]:
    """Dotted name and module of the layer that gives the scores: `net.head`, else the last linear one.

    A 1x1 convolution counts as linear (SqueezeNet ends with one). Raises `ModelError` for a network without.
    """
    head = getattr(net, "head", None)
    if isinstance(head, nn.Linear):
        return "head", head
    found: tuple[str, nn.Linear | nn.Conv2d] | None = None
    for name, module in net.named_modules():
        if isinstance(module, nn.Linear) or (isinstance(module, nn.Conv2d) and module.kernel_size == (1, 1)):
            found = name, module
    if found is None:
        raise ModelError(f"{type(net).__name__} has no linear layer that could give the scores of the classes")
    return found


def replace_layer(net: nn.Module, name: str, layer: nn.Module) -> None:
    """Put `layer` in the place `name` (dotted) of `net`."""
    parent, _, child = name.rpartition(".")
    setattr(net.get_submodule(parent), child, layer)


def widened(layer: nn.Linear | nn.Conv2d, outputs: int) -> nn.Linear | nn.Conv2d:
    """A fresh layer like `layer` with another number of outputs, on the same device."""
    fresh: nn.Linear | nn.Conv2d
    if isinstance(layer, nn.Linear):
        fresh = nn.Linear(layer.in_features, outputs, bias=layer.bias is not None)
    else:
        fresh = nn.Conv2d(layer.in_channels, outputs, 1, bias=layer.bias is not None)
    return fresh.to(layer.weight)


def with_rows(layer: nn.Linear | nn.Conv2d, rows: list[int], outputs: int) -> nn.Linear | nn.Conv2d:
    """A layer with `outputs` outputs whose first ones are the given rows of `layer`; the others are fresh."""
    chosen = widened(layer, outputs)
    with torch.no_grad():
        chosen.weight[: len(rows)] = layer.weight[rows]
        if layer.bias is not None and chosen.bias is not None:
            chosen.bias[: len(rows)] = layer.bias[rows]
    return chosen


def trim_head(net: nn.Module, classes: int) -> nn.Module:
    """Cut the auxiliary outputs off the last layer of `net`, in place; returns `net`."""
    name, layer = last_layer(net)
    if layer.weight.shape[0] > classes:
        replace_layer(net, name, with_rows(layer, list(range(classes)), classes))
    return net
