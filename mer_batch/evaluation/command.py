"""What `mer evaluate TASK` does: find the models and the data, read every item once, score every part."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mer_batch.classifier import Classifier, calibrated
from mer_batch.errors import UsageError, unknown_name
from mer_batch.evaluation import ensemble
from mer_batch.evaluation.result import Evaluation, Member, Request
from mer_batch.evaluation.source import Source
from mer_batch.readers import load_classifier
from mer_batch.scores.calibration import fit_temperature
from mer_batch.scores.metrics import SCORES, score
from mer_batch.tasks.reading import Reading, Shares
from mer_batch.tasks.task import OnProgress, silent
from mer_batch.types import TASKS, TaskName


def evaluate_model(request: Request, on_progress: OnProgress = silent) -> Evaluation:
    """Read and score as asked; the tally counts what is left out.

    Raises `UsageError` and `DataError` for what cannot be had.
    """
    modality = _modality(request)
    source = Source(modality, request, on_progress)
    readers = [load_classifier(modality, spec, request.device) for spec in request.models]
    if len(readers) == 1:
        return _single(source, readers[0])
    return _ensemble(source, readers)


def _modality(request: Request) -> TaskName:
    task = request.task or ensemble.modality_of(request.models[0])
    if task not in TASKS:
        raise unknown_name("task", task, TASKS)
    modality: TaskName = task
    return modality


def _single(source: Source, reader: Classifier[Any]) -> Evaluation:
    reading, names = source.read(reader)
    card = reader.card
    after, before = reading.probabilities(card.temperature, card.bias), reading.probabilities()
    plain = reading.probabilities(card.temperature, card.bias, plain=True) if source.views else None
    results, main = source.results(reading, names, after, before, plain)
    gains = {}
    if plain is not None:
        where = main.part.where
        gains["one view"] = ensemble.gain(reading.labels[where], after[where], [plain[where]])
    return Evaluation(
        source.request, source.modality, reading.name, source.view_name, reading.ids, reading.labels,
        before, after, results, main, card.temperature, card.bias, tuple(source.notes),
        tally=source.tally, gains=gains, groups=reading.groups,
        twins=_twins(source, reading, after, main.part.where), reads=_reads(source),
    )  # fmt: skip


def _reads(source: Source) -> int | None:
    return None if source.reads is None else source.reads.reads


def _twins(
    source: Source, reading: Reading, after: Shares, where: NDArray[np.bool_]
) -> dict[tuple[str, str], dict[str, tuple[float, float, float]]]:
    """How much a set is read better or worse in another guise: paired, as the items are the same in the same order."""
    if source.request.data is not None:
        return {}
    sets, found = np.array(reading.groups.get("set", ()), dtype=str), {}
    for name, other in source.task.twins.items():
        ours, theirs = np.flatnonzero(sets == name), np.flatnonzero((sets == other) & where)
        if len(ours) and len(ours) == len(theirs):
            truth = reading.labels[theirs]
            found[name, other] = ensemble.gain(truth, after[ours], [after[theirs]], names=SCORES)
    return found


def _ensemble(source: Source, readers: Sequence[Classifier[Any]]) -> Evaluation:
    read = [source.read(reader) for reader in readers]
    reading, names = read[0]
    if any(other.ids != reading.ids for other, _ in read):
        raise UsageError("the members of the ensemble do not read the same items; they need the same kind of input")
    shares = [
        one.probabilities(reader.card.temperature, reader.card.bias)
        for (one, _), reader in zip(read, readers, strict=True)
    ]
    before = ensemble.mean(shares)
    temperature = _own_temperature(source, readers)
    after = calibrated(ensemble.logs(before), temperature)
    results, main = source.results(reading, names, after, before)
    where = main.part.where
    truth, own = reading.labels[where], [one[where] for one in shares]
    members = tuple(
        Member(spec, found.values["accuracy"], found.values["uar"])
        for spec, found in zip(source.request.models, (score(truth, one, draws=1) for one in own), strict=True)
    )
    best = int(np.argmax([member.accuracy for member in members]))
    return Evaluation(
        source.request, source.modality, reading.name, source.view_name, reading.ids, reading.labels,
        before, after, results, main, temperature, (), tuple(source.notes), members, ensemble.agreement(own),
        {
            f"best member ({members[best].model})": ensemble.gain(truth, after[where], [own[best]]),
            "mean member": ensemble.gain(truth, after[where], own),
        },
        reading.groups, tally=source.tally, reads=_reads(source),
    )  # fmt: skip


def _own_temperature(source: Source, readers: Sequence[Classifier[Any]]) -> float:
    """The ensemble's temperature, fitted on validation data; 1 where they are not there."""
    shares, labels = [], None
    for reader in readers:
        reading = source.validation(reader)
        if reading is None:
            source.notes.append("the task's validation data are not here: the ensemble keeps temperature 1")
            return 1.0
        shares.append(reading.probabilities(reader.card.temperature, reader.card.bias))
        labels = reading.labels
    assert labels is not None
    return round(fit_temperature(ensemble.logs(ensemble.mean(shares)), labels), 4)
