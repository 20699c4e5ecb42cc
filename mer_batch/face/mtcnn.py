"""P-Net, R-Net and O-Net of MTCNN with the weights that lie inside facenet-pytorch.

Layers and their names are those of facenet_pytorch/models/mtcnn.py (MIT licence, Timothy Esler), so that its weights
fit and every answer is the same to the bit; the package itself is not imported (see `mer_batch.face.facenet`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from pickle import UnpicklingError
from typing import Final

import torch
from torch import Tensor, nn

from mer_batch.errors import ModelError
from mer_batch.face import facenet


class Net(nn.Module):
    """Layers one after the other, then a head for each answer, of which the last is a score.

    Takes pictures (n, 3, h, w) around 0. The answers are moves (n, 4), for the O-Net landmarks (n, 10), and the odds
    (n, 2) of no face and a face; from the P-Net, which has no dense layers, each with two more dimensions (rows,
    columns).
    """

    def __init__(self, layers: Mapping[str, nn.Module], heads: Mapping[str, nn.Module]) -> None:
        super().__init__()
        for name, part in {**layers, **heads}.items():
            self.add_module(name, part)
        self._layers, self._heads = list(layers.values()), list(heads.values())

    def forward(self, pictures: Tensor) -> tuple[Tensor, ...]:
        """The answers in the order of the heads."""
        return self._from(pictures, 0)

    def _from(self, maps: Tensor, start: int) -> tuple[Tensor, ...]:
        """The answers to what the layers before the number `start` give."""
        for layer in self._layers[start:]:
            maps = layer(maps)
        *answers, odds = [head(maps) for head in self._heads]
        return *answers, odds.softmax(dim=1)


class _Flat(nn.Module):
    """(n, c, h, w) as vectors in the order of the weights, which were trained with columns first."""

    def forward(self, maps: Tensor) -> Tensor:
        return maps.permute(0, 3, 2, 1).flatten(1)


class PNet(Net):
    """The P-Net, whose first three layers are most of a search: on a processor one convolution does their work.

    Of pictures with even sides it makes the four values of which the largest is taken side by side, in 40 maps instead
    of 10, each by the weights at their place in a window of 4 x 4. That needs no more of a processor with wide
    registers, and what follows goes through a quarter of the places. The answers are the same.
    """

    def forward(self, pictures: Tensor) -> tuple[Tensor, ...]:
        """See `Net.forward`."""
        if pictures.device.type != "cpu" or pictures.shape[2] % 2 or pictures.shape[3] % 2:
            return super().forward(pictures)
        # Bands of a large picture, each with the lines that its last windows reach, stay in the cache; memory for them
        # is kept, while the system takes back what is larger and gives it anew, page by page.
        lines = max(_BAND // pictures.shape[3] // 2, 1)
        bands = range(0, pictures.shape[2] // 2 - _REACH, lines)
        answers = [self._band(pictures[:, :, 2 * first : 2 * (first + lines + _REACH)]) for first in bands]
        return answers[0] if len(answers) == 1 else tuple(torch.cat(parts, 2) for parts in zip(*answers, strict=True))

    def _band(self, pictures: Tensor) -> tuple[Tensor, ...]:
        weight, bias, slope = self._joined
        maps = torch.prelu(nn.functional.conv2d(pictures, weight, bias, stride=2), slope)
        first, second, third, fourth = maps.split(len(slope) // 4, 1)
        return self._from(torch.maximum(torch.maximum(first, second), torch.maximum(third, fourth)), 3)

    @cached_property
    def _joined(self) -> tuple[Tensor, Tensor, Tensor]:
        """Weights, biases and slopes of the first layers, four times each."""
        conv, prelu = self._layers[:2]
        assert isinstance(conv, nn.Conv2d)
        assert isinstance(prelu, nn.PReLU)
        assert conv.bias is not None
        weight = torch.cat([nn.functional.pad(conv.weight, place) for place in _PLACES])
        weight = weight.contiguous(memory_format=torch.channels_last)
        return weight, conv.bias.repeat(4), prelu.weight.repeat(4)


_BAND: Final = 72_000
"""Pixels that are looked at together."""
_REACH: Final = 5
"""Pairs of lines that a window of 12 lines has beside its first."""
_PLACES: Final = ((0, 1, 0, 1), (1, 0, 0, 1), (0, 1, 1, 0), (1, 0, 1, 0))
"""What is empty left, right, above and below a window of 3 x 3 in one of 4 x 4."""


def _pool(size: int) -> nn.Module:
    return nn.MaxPool2d(size, 2, ceil_mode=True)


def p_net() -> Net:
    """Proposes faces of 12 pixels at every second pixel of a picture of any size."""
    return PNet(
        {
            "conv1": nn.Conv2d(3, 10, 3),
            "prelu1": nn.PReLU(10),
            "pool1": _pool(2),
            "conv2": nn.Conv2d(10, 16, 3),
            "prelu2": nn.PReLU(16),
            "conv3": nn.Conv2d(16, 32, 3),
            "prelu3": nn.PReLU(32),
        },
        {"conv4_2": nn.Conv2d(32, 4, 1), "conv4_1": nn.Conv2d(32, 2, 1)},
    )


def r_net() -> Net:
    """Judges crops of 24 x 24 pixels."""
    return Net(
        {
            "conv1": nn.Conv2d(3, 28, 3),
            "prelu1": nn.PReLU(28),
            "pool1": _pool(3),
            "conv2": nn.Conv2d(28, 48, 3),
            "prelu2": nn.PReLU(48),
            "pool2": _pool(3),
            "conv3": nn.Conv2d(48, 64, 2),
            "prelu3": nn.PReLU(64),
            "flat": _Flat(),
            "dense4": nn.Linear(576, 128),
            "prelu4": nn.PReLU(128),
        },
        {"dense5_2": nn.Linear(128, 4), "dense5_1": nn.Linear(128, 2)},
    )


def o_net() -> Net:
    """Judges crops of 48 x 48 pixels and finds five landmarks in them."""
    return Net(
        {
            "conv1": nn.Conv2d(3, 32, 3),
            "prelu1": nn.PReLU(32),
            "pool1": _pool(3),
            "conv2": nn.Conv2d(32, 64, 3),
            "prelu2": nn.PReLU(64),
            "pool2": _pool(3),
            "conv3": nn.Conv2d(64, 64, 3),
            "prelu3": nn.PReLU(64),
            "pool3": _pool(2),
            "conv4": nn.Conv2d(64, 128, 2),
            "prelu4": nn.PReLU(128),
            "flat": _Flat(),
            "dense5": nn.Linear(1152, 256),
            "prelu5": nn.PReLU(256),
        },
        {"dense6_2": nn.Linear(256, 4), "dense6_3": nn.Linear(256, 10), "dense6_1": nn.Linear(256, 2)},
    )


NETS: Final[Mapping[str, Callable[[], Net]]] = {"pnet": p_net, "rnet": r_net, "onet": o_net}
"""The networks by the names of their weight files."""
_DAMAGE: Final = (RuntimeError, UnpicklingError, EOFError, KeyError, TypeError, AttributeError)


def load(name: str, device: torch.device) -> Net:
    """One of `NETS` with its weights, in evaluation mode on `device`.

    Raises `ModelError` where facenet-pytorch is not installed or its weights cannot be read.
    """
    path = facenet.folder() / "data" / f"{name}.pt"
    net = NETS[name]()
    try:
        # Copied, not assigned: the file holds its weights transposed, and torch would go on with other routines and
        # other roundings for those.
        net.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror}; reinstall facenet-pytorch") from error
    except _DAMAGE as error:
        raise ModelError(f"{path} is damaged; reinstall facenet-pytorch") from error
    return net.to(device).eval()
