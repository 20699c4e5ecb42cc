"""What a trainer must know of a task: its data, its augmentation and the facts for the model card.

A task is one class in one file of `tasks/` (`face.py`, `voice.py`, `text.py`, `fusion.py`) with a function
`task(options) -> Task` that turns the recipe's `[data]` table into one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from mer_batch.errors import UsageError, unknown_name
from mer_batch.types import TASKS, TaskName

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from mer_batch.data.manifest import Manifest

OnProgress: TypeAlias = Callable[[str, float], None]
"""Told the stage and which share of it is done."""
Split: TypeAlias = Literal["validation", "test"]


@dataclass(frozen=True)
class Examples:
    """Examples in memory, ready for a network after `Task.prepare`.

    `inputs` (n, ...) may be compact (uint8 pictures, int16 sound, int32 tokens); `labels` (n,) int64
    in the order of `labels.EMOTIONS`; `soft` (n, k) are auxiliary target distributions, rows of zeros
    where unknown. `targets` (n, 7) are label distributions that are learned in place of `labels`, which
    still say the class for weights, sampling and scores. `shares` (n,) say how often each is drawn beside the others
    by a sampling that is "even"; None = all alike. `people` (n) says whose each is, where it is known.
    """

    inputs: Tensor
    labels: Tensor
    ids: tuple[str, ...]
    soft: Tensor | None = None
    targets: Tensor | None = None
    shares: Tensor | None = None
    people: tuple[str, ...] = ()

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
            shares=None if self.shares is None else self.shares[places],
            people=tuple(self.people[place] for place in places.tolist()) if self.people else (),
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

    def chunks(self, size: int, on_progress: OnProgress) -> Iterator[tuple[Sequence[Any], Sequence[int]]]:
        """All items in order, at most `size` at once, each with its place in `labels` and `ids`."""
        for start in range(0, len(self.items), size):
            items = self.items[start : start + size]
            yield items, range(start, start + len(items))
            on_progress("reading", (start + len(items)) / len(self.items))

    def take(self, places: Sequence[int]) -> LabelledSet:
        """The items at `places`."""
        return LabelledSet(
            self.name,
            [self.items[place] for place in places],
            [self.labels[place] for place in places],
            [self.ids[place] for place in places],
            {name: [values[place] for place in places] for name, values in self.groups.items()},
        )


def silent(_stage: str, _done: float) -> None:
    """An `OnProgress` that tells nobody."""


class Task(ABC):
    """Data and augmentation of one modality or several. Validation alone selects; the test is read once."""

    modality: TaskName
    input: Mapping[str, Any]
    """The card's input section: every preprocessing constant."""
    data: str
    """The card's sentence on what the model was trained on."""
    licence: str
    strength: float = 1.0
    """How strongly `prepare` augments, 0 to 1; the loop lowers it for the last epochs (`calm` of a recipe)."""
    progress: float = 1.0
    """The share of the epochs that is done, as the loop sets it."""
    blends: bool = True
    """Whether prepared inputs may be added to each other, as mixup does; not where they hold numbers of words."""
    main: str = ""
    """The set of held-out items that calibrates a model and heads its card; "" = all of them together."""
    twins: Mapping[str, str] = MappingProxyType({})
    """Sets of held-out items that are those of another set in another guise, by name, in the same order."""
    on_progress: OnProgress = staticmethod(silent)
    """Told how far the reading of held-out items is; it takes minutes where they are sounds."""
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

    def copied(self) -> Set[str]:
        """Those of `leaking` whose copies it does train on: all, unless it leaves copies out."""
        return self.leaking()

    def manifests(self) -> Sequence[tuple[Manifest, Sequence[str]]]:
        """Its sets under its split, and the columns whose values may not be in two parts, for `mer data check`.

        None where the task has no files to look into; `leaking` then says what is known.
        """
        return ()

    def folds(self) -> Mapping[str, Mapping[str, Any]]:
        """Names of the folds of its split, and the options of a recipe that choose each; none where it has no folds."""
        return {}

    def files(self) -> Mapping[str, bytes]:
        """Files that a model needs beside its weights, by name, such as a vocabulary."""
        return {}

    def corpora(self) -> Mapping[str, Mapping[str, Any]]:
        """Names of its data sets, and the options that train on one alone and test on the others."""
        return {}

    def left_out(self) -> Mapping[str, Mapping[str, Any]]:
        """Names of its data sets, and the options that train on all others and test on it."""
        return {}

    @abstractmethod
    def prepare(self, inputs: Tensor, train: bool, generator: torch.Generator) -> Tensor:
        """Network input for a batch of `Examples.inputs`; augmented by `generator` when `train`."""


def load_task(name: str, options: Mapping[str, Any]) -> Task:
    """The task named face, voice, text or fusion. Raises `UsageError` for an unknown one."""
    if name not in TASKS:
        raise unknown_name("task", name, TASKS)
    module = import_module(f"mer_batch.tasks.{name}")
    task: Task = module.task(options)
    return task
