"""The network that hears speech (silero-vad, MIT, its own weights): here, since sound is judged before it is mixed."""

from __future__ import annotations

import copy
import warnings
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from mer_batch.nets.device import kept_threads

if TYPE_CHECKING:
    from torch.jit import ScriptModule

FRAME: Final = 512
"""Samples that silero-vad judges at once at 16 kHz (32 ms)."""


def load_silero() -> ScriptModule:
    """A network of silero-vad of one's own: it keeps the state of one stream."""
    return copy.deepcopy(_loaded())  # a twentieth of the time that loading takes


@lru_cache(maxsize=1)
def _loaded() -> ScriptModule:
    with kept_threads(), warnings.catch_warnings():
        # torch deprecates torch.jit.load and importlib.resources.path, the only ways silero-vad 6.2 loads its model.
        warnings.simplefilter("ignore")
        from silero_vad import load_silero_vad

        model: ScriptModule = load_silero_vad()
    return model
