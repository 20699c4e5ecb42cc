"""What an evaluation was asked, and everything that it found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mer_batch.scores.metrics import Ints, Scores
from mer_batch.tasks.parts import Part
from mer_batch.tasks.reading import Shares
from mer_batch.tasks.tally import Tally
from mer_batch.types import TaskName


@dataclass(frozen=True)
class Request:
    """What is to be evaluated. `models` are one model, or the members of an ensemble."""

    task: str | None = None
    models: tuple[str, ...] = ("default",)
    data: Path | None = None
    split: str | None = None
    views: bool | str = False
    device: str = "auto"


@dataclass(frozen=True)
class Result:
    """One part, scored: `plain` are the scores of single views where several were averaged."""

    part: Part
    scores: Scores
    plain: Scores | None = None


@dataclass(frozen=True)
class Member:
    """What one model of an ensemble reaches on the main part."""

    model: str
    accuracy: float
    uar: float


@dataclass(frozen=True)
class Evaluation:
    """Everything that was found. Probabilities are (n, 7), before and after calibration, of all items read.

    `groups` are what else is known of the items, by name; `twins` the differences, with intervals, between a set
    and the one of which it is a guise ("meld unpunctuated", "meld"); `tally` tells what became of all that was found.
    """

    request: Request
    modality: TaskName
    name: str
    views: str
    ids: tuple[str, ...]
    labels: Ints
    before: Shares
    after: Shares
    results: tuple[Result, ...]
    main: Result
    temperature: float
    bias: tuple[float, ...]
    notes: tuple[str, ...] = ()
    members: tuple[Member, ...] = ()
    agreement: Mapping[str, float] = field(default_factory=dict)
    gains: Mapping[str, Mapping[str, tuple[float, float, float]]] = field(default_factory=dict)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    twins: Mapping[tuple[str, str], Mapping[str, tuple[float, float, float]]] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)
    reads: int | None = None
    """How often the test set was read, this time included; None for other data."""

    def as_json(self) -> dict[str, Any]:
        """The main part's scores at the top, all parts under `parts`; see `Scores.as_json`."""
        return {
            "set": self.name,
            "task": self.modality,
            "model": self.request.models[0] if len(self.request.models) == 1 else None,
            "models": list(self.request.models),
            "views": self.views or None,
            "temperature": self.temperature,
            "bias": list(self.bias) or None,
            "part": self.main.part.title,
            "items": self.tally.as_json(),
            "test_reads": self.reads,
            **self.main.scores.as_json(),
            "parts": [
                {
                    "part": result.part.name,
                    "items": result.part.items,
                    **result.scores.as_json(),
                    "plain": result.plain.as_json() if result.plain else None,
                }
                for result in self.results
            ],
            "members": [vars(member) for member in self.members],
            "agreement": dict(self.agreement),
            "gains": {name: _spans(spans) for name, spans in self.gains.items()},
            "twins": [{"set": one, "less": other, **_spans(spans)} for (one, other), spans in self.twins.items()],
            "notes": list(self.notes),
        }


def _spans(spans: Mapping[str, tuple[float, float, float]]) -> dict[str, Any]:
    return {name: {"value": value, "interval": [low, high]} for name, (value, low, high) in spans.items()}
