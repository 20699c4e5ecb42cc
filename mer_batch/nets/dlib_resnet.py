"""dlib's face recognition network of 2017 in torch, from dlib's own file of weights.

Its architecture is written out in dlib's `dnn_face_recognition_ex.cpp` (Davis King): 29 convolutions, each followed by
a scale and an offset a channel, which are folded into it here, in residual blocks. Where a block makes pictures
smaller, what goes around it is pooled, and whichever of the two is smaller is filled with zeros. dlib itself takes
0.1 s a face on one processor, torch 7 ms; a test holds the vectors of both against each other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from mer_batch.errors import ModelError
from mer_batch.types import Floats

_MEAN: Final = (122.782, 117.001, 104.298)
_SCALE: Final = 256.0
_STAGES: Final = ((32, 3, False), (64, 4, True), (128, 3, True), (256, 3, True), (256, 1, True))
"""Channels and number of blocks, and whether the first of them makes pictures smaller."""
_LAYER: Final = re.compile(rb"con_4|affine_|fc_2")
_SIZE: Final = 128
_VERSION: Final = 2  # of a tensor in the file


class DlibResNet(nn.Module):
    """Faces (n, 3, 150, 150) of 0..255 in RGB to vectors (n, 128)."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 32, 7, 2)
        blocks, before = [], 32
        for channels, count, smaller in _STAGES:
            for number in range(count):
                blocks.append(_Block(before, channels, smaller and number == 0))
                before = channels
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Linear(before, _SIZE, bias=False)
        self.mean: Tensor
        self.register_buffer("mean", torch.tensor(_MEAN).view(1, 3, 1, 1), persistent=False)

    def forward(self, pictures: Tensor) -> Tensor:
        """See the class."""
        layer = torch.relu(self.stem((pictures - self.mean) / _SCALE))
        found: Tensor = self.head(self.blocks(functional.max_pool2d(layer, 3, 2)).mean((2, 3)))
        return found


class _Block(nn.Module):
    def __init__(self, inputs: int, outputs: int, smaller: bool) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, 2 if smaller else 1, 0 if smaller else 1)
        self.second = nn.Conv2d(outputs, outputs, 3, 1, 1)
        self._smaller = smaller

    def forward(self, layer: Tensor) -> Tensor:
        inside: Tensor = self.second(torch.relu(self.first(layer)))
        around = functional.avg_pool2d(layer, 2) if self._smaller else layer
        size = [max(pair) for pair in zip(inside.shape[1:], around.shape[1:], strict=True)]
        return torch.relu(_filled(inside, size) + _filled(around, size))


def _filled(layer: Tensor, size: Sequence[int]) -> Tensor:
    """A layer with zeros behind its channels, rows and columns, up to a size."""
    channels, rows, columns = (want - have for want, have in zip(size, layer.shape[1:], strict=True))
    return functional.pad(layer, (0, columns, 0, rows, 0, channels)) if channels or rows or columns else layer


def read_dlib(data: bytes) -> DlibResNet:
    """The network whose weights are in dlib's file, ready to be asked. Raises `ModelError` for another file."""
    net = DlibResNet()
    try:
        layers = _layers(data)
        with torch.no_grad():
            for layer in (module for module in net.modules() if isinstance(module, nn.Conv2d)):
                weights, scales = next(layers), next(layers).reshape(2, -1)
                count = layer.weight.numel()
                scale, offset = torch.from_numpy(scales[0]), torch.from_numpy(scales[1])
                kernel = torch.from_numpy(weights[:count]).view_as(layer.weight)
                layer.weight.copy_(kernel * scale.view(-1, 1, 1, 1))
                assert layer.bias is not None
                layer.bias.copy_(torch.from_numpy(weights[count:]) * scale + offset)
            net.head.weight.copy_(torch.from_numpy(next(layers).reshape(-1, _SIZE)).T)
    except (RuntimeError, ValueError, IndexError, StopIteration) as error:
        raise ModelError(f"these are no weights of dlib's face recognition: {error}") from error
    return net.eval()


def _layers(data: bytes) -> Iterator[Floats]:
    """The numbers of each layer that has any, from the picture to the vector, flat.

    Behind the name of a layer stands a tensor: its version, four sizes, and its numbers as they lie in memory.
    """
    for name in _LAYER.finditer(data):
        place = name.end()
        if name[0] == b"fc_2":  # which begins with how many numbers go out and come in
            _, place = _whole(data, place)
            _, place = _whole(data, place)
        version, place = _whole(data, place)
        if version != _VERSION:
            raise ValueError(f"a tensor of version {version}")
        count = 1
        for _ in range(4):
            size, place = _whole(data, place)
            count *= size
        yield np.frombuffer(data, "<f4", count, place).astype(np.float32)


def _whole(data: bytes, place: int) -> tuple[int, int]:
    """A whole number, and the place behind it: a byte says how many bytes it has, the lowest first."""
    size = data[place] & 0x0F
    return int.from_bytes(data[place + 1 : place + 1 + size], "little"), place + 1 + size
