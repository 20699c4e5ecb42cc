"""Weights as model folders hold them: in half precision, or in 8 bits a value with a scale a row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from torch import Tensor

Form: TypeAlias = Literal["float", "half", "int8"]
SCALE: Final = ".scale"
"""Ending of the name of a matrix's scales."""
LEVELS: Final = 127


def packed(state: Mapping[str, Tensor], form: Form) -> dict[str, Tensor]:
    """The tensors of a state as they are written.

    int8: each row of a matrix is divided by its largest magnitude over 127 and rounded, and its scales stand
    beside it; what is no matrix is kept in half precision.
    """
    import torch

    result: dict[str, Tensor] = {}
    for name, value in state.items():
        value = value.detach().cpu()
        if form == "int8" and value.is_floating_point() and value.ndim == 2:
            scale = (value.abs().amax(dim=1) / LEVELS).clamp(min=1e-12)
            result[name] = (value / scale[:, None]).round().to(torch.int8)
            result[name + SCALE] = scale.float()
        elif form != "float" and value.is_floating_point():
            result[name] = value.half().contiguous()
        else:
            result[name] = value.contiguous()
    return result


def unpacked(stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state that `packed` wrote, in single precision."""
    result = {}
    for name, value in stored.items():
        scale = stored.get(name + SCALE)
        if scale is not None:
            result[name] = value.float() * scale[:, None].float()
        elif not (name.endswith(SCALE) and name.removesuffix(SCALE) in stored):
            result[name] = value.float() if value.is_floating_point() else value
    return result
