"""What the runs of several folds, or of several corpora, say together, from their predictions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from mer_batch.scores import predictions
from mer_batch.scores.groups import Effect, mean_effect, plural, unit
from mer_batch.scores.metrics import SCORES, Scores, group_effects, score
from mer_batch.scores.wording import HEADS, confusion_lines
from mer_batch.training.runs import runfile
from mer_batch.types import Interval

VIEWS: Final = "_tta"
"""Ends the name of a score with several views of each item."""
TEST: Final = Path("predictions") / "test.parquet"
LEAST: Final = 5
"""People over whom an interval of the mean over sets is taken at least; with fewer it is over items."""


@dataclass(frozen=True)
class Pooled:
    """The test items of several runs, each item once, as the first run read it that tested on it.

    `over` says what the intervals of `scores` are drawn from; `repeats` counts readings that were left out.
    """

    name: str
    scores: Scores
    over: str
    repeats: int

    def as_json(self) -> dict[str, Any]:
        """Scores with the name of the set and what the intervals are over."""
        return {"set": self.name, **self.scores.as_json(), "intervals_over": self.over, "repeats": self.repeats}


def pooled(runs: Sequence[Path]) -> Pooled:
    """The test predictions of finished runs, scored together."""
    read = [predictions.read(run / TEST) for run in runs]
    ids = [name for one in read for name in one.ids]
    first = np.sort(np.unique(ids, return_index=True)[1])
    labels = np.concatenate([one.labels for one in read])[first]
    shares = np.concatenate([one.probabilities for one in read])[first]
    groups = {
        name: np.array([value for one in read for value in one.groups.get(name, ("",) * len(one))])[first].tolist()
        for name in {name for one in read for name in one.groups}
    }
    scores, over = score(labels, shares, groups=groups), f"{len(first)} items"
    own = scores.grouped
    if own is not None:
        scores = replace(scores, intervals={**scores.intervals, **own.intervals})
        over = f"{own.units} {plural(own.by)}"
    names = dict.fromkeys(str(one.meta.get("set", "")) for one in read)
    return Pooled(" + ".join(names) if len(names) < 3 else _common(list(names)), scores, over, len(ids) - len(first))


def _common(names: Sequence[str]) -> str:
    """What the names of folds share: "test clips (split by speaker, fold *) of ravdess"."""
    words = zip(*(name.split() for name in names), strict=False)
    return " ".join(same[0] if len(set(same)) == 1 else "*)" if same[0].endswith(")") else "*" for same in words)


def summary(runs: Sequence[Path]) -> tuple[Pooled, dict[str, Any]]:
    """All folds together, and `folds.json`: every fold, mean and standard deviation over folds, and all as one."""
    rows = [{"run": run.name, **_fold(run)} for run in runs]
    views = [name for name in (f"{score}{VIEWS}" for score in SCORES) if all(name in row for row in rows)]
    values = {name: np.array([row[name] for row in rows]) for name in (*SCORES, *views)}
    whole = pooled(runs)
    return whole, {
        "folds": rows,
        "mean": {name: float(found.mean()) for name, found in values.items()},
        "deviation": {name: float(found.std(ddof=1)) for name, found in values.items()},
        "pooled": whole.as_json(),
    }


def _fold(run: Path) -> dict[str, Any]:
    read = predictions.read(run / TEST)
    found = score(read.labels, read.probabilities, draws=1)
    views = {name: value for name, value in runfile.read(run).scores.items() if name.endswith(VIEWS)}
    facts = {"set": read.meta.get("set", ""), "n": found.n}
    return {**facts, **found.values, **views, "confusion": found.confusion.tolist()}


def lines(whole: Pooled, table: Mapping[str, Any]) -> Iterator[str]:
    """`folds.json` for a terminal of 100 columns."""
    yield f"{'':<12}{'n':>6}" + "".join(f"{HEADS[name]:>14}" for name in SCORES)
    for row in table["folds"]:
        yield f"{row['run']:<12}{row['n']:>6}" + "".join(f"{row[name]:>14.4f}" for name in SCORES)
    for title, end in (("mean", ""), ("deviation", ""), ("mean", VIEWS), ("deviation", VIEWS)):
        if f"uar{end}" in table[title]:
            cells = "".join(f"{table[title][name + end]:>14.4f}" for name in SCORES)
            yield f"{title + (', views' if end else ''):<18}{cells}"
    spans = {name: whole.scores.intervals[name] for name in SCORES}
    yield f"{'all as one':<12}{whole.scores.n:>6}" + "".join(f"{whole.scores.values[name]:>14.4f}" for name in SCORES)
    yield f"{'  95 %':<18}" + "".join(f"{f'{low:.3f}-{high:.3f}':>14}" for low, high in spans.values())
    yield f"interval over {whole.over}; every item is read once, by the fold that did not train on it"
    if whole.repeats:
        yield f"{whole.repeats} further readings left out: sets with fewer folds were tested again"
    yield ""
    yield from confusion_lines(whole.scores, True)


def crossed(runs: Mapping[str, Path]) -> dict[str, Any]:
    """`corpora.json`: what a network trained on one set alone reaches on each other one."""
    cells: dict[str, dict[str, Any]] = {}
    for name, run in runs.items():
        read = predictions.read(run / TEST)
        origin = np.array(read.groups["set"])
        cells[name] = {
            other: _cell(score(read.labels[origin == other], read.probabilities[origin == other]))
            for other in np.unique(origin).tolist()
        }
    return {"sets": list(runs), "trained_on": cells}


def _cell(found: Scores) -> dict[str, Any]:
    spans = {name: list(found.intervals[name]) for name in SCORES}
    return {"n": found.n, "classes": len(found.present), **found.values, "intervals": spans}


def crossed_lines(table: Mapping[str, Any]) -> Iterator[str]:
    """`corpora.json` for a terminal: a row a set that trains, a column one that is tested."""
    names = table["sets"]
    sizes = {other: cell for row in table["trained_on"].values() for other, cell in row.items()}
    for head, key in (("UAR", "uar"), ("accuracy", "accuracy")):
        yield f"{head + ': trained on':<20}" + "".join(f"{name[:12]:>13}" for name in names)
        for name, row in table["trained_on"].items():
            cells = (f"{row[other][key]:>13.4f}" if other in row else f"{'-':>13}" for other in names)
            yield f"{name[:19]:<20}" + "".join(cells)
        yield ""
    yield f"{'n':<20}" + "".join(f"{sizes[name]['n']:>13}" for name in names)
    yield f"{'classes':<20}" + "".join(f"{sizes[name]['classes']:>13}" for name in names)


def left_out(runs: Mapping[str, Path]) -> dict[str, Any]:
    """`leave-out.json`: what a network reaches on each set that it was not trained on, and the mean over the sets.

    Every set counts the same, whatever its size; the interval of the mean is over new speakers (or clips, where a set
    has fewer than `LEAST` speakers) of these sets.
    """
    rows: dict[str, dict[str, Any]] = {}
    effects = []
    for name, run in runs.items():
        found = pooled([run])
        rows[name] = {"classes": len(found.scores.present), **found.as_json()}
        effects += _uar(predictions.read(run / TEST))
    mean = {name: float(np.mean([row[name] for row in rows.values()])) for name in (*SCORES, "ece", "nll")}
    span = mean_effect(effects).share() if len(effects) == len(rows) else Interval(mean["uar"], None, None)
    return {"sets": rows, "mean": mean, "uar_interval": [span.low, span.high]}


def _uar(read: predictions.Predictions) -> list[Effect]:
    """UAR with its error over the speakers of a set, or over its clips where it has too few; none for one clip."""
    shared = unit(read.groups)
    units = np.arange(len(read)) if shared is None or shared[1].max() + 1 < LEAST else shared[1]
    found = group_effects(read.labels, read.probabilities.argmax(axis=1), units).get("uar")
    return [found] if found else []


def left_out_lines(table: Mapping[str, Any]) -> Iterator[str]:
    """`leave-out.json` for a terminal of 100 columns."""
    yield f"{'left out':<12}{'n':>6}{'classes':>9}" + "".join(f"{HEADS[name]:>14}" for name in SCORES)
    for name, row in table["sets"].items():
        yield f"{name[:12]:<12}{row['n']:>6}{row['classes']:>9}" + "".join(f"{row[score]:>14.4f}" for score in SCORES)
    yield f"{'mean':<27}" + "".join(f"{table['mean'][name]:>14.4f}" for name in SCORES)
    low, high = table["uar_interval"]
    span = "" if low is None else f", 95 % {low:.3f}-{high:.3f} over new speakers of these sets"
    yield f"mean UAR {table['mean']['uar']:.4f}{span}"
    yield f"mean expected calibration error {table['mean']['ece']:.4f}"
