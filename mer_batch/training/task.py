"""What a trainer must know of a task: its data, its augmentation and the facts for the model card.

A task is one class in one file of `tasks/` (`face.py`, `voice.py`, `text.py`) with a function
`task(options) -> Task` that turns the recipe's `[data]` table into one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from mer_batch.errors import UsageError, unknown_name
from mer_batch.types import MODALITIES, Modality

if TYPE_CHECKING:
    import torch
    from torch import Tensor

Split: TypeAlias = Literal["validation", "test"]


@dataclass(frozen=True)
class Examples:
    """Examples in memory, ready for a network after `Task.prepare`.

    `inputs` (n, ...) may be compact (uint8 pictures, int16 sound, int32 tokens); `labels` (n,) int64
    in the order of `labels.EMOTIONS`; `soft` (n, k) are auxiliary target distributions, rows of zeros
    where unknown. `targets` (n, 7) are label distributions that are learned in place of `labels`, which
    still say the class for weights, sampling and scores.
    """

    inputs: Tensor
    labels: Tensor
    ids: tuple[str, ...]
    soft: Tensor | None = None
    targets: Tensor | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, places: Tensor) -> Examples:
        """The examples at `places` (k,), int64."""
        return Examples(
            inputs=self.inputs[places],
            labels=self.labels[places],
            ids=tuple(self.ids[place] for place in places.tolist()),
            soft=None if self.soft is None else self.soft[places],
            targets=None if self.targets is None else self.targets[places],
        )


@dataclass(frozen=True)
class LabelledSet:
    """Items as a `Classifier` takes them, with their true labels (indices into `labels.EMOTIONS`).

    Items that share an id are parts of one thing (windows of one clip): their readings are averaged.
    `groups` are what else is known of each item by name, such as its `set`, `speaker` and `sentence`: scores are
    told by set, and intervals over speakers can be computed.
    """

    name: str
    items: Sequence[Any]
    labels: Sequence[int]
    ids: Sequence[str]
    groups: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def take(self, places: Sequence[int]) -> LabelledSet:
        """The items at `places`."""
        return LabelledSet(
            self.name,
            [self.items[place] for place in places],
            [self.labels[place] for place in places],
            [self.ids[place] for place in places],
            {name: [values[place] for place in places] for name, values in self.groups.items()},
        )


class Task(ABC):
    """One modality's data and augmentation. Selection uses the validation split only; the test is read once."""

    modality: Modality
    input: Mapping[str, Any]
    """The card's input section: every preprocessing constant."""
    data: str
    """The card's sentence on what the model was trained on."""
    licence: str
    strength: float = 1.0
    """How strongly `prepare` augments, 0 to 1; the loop lowers it for the last epochs (`calm` of a recipe)."""
    auxiliary: int = 0
    """Width of `Examples.soft`, 0 without auxiliary targets."""

    def adapt(self, wanted: Mapping[str, Any]) -> None:
        """Prepare inputs as a network wants them (`nets.input_of`); called before the data is read.

        Raises `UsageError` where the task cannot.
        """
        for key, value in wanted.items():
            if self.input.get(key) != value:
                raise UsageError(
                    f"this network wants {key} = {value!r}, which the {self.modality} task does not prepare"
                )

    @abstractmethod
    def train(self) -> Examples:
        """The training examples."""

    @abstractmethod
    def validation(self) -> Examples:
        """The examples that choose the epoch."""

    @abstractmethod
    def held_out(self, split: Split) -> LabelledSet:
        """The validation or test items as a classifier takes them in real use: they calibrate and score."""

    def leaking(self) -> Set[str]:
        """The ids of held-out items that have a copy in the training data; scores are told with and without them."""
        return frozenset()

    def folds(self) -> Mapping[str, Mapping[str, Any]]:
        """Names of the folds of its split, and the options of a recipe that choose each; none where it has no folds."""
        return {}

    def corpora(self) -> Mapping[str, Mapping[str, Any]]:
        """Names of its data sets, and the options that train on one alone and test on the others."""
        return {}

    @abstractmethod
    def prepare(self, inputs: Tensor, train: bool, generator: torch.Generator) -> Tensor:
        """Network input for a batch of `Examples.inputs`; augmented by `generator` when `train`."""


def load_task(name: str, options: Mapping[str, Any]) -> Task:
    """The task for a modality name. Raises `UsageError` for an unknown one."""
    if name not in MODALITIES:
        raise unknown_name("task", name, MODALITIES)
    module = import_module(f"mer_batch.training.tasks.{name}")
    task: Task = module.task(options)
    return task
