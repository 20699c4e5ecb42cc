"""`run.json`: what a run is, how far it is, and what was changed on the way."""

from __future__ import annotations

import json
import platform
import uuid
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final

from mer_batch import __version__
from mer_batch.errors import DataError
from mer_batch.files import whole_file
from mer_batch.resources import package_version

NAME: Final = "run.json"
RUNNING, FINISHED, FAILED, INTERRUPTED = "running", "finished", "failed", "interrupted"


@dataclass
class Run:
    """The whole of `run.json`; every field is kept up to date while the run goes on."""

    name: str
    recipe: str
    """The recipe's name."""
    task: str
    options: dict[str, Any]
    """The recipe in force, defaults included."""
    id: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    parent: str | None = None
    """The run (its id) or model (its name or folder) whose weights this one started from."""
    parent_folder: str | None = None
    started: str = field(default_factory=lambda: datetime.now(timezone.utc).isoformat(timespec="seconds"))
    state: str = RUNNING
    reason: str = ""
    """Why it failed."""
    epochs_done: int = 0
    best: float | None = None
    """The best validation score so far, of the kind `options.train.select`."""
    changes: list[dict[str, Any]] = field(default_factory=list)
    """Options changed on resume: epoch, step, option, from, to."""
    resumed: list[int] = field(default_factory=list)
    """Epochs that were done whenever the run went on after a stop."""
    notes: list[str] = field(default_factory=list)
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    """Items of each label in the training and validation data."""
    dropped: int = 0
    """Training examples left out by `[clean]`."""
    device: str = ""
    processes: int = 1
    versions: dict[str, str] = field(default_factory=lambda: versions())
    seconds: float = 0.0
    """Time spent on training, over all sittings."""
    scores: dict[str, float] = field(default_factory=dict)
    """On the test set, once the run is finished."""

    def write(self, folder: Path) -> None:
        """Replace the file in a run folder."""
        with whole_file(folder / NAME) as part:
            part.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")


def read(folder: Path) -> Run:
    """The run in a folder. Raises `DataError` when its file is missing or damaged."""
    path = folder / NAME
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
        known = {field.name for field in fields(Run)}
        return Run(**{key: value for key, value in table.items() if key in known})
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, TypeError, AttributeError) as error:
        raise DataError(f"{path} is damaged: {str(error)[:100]}") from error


def versions() -> dict[str, str]:
    """What the run is made with."""
    packages = {name: package_version(name) for name in ("torch", "torchvision", "numpy", "transformers")}
    own = {"mer": __version__, "python": platform.python_version()}
    return own | {name: found for name, found in packages.items() if found}
