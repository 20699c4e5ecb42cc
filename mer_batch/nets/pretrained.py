"""Fitting networks that were made for ImageNet to our inputs and classes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import torch
from torch import nn

from mer_batch.errors import ModelError, unknown_name
from mer_batch.nets.heads import replace_layer

WEIGHTS: Final = ("none", "default")
"""Values of the option `weights`: random ones, or those that torchvision recommends."""
IMAGENET_MEAN: Final = (0.485, 0.456, 0.406)
IMAGENET_STD: Final = (0.229, 0.224, 0.225)


def wants_weights(weights: str) -> bool:
    """Whether pretrained weights are asked for. Raises `UsageError` for an unknown value."""
    if weights not in WEIGHTS:
        raise unknown_name("weights", weights, WEIGHTS)
    return weights == "default"


def imagenet_input(
    channels: int, mean: Sequence[float] = IMAGENET_MEAN, std: Sequence[float] = IMAGENET_STD
) -> dict[str, Any]:
    """The keys of a card's input section for weights that were trained on ImageNet."""
    if channels == 1:
        return {"channels": 1, "mean": [round(sum(mean) / 3, 4)], "std": [round(sum(std) / 3, 4)]}
    return {"channels": channels, "mean": list(mean), "std": list(std)}


@contextmanager
def loading(name: str) -> Iterator[None]:
    """Turn a failed fetch of torchvision's weights into one line. Raises `ModelError`."""
    try:
        yield
    except (OSError, RuntimeError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:150]
        raise ModelError(
            f"the pretrained weights of {name} cannot be had: {reason}; check the connection, put the file into "
            f'{torch.hub.get_dir()}/checkpoints, or set weights = "none"'
        ) from error


def forget_origin(net: nn.Module) -> nn.Module:
    """Make a card of `net` build the bare architecture, as its own weights replace the pretrained ones."""
    vars(net)["card_options"] = {"weights": "none"}
    return net


def take_channels(net: nn.Module, channels: int) -> None:
    """Let the first convolution of a network for colour take `channels`, in place.

    Kernels are summed over the colours, so a grey picture gives what it gave as three equal channels.
    Raises `ModelError` for a network without a convolution, or other channels than 1 and 3.
    """
    if channels not in (1, 3):
        raise ModelError(f"channels must be 1 or 3, got {channels}")
    first = next(((name, module) for name, module in net.named_modules() if isinstance(module, nn.Conv2d)), None)
    if first is None:
        raise ModelError(f"{type(net).__name__} has no convolution that could take {channels} channel(s)")
    name, old = first
    if old.in_channels == channels:
        return
    new = nn.Conv2d(channels, old.out_channels, **_shape(old))
    with torch.no_grad():
        new.weight.copy_(old.weight.sum(dim=1, keepdim=True).expand_as(new.weight) / channels)
        if old.bias is not None and new.bias is not None:
            new.bias.copy_(old.bias)
    replace_layer(net, name, new)


def _shape(convolution: nn.Conv2d) -> dict[str, Any]:
    keys = ("kernel_size", "stride", "padding", "dilation", "padding_mode")
    return {key: getattr(convolution, key) for key in keys} | {"bias": convolution.bias is not None}
