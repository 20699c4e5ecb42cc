"""The labelled items of an evaluation: a task's held-out data, or a set of the user's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mer_batch.classifier import Classifier
from mer_batch.errors import DataError, UsageError
from mer_batch.evaluation import ensemble
from mer_batch.evaluation.result import Request, Result
from mer_batch.scores.groups import of_part
from mer_batch.scores.metrics import score
from mer_batch.tasks import reads
from mer_batch.tasks.parts import NAMES, Part, check_split, main_part, part_names, parts
from mer_batch.tasks.reading import Reading, Shares, read_set
from mer_batch.tasks.recipe import recipe_of
from mer_batch.tasks.sets import load_set
from mer_batch.tasks.tally import Tally
from mer_batch.tasks.task import LabelledSet, OnProgress, Split, Task, load_task, silent
from mer_batch.tasks.views import views_for, views_name
from mer_batch.types import TaskName


class Source:
    """The labelled items of a request, for any reader, and how they fall into parts."""

    def __init__(self, modality: TaskName, request: Request, on_progress: OnProgress = silent) -> None:
        self.modality, self.request, self._on_progress = modality, request, on_progress
        self.tally = Tally()
        self.view_name = views_name(modality, request.views)
        self.views = views_for(modality, request.views)
        self.notes: list[str] = []
        self.reads: reads.Count | None = None
        self._task: Task | None = None
        self._validation: dict[int, Reading] = {}
        if request.data is None and request.split is not None:
            check_split(request.split)

    @property
    def task(self) -> Task:
        """The task whose held-out data count; its data are looked for when first needed."""
        if self._task is None:
            recipe = recipe_of(self.modality, self.request.models[0])
            self._task = load_task(recipe.task, recipe.data)
            self._task.on_progress = self._on_progress
        return self._task

    def read(self, reader: Classifier[Any]) -> tuple[Reading, list[str]]:
        """Everything asked for, read once, and the name of the part of each id."""
        if self.request.data is not None:
            if self.modality == "fusion":
                raise UsageError("--data takes sets of one modality; fusion is scored on the pairs of its own recipe")
            own = load_set(self.modality, self.request.data, reader.card.input, self.request.device, self.request.split)
            reading = read_set(reader, own, self.views, self._on_progress)
            self.tally = own.tally
            self.notes = self.tally.notes()
            return reading, [self.request.split or "whole set"] * len(reading)
        readings, names = [], []
        for split in self._splits():
            labelled = _wanted(self.task.held_out(split), split, self.request.split)
            if not len(labelled.items):
                continue
            readings.append(read_set(reader, labelled, self.views, self._on_progress))
            if split == "test":
                self._count(labelled, reader)
            names += part_names(readings[-1].ids, split)
            if split == "validation":
                self._validation[id(reader)] = readings[-1]
        if not readings:
            raise DataError(f"the held-out data of the task have no part {self.request.split!r}")
        self.tally = Tally(len(names))
        return ensemble.joined(readings), names

    def _count(self, labelled: LabelledSet, reader: Classifier[Any]) -> None:
        """Every reading of a test set is written down, those of each member of an ensemble too."""
        self.reads = reads.note(labelled.name, [str(name) for name in labelled.ids], reader.card.sha256, "evaluate")
        sentence = self.reads.sentence(labelled.name)
        self.notes = [note for note in self.notes if "this one included" not in note] + [sentence]

    def _splits(self) -> tuple[Split, ...]:
        if self.request.split in (None, "test"):
            return ("test",)
        return ("validation",) if self.request.split == "validation" else ("validation", "test")

    def results(
        self, reading: Reading, names: Sequence[str], after: Shares, before: Shares, plain: Shares | None = None
    ) -> tuple[tuple[Result, ...], Result]:
        """Every part scored, and the main one."""
        split = self.request.split if self.request.data is None and self.request.split else "all"
        leaking = frozenset() if self.request.data is not None else self.task.leaking()
        main_set = "" if self.request.data is not None else self.task.main
        found = parts(names, reading.ids, leaking, split, reading.groups.get("set", ()), main_set)
        results = [_scored(part, reading, after, before, plain) for part in found]
        main = main_part(found, self.request.split or "")
        if any(part.name in ("public", "validation") for part in found) and self.request.data is None:
            self.notes.append("validation data chose the epoch and the calibration: take their scores as optimistic")
        return tuple(results), next(result for result in results if result.part is main)

    def validation(self, reader: Classifier[Any]) -> Reading | None:
        """The task's validation data as read by one reader, or None where they are not there."""
        if id(reader) in self._validation:
            return self._validation[id(reader)]
        try:
            return read_set(reader, self.task.held_out("validation"), self.views)
        except DataError:
            return None


def _wanted(labelled: LabelledSet, split: Split, wanted: str | None) -> LabelledSet:
    """Only the items of the parts that `wanted` shows, so that nothing is read in vain."""
    shown = NAMES[wanted] if wanted else ()
    if not shown:
        return labelled
    kept = [place for place, name in enumerate(part_names(labelled.ids, split)) if name in shown]
    if len(kept) == len(labelled.ids):
        return labelled
    return labelled.take(kept)


def _scored(part: Part, reading: Reading, after: Shares, before: Shares, plain: Shares | None) -> Result:
    labels, where = reading.labels[part.where], part.where
    groups = of_part(reading.groups, where)
    return Result(
        part,
        score(labels, after[where], before=before[where], groups=groups),
        None if plain is None else score(labels, plain[where], groups=groups),
    )
