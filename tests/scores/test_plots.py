"""Figures for papers: the right numbers, whole files, the same bytes every time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from PIL import Image

import toy_run
from mer_batch.scores import plots
from mer_batch.scores.ece import expected_calibration_error

COUNTS = np.diag([3, 0, 5, 8, 2, 4, 1])
COUNTS[2, 5] = 15
TRUTH = np.array([0, 1, 2, 3])


def sure(*confidences: float) -> np.ndarray:
    """Readings of the first emotion with these probabilities."""
    table = np.zeros((len(confidences), 7))
    table[:, 0] = confidences
    table[:, 1:] = (1 - table[:, :1]) / 6
    return table


def size(path: Path) -> tuple[int, int]:
    with Image.open(path) as picture:
        return picture.size


@pytest.fixture
def texts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is written into figures by `Axes.text`."""
    found: list[str] = []
    real = Axes.text

    def noted(self: Axes, x: float, y: float, text: str, **options: object) -> object:
        found.append(text)
        return real(self, x, y, text, **options)

    monkeypatch.setattr(Axes, "text", noted)
    return found


def test_bins_are_those_of_the_calibration_error() -> None:
    shares = sure(0.95, 0.99, 0.55, 0.50)
    bins = plots.reliability_bins(TRUTH, shares)
    assert [(round(part.low, 3), round(part.high, 3), part.count) for part in bins] == [
        (0.467, 0.533, 1), (0.533, 0.6, 1), (0.933, 1.0, 2),
    ]  # fmt: skip
    assert bins[-1].confidence == pytest.approx(0.97)
    assert bins[-1].accuracy == 0.5
    error = sum(part.count * abs(part.accuracy - part.confidence) for part in bins) / len(TRUTH)
    assert error == pytest.approx(expected_calibration_error(TRUTH, shares))


def test_a_certain_reading_has_a_bin() -> None:
    (only,) = plots.reliability_bins(np.array([0]), sure(1.0))
    assert (only.high, only.count, only.accuracy) == (1.0, 1, 1.0)


@pytest.mark.parametrize(("normalised", "cells"), [(False, ["5", "15"]), (True, ["25", "75"])])
def test_confusions_show_counts_or_per_cent_of_the_label(
    tmp_path: Path, texts: list[str], normalised: bool, cells: list[str]
) -> None:
    plots.confusion_png(tmp_path / "c.png", COUNTS, normalised, "toy")
    fear = texts[2 * 7 : 3 * 7]
    assert [fear[2], fear[5]] == cells
    assert size(tmp_path / "c.png")[0] > 500


def draw_all(folder: Path) -> list[Path]:
    plots.confusion_png(folder / "confusion.png", COUNTS, True, "toy")
    plots.reliability_png(folder / "reliability.png", TRUTH, sure(0.9, 0.9, 0.9, 0.9), sure(0.4, 0.4, 0.2, 0.3))
    plots.curves_png(folder / "curves.png", toy_run.rows())
    plots.curves_png(folder / "bare.png", [{"epoch": 1, "loss": None}])
    plots.curves_png(folder / "empty.png", [])
    return sorted(folder.iterdir())


def test_the_same_numbers_give_the_same_bytes_and_nothing_else_lies_there(tmp_path: Path) -> None:
    first, second = draw_all(tmp_path / "one"), draw_all(tmp_path / "two")
    assert [path.name for path in first] == ["bare.png", "confusion.png", "curves.png", "empty.png", "reliability.png"]
    for one, two in zip(first, second, strict=True):
        assert one.read_bytes() == two.read_bytes(), one.name


def test_a_figure_that_fails_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "curves.png"
    path.write_text("old")
    with pytest.raises(KeyError):
        plots.curves_png(path, [{"loss": 1.0}])
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_phases_and_focus_are_marked(tmp_path: Path, texts: list[str]) -> None:
    plots.curves_png(tmp_path / "curves.png", toy_run.rows())
    assert texts == ["warm-up", "main"]
    focused = size(tmp_path / "curves.png")[1]
    plots.curves_png(tmp_path / "plain.png", [row | {"focus": []} for row in toy_run.rows()])
    assert size(tmp_path / "plain.png")[1] < focused


def test_stretches_and_the_best_epoch() -> None:
    rows = toy_run.rows()
    assert list(plots.stretches(rows, "phase")) == [("warm-up", 1, 2), ("main", 3, 10)]
    assert plots.best_epoch(rows) == 4
    assert plots.best_epoch([]) is None
    assert plots.best_epoch([{"epoch": 1, "loss": 1.0}]) is None
