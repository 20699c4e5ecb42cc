"""The page of a study over seeds and batch sizes, from its numbers alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from mer_batch import __version__
from mer_batch.evaluation.grid.cells import Trained
from mer_batch.evaluation.grid.command import Evaluated, stamps
from mer_batch.evaluation.grid.order import Order
from mer_batch.files import whole_file
from mer_batch.labels import COLOURS, EMOTIONS
from mer_batch.report.charts import Cell, Matrix
from mer_batch.report.html import page_policy, template
from mer_batch.resources import data_dir
from mer_batch.scores.plots import SCORES
from mer_batch.scores.statistics import verdict
from mer_batch.scores.statistics.study import Configuration, RunPair, Study
from mer_batch.types import Interval
from mer_batch.wording import counted, listed, percent, printable

NAME: Final = "report.html"
SOURCES: Final = {"seed": "seed", "batch_size": "batch size", "rest": "neither alone", "test": "choice of test items"}
EDGE: Final = 0.08
"""Share of the axis that stays empty at both ends."""


def write_grid_page(found: Evaluated) -> Path:
    """Write the page of a finished grid into its folder and return it."""
    kind = "Quick grid" if found.order.quick else "Grid"
    return write_study_page(
        found.folder,
        found.study,
        title=f"{kind} of {found.order.common.name}",
        facts=list(_facts(found.order, found.trained)),
        stamps=stamps(found.order, found.gate),
        checked="; ".join(found.gate.checked),
    )


def _facts(order: Order, trained: Sequence[Trained]) -> Iterator[tuple[str, str]]:
    yield "why this", order.why
    yield "recipe", order.recipe
    yield "changes", ", ".join(f"{name} = {value!r}" for name, value in order.changes.items()) or "none"
    yield "epochs", str(order.common.train.epochs)
    micro = order.common.train.micro_batch
    yield "batches", f"at most {micro} items at once, gradients accumulated" if micro else "whole"
    yield "test", "chosen by nobody: the best validation epoch of each run reads it once"
    for one in trained:
        if one.problem:
            yield one.cell.name, one.problem
    yield "mer", __version__


def write_study_page(
    folder: Path, found: Study, *, title: str, facts: Sequence[tuple[str, str]], stamps: Sequence[str], checked: str
) -> Path:
    """Write report.html in `folder` and return it.

    `stamps` stand in red above everything: leaks, and that a quick grid is no result; `checked` is what the leakage
    gate looked at; `facts` are how the study was made, as (name, value).
    """
    sheets = data_dir("templates")
    text = template("study.html.j2").render(
        title=title,
        meta=_meta(found),
        stamps=stamps,
        checked=checked,
        verdict=verdict.sentences(found),
        limits=verdict.limits(found),
        score=SCORES[found.score],
        rows=_rows(found),
        axis=_axis(found),
        grid=_grid(found),
        matrix=_matrix(found),
        configurations=[_configuration(found, one) for one in found.configurations],
        variance=_variance(found),
        effect=_effect(found),
        confusions=found.confusions[:12],
        classes=_classes(found),
        batch_sizes=found.batch_sizes,
        items=found.items,
        pairs=_run_pairs(found),
        runs=_runs(found, folder),
        facts=facts,
        percent=percent,
        css="\n".join((sheets / name).read_text(encoding="utf-8") for name in ("report.css", "run.css", "study.css")),
        colours=COLOURS,
        emotions=EMOTIONS,
        policy=page_policy([]),
        version=__version__,
    )
    with whole_file(folder / NAME) as part:
        part.write_text(printable(text), encoding="utf-8", newline="\n")
    return folder / NAME


def _meta(found: Study) -> str:
    parts = [counted(len(found.runs), "run"), counted(len(found.seeds), "seed")]
    parts.append(f"batch size {listed([str(size) for size in found.batch_sizes])}")
    parts.append(counted(found.n, "test item"))
    return " · ".join([*parts, *([f"in {found.units} groups by {found.by}"] if found.by else [])])


def _share(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f}"


def _span(span: Interval) -> str:
    return "–" if span.low is None or span.high is None else f"{_share(span.low)} to {_share(span.high)}"


def _possible(span: Interval) -> Interval:
    """The part of an interval of a share that a share can reach: few groups make wide ones."""
    if span.low is None or span.high is None:
        return span
    return replace(span, low=max(span.low, 0.0), high=min(span.high, 1.0))


def _p(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _ends(found: Study) -> tuple[float, float]:
    """The ends of the axis of `found.score`, which no dot or interval crosses."""
    values = [run.scores[found.score].value for run in found.runs]
    spans = [one.scores[found.score].over_both.span for one in found.configurations]
    values += [end for span in spans for end in (span.low, span.high) if end is not None]
    low, high = min(values), max(values)
    room = max((high - low) * EDGE, 0.005)
    return max(low - room, 0.0), min(high + room, 1.0)


def _at(value: float, ends: tuple[float, float]) -> float:
    return round(100 * (value - ends[0]) / (ends[1] - ends[0]), 2)


def _axis(found: Study) -> list[tuple[str, float]]:
    ends = _ends(found)
    return [(f"{100 * (ends[0] + part * (ends[1] - ends[0])):.1f} %", 100 * part) for part in (0.0, 0.5, 1.0)]


def _rows(found: Study) -> list[dict[str, Any]]:
    """One row a batch size: where its runs and its mean with the interval lie on the axis, in per cent."""
    ends = _ends(found)
    rows = []
    for one in found.configurations:
        average = one.scores[found.score]
        span = average.over_both.span
        low, high = (average.mean if end is None else end for end in (span.low, span.high))
        dots = [
            (_at(run.scores[found.score].value, ends), f"seed {run.seed}: {_share(run.scores[found.score].value)} %")
            for run in found.runs
            if run.batch_size == one.batch_size
        ]
        rows.append(
            {
                "size": one.batch_size,
                "mean": _at(average.mean, ends),
                "left": _at(low, ends),
                "width": round(_at(high, ends) - _at(low, ends), 2),
                "dots": dots,
                "value": _share(average.mean),
            }
        )
    return rows


def _grid(found: Study) -> dict[str, Any]:
    """Seeds by batch sizes for the template `matrix`, shaded from 0 for the lowest run to 100 for the highest."""
    values = {(run.seed, run.batch_size): run.scores[found.score].value for run in found.runs}
    low, high = min(values.values()), max(values.values())

    def cell(seed: int, size: int) -> Cell:
        value = values.get((seed, size))
        return (
            Cell("–", 0) if value is None else Cell(_share(value), round(100 * (value - low) / max(high - low, 1e-9)))
        )

    return {
        "caption": f"{SCORES[found.score].capitalize()} of every run in per cent, the lowest pale and the highest deep",
        "corner": "seed \\ batch size",
        "columns": found.batch_sizes,
        "rows": [(seed, [cell(seed, size) for size in found.batch_sizes]) for seed in found.seeds],
    }


def _matrix(found: Study) -> dict[str, Any]:
    """Labels by readings over all runs for the template `matrix`, in per cent of the label."""
    together = Matrix(np.sum([run.confusion for run in found.runs], axis=0).tolist(), "label", "reading", unit="items")
    return together.table_of_shares("Each label’s items by reading over all runs, in % of the label")


def _configuration(found: Study, one: Configuration) -> dict[str, Any]:
    average = one.scores[found.score]
    advice = verdict.recommend(found)
    mark = "recommended" if one.batch_size == advice.batch_size else ""
    if not mark and one.batch_size in advice.as_good:
        mark = "not known to be worse"
    return {
        "size": one.batch_size,
        "seeds": len(one.seeds),
        "mean": _share(average.mean),
        "sd": _share(average.sd),
        "over_seeds": _span(average.over_seeds),
        "over_items": _span(average.over_items),
        "over_both": _span(average.over_both.span),
        "others": [(SCORES[name], _share(one.scores[name].mean)) for name in SCORES if name != found.score],
        "mark": mark,
    }


def _variance(found: Study) -> list[dict[str, Any]]:
    rows = []
    for name, split in found.variance.items():
        shares = split.shares
        rows.append(
            {
                "score": SCORES[name],
                "cells": [
                    (
                        SOURCES[source],
                        round(100 * shares[source]) if source in shares else None,
                        f"{100 * split.parts[source] ** 0.5:.2f}" if source in split.parts else "–",
                    )
                    for source in SOURCES
                ],
            }
        )
    return rows


def _effect(found: Study) -> Mapping[str, Any] | None:
    effect = found.effect
    if effect is None:
        return None
    pairs = [
        {
            "first": pair.first,
            "second": pair.second,
            "gain": _share(pair.gain.span.value),
            "span": _span(pair.gain.span),
            "p": _p(pair.p),
            "holm": _p(pair.holm),
            "wilcoxon": _p(pair.wilcoxon),
            "wilcoxon_holm": _p(pair.wilcoxon_holm),
            "mcnemar": sum(p < 0.05 for p in pair.mcnemar_holm),
            "tests": len(pair.tests),
        }
        for pair in effect.pairs
    ]
    return {
        "p": _p(effect.p),
        "exact": effect.exact,
        "arrangements": effect.arrangements,
        "friedman": None if effect.friedman is None else _p(effect.friedman.p),
        "pairs": pairs,
    }


def _classes(found: Study) -> list[dict[str, Any]]:
    return [
        {
            "label": row.label,
            "n": row.n,
            "mean": _share(row.mean.value),
            "span": _span(_possible(row.mean)),
            "sd": _share(row.sd),
            "range": f"{_share(row.lowest)} to {_share(row.highest)}",
            "by_batch": [_share(row.by_batch.get(size)) for size in found.batch_sizes],
        }
        for row in found.classes
    ]


def _run_pairs(found: Study) -> dict[str, Any]:
    names = [f"batch {run.batch_size}, seed {run.seed}" for run in found.runs]
    rows = sorted(found.run_pairs, key=lambda pair: pair.p)

    def named(pair: RunPair) -> tuple[str, str]:
        return names[pair.first], names[pair.second]

    return {
        "count": len(rows),
        "beyond": sum(pair.holm < 0.05 for pair in rows),
        "rows": [
            (
                names[pair.first],
                names[pair.second],
                _share(pair.gain.value),
                _span(pair.gain),
                _p(pair.p),
                _p(pair.holm),
            )
            for pair in rows[:20]
        ],
    }


def _runs(found: Study, folder: Path) -> list[dict[str, Any]]:
    pages = [(run, f"runs/batch-{run.batch_size}_seed-{run.seed}/report.html") for run in found.runs]
    return [
        {
            "seed": run.seed,
            "size": run.batch_size,
            "cells": [(_share(run.scores[name].value), _span(run.scores[name])) for name in SCORES],
            "figure": f"confusion_matrix_batch_{run.batch_size}_seed_{run.seed}.png",
            "report": page if (folder / page).is_file() else "",
        }
        for run, page in pages
    ]
