"""Where the data folders (templates, models, train), the caches and the data sets are."""

from __future__ import annotations

import os
from pathlib import Path

from mer_batch.errors import MerError

_PACKAGE = Path(__file__).resolve().parent


def data_dir(name: str) -> Path:
    """The folder `templates`, `models` or `train`: inside the wheel, else in the checkout."""
    for candidate in (_PACKAGE / "_data" / name, _PACKAGE.parent / name):
        if candidate.is_dir():
            return candidate
    raise MerError(f"the data folder {name!r} is missing from this installation; reinstall mer-batch")


def cache_dir(*parts: str) -> Path:
    """A folder for caches under `MER_CACHE`, else `XDG_CACHE_HOME/mer`, else `~/.cache/mer`; made on demand."""
    base = os.environ.get("MER_CACHE")
    root = Path(base) if base else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mer"
    folder = root.joinpath(*parts)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def user_data() -> Path | None:
    """The folder of data sets named by `MER_DATA`, or None."""
    value = os.environ.get("MER_DATA")
    return Path(value) if value else None


def data_home() -> Path:
    """The folder of data sets where `MER_DATA` names no other: below the user's own data, as the system has it."""
    from platformdirs import user_data_path

    return user_data_path("mer", appauthor=False) / "sets"
