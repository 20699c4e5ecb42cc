"""The study in examples/evaluate can be computed again from its predictions, and its page says what it found."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from mer_batch.evaluation.grid.order import BATCH_SIZES, SEEDS, Cell
from mer_batch.scores import predictions
from mer_batch.scores.statistics import verdict
from mer_batch.scores.statistics.study import study

FOLDER = Path(__file__).resolve().parents[3] / "examples" / "evaluate"


@pytest.fixture(scope="module")
def stored() -> dict[str, Any]:
    table: dict[str, Any] = json.loads((FOLDER / "study.json").read_text(encoding="utf-8"))
    return table


def same(found: Any, stored: Any) -> bool:
    """Whether two JSON values are alike; processors add in another order, so that last digits may differ."""
    if type(found) is not type(stored):
        return False
    if isinstance(found, float):
        return found == pytest.approx(stored, rel=1e-9, abs=1e-12)
    if isinstance(found, dict):
        return list(found) == list(stored) and all(same(value, stored[name]) for name, value in found.items())
    if isinstance(found, list):
        return len(found) == len(stored) and all(same(*pair) for pair in zip(found, stored, strict=True))
    return bool(found == stored)


def test_the_figures_follow_from_the_predictions(stored: dict[str, Any]) -> None:
    cells = [Cell(seed, size) for seed in SEEDS for size in BATCH_SIZES]
    trials = [
        (cell.seed, cell.batch_size, predictions.read(FOLDER / "runs" / cell.name / "predictions" / "test.parquet"))
        for cell in cells
    ]
    seen = study(trials, "accuracy", "speaker")
    found = json.loads(json.dumps(verdict.as_json(seen) | seen.as_json()))
    assert found["verdict"] == stored["verdict"]
    for name in ("runs", "configurations", "effect", "run_pairs", "classes", "confusions"):
        assert same(found[name], stored[name]), name


def test_the_page_begins_with_the_verdict_and_no_leak(stored: dict[str, Any]) -> None:
    page = (FOLDER / "report.html").read_text(encoding="utf-8")
    text = re.sub(r"<[^>]+>", "", page)
    assert stored["verdict"][0] in text
    assert stored["gate"]["leaks"] == []
    assert 'class="stamp"' not in page
    for seed in SEEDS:
        for size in BATCH_SIZES:
            assert (FOLDER / Cell(seed, size).figure).is_file()
