"""P-Net, R-Net and O-Net of MTCNN with the weights that lie inside facenet-pytorch.

Layers and their names are those of facenet_pytorch/models/mtcnn.py (MIT licence, Timothy Esler), so that its weights
fit and every answer is the same to the bit; the package itself is not imported (see `mer_batch.face.facenet`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
        for layer in self._layers:
            pictures = layer(pictures)
        *answers, odds = [head(pictures) for head in self._heads]
        return *answers, odds.softmax(dim=1)


class _Flat(nn.Module):
    """(n, c, h, w) as vectors in the order of the weights, which were trained with columns first."""

    def forward(self, maps: Tensor) -> Tensor:
        return maps.permute(0, 3, 2, 1).flatten(1)


class _Pairs(nn.Module):
    """The largest of 2 x 2 values, the same as torch's pooling; it takes half the time on a CPU.

    Torch looks at each square of pictures whose channels lie side by side on its own; here whole lines are compared.
    """

    def forward(self, maps: Tensor) -> Tensor:
        if maps.device.type != "cpu":
            return nn.functional.max_pool2d(maps, 2, 2, ceil_mode=True)
        return _larger(_larger(maps, 2), 3)


def _larger(maps: Tensor, axis: int) -> Tensor:
    """The larger of neighbours along an axis; the last one alone where their number is odd."""
    pairs, odd = divmod(maps.shape[axis], 2)
    first, second = (maps.narrow(axis, 0, 2 * pairs).unflatten(axis, (pairs, 2)).select(axis + 1, i) for i in (0, 1))
    most = torch.maximum(first, second)
    return torch.cat([most, maps.narrow(axis, 2 * pairs, 1)], axis) if odd else most


def _pool(size: int) -> nn.Module:
    return _Pairs() if size == 2 else nn.MaxPool2d(size, 2, ceil_mode=True)


def p_net() -> Net:
    """Proposes faces of 12 pixels at every second pixel of a picture of any size."""
    return Net(
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
