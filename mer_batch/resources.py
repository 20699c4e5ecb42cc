"""What this machine and installation offer: data folders, caches and data sets, processors, memory, packages."""

from __future__ import annotations

import os
from contextlib import suppress
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


def processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def memory_mb() -> tuple[float, float] | None:
    """Memory in all and free, in MB; None where the system does not say."""
    with suppress(OSError, ValueError, IndexError, KeyError):
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        table = {line.split(":")[0]: int(line.split()[1]) / 1024 for line in lines}
        return table["MemTotal"], table["MemAvailable"]
    return None


def package_version(package: str) -> str | None:
    """The version of an installed package, None where it is not."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return None
