"""Training the runs of a grid: one after the other, in several processes, or by Ray.

A run that is finished stays as it is, one that was cut off goes on from its last checkpoint: the same command again
loses nothing but the batches since then.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

from mer_batch.errors import ModelError, UsageError, unknown_name
from mer_batch.evaluation.grid.order import Cell, Order
from mer_batch.training.runs import runfile
from mer_batch.training.runs.run import Page

ENGINES: Final = ("local", "ray")
_NO_RAY: Final = "ray is not installed; run: pip install 'mer-batch[ray]'"
LOOK: Final = 1.0
"""Seconds between two looks at how far the runs are."""

OnProgress = Callable[[str, float], None]
Say = Callable[[str], None]


@dataclass(frozen=True)
class Trained:
    """What became of one run: the scores of its test, or why it failed; `seconds` of training in all sittings."""

    cell: Cell
    folder: Path
    seconds: float
    scores: Mapping[str, float]
    problem: str = ""


def train_all(
    order: Order,
    folder: Path,
    workers: int,
    engine: str,
    say: Say,
    on_progress: OnProgress,
    page: Page | None = None,
) -> list[Trained]:
    """Train every cell in `folder`/runs and return them in the order of `order.cells`.

    A failed run does not stop the others. `page` writes the page of each run; it must be a module's function, so that
    other processes can find it. `on_progress` hears the share of all epochs that is done. Raises
    `UsageError` for options that no run can take, `ModelError` where Ray is asked for and missing.
    """
    check_engine(engine, workers)
    run = {"local": _local if workers > 1 else _in_turn, "ray": _ray}[engine]
    found: dict[Cell, Trained] = {}
    with _watched(order, folder, on_progress):
        for trained in run(order, folder, workers, page):
            found[trained.cell] = trained
            say(_line(trained, len(found), len(order.cells)))
    return [found[cell] for cell in order.cells]


def check_engine(engine: str, workers: int) -> None:
    """Raise `UsageError` for an engine that is none or a number of workers, `ModelError` where Ray is missing."""
    if engine not in ENGINES:
        raise unknown_name("engine", engine, ENGINES)
    if workers < 1:
        raise UsageError(f"--workers must be 1 or more, got {workers}")
    if engine == "ray" and find_spec("ray") is None:
        raise ModelError(_NO_RAY)


def place(folder: Path, cell: Cell) -> Path:
    """The run folder of a cell."""
    return folder / "runs" / cell.name


def _line(trained: Trained, done: int, of: int) -> str:
    told = trained.problem or f"accuracy {trained.scores.get('accuracy', float('nan')):.4f}"
    cell = trained.cell
    return f"run {done} of {of}, batch {cell.batch_size}, seed {cell.seed}: {told} ({trained.seconds:.0f} s)"


def train_cell(order: Order, folder: Path, cell: Cell, threads: int = 0, page: Page | None = None) -> Trained:
    """Train, resume or find one run. `threads` limits its processor threads; 0 leaves them as they are."""
    from mer_batch.training.runs.several import Order as Training

    if threads:
        import torch

        torch.set_num_threads(threads)
    began, where = time.monotonic(), place(folder, cell)
    problem = ""
    try:
        Training(order.device, _silent, order.changes, page=page).trained(order.recipe, where, cell.changes)
    except UsageError:
        raise
    except Exception as error:
        if os.environ.get("MER_DEBUG") == "1":
            raise
        problem = "failed: " + (" ".join(str(error).split())[:300] or type(error).__name__)
    if problem:
        return Trained(cell, where, time.monotonic() - began, {}, problem)
    run = runfile.read(where)
    return Trained(cell, where, run.seconds, run.scores)


def _silent(_line: str) -> None:
    """Runs of a grid do not tell their epochs; the grid tells theirs."""


def _in_turn(order: Order, folder: Path, _workers: int, page: Page | None) -> Iterator[Trained]:
    for cell in order.cells:
        yield train_cell(order, folder, cell, page=page)


def _local(order: Order, folder: Path, workers: int, page: Page | None) -> Iterator[Trained]:
    threads = max(1, (os.cpu_count() or 1) // workers)
    # Forked processes inherit locks of torch's threads and may hang.
    with ProcessPoolExecutor(min(workers, len(order.cells)), mp_context=get_context("spawn")) as pool:
        futures = [pool.submit(train_cell, order, folder, cell, threads, page) for cell in order.cells]
        try:
            for future in as_completed(futures):
                yield future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _ray(order: Order, folder: Path, workers: int, page: Page | None) -> Iterator[Trained]:
    try:
        import ray
    except ImportError as error:
        raise ModelError(_NO_RAY) from error
    started = not ray.is_initialized()
    if started:
        # RAY_ADDRESS, if set, names a cluster; `workers` is for a machine of one's own.
        own = {} if os.environ.get("RAY_ADDRESS") else {"num_cpus": workers}
        ray.init(include_dashboard=False, log_to_driver=False, logging_level="ERROR", **own)
    try:
        task = ray.remote(train_cell)
        waiting = [task.remote(order, folder.resolve(), cell, 1, page) for cell in order.cells]
        while waiting:
            ready, waiting = ray.wait(waiting)
            yield from ray.get(ready)
    finally:
        if started:
            ray.shutdown()


@contextmanager
def _watched(order: Order, folder: Path, on_progress: OnProgress) -> Iterator[None]:
    """Tell how many of all epochs are done, as the run folders say, while the runs go on."""
    stop = threading.Event()

    def watch() -> None:
        with suppress(KeyboardInterrupt):  # the main thread hears it too
            while not stop.wait(LOOK):
                on_progress("grid", min(done_share(folder, order.cells), 0.999))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        stop.set()
        watcher.join()
        on_progress("grid", 1.0)


def done_share(folder: Path, cells: Sequence[Cell]) -> float:
    """The share of all epochs of all runs that is done."""
    return sum(_done(place(folder, cell) / runfile.NAME) for cell in cells) / len(cells)


def _done(path: Path) -> float:
    try:
        table: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if table["state"] == runfile.FINISHED:
            return 1.0
        return min(int(table["epochs_done"]) / int(table["options"]["train"]["epochs"]), 0.99)
    except (OSError, ValueError, KeyError, TypeError):
        return 0.0
