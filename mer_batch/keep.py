"""What a stage of an analysis found, kept in a folder for the next run with the same file, options and model.

Readings hold times, boxes and probabilities, no sounds or embeddings. The small pictures that a page may show are a
stage of their own (`pictures`), none where faces are hidden. Only the pieces of a film hold what
tells its people apart, and they go as soon as they are joined. A file that is damaged or of another
version counts as absent. Only the types that a stage is made of are ever made from a file (see `pickle.Unpickler`,
"Restricting Globals", in Python's documentation).
"""

from __future__ import annotations

import io
import json
import pickle
import zlib
from collections.abc import Callable, Container, Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, TypeAlias, TypeVar

from mer_batch import __version__
from mer_batch.errors import MerError
from mer_batch.files import whole_file

VERSION: Final = 4
_HEAD: Final = b"mer stage 1\n"
_FOREIGN: Final = frozenset(
    {
        ("numpy", "ndarray"),
        ("numpy", "dtype"),
        ("numpy._core.multiarray", "_reconstruct"),
        ("numpy.core.multiarray", "_reconstruct"),
        ("numpy._core.numeric", "_frombuffer"),
        ("numpy.core.numeric", "_frombuffer"),
        ("pathlib", "PosixPath"),
        ("pathlib", "WindowsPath"),
        ("pathlib._local", "PosixPath"),
        ("pathlib._local", "WindowsPath"),
    }
)
_ROOMS: Final = ("mer_batch.types", "mer_batch.face.", "mer_batch.people.", "mer_batch.voice.", "mer_batch.text.")

Facts: TypeAlias = Callable[[], Mapping[str, Any]]
Found = TypeVar("Found")


def short(media: str) -> str:
    """The part of a file's hash that names what is kept of it."""
    return media[:32]


class Keep:
    """The kept stages of one media file; without a folder nothing is kept and nothing found."""

    def __init__(self, folder: Path | None, media: str) -> None:
        """`media` is the file's hash."""
        self._folder = None if folder is None else folder / media[:2]
        self._media = media

    def find(self, stage: str, facts: Facts, kind: type[Found]) -> Found | None:
        """What `stage` found with these `facts` (options, model hashes), or None.

        They are asked for only where something is kept.
        """
        if self._folder is None:
            return None
        place = self._place(stage, facts)
        with suppress(OSError, ValueError, EOFError, pickle.UnpicklingError, zlib.error, AttributeError, TypeError,
                      ImportError, IndexError, KeyError):  # fmt: skip
            data = place.read_bytes()
            digest, body = data[len(_HEAD) : len(_HEAD) + 32], data[len(_HEAD) + 32 :]
            if data.startswith(_HEAD) and sha256(body).digest() == digest:
                found = _Reader(io.BytesIO(zlib.decompress(body))).load()
                return found if isinstance(found, kind) else None
        return None

    def put(self, stage: str, facts: Facts, found: object) -> None:
        """Keep what `stage` found. A full disk keeps nothing and costs nothing."""
        if self._folder is None:
            return
        place, body = self._place(stage, facts), zlib.compress(pickle.dumps(found, protocol=5), 1)
        with suppress(MerError, OSError), whole_file(place) as part:
            part.write_bytes(_HEAD + sha256(body).digest() + body)

    def drop(self, stage: str, facts: Facts) -> None:
        """Forget what `stage` found with these facts."""
        if self._folder is not None:
            with suppress(OSError):
                self._place(stage, facts).unlink(missing_ok=True)

    def forget(self, stage: str) -> None:
        """Forget what `stage` found in this file, whatever the facts were."""
        if self._folder is not None:
            for place in self._folder.glob(f"{short(self._media)}.{stage}.*"):
                with suppress(OSError):
                    place.unlink()

    def _place(self, stage: str, facts: Facts) -> Path:
        assert self._folder is not None
        text = json.dumps({"mer": __version__, "keep": VERSION, **facts()}, sort_keys=True, default=str)
        return self._folder / f"{short(self._media)}.{stage}.{sha256(text.encode()).hexdigest()[:16]}"


def clear(folder: Path, stage: str, needed: Container[str]) -> int:
    """Remove what was kept of a stage of all media but those `needed`, by hash; returns how many files that were."""
    removed = 0
    for place in folder.glob(f"??/*.{stage}.*"):
        if place.name.partition(".")[0] not in needed:
            with suppress(OSError):
                place.unlink()
                removed += 1
    return removed


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        ours = module == _ROOMS[0] or module.startswith(_ROOMS[1:])
        if not ours and (module, name) not in _FOREIGN:
            raise pickle.UnpicklingError(f"{module}.{name} is no part of a stage")
        found = super().find_class(module, name)
        if ours and not isinstance(found, type):
            raise pickle.UnpicklingError(f"{module}.{name} is no type")
        return found
