"""Workers on many machines, by Ray: each loads its models once; a machine that is lost costs what it was at.

The same interface as `pool.Pool`. Only this process writes the ledger; see `parcels` for what the machines must share.
"""

from __future__ import annotations

import os
import socket
import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from mer_batch import __version__
from mer_batch.batch import parcels
from mer_batch.batch.job import Job
from mer_batch.batch.parcels import Parcel, Returned
from mer_batch.batch.pool import Ended, Progress
from mer_batch.errors import MerError, UsageError, one_line

TRIES: Final = 3
"""Machines or processes that a file may cost before it counts as failed."""
POLL: Final = 1.0
"""Seconds between two looks at how far the workers are."""
KNOCK: Final = 5.0
"""Seconds in which a cluster must answer."""
PATIENCE: Final = 120.0
"""Seconds to wait for a first worker, or for another when all are lost."""


def check() -> None:
    """Raise `UsageError` where Ray is not installed."""
    if find_spec("ray") is None:
        raise UsageError("--engine ray needs Ray, which is not installed: pip install 'mer-batch[ray]'")


class Worker:
    """What an actor does: one job at a time, and between says how far it is."""

    def __init__(self, reader: Any) -> None:
        self._reader = reader
        self._told = ("", 0.0)

    def version(self) -> str:
        """Of the package on its machine."""
        return __version__

    def progress(self) -> tuple[str, float]:
        """Stage and share of the job it is at."""
        return self._told

    def do(self, parcel: Parcel) -> Returned:
        """See `parcels.do`."""
        self._told = ("", 0.0)
        return parcels.do(parcel, self._tell, self._read)

    def _tell(self, stage: str, share: float) -> None:
        self._told = (stage, share)

    def _read(self, path: str, start: int, count: int) -> bytes:
        import ray

        found: bytes = ray.get(self._reader.read.remote(path, start, count))
        return found


class Reader:
    """Gives the bytes of files on the machine where the batch was ordered."""

    def read(self, path: str, start: int, count: int) -> bytes:
        """See `parcels.read_bytes`."""
        return parcels.read_bytes(path, start, count)


def _knock(address: str) -> None:
    """Raise `OSError` where nobody is at "host:port": Ray itself tries for minutes, and says so in many lines."""
    host, colon, port = address.rpartition(":")
    if colon and port.isdigit() and "/" not in host:
        socket.create_connection((host.strip("[]"), int(port)), KNOCK).close()


@dataclass(slots=True)
class _Busy:
    actor: Any
    task: Job
    progress: Any = None


class RayPool:
    """Actors that do jobs wherever Ray finds room for them.

    Args:
        address: of a running cluster; None starts Ray on this machine (or takes RAY_ADDRESS).
        count: how many workers at most; 0 takes as many as there are processors.
        threads: processors of each.
        memory_mb: memory that a worker is counted with.
        gpu: whether each needs one.
        folder: hidden folder of the batch, by which machines know that they see it.
    """

    def __init__(
        self, address: str | None, count: int, threads: int, memory_mb: float, *, gpu: bool, folder: Path
    ) -> None:
        check()
        self._address, self._count, self._threads = address, count, threads
        self._resources = {"num_cpus": threads, "memory": memory_mb * 2**20, "num_gpus": int(gpu)}
        self._folder = folder
        self._idle: list[Any] = []
        self._starting: dict[Any, Any] = {}
        self._busy: dict[Any, _Busy] = {}
        self._again: deque[Job] = deque()
        self._tries: dict[tuple[str, int | None], int] = {}
        self._alive = time.monotonic()
        self._unstarted = 0

    def run(self, tasks: Iterable[Job | None]) -> Generator[Ended[Job] | Progress[Job], None, None]:
        """Do all tasks and tell what becomes of each. Raises `MerError` where no worker can be had."""
        self._connect()
        import ray

        token, waiting = parcels.mark(self._folder), iter(tasks)
        try:
            self._reader = self._make_reader()
            while self._feed(waiting, token):
                done, _ = ray.wait([*self._starting, *self._busy], num_returns=1, timeout=POLL)
                for reference in done:
                    yield from self._heard(reference)
                if not done:
                    yield from self._progress()
                self._check_alive()
        finally:
            ray.shutdown()

    def _connect(self) -> None:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # an analysis tells nobody anything
        import ray

        alone = self._address is None and "RAY_ADDRESS" not in os.environ
        more = {"include_dashboard": False} if alone else {}
        try:
            _knock(self._address or os.environ.get("RAY_ADDRESS", ""))
            ray.init(self._address, log_to_driver=False, logging_level="ERROR", **more)
        except (OSError, RuntimeError, ValueError) as error:
            place = f" at {self._address}" if self._address else ""
            raise UsageError(f"no Ray cluster can be reached{place}: {one_line(error)}") from error

    def _make_reader(self) -> Any:
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        return ray.remote(Reader).options(num_cpus=0, scheduling_strategy=here).remote()

    def _feed(self, waiting: Iterator[Job | None], token: str) -> bool:
        """Give every idle worker a task and start others where there is room; False when all is done."""
        while (task := self._again.popleft() if self._again else next(waiting, None)) is not None:
            if not self._idle:
                self._again.appendleft(task)
                self._start()
                break
            actor = self._idle.pop()
            self._busy[actor.do.remote(parcels.pack(task, token))] = _Busy(actor, task)
        return bool(self._busy or self._again)

    def _start(self) -> None:
        import ray

        room = int(ray.cluster_resources().get("CPU", 0)) // self._threads
        most = max(1, min(self._count or room, room))
        while len(self._starting) + len(self._busy) + len(self._idle) < most:
            # Two at once, so that it can say how far it is. What was lost is given to another here, not by Ray.
            options = ray.remote(Worker).options(**self._resources, max_concurrency=2, max_restarts=0)
            actor = options.remote(self._reader)
            self._starting[actor.version.remote()] = actor

    def _heard(self, reference: Any) -> Iterator[Ended[Job]]:
        import ray
        from ray.exceptions import RayError, RayTaskError

        starting, busy = self._starting.pop(reference, None), self._busy.pop(reference, None)
        try:
            found = ray.get(reference)
        except RayTaskError as error:  # a fault of ours: it costs this file, not the batch
            yield from self._lost(busy, one_line(error.cause or error))
        except RayError as error:
            yield from self._lost(busy, f"its worker was lost ({type(error).__name__})")
        else:
            self._alive, self._unstarted = time.monotonic(), 0
            self._idle.append(starting or (busy and busy.actor))
            if starting is not None and found != __version__:
                raise MerError(f"a machine of the cluster has mer {found}, this one has {__version__}; install one")
            if busy is not None:
                yield Ended(busy.task, parcels.unpack(busy.task, found))

    def _lost(self, busy: _Busy | None, reason: str) -> Iterator[Ended[Job]]:
        if busy is None:
            self._unstarted += 1
            if self._unstarted >= TRIES:
                raise MerError(f"the workers of the Ray cluster do not start: {reason}")
            return
        import ray

        with suppress(Exception):  # it is gone already
            ray.kill(busy.actor)
        key = (busy.task.source.uri, busy.task.piece)
        self._tries[key] = self._tries.get(key, 0) + 1
        if self._tries[key] < TRIES:
            self._again.append(busy.task)
        else:
            yield Ended(busy.task, died=f"{reason}, {TRIES} times")

    def _progress(self) -> Iterator[Progress[Job]]:
        """How far the workers are, as far as they have answered; those that do not are not waited for."""
        import ray

        for busy in self._busy.values():
            if busy.progress is not None:
                if not ray.wait([busy.progress], timeout=0)[0]:
                    continue
                with suppress(ray.exceptions.RayError):
                    stage, share = ray.get(busy.progress)
                    if stage:
                        yield Progress(busy.task, stage, share)
            busy.progress = busy.actor.progress.remote()

    def _check_alive(self) -> None:
        if self._busy or self._idle:
            self._alive = time.monotonic()
        elif time.monotonic() - self._alive > PATIENCE:
            raise MerError(
                f"no machine of the Ray cluster had room for a worker in {PATIENCE:.0f} s ({self._threads} processor, "
                f"{self._resources['memory'] / 2**30:.1f} GB each); what was finished stays finished"
            )
