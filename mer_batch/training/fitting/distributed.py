"""Training with several processes, one a device, started by `torchrun --nproc-per-node N -m mer_batch train ...`.

Every process takes its share of each batch; only the first writes, evaluates and prints.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, TypeVar

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from mer_batch.errors import UsageError
from mer_batch.nets.device import pick_device

PATIENCE: Final = timedelta(hours=6)
"""How long a process waits for the others; the first may evaluate, or clean labels, for long."""
Value = TypeVar("Value")


@dataclass(frozen=True)
class World:
    """The processes that train together: their number, and the place of this one."""

    rank: int = 0
    size: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this process writes, evaluates and prints."""
        return self.rank == 0

    def share(self, batch: Tensor) -> Tensor:
        """This process's part of a batch (n,)."""
        return batch[self.rank :: self.size]

    def wrapped(self, net: nn.Module, device: torch.device) -> nn.Module:
        """The network with gradients averaged over the processes."""
        if self.size == 1:
            return net
        return DistributedDataParallel(net, device_ids=[device.index] if device.type == "cuda" else None)

    def from_first(self, value: Value) -> Value:
        """The value that the first process has."""
        if self.size == 1:
            return value
        values = [value]
        distributed.broadcast_object_list(values, src=0)
        return values[0]

    def gathered(self, value: Value) -> list[Value]:
        """The values of all processes, by rank."""
        if self.size == 1:
            return [value]
        values: list[Any] = [None] * self.size
        distributed.all_gather_object(values, value)
        return values

    def summed(self, value: float) -> float:
        """The sum of a number over the processes."""
        return sum(self.gathered(value))


def is_first() -> bool:
    """Whether this process is alone, or the first of those that torchrun started."""
    return os.environ.get("RANK", "0") == "0"


@contextmanager
def joined(device: str) -> Iterator[tuple[World, torch.device]]:
    """This process's place among those that torchrun started, and its device; alone without torchrun."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield World(), pick_device(device)
        return
    local = int(os.environ.get("LOCAL_RANK", "0"))
    where = _device(device, local)
    distributed.init_process_group("nccl" if where.type == "cuda" else "gloo", timeout=PATIENCE)
    try:
        yield World(distributed.get_rank(), size), where
    finally:
        distributed.destroy_process_group()


def _device(name: str, local: int) -> torch.device:
    found = pick_device(name)
    if found.type != "cuda":
        return found
    if local >= torch.cuda.device_count():
        raise UsageError(f"{torch.cuda.device_count()} GPU(s) for more processes; lower --nproc-per-node")
    torch.cuda.set_device(local)
    return torch.device("cuda", local)
