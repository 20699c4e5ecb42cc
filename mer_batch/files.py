"""Files that are whole or absent: written beside their place, then renamed into it; and what is in them, in short."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Final

from mer_batch.errors import UsageError

PART: Final = ".mer-part."
"""How the names of files begin that are not whole yet."""
STALE: Final = 3600.0
"""Seconds after which nobody writes such a file any more."""
BLOCK: Final = 2**20
"""Bytes read at once."""


def check_place(path: Path, option: str = "--out", needed: int = 0) -> None:
    """Raise `UsageError` where the file `path` cannot be written: told before the work, not after it.

    `needed` are the bytes that the disk must have room for. Folders that are missing are no mistake; nothing is made
    here.
    """
    try:
        if path.is_dir():
            example = f"a file name such as {path / 'report.html'}"
            raise UsageError(f"{path} is a folder; give {option} {example if option == '--out' else 'a file name'}")
        if path.exists() and not path.is_file():
            raise UsageError(f"{path} is no ordinary file; choose another place with {option}")
        with suppress(FileNotFoundError, NotADirectoryError):
            path.lstat()  # a name too long is an error of its own, whether or not there is such a file
        check_folder(path.parent, option, needed)
    except OSError as error:
        raise _unwritable(path, error, option) from error


def check_folder(path: Path, option: str = "--out", needed: int = 0) -> None:
    """Raise `UsageError` where no file can be written into the folder `path`, or where it would stand."""
    try:
        standing = _standing(path)
        with tempfile.TemporaryFile(dir=standing):
            pass
        free = shutil.disk_usage(standing).free
    except OSError as error:
        raise _unwritable(path, error, option) from error
    if free < needed:
        raise UsageError(
            f"the disk of {path} has room for {free / 1e6:,.0f} MB, and {needed / 1e6:,.0f} MB are needed; "
            f"choose another place with {option}"
        )


def new_folder(path: Path) -> Path | None:
    """The uppermost of the folders of `path` that is not there yet; None where all are."""
    missing = [folder for folder in path.absolute().parents if not folder.exists()]
    return missing[-1] if missing else None


def _standing(path: Path) -> Path:
    """The folder, else the nearest one above it that is there. Raises OSError where a file stands in the way."""
    path = path.absolute()
    while not path.exists():
        path = path.parent
    if not path.is_dir():
        raise NotADirectoryError(20, "a file stands where a folder is needed", str(path))
    return path


def _unwritable(path: Path, error: OSError, option: str = "--out") -> UsageError:
    return UsageError(f"cannot write {path}: {error.strerror}; choose another place with {option}")


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A temporary path in the folder of `path`, renamed to `path` when the block ends well, else removed.

    Raises `UsageError` where the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f"{PART}{path.stem[:40]}.", suffix=path.suffix, dir=path.parent)
        os.close(handle)
    except OSError as error:
        raise _unwritable(path, error) from error
    temporary = Path(name)
    try:
        yield temporary
        # mkstemp makes files that only their owner reads; a report is an ordinary file.
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()


def sweep(folder: Path) -> int:
    """Remove what killed processes left half-written below `folder`; returns how many files that were."""
    removed, now = 0, time.time()
    for path in folder.rglob(f"{PART}*"):
        with suppress(OSError):
            if now - path.stat().st_mtime > STALE:
                path.unlink()
                removed += 1
    return removed


def size_of(path: Path) -> int | None:
    """Bytes of a file, None where there is none that can be looked at."""
    with suppress(OSError, ValueError):
        return path.stat().st_size
    return None


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file as hexadecimal digits, read by blocks: checkpoints have gigabytes. Raises `OSError`."""
    digest = sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def known_sum(path: Path) -> str:
    """The same, read once a process for as long as the file's size and time of change stay. Raises `OSError`."""
    found = path.stat()
    return _sum(path, found.st_size, found.st_mtime_ns)


@lru_cache(maxsize=64)
def _sum(path: Path, _size: int, _changed: int) -> str:
    return sha256_of(path)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
