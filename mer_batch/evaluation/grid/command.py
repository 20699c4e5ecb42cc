"""`mer evaluate --seeds ...` as a function: check the data, train the runs, study them, write it all down."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mer_batch.errors import DataError, MerError
from mer_batch.evaluation.grid import files
from mer_batch.evaluation.grid.cells import OnProgress, Trained, train_all
from mer_batch.evaluation.grid.gate import Gate, gate
from mer_batch.evaluation.grid.order import Order
from mer_batch.files import whole_file
from mer_batch.scores.plots import SCORES
from mer_batch.scores.statistics import verdict
from mer_batch.scores.statistics.study import Study, study
from mer_batch.tasks.task import Task, load_task
from mer_batch.training.runs import runfile
from mer_batch.training.runs.run import Page

GATE: Final = "gate.json"
MOST: Final = 3
"""Leaks that an error names."""


@dataclass(frozen=True)
class Evaluated:
    """A finished grid."""

    folder: Path
    order: Order
    gate: Gate
    trained: list[Trained]
    study: Study

    @property
    def failed(self) -> list[Trained]:
        """The runs that failed."""
        return [one for one in self.trained if one.problem]


def evaluate_grid(
    order: Order,
    folder: Path,
    workers: int,
    engine: str,
    say: Callable[[str], None],
    on_progress: OnProgress,
    page: Page | None = None,
) -> Evaluated:
    """Train and test every run of `order` in `folder`; returns the study, whose tables and figures then lie there.

    `page` writes the page of each run; the page of the study is the caller's to write.

    The same command again goes on where it was stopped. Raises `DataError` where the split leaks and leaks are not
    allowed, and where no run ends well; failed runs beside good ones are told in the result.
    """
    say(order.why)
    recipe = order.common
    task = load_task(recipe.task, recipe.data)
    found = _checked(order, task, folder, on_progress)
    if found.leaks and not order.allow_leaks:
        more = f" (and {len(found.leaks) - MOST} more)" if len(found.leaks) > MOST else ""
        raise DataError(
            f"the split leaks: {'; '.join(found.leaks[:MOST])}{more}. Choose another split, such as "
            "--set data.split=speaker, or train all the same and stamp every page: --allow-leaks"
        )
    trained = train_all(order, folder, workers, engine, say, on_progress, page)
    trials = files.trials(trained)
    if not trials:
        raise MerError(f"no run ended well; the first one {trained[0].problem}")
    known = set.intersection(*(set(trial[2].groups) for trial in trials))
    seen = study(trials, order.score, order.by if order.by in known else None)
    files.draw(folder, seen)
    files.write_study(folder, order, found, trained, seen)
    if found.leaks:
        _stamp_runs(trained, stamps(order, found)[0], task, page)
    return Evaluated(folder, order, found, trained, seen)


def _checked(order: Order, task: Task, folder: Path, on_progress: OnProgress) -> Gate:
    """The gate for these data, looked up where an earlier sitting has passed it with the same options."""
    path, data = folder / GATE, json.loads(json.dumps(dict(order.common.data)))
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
        if known["data"] == data:
            return Gate(tuple(known["checked"]), tuple(known["leaks"]))
    except (OSError, ValueError, KeyError, TypeError):
        pass
    found = gate(task, on_progress)
    with whole_file(path) as part:
        part.write_text(json.dumps({"data": data, **found.as_json()}, indent=1) + "\n", encoding="utf-8")
    return found


def stamps(order: Order, found: Gate) -> list[str]:
    """What stands above every page: that the split leaks, that the grid was quick."""
    told = [f"THE SPLIT LEAKS, so these scores are too good: {'; '.join(found.leaks)}"] if found.leaks else []
    if order.quick:
        told.append("A quick grid on a sample: it shows that everything runs, and is no result.")
    return told


def _stamp_runs(trained: Sequence[Trained], text: str, task: Task, page: Page | None) -> None:
    """Note the leak in every run and on its page."""
    for one in trained:
        if one.problem:
            continue
        run = runfile.read(one.folder)
        if text not in run.notes:
            run.notes.append(text)
            run.write(one.folder)
            if page is not None:
                page(one.folder, task)


def lines(found: Evaluated) -> Iterator[str]:
    """The result for a terminal."""
    yield from stamps(found.order, found.gate)
    yield f"{'batch size':<12}{'runs':>6}{'mean':>9}{'sd':>8}   95 % over new seeds and items"
    for one in found.study.configurations:
        average = one.scores[found.study.score]
        span = average.over_both.span
        told = "-" if span.low is None or span.high is None else f"{span.low:.4f} to {span.high:.4f}"
        sd = "-" if average.sd is None else f"{average.sd:.4f}"
        yield f"{one.batch_size:<12}{len(one.seeds):>6}{average.mean:>9.4f}{sd:>8}   {told}"
    yield f"score: {SCORES[found.study.score]}"
    yield ""
    yield from verdict.sentences(found.study)
    for run in found.failed:
        yield f"{run.cell.name} {run.problem}"


def as_json(found: Evaluated) -> dict[str, Any]:
    """What study.json holds."""
    table: dict[str, Any] = json.loads((found.folder / files.STUDY).read_text(encoding="utf-8"))
    return table
