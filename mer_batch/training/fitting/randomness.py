"""The state of every source of chance that a training draws from, to be saved and put back."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import torch

State = dict[str, Any]
"""Tensors and plain numbers only, so that a checkpoint loads without unpickling code."""


def seed_all(seed: int) -> torch.Generator:
    """Seed the global sources (dropout draws from torch's, some networks from others); returns one of our own."""
    torch.manual_seed(seed)
    np.random.seed(seed % 2**32)
    random.seed(seed)
    return torch.Generator().manual_seed(seed)


def state_of(generator: torch.Generator) -> State:
    """The state of all sources now."""
    _, keys, position, has_gauss, gauss = np.random.get_state()
    version, numbers, spare = random.getstate()
    return {
        "generator": generator.get_state(),
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state() if torch.cuda.is_initialized() else None,
        "numpy": (torch.from_numpy(np.asarray(keys).astype(np.int64)), int(position), int(has_gauss), float(gauss)),
        "python": (version, list(numbers), spare),
    }


def restore(generator: torch.Generator, state: State) -> None:
    """Put all sources back to a state."""
    generator.set_state(state["generator"])
    torch.set_rng_state(state["torch"])
    if state["cuda"] is not None and torch.cuda.is_available():
        torch.cuda.set_rng_state(state["cuda"])
    keys, position, has_gauss, gauss = state["numpy"]
    np.random.set_state(("MT19937", keys.numpy().astype(np.uint32), position, has_gauss, gauss))
    version, numbers, spare = state["python"]
    random.setstate((version, tuple(numbers), spare))
