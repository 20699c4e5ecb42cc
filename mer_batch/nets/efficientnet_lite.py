"""EfficientNet-Lite: EfficientNet (Tan & Le, arXiv:1905.11946) without squeeze-and-excitation, with ReLU6.

It can start from weights that were trained on ImageNet: see `imagenet_start.py`. Sizes and activations as in
https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite. Padding is symmetric here, which
moves what a layer of stride 2 sees by a pixel; training makes up for it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import torch
from torch import Tensor, nn

from mer_batch.errors import ModelError, UsageError
from mer_batch.nets import imagenet_start, register
from mer_batch.nets.pretrained import take_channels

STEM: Final = 32
"""Channels after the first convolution, at any width."""
EPSILON: Final = 1e-3
"""Of batch normalisation, as published."""
MEAN: Final = 127 / 255
STD: Final = 128 / 255
"""What the published weights were trained with, for every channel."""


class Stage(NamedTuple):
    """Blocks of one kind: side of the kernels, stride of the first, growth inside, channels, number of blocks."""

    kernel: int
    stride: int
    growth: int
    channels: int
    blocks: int


STAGES: Final = (
    Stage(3, 1, 1, 16, 1),
    Stage(3, 2, 6, 24, 2),
    Stage(5, 2, 6, 40, 2),
    Stage(3, 2, 6, 80, 3),
    Stage(5, 1, 6, 112, 3),
    Stage(5, 2, 6, 192, 4),
    Stage(3, 1, 6, 320, 1),
)


def _normed(inputs: int, outputs: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return [convolution, nn.BatchNorm2d(outputs, eps=EPSILON)]


class Block(nn.Module):
    """Channels grown, filtered one by one, and shrunk; added to what came in where the shape stays."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, growth: int) -> None:
        super().__init__()
        inner = inputs * growth
        grown = [*_normed(inputs, inner), nn.ReLU6(inplace=True)] if growth > 1 else []
        filtered = [*_normed(inner, inner, kernel, stride, inner), nn.ReLU6(inplace=True)]
        self.body = nn.Sequential(*grown, *filtered, *_normed(inner, outputs))
        self.keeps = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, inputs, h, w) to (n, outputs, ceil(h / stride), ceil(w / stride))."""
        result: Tensor = x + self.body(x) if self.keeps else self.body(x)
        return result


class EfficientNetLite(nn.Module):
    """Stem, blocks, a last 1x1 convolution, global average pooling, dropout and a linear head."""

    def __init__(
        self, classes: int, channels: int, width: float, depth: float, last_stride: int, features: int, dropout: float
    ) -> None:
        super().__init__()
        self.shape = {"width": width, "depth": depth}
        layers: list[nn.Module] = [*_normed(channels, STEM, 3, 2), nn.ReLU6(inplace=True)]
        inputs = STEM
        for place, stage in enumerate(STAGES):
            ends = place in (0, len(STAGES) - 1)
            outputs, stride = _wide(stage.channels, width), stage.stride
            if place == len(STAGES) - 2:
                stride = last_stride
            for block in range(stage.blocks if ends else math.ceil(stage.blocks * depth)):
                layers.append(Block(inputs, outputs, stage.kernel, 1 if block else stride, stage.growth))
                inputs = outputs
        self.features = nn.Sequential(*layers, *_normed(inputs, features), nn.ReLU6(inplace=True))
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(features, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (n, classes) for pictures (n, channels, h, w)."""
        result: Tensor = self.head(self.dropout(self.features(x).mean(dim=(2, 3))))
        return result

    @property
    def card_options(self) -> dict[str, Any]:
        """What `build` needs to make this network without what it started from."""
        return {**self.shape, "start": ""}


def _wide(channels: int, width: float) -> int:
    """Channels times `width`, to the next multiple of 8 that loses no more than a tenth."""
    wanted = channels * width
    rounded = max(8, int(wanted + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * wanted else rounded


def _wanted(channels: int = 1, start: str = "", **_options: object) -> dict[str, Any]:
    if start:
        imagenet_start.known(start).path()  # said before the data are read
    return {"channels": channels, "mean": [round(MEAN, 4)] * channels, "std": [round(STD, 4)] * channels}


@register("efficientnet-lite", _wanted)
def efficientnet_lite(
    classes: int,
    start: str = "",
    channels: int = 1,
    width: float = 1.0,
    depth: float = 1.0,
    last_stride: int = 2,
    features: int = 1280,
    dropout: float = 0.2,
) -> nn.Module:
    """A network whose stages are `width` times as wide and `depth` times as long as those of lite0.

    `start` names published weights (efficientnet-lite0, -lite1, -lite2), whose width and depth then hold; "" starts
    at random. `last_stride` 1 keeps twice the detail in the last two stages, for pictures much smaller than the
    224 px of ImageNet. Raises `UsageError` for an unknown start, `ModelError` where its package is missing.
    """
    if last_stride not in (1, 2):
        raise UsageError(f"last_stride must be 1 or 2, got {last_stride}")
    if not start:
        return EfficientNetLite(classes, channels, width, depth, last_stride, features, dropout)
    given = imagenet_start.known(start)
    net = EfficientNetLite(classes, 3, given.width, given.depth, last_stride, features, dropout)
    _fill(net, imagenet_start.weights(start))
    take_channels(net, channels)
    return net


def _fill(net: EfficientNetLite, given: Mapping[str, Tensor]) -> None:
    """Take over all that stands before the head; both list their tensors in the order of the layers."""
    published = [value for name, value in given.items() if not name.startswith("_fc.")]
    own = net.features.state_dict()
    if [value.shape for value in published] != [value.shape for value in own.values()]:
        raise ModelError("the weights to start from do not fit the network; leave features at 1280")
    with torch.no_grad():
        for target, value in zip(own.values(), published, strict=True):
            target.copy_(value)
