"""What tests share: folders made once for all processes of a session, one thread, and trainings that are killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

from filelock import FileLock

Once: TypeAlias = Callable[[str, Callable[[Path], object]], Path]


def once(base: Path) -> Once:
    """A maker of folders in `base`: whoever comes first makes one, other processes wait and take the same."""

    def made(name: str, make: Callable[[Path], object]) -> Path:
        folder, finished = base / f"once-{name}", base / f"once-{name}.finished"
        with FileLock(base / f"once-{name}.lock"):
            if not finished.exists():
                folder.mkdir()  # one that is there already was left by a making that failed, and fails again
                make(folder)
                finished.touch()
        return folder

    return made


@contextmanager
def threads(count: int) -> Iterator[None]:
    """torch with so many threads: sums of as many threads are equal bit by bit, whatever another test changed."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


DYING = """
import os, signal, sys, threading
from importlib import import_module

_, loop_name, page_name, run, step, within, *arguments = sys.argv
loop, page = import_module(loop_name), import_module(page_name)
real, begun = loop._step, 0


def dying(job, state, *rest):
    global begun
    begun += state.step == 0
    if (begun, state.step) == (int(run), int(step)):
        kill = lambda: os.kill(os.getpid(), signal.SIGKILL)
        threading.Timer(float(within), kill).start() if float(within) else kill()
    real(job, state, *rest)


loop._step = dying
page.write_run_report = lambda *_: None
sys.argv = ["mer", *arguments]
import_module("mer_batch.cli").main()
"""


def killed(*arguments: object, step: int, run: int = 1, within: float = 0.0) -> None:
    """`mer` with one thread, killed by the system `within` seconds after its `run`-th training begins step `step`.

    The process kills itself, so that no race is run against it, however fast or busy the machine.
    """
    from mer_batch.pages.run import page as run_page
    from mer_batch.training.fitting import loop

    told = [loop.__name__, run_page.__name__, run, step, within, *arguments]
    done = subprocess.run(
        [sys.executable, "-c", DYING, *map(str, told)],
        env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL, done.stderr
