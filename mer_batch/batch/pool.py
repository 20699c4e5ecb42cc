"""Worker processes that outlive bad files: each loads its models once; one that dies costs the file it was at.

`concurrent.futures` gives up all its work where one process dies, which is just what a batch of foreign files must not.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from typing import Any, Final, Generic, TypeVar

Task = TypeVar("Task")
Tell = Callable[[str, float], None]
Work = Callable[[Any, Tell], Any]
"""A module's function that does one task; it may tell its stage and the share done."""
_STOPPING: Final = 5.0


@dataclass(frozen=True, slots=True)
class Ended(Generic[Task]):
    """What became of a task: its result, or why there is none."""

    task: Task
    result: Any = None
    died: str = ""


@dataclass(frozen=True, slots=True)
class Progress(Generic[Task]):
    """How far a task is."""

    task: Task
    stage: str
    share: float


@dataclass(slots=True)
class _Worker:
    """A process, both ends of its pipe, the end that tells it that we live, and the task it is at."""

    process: Any
    connection: Connection
    life: Connection
    task: Any = None
    busy: bool = field(default=False)


class Pool(Generic[Task]):
    """`count` processes that do tasks by `work`.

    Args:
        work: a module's function, so that a new process can find it.
        count: how many processes.
        threads: processor threads of each.
        most_mb: memory of a process, in MB, above which it makes way for a new one after its task; None = no limit.
    """

    def __init__(self, work: Work, count: int, threads: int, most_mb: float | None = None) -> None:
        # Forked processes inherit locks of torch's threads and may hang.
        self._context = get_context("spawn")
        self._arguments = (work, threads, most_mb)
        self._count = count
        self._workers: list[_Worker] = []
        self._again: list[Any] = []
        self._tried: list[Any] = []

    def run(self, tasks: Iterable[Task | None]) -> Generator[Ended[Task] | Progress[Task], None, None]:
        """Do all tasks, in order of their start, and tell what becomes of each as it ends.

        None among them says that the next one depends on what is being done. A process may be ended for want of
        memory or by hand: its task is done once more, after the others.
        """
        waiting = iter(tasks)
        try:
            while self._feed(waiting):
                for worker in self._ready():
                    yield from self._heard(worker)
        finally:
            self._stop()

    def _feed(self, waiting: Iterator[Task | None]) -> bool:
        """Give every idle process a task; False when all is done."""
        idle = [worker for worker in self._workers if not worker.busy]
        while idle or len(self._workers) < self._count:
            task = next(waiting, None)
            if task is None:
                if not self._again:
                    break
                task = self._again.pop(0)
            worker = idle.pop() if idle else self._start()
            try:
                worker.connection.send(task)
            except OSError:  # it died while it was idle
                self._bury(worker)
                worker = self._start()
                worker.connection.send(task)
            worker.task, worker.busy = task, True
        return any(worker.busy for worker in self._workers)

    def _start(self) -> _Worker:
        ours, theirs = self._context.Pipe()
        alive, watched = self._context.Pipe()
        process = self._context.Process(target=_serve, args=(theirs, watched, *self._arguments), daemon=True)
        process.start()
        theirs.close()
        watched.close()
        self._workers.append(_Worker(process, ours, alive))
        return self._workers[-1]

    def _ready(self) -> list[_Worker]:
        found = set(wait([worker.connection for worker in self._workers]))
        return [worker for worker in self._workers if worker.connection in found]

    def _heard(self, worker: _Worker) -> Iterator[Ended[Task] | Progress[Task]]:
        try:
            kind, *rest = worker.connection.recv()
        except (EOFError, OSError):
            worker.process.join(_STOPPING)
            task, busy = worker.task, worker.busy
            reason = _death(worker.process.exitcode)
            self._bury(worker)
            if busy and not any(task is other for other in self._tried):
                self._tried.append(task)
                self._again.append(task)
            elif busy:
                yield Ended(task, died=f"{reason}, twice")
            return
        if kind == "progress":
            yield Progress(worker.task, *rest)
        else:
            task, worker.task, worker.busy = worker.task, None, False
            result, retires = rest
            if retires:
                self._bury(worker)
            yield Ended(task, result)

    def _bury(self, worker: _Worker) -> None:
        self._workers.remove(worker)
        worker.connection.close()
        worker.life.close()
        if worker.process.is_alive():
            worker.process.terminate()
        worker.process.join(_STOPPING)

    def _stop(self) -> None:
        for worker in list(self._workers):
            if not worker.busy:
                with suppress(OSError):
                    worker.connection.send(None)
                worker.process.join(_STOPPING)
            self._bury(worker)


def _death(code: int | None) -> str:
    if code is not None and code < 0:
        with suppress(ValueError):
            return f"its process was ended by {signal.Signals(-code).name}"
    return f"its process ended with code {code}"


def _serve(connection: Connection, life: Connection, work: Work, threads: int, most_mb: float | None) -> None:
    """The life of a process: tasks in, results out, until None comes or the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears it and ends us
    threading.Thread(target=_watch, args=(life,), daemon=True).start()
    os.environ["OMP_NUM_THREADS"] = str(threads)  # read when torch is first imported
    lock = threading.Lock()

    def tell(stage: str, share: float) -> None:
        with lock:
            connection.send(("progress", stage, share))

    with suppress(EOFError, OSError):
        while (task := connection.recv()) is not None:
            result = work(task, tell)
            retires = most_mb is not None and _memory_mb() > most_mb
            with lock:
                connection.send(("ended", result, retires))
            if retires:
                break


def _watch(life: Connection) -> None:
    """End this process at once when the parent is gone, however it went, so that nobody works on unseen."""
    with suppress(EOFError, OSError):
        life.recv()
    os._exit(1)


def _memory_mb() -> float:
    """Memory of this process in MB, as the system counts it; 0 where it does not say."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - not a file of ours
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    except (OSError, ValueError, IndexError):
        return 0.0
