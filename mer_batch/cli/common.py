"""What every command shares: error lines, exit codes and progress."""

from __future__ import annotations

import functools
import gc
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import typer

from mer_batch.errors import EXIT_FAILED, EXIT_INTERRUPTED, MerError, told

Command = TypeVar("Command", bound=Callable[..., int])

DEVICE = typer.Option("auto", "--device", help="Where networks run: auto, cpu, cuda, cuda:N or mps.")


def guarded(command: Command) -> Command:
    """Turn a command's result and errors into an exit code and at most one line on stderr."""

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> int:
        previous = {number: signal.signal(number, _interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            raise SystemExit(command(*args, **kwargs))
        except KeyboardInterrupt:
            ended = signal.SIGTERM in _interrupts
            say("ended by SIGTERM" if ended else "interrupted")
            raise SystemExit(128 + signal.SIGTERM if ended else EXIT_INTERRUPTED) from None
        except (MerError, OSError, MemoryError) as error:
            if os.environ.get("MER_DEBUG") == "1":
                raise
            say(f"error: {told(error)}")
            raise SystemExit(getattr(error, "exit_code", EXIT_FAILED)) from None
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

    return run  # type: ignore[return-value]


@contextmanager
def uncollected() -> Iterator[None]:
    """Garbage is not looked for meanwhile: a timeline of two hours is a million objects, none of them garbage."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


_interrupts: list[int] = []


def _interrupt(number: int, _frame: object) -> None:
    # A library may swallow the exception (a callback from C does), so it is also written down.
    _interrupts.append(number)
    raise KeyboardInterrupt


def say(text: str) -> None:
    """One line for the person at the terminal, on stderr."""
    typer.echo(_fitted(f"mer: {text}", sys.stderr), err=True)


def place(path: Path | None, option: str = "--out", folder: bool = False, quiet: bool = False) -> None:
    """Make sure before the work that the file (or folder) `path` can be written, and say which folder it needs made.

    Raises `UsageError` naming the option.
    """
    from mer_batch.files import check_folder, check_place, new_folder

    if path is None:
        return
    (check_folder if folder else check_place)(path, option)
    made = new_folder(path)
    if made is not None and not quiet:
        say(f"the folder {made} is not there and will be made")


def tell(text: str) -> None:
    """A paragraph for the person at the terminal, on stdout: broken between words there, whole elsewhere."""
    typer.echo(_fitted(text, sys.stdout))


def _fitted(text: str, stream: Any) -> str:
    """The text in lines no wider than the terminal that `stream` is; words that are wider stay whole."""
    if not stream.isatty():
        return text
    from rich.cells import cell_len

    width = shutil.get_terminal_size().columns
    lines: list[str] = []
    for word in text.split(" "):
        # Wide characters take two columns.
        if lines and cell_len(lines[-1]) + 1 + cell_len(word) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return "\n".join(lines)


class Progress:
    """A bar per stage on a terminal; elsewhere a plain line when a stage ends.

    Something is to be seen at once, while libraries load: `first` names it.
    """

    def __init__(self, quiet: bool = False, first: str = "loading") -> None:
        self._quiet, self._first = quiet, first
        self._began: dict[str, float] = {}
        self._over: set[str] = set()
        self._bars: Any = None
        self._tasks: dict[str, Any] = {}

    def __enter__(self) -> Progress:
        if not self._quiet and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
            from rich.progress import Progress as Bars

            columns = (TextColumn("{task.description:<24}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
            self._bars = Bars(*columns, console=Console(stderr=True))
            self._bars.start()
        self(self._first, 0.0)
        return self

    def __exit__(self, *_: object) -> None:
        if self._bars is not None:
            self._bars.stop()

    def __call__(self, stage: str, done: float) -> None:
        """Tell that `done` (0 to 1) of `stage` is finished. Raises KeyboardInterrupt if one was swallowed."""
        if _interrupts:
            raise KeyboardInterrupt
        if self._quiet:
            return
        self._began.setdefault(stage, time.monotonic())
        if self._bars is not None:
            self._draw(stage, done)
        elif done >= 1 and stage not in self._over:
            self._over.add(stage)
            say(f"{stage}: {time.monotonic() - self._began[stage]:.1f} s")

    def _draw(self, stage: str, done: float) -> None:
        if stage not in self._tasks:
            # How long loading takes nobody knows: its bar goes to and fro until it, or anything else, is told of.
            self._tasks[stage] = self._bars.add_task(stage, total=None if stage == self._first else 1.0)
            self._bars.refresh()  # now, not when the thread that draws has its turn: imports keep it waiting
        if stage != self._first:
            self._bars.update(self._tasks[stage], completed=min(done, 1.0))
        if self._first not in self._over and (stage != self._first or done >= 1):
            self._over.add(self._first)
            self._bars.update(self._tasks[self._first], total=1.0, completed=1.0)
