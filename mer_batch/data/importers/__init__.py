"""Layouts in which data sets come, by kind.

An importer is one function in one file of this folder:

    @importer("rafdb", title="RAF-DB", modality="face", licence="...", get="...")
    def rafdb(source: Path) -> Listing: ...

It lists files with labels; reading, checking and writing them is the same for all (`data/importing.py`).
"""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any

import pandas as pd

from mer_batch.errors import UsageError, unknown_name
from mer_batch.types import Modality

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Listing:
    """What a source holds: rows with `path`, `label` (as the set says), maybe `split` and more columns, and the place
    (folder, zip, tar) of the files. `make` gives the pixels of a path where the source holds no files.
    """

    rows: pd.DataFrame
    place: Path
    make: Callable[[str], NDArray[np.uint8]] | None = None
    skipped: Mapping[str, int] = field(default_factory=Counter)


@dataclass(frozen=True)
class Importer:
    """A kind of source, what it is, its terms and how to get it."""

    kind: str
    title: str
    modality: Modality | None
    licence: str
    get: str
    function: Callable[..., Listing]

    def read(self, source: Path, pictures: Path | None = None) -> Listing:
        """List a source. Raises `DataError` when it has not this layout."""
        if "pictures" in inspect.signature(self.function).parameters:
            return self.function(source, pictures=pictures)
        if pictures is not None:
            raise UsageError(f"--pictures is not for {self.kind}; its source has them")
        return self.function(source)


_IMPORTERS: dict[str, Importer] = {}


def importer(kind: str, **about: Any) -> Callable[[Callable[..., Listing]], Callable[..., Listing]]:
    """Decorator that makes a layout known as `kind`; `about` are the other fields of `Importer`."""

    def add(function: Callable[..., Listing]) -> Callable[..., Listing]:
        if kind in _IMPORTERS:
            raise ValueError(f"importer {kind!r} is registered twice")
        _IMPORTERS[kind] = Importer(kind, function=function, **about)
        return function

    return add


def known() -> dict[str, Importer]:
    """All importers by kind."""
    for module in iter_modules(__path__):
        import_module(f"{__name__}.{module.name}")
    return dict(sorted(_IMPORTERS.items()))


def find(kind: str) -> Importer:
    """The importer of a kind. Raises `UsageError` for an unknown one."""
    importers = known()
    if kind not in importers:
        raise unknown_name("kind of data set", kind, importers)
    return importers[kind]
