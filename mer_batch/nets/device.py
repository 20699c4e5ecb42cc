"""Choosing where tensors live."""

from __future__ import annotations

import gc
import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING

from mer_batch.errors import UsageError

if TYPE_CHECKING:
    import torch


def check_name(name: str) -> None:
    """Raise `UsageError` for a device of no known kind."""
    if not re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", name):
        raise UsageError(f"unknown device {name!r}: use auto, cpu, cuda, cuda:N or mps")


def check_device(name: str) -> None:
    """Raise `UsageError` for a device that is not there, without torch for those that always are."""
    check_name(name)
    if name not in ("auto", "cpu"):
        pick_device(name)


def pick_device(name: str = "auto") -> torch.device:
    """The torch device for `auto`, `cpu`, `cuda`, `cuda:N` or `mps`. Raises `UsageError` if it is not there."""
    check_name(name)
    import torch

    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    device = torch.device(name)
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise UsageError(
            f"device {name!r} is not there: {torch.cuda.device_count()} CUDA device(s) found; use --device cpu"
        )
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise UsageError("device 'mps' is not there; use --device cpu")
    return device


def load_torch() -> None:
    """Import torch ahead of its first use, with the garbage collector at rest.

    The import makes some hundred thousand objects, all of which stay. To look through them again and again for
    garbage is an eighth of its time.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        import_module("torch")
    finally:
        if collects:
            gc.enable()


@contextmanager
def kept_threads() -> Iterator[None]:
    """For libraries that change the threads of the whole process: torch has as many afterwards as before.

    Importing silero_vad sets them to one, numba (Whisper's alignment) to all cores.
    """
    import torch

    threads = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@contextmanager
def side_by_side(stages: int) -> Iterator[None]:
    """While `stages` work beside each other, torch gives each its share of the threads: more would fight for cores."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(max(1, threads // stages))
    try:
        yield
    finally:
        torch.set_num_threads(threads)
