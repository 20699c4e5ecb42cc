"""One process at a time in a run folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final

from mer_batch.errors import UsageError

try:
    import fcntl
except ImportError:  # Windows: nothing guards the folder there
    fcntl = None  # type: ignore[assignment]

NAME: Final = ".lock"


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold a run folder; the system lets go of it however the process ends. Raises `UsageError` when it is held."""
    with (folder / NAME).open("w") as file:
        if not _take(file):
            raise UsageError(f"{folder} is being trained by another process; wait for it or stop it")
        yield


def is_held(folder: Path) -> bool:
    """Whether a process trains in the folder now (True where that cannot be known)."""
    path = folder / NAME
    if fcntl is None or not path.is_file():
        return fcntl is None
    with path.open() as file:
        return not _take(file)


def _take(file: IO[Any]) -> bool:
    if fcntl is None:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
