"""A training run as its report needs it, read from the run folder; whatever is missing there is None or empty."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mer_batch.classifier import calibrated
from mer_batch.errors import UsageError
from mer_batch.nets.store import CARD, ModelCard, read_card
from mer_batch.scores import predictions
from mer_batch.scores.metrics import Scores, score
from mer_batch.types import TaskName

if TYPE_CHECKING:
    from mer_batch.scores.predictions import Predictions

INFO = "run.json"
MARKS = (INFO, "recipe.toml", "metrics.jsonl")
"""Files of which a run folder has at least one."""


@dataclass(frozen=True)
class Scored:
    """A set that the model read: its predictions, calibrated as users get them, and their scores."""

    predictions: Predictions
    before: NDArray[np.float64]
    """The probabilities (n, 7) before calibration."""
    scores: Scores

    @property
    def name(self) -> str:
        """The set's name, empty when it was not written down."""
        return str(self.predictions.meta.get("set") or self.predictions.meta.get("name") or "")


@dataclass(frozen=True)
class Run:
    """One training run: `info` is its run.json, `rows` are its epochs."""

    folder: Path
    info: Mapping[str, Any]
    rows: Sequence[Mapping[str, Any]]
    card: ModelCard | None
    validation: Scored | None
    test: Scored | None

    @property
    def name(self) -> str:
        """The run's name, else its folder's."""
        return str(self.info.get("name") or self.folder.resolve().name)

    @property
    def modality(self) -> TaskName | None:
        """What the model reads, None while nothing says so."""
        return self.card.modality if self.card else self.info.get("task")

    @property
    def state(self) -> str:
        """finished, running, failed or interrupted; a run without the note is finished when it has a model."""
        return str(self.info.get("state") or ("finished" if self.card else "interrupted"))

    @property
    def judged(self) -> Scored | None:
        """The set that the report is about: the test, else validation."""
        return self.test or self.validation

    def option(self, section: str, name: str, default: Any = None) -> Any:
        """An option of the effective recipe."""
        return (self.info.get("options") or {}).get(section, {}).get(name, default)


def read_run(folder: Path) -> Run:
    """The run in `folder`. Raises `UsageError` where there is none and `DataError` where it is damaged."""
    from mer_batch.training.fitting import record

    if not any((folder / name).is_file() for name in MARKS):
        raise UsageError(f"{folder} is not a run folder")
    return Run(
        folder,
        read_info(folder),
        record.read(folder),
        read_card(folder / "model") if (folder / "model" / CARD).is_file() else None,
        _scored(folder / "predictions" / "validation.parquet"),
        _scored(folder / "predictions" / "test.parquet"),
    )


def read_info(folder: Path) -> dict[str, Any]:
    """What run.json says, nothing where it is missing. Raises `DataError` where it is damaged."""
    from mer_batch.training.runs import runfile

    return asdict(runfile.read(folder)) if (folder / INFO).is_file() else {}


def _scored(path: Path) -> Scored | None:
    if not path.is_file():
        return None
    read = predictions.read(path)
    if not len(read):
        return None
    before = uncalibrated(read.probabilities, read.meta.get("temperature") or 1.0, read.meta.get("bias") or ())
    return Scored(read, before, score(read.labels, read.probabilities, before=before, groups=read.groups))


def uncalibrated(
    probabilities: NDArray[np.float64], temperature: float, bias: Sequence[float] = ()
) -> NDArray[np.float64]:
    """What was softmax(z / temperature + bias) as softmax(z), for probabilities (n, 7).

    Exact for one reading an item; for means over several views or windows it is close.
    """
    shifted = np.log(np.maximum(probabilities, 1e-12)) - (np.asarray(bias) if len(bias) else 0.0)
    return calibrated(temperature * shifted)


def ancestors(run: Run) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The runs or models that the weights come from, nearest first, as (name, run.json).

    The second is empty for a model, and for a run whose folder is gone.
    """
    from mer_batch.training.runs import lineage, runfile

    if run.info:
        for place, parent in lineage.chain(run.folder, runfile.read(run.folder)):
            yield (parent.name, asdict(parent)) if parent else (place, {})
