"""An operator of torchvision, `nms`, from its compiled library alone.

`import torchvision` brings model zoos, data sets and torch's compiler. It lives in one library that torch
loads by itself; a later `import torchvision` finds it loaded and goes on as ever.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.machinery import PathFinder
from importlib.util import find_spec
from typing import Any, Final

import torch
from torch import Tensor

from mer_batch.errors import ModelError

_LIBRARIES: Final = ("_C_stable", "_C")  # since torchvision 0.29, before
_MANY: Final = 4000
_MANY_ON_GPU: Final = 100_000


def batched_nms(boxes: Tensor, scores: Tensor, groups: Tensor, overlap: float) -> Tensor:
    """Indices, best first, of boxes (k, 4) that overlap none better of their own group by more than `overlap`.

    The same as `torchvision.ops.batched_nms` (BSD licence), which goes group by group where boxes are many, else
    moves the groups apart and looks at all at once.
    """
    nms = _operators().nms
    if boxes.numel() == 0:
        return torch.empty(0, dtype=torch.int64, device=boxes.device)
    if boxes.numel() <= (_MANY if boxes.device.type == "cpu" else _MANY_ON_GPU):
        apart = groups.to(boxes) * (boxes.max() + torch.tensor(1).to(boxes))
        together: Tensor = nms(boxes + apart[:, None], scores, overlap)
        return together
    kept = torch.zeros_like(scores, dtype=torch.bool)
    for group in torch.unique(groups):
        mine = torch.where(groups == group)[0]
        kept[mine[nms(boxes[mine], scores[mine], overlap)]] = True
    found = torch.where(kept)[0]
    return found[scores[found].sort(descending=True)[1]]


@cache
def _operators() -> Any:
    """`torch.ops.torchvision`, its library loaded. Raises `ModelError` where there is none that fits torch."""
    package = find_spec("torchvision")
    if package is None:
        raise ModelError("torchvision is not installed; run: pip install torchvision")
    found = [PathFinder.find_spec(name, package.submodule_search_locations) for name in _LIBRARIES]
    path = next((spec.origin for spec in found if spec is not None and spec.origin), None)
    try:
        if path is None:
            import_module("torchvision")  # of a version that keeps its library elsewhere
        else:
            torch.ops.load_library(path)
        _ = torch.ops.torchvision.nms
    except (OSError, ImportError, RuntimeError, AttributeError) as error:
        raise ModelError("torchvision does not fit torch; run: pip install --upgrade torch torchvision") from error
    return torch.ops.torchvision
