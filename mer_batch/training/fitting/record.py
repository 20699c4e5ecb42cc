"""What a training leaves epoch by epoch: one row in `metrics.jsonl` and, where TensorBoard is installed, its events."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mer_batch.errors import DataError
from mer_batch.files import whole_file

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

METRICS: Final = "metrics.jsonl"
EVENTS: Final = "tensorboard"
_TRAINING: Final = ("loss", "rate", "seconds", "step")
_VALIDATION: Final = ("accuracy", "uar", "macro_f1", "weighted_f1", "best")
Say = Callable[[str], None]


def epoch(folder: Path, row: Mapping[str, Any]) -> None:
    """Add the row of one epoch (`epoch` counts from 1) to the run in `folder`, on disk when this returns.

    Call it before the checkpoint of the same epoch: a row without a checkpoint is dropped by `rewind`, a
    checkpoint without a row would leave a hole.
    """
    with (folder / METRICS).open("a", encoding="utf-8") as file:
        file.write(json.dumps({name: _finite(value) for name, value in row.items()}) + "\n")
    _events.add(folder / EVENTS, row)


def hint(say: Say) -> None:
    """Tell how to get TensorBoard events, where they cannot be written."""
    if find_spec("tensorboard") is None:
        say("no TensorBoard events are written; pip install 'mer-batch[tensorboard]' for them")


def _finite(value: Any) -> Any:
    # JSON has no NaN; a loss that diverged must not end the record of how it did.
    return None if isinstance(value, float) and not math.isfinite(value) else value


def rewind(folder: Path, epoch: int) -> None:
    """Forget every row past `epoch`, before training goes on from its checkpoint (0: forget all)."""
    _events.close()
    path = folder / METRICS
    if not path.is_file():
        return
    kept = [row for row in read(folder) if row["epoch"] <= epoch]
    with whole_file(path) as part:
        part.write_text("".join(json.dumps(row) + "\n" for row in kept), encoding="utf-8")


def close() -> None:
    """Let go of the open event file, as a run ends."""
    _events.close()


def read(folder: Path) -> list[dict[str, Any]]:
    """The rows of a run, oldest first; none where there is no file yet.

    A last line that a crash cut short is left out. Raises `DataError` for any other damage.
    """
    path = folder / METRICS
    if not path.is_file():
        return []
    lines = path.read_text(encoding="utf-8").splitlines()
    rows = []
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
            row["epoch"] = int(row["epoch"])
        except (ValueError, KeyError, TypeError) as error:
            if number == len(lines):
                break
            raise DataError(f"{path}, line {number}: not the row of an epoch; remove the line") from error
        rows.append(row)
    return rows


class _Events:
    """The event file of the run that trains now; there is one at a time."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._writer: SummaryWriter | None = None

    def add(self, folder: Path, row: Mapping[str, Any]) -> None:
        if folder != self._folder:
            self.close()
            self._open(folder, int(row["epoch"]))
        if self._writer is None:
            return
        for name, value in _scalars(row):
            self._writer.add_scalar(name, value, int(row["epoch"]))
        self._writer.flush()

    def _open(self, folder: Path, first: int) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            return
        # A file that starts at `first` takes back what earlier files of the folder said of it and of what follows.
        self._folder, self._writer = folder, SummaryWriter(str(folder), purge_step=first)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._folder = self._writer = None


_events = _Events()


def _scalars(row: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for group, names in (("training", _TRAINING), ("validation", _VALIDATION)):
        for name in names:
            if isinstance(row.get(name), (int, float)):
                yield f"{group}/{name}", float(row[name])
    focus = set(row.get("focus") or ())
    for label, value in (row.get("per_class") or {}).items():
        yield f"validation_f1/{label}", float(value)
        yield f"focus/{label}", float(label in focus)
