"""Files that are whole or absent: written beside their place, then renamed into it; and what is in them, in short."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Final

from mer_batch.errors import UsageError

BLOCK: Final = 2**20
"""Bytes read at once."""


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A temporary path in the folder of `path`, renamed to `path` when the block ends well, else removed.

    Raises `UsageError` where the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.stem[:40]}.", suffix=path.suffix, dir=path.parent)
        os.close(handle)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}; choose another place with --out") from error
    temporary = Path(name)
    try:
        yield temporary
        # mkstemp makes files that only their owner reads; a report is an ordinary file.
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file as hexadecimal digits, read by blocks: checkpoints have gigabytes. Raises `OSError`."""
    digest = sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
