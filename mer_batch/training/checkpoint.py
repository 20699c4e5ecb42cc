"""Complete training state on disk, written so that a crash never leaves half a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from mer_batch.errors import MerError

NAME = "checkpoint.pt"


def save(folder: Path, state: dict[str, Any]) -> None:
    """Replace the checkpoint of a run in one step."""
    partial = folder / f"{NAME}.partial"
    try:
        torch.save(state, partial)
        partial.replace(folder / NAME)
    except (OSError, RuntimeError) as error:
        partial.unlink(missing_ok=True)
        raise MerError(f"cannot write the checkpoint in {folder}: {error}; the last one is kept") from error


def load(folder: Path) -> dict[str, Any] | None:
    """The state saved last, or None."""
    path = folder / NAME
    if not path.is_file():
        return None
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return state
