"""What was found in a file before, kept by its content: speech in sounds, faces in pictures."""

from __future__ import annotations

import io
import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np

from mer_batch.resources import cache_dir

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Kept:
    """Arrays of floats by a key, in one file that several threads and processes may use. A context manager.

    `maker` are the modules whose code made what is kept, and `facts` what else decides it: when they change, all is
    made anew. Where the file cannot be read or written, nothing is kept.
    """

    def __init__(self, name: str, maker: Sequence[ModuleType], *facts: object) -> None:
        code = [Path(str(module.__file__)).read_bytes() for module in maker]
        self._version = sha256(b"\0".join([*code, repr(facts).encode()])).hexdigest()[:16]
        self._lock = threading.Lock()
        self._file: sqlite3.Connection | None = None
        with suppress(OSError):
            self._file = _open(cache_dir("sets") / f"{name}.sqlite")

    def __enter__(self) -> Kept:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            if self._file is not None:
                self._file.close()
            self._file = None

    def recall(self, content: NDArray[Any], make: Callable[[], NDArray[Any]]) -> NDArray[Any]:
        """What `make` returns for something with this content, or returned before."""
        key = f"{self._version}:{content.shape}:{sha256(np.ascontiguousarray(content).data).hexdigest()}"
        found = self._get(key)
        if found is None:
            found = make()
            self._put(key, found)
        return found

    def _get(self, key: str) -> NDArray[Any] | None:
        with self._lock, suppress(sqlite3.Error, ValueError, EOFError):
            if self._file is not None:
                row = self._file.execute("select value from kept where key = ?", (key,)).fetchone()
                return None if row is None else np.load(io.BytesIO(row[0]), allow_pickle=False)
        return None

    def _put(self, key: str, value: NDArray[Any]) -> None:
        buffer = io.BytesIO()
        np.save(buffer, value, allow_pickle=False)
        with self._lock, suppress(sqlite3.Error):
            if self._file is not None:
                self._file.execute("insert or replace into kept values (?, ?)", (key, buffer.getvalue()))


def _open(path: Path, again: bool = True) -> sqlite3.Connection | None:
    """The file, begun anew where it is damaged; None where it cannot be used."""
    file = None
    try:
        file = sqlite3.connect(path, timeout=10, isolation_level=None, check_same_thread=False)
        # What is lost by a crash of the machine is made again.
        file.execute("pragma synchronous = off")
        file.execute("create table if not exists kept (key text primary key, value blob)")
        return file
    except sqlite3.DatabaseError as error:
        if file is not None:
            file.close()
        if not again or isinstance(error, sqlite3.OperationalError):
            return None  # locked, full or on a disk that cannot lock
        path.unlink(missing_ok=True)
        return _open(path, again=False)
