"""Complete training state on disk, written so that a crash never leaves half a file."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import torch

from mer_batch.errors import DataError, MerError, UsageError

NAME: Final = "checkpoint.pt"
KEPT: Final = "checkpoints"
"""Folder of all checkpoints of a run that keeps them, `epoch-0003.pt` and `epoch-0003-step-000250.pt`."""
FORMAT: Final = 2


def save(folder: Path, state: dict[str, Any], keep_as: str | None = None) -> None:
    """Replace the checkpoint of a run in one step; `keep_as` also keeps it under this name.

    Raises `MerError` when it cannot be written; the one before is then still whole.
    """
    partial = folder / f"{NAME}.partial"
    try:
        with partial.open("wb") as file:
            torch.save({"format": FORMAT, **state}, file)
            file.flush()
            os.fsync(file.fileno())
        if keep_as is not None:
            _keep(partial, folder / KEPT / f"{keep_as}.pt")
        partial.replace(folder / NAME)
    except (OSError, RuntimeError) as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise MerError(f"cannot write {folder / NAME}: {_reason(error)}; the last checkpoint is kept") from error


def load(path: Path) -> dict[str, Any]:
    """The state in a checkpoint. Raises `DataError` when it is damaged or of another version."""
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file makes torch raise whatever its bytes happen to mean
        raise DataError(f"the checkpoint {path} cannot be read ({_reason(error)}); delete it to start again") from error
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        raise DataError(f"the checkpoint {path} is of another version; start again with --parent {path.parent}")
    return state


def find(spec: Path) -> tuple[Path, Path | None]:
    """The run folder and the checkpoint that `--resume` means: a run, or one of its kept checkpoints.

    None when the run ended before its first one. Raises `UsageError` for anything else.
    """
    if spec.suffix == ".pt" and spec.is_file():
        run = spec.parent.parent if spec.parent.name == KEPT else spec.parent
        return run, spec
    if not (spec / "recipe.toml").is_file():
        raise UsageError(f"{spec} is not a run folder; `mer train list` shows those there are")
    path = spec / NAME
    return spec, path if path.is_file() else None


def _keep(partial: Path, path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    try:
        path.hardlink_to(partial)
    except OSError:  # a file system without hard links
        shutil.copyfile(partial, path)


def _reason(error: BaseException) -> str:
    """The system's own words where there are any: torch puts them behind its own."""
    found: BaseException | None = error
    while found is not None:
        if isinstance(found, OSError) and found.strerror:
            return found.strerror
        found = found.__cause__ or found.__context__
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:150]
