"""What every command shares: error lines, exit codes and progress."""

from __future__ import annotations

import functools
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Any, TypeVar

import typer

from mer_batch.errors import EXIT_FAILED, EXIT_INTERRUPTED, MerError

Command = TypeVar("Command", bound=Callable[..., int])

DEVICE = typer.Option("auto", "--device", help="Where networks run: auto, cpu, cuda, cuda:N or mps.")


def guarded(command: Command) -> Command:
    """Turn a command's result and errors into an exit code and at most one line on stderr."""

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> int:
        previous = signal.signal(signal.SIGINT, _interrupt)
        try:
            raise SystemExit(command(*args, **kwargs))
        except KeyboardInterrupt:
            say("interrupted")
            raise SystemExit(EXIT_INTERRUPTED) from None
        except (MerError, OSError, MemoryError) as error:
            if os.environ.get("MER_DEBUG") == "1":
                raise
            say(f"error: {_line(error)}")
            raise SystemExit(getattr(error, "exit_code", EXIT_FAILED)) from None
        finally:
            signal.signal(signal.SIGINT, previous)

    return run  # type: ignore[return-value]


_interrupts: list[int] = []


def _interrupt(number: int, _frame: object) -> None:
    # A library may swallow the exception (a callback from C does), so it is also written down.
    _interrupts.append(number)
    raise KeyboardInterrupt


def _line(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return " ".join(str(error).split()) or type(error).__name__


def say(text: str) -> None:
    """One line for the person at the terminal, on stderr."""
    typer.echo(f"mer: {text}", err=True)


class Progress:
    """A bar per stage on a terminal; elsewhere a plain line when a stage ends."""

    def __init__(self, quiet: bool = False) -> None:
        self._quiet = quiet
        self._began: dict[str, float] = {}
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
            if stage not in self._tasks:
                self._tasks[stage] = self._bars.add_task(stage, total=1.0)
            self._bars.update(self._tasks[stage], completed=min(done, 1.0))
        elif done >= 1 and stage not in self._tasks:
            self._tasks[stage] = True
            say(f"{stage}: {time.monotonic() - self._began[stage]:.1f} s")
