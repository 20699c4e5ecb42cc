"""What a training writes down: rows survive crashes and resumes, TensorBoard shows every epoch once."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mer_batch.errors import DataError
from mer_batch.training.fitting import record


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    record.close()


def row(number: int, accuracy: float = 0.5) -> dict[str, Any]:
    return {
        "epoch": number,
        "rate": 0.1,
        "loss": 2.0 / number,
        "accuracy": accuracy,
        "per_class": {"fear": 0.25, "happy": 0.75},
        "focus": ["fear"],
        "phase": "main",
    }


def points(folder: Path, name: str) -> list[tuple[int, float]]:
    """Steps and values that TensorBoard shows."""
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    events = accumulator.EventAccumulator(str(folder / "tensorboard"))
    events.Reload()
    return [(event.step, pytest.approx(event.value, abs=1e-6)) for event in events.Scalars(name)]


def test_rows_and_events_say_the_same(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        record.epoch(tmp_path, row(number, number / 10))
    assert record.read(tmp_path) == [row(1, 0.1), row(2, 0.2), row(3, 0.3)]
    assert points(tmp_path, "validation/accuracy") == [(1, 0.1), (2, 0.2), (3, 0.3)]
    assert points(tmp_path, "validation_f1/happy") == [(1, 0.75), (2, 0.75), (3, 0.75)]
    assert points(tmp_path, "focus/fear") == [(1, 1.0), (2, 1.0), (3, 1.0)]
    assert points(tmp_path, "focus/happy") == [(1, 0.0), (2, 0.0), (3, 0.0)]


def test_a_resumed_run_has_every_epoch_once(tmp_path: Path) -> None:
    for number in (1, 2, 3, 4):
        record.epoch(tmp_path, row(number, 0.1))
    record.rewind(tmp_path, 2)
    assert [kept["epoch"] for kept in record.read(tmp_path)] == [1, 2]
    for number in (3, 4, 5):
        record.epoch(tmp_path, row(number, 0.9))
    assert [(kept["epoch"], kept["accuracy"]) for kept in record.read(tmp_path)] == [
        (1, 0.1), (2, 0.1), (3, 0.9), (4, 0.9), (5, 0.9),
    ]  # fmt: skip
    assert points(tmp_path, "validation/accuracy") == [(1, 0.1), (2, 0.1), (3, 0.9), (4, 0.9), (5, 0.9)]


def test_rewinding_to_the_start_forgets_all_and_a_new_run_has_nothing_to_forget(tmp_path: Path) -> None:
    record.rewind(tmp_path, 0)
    assert record.read(tmp_path) == []
    record.epoch(tmp_path, row(1))
    record.rewind(tmp_path, 0)
    assert record.read(tmp_path) == []


def test_a_line_cut_short_by_a_crash_is_left_out(tmp_path: Path) -> None:
    record.epoch(tmp_path, row(1))
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"epoch": 2, "lo')
    assert [kept["epoch"] for kept in record.read(tmp_path)] == [1]
    record.rewind(tmp_path, 1)
    record.epoch(tmp_path, row(2))
    assert [json.loads(line)["epoch"] for line in (tmp_path / "metrics.jsonl").read_text().splitlines()] == [1, 2]


def test_a_loss_that_diverged_is_recorded_as_missing(tmp_path: Path) -> None:
    record.epoch(tmp_path, row(1) | {"loss": float("nan")})
    assert "NaN" not in (tmp_path / "metrics.jsonl").read_text()
    assert record.read(tmp_path) == [row(1) | {"loss": None}]


def test_other_damage_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").write_text('{"loss": 1}\n{"epoch": 2}\n')
    with pytest.raises(DataError, match="line 1: not the row of an epoch"):
        record.read(tmp_path)


def test_without_tensorboard_training_goes_on_and_it_is_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    monkeypatch.setattr(record, "_events", record._Events())
    monkeypatch.setattr(record, "find_spec", lambda _name: None)
    said: list[str] = []
    record.hint(said.append)
    for number in (1, 2, 3):
        record.epoch(tmp_path, row(number))
    assert len(record.read(tmp_path)) == 3
    assert not (tmp_path / "tensorboard").exists()
    (line,) = said
    assert "mer-batch[tensorboard]" in line
