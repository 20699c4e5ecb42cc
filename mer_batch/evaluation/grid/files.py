"""What a grid leaves beside its runs: confusion matrices, the study as JSON and CSV, and its page."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from mer_batch import __version__
from mer_batch.evaluation.grid.cells import Trained
from mer_batch.evaluation.grid.gate import Gate
from mer_batch.evaluation.grid.order import Order
from mer_batch.files import whole_file
from mer_batch.scores import plots, predictions
from mer_batch.scores.metrics import SCORES
from mer_batch.scores.predictions import Predictions
from mer_batch.scores.statistics import verdict
from mer_batch.scores.statistics.study import Study
from mer_batch.tables_out import write_rows
from mer_batch.training.runs.folds import TEST

STUDY: Final = "study.json"


def trials(trained: Sequence[Trained]) -> list[tuple[int, int, Predictions]]:
    """What the finished runs read, for `study`."""
    return [
        (one.cell.seed, one.cell.batch_size, predictions.read(one.folder / TEST)) for one in trained if not one.problem
    ]


def draw(folder: Path, found: Study) -> None:
    """One confusion matrix a run, per cent of each label beside counts."""
    import numpy as np

    for run in found.runs:
        path = folder / f"confusion_matrix_batch_{run.batch_size}_seed_{run.seed}.png"
        plots.confusions_png(path, np.array(run.confusion), f"batch size {run.batch_size}, seed {run.seed}")


def write_study(folder: Path, order: Order, gate: Gate, trained: Sequence[Trained], found: Study) -> None:
    """study.json, and its tables as CSV files."""
    facts = {
        "mer": __version__,
        "command": {
            "recipe": order.recipe,
            "changes": dict(order.changes),
            "seeds": order.seeds,
            "batch_sizes": order.batch_sizes,
            "quick": order.quick,
        },
        "why": order.why,
        "gate": gate.as_json(),
        "failed": {one.cell.name: one.problem for one in trained if one.problem},
        "seconds": {one.cell.name: round(one.seconds, 1) for one in trained},
    }
    with whole_file(folder / STUDY) as part:
        part.write_text(json.dumps(facts | verdict.as_json(found) | found.as_json(), indent=1) + "\n", encoding="utf-8")
    for name, rows in tables(found).items():
        _csv(folder / f"{name}.csv", rows)


def tables(found: Study) -> dict[str, list[dict[str, Any]]]:
    """The study's tables, flat, by file name."""
    result = {
        "runs": [_run_row(run.seed, run.batch_size, run.scores) for run in found.runs],
        "configurations": list(_configurations(found)),
        "run_pairs": [
            {
                "first": _named(found, pair.first),
                "second": _named(found, pair.second),
                "gain": pair.gain.value,
                "low": pair.gain.low,
                "high": pair.gain.high,
                "discordant": pair.discordant,
                "p": pair.p,
                "holm": pair.holm,
            }
            for pair in found.run_pairs
        ],
        "classes": [
            {
                "label": row.label,
                "n": row.n,
                "recall": row.mean.value,
                "low": row.mean.low,
                "high": row.mean.high,
                "sd": row.sd,
                "lowest": row.lowest,
                "highest": row.highest,
                **{f"batch_{size}": value for size, value in row.by_batch.items()},
            }
            for row in found.classes
        ],
        "confusions": [row.as_json() for row in found.confusions],
    }
    if found.effect is not None:
        result["batch_size_pairs"] = [
            {
                "first": pair.first,
                "second": pair.second,
                "gain": pair.gain.span.value,
                "low": pair.gain.span.low,
                "high": pair.gain.span.high,
                "p": pair.p,
                "holm": pair.holm,
                "wilcoxon": pair.wilcoxon,
                "wilcoxon_holm": pair.wilcoxon_holm,
            }
            for pair in found.effect.pairs
        ]
    return result


def _named(found: Study, number: int) -> str:
    run = found.runs[number]
    return f"batch {run.batch_size}, seed {run.seed}"


def _run_row(seed: int, batch_size: int, scores: Mapping[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {"seed": seed, "batch_size": batch_size}
    for name in SCORES:
        span = scores[name]
        row |= {name: span.value, f"{name}_low": span.low, f"{name}_high": span.high}
    return row


def _configurations(found: Study) -> Iterable[dict[str, Any]]:
    for one in found.configurations:
        row: dict[str, Any] = {"batch_size": one.batch_size, "seeds": " ".join(map(str, one.seeds))}
        for name in SCORES:
            average = one.scores[name]
            row |= {f"{name}_mean": average.mean, f"{name}_sd": average.sd}
            for kind, span in (
                ("seeds", average.over_seeds),
                ("items", average.over_items),
                ("both", average.over_both.span),
            ):
                row |= {f"{name}_{kind}_low": span.low, f"{name}_{kind}_high": span.high}
        yield row


def _csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    header = list(rows[0]) if rows else ["empty"]
    write_rows(path, header, ([row.get(name, "") for name in header] for row in rows))
