"""What the curves of a training are said to show."""

from __future__ import annotations

from typing import Any

import pytest

import toy_run
from mer_batch.pages.run.phases import Course, focus_words, phase_rows, remarks


def course(scores: list[float], losses: list[float | None] | None = None, phase: str = "main") -> Course:
    losses = losses or [1.0] * len(scores)
    best, rows = -1.0, []
    for number, (score, loss) in enumerate(zip(scores, losses, strict=True), 1):
        best = max(best, score)
        rows.append({"epoch": number, "accuracy": score, "loss": loss, "best": best, "phase": phase})
    return Course(rows, "accuracy", items=2500)


def test_phases_tell_where_they_began_and_ended() -> None:
    found = phase_rows(Course(toy_run.rows(), "accuracy", 1000))
    assert [(name, span) for name, span, _ in found] == [("warm-up", "1 to 2"), ("main", "3 to 10")]
    assert found[0][2] == "accuracy 0.200 to 0.300; loss 2.000 to 1.000"


def falling(start: float, steps: int) -> list[float | None]:
    return [start - 0.05 * step for step in range(steps)]


CASES: list[tuple[list[float], list[float | None], str]] = [
    # With 2,500 items the standard error near 0.6 is 0.0098.
    ([0.3, 0.5, 0.598, 0.6, 0.599, 0.6, 0.6, 0.6, 0.605, 0.6], falling(2, 10), "Plateau: epoch 3 was already"),
    ([0.3, 0.5, 0.6] + [0.57] * 7, falling(2, 10), "Overfitting: after epoch 3 the training loss went on falling"),
    ([0.3, 0.4, 0.5, 0.52, 0.54, 0.56, 0.58, 0.6, 0.62, 0.64], falling(2, 10), "Still rising at the end"),
    ([0.3, 0.5, 0.6, 0.1], [2.0, 1.5, None, None], "The loss was no number in 2 epochs, first in epoch 3."),
]


@pytest.mark.parametrize(("scores", "losses", "start"), CASES)
def test_each_shape_has_its_word(scores: list[float], losses: list[float | None], start: str) -> None:
    assert any(text.startswith(start) for text in remarks(course(scores, losses)))


def test_a_best_epoch_with_nothing_after_it_is_said_plainly() -> None:
    assert remarks(course([0.3, 0.5, 0.6] + [0.58] * 7)) == [
        "Plateau: nothing better came in the 7 epochs after epoch 3."
    ]


def test_falling_scores_are_no_overfitting_while_the_loss_rises_or_another_phase_began() -> None:
    scores = [0.3, 0.5, 0.6] + [0.5] * 7
    assert not any("Overfitting" in text for text in remarks(course(scores, [1.0 + 0.1 * i for i in range(10)])))
    changed = course(scores, falling(2, 10))
    rows: list[dict[str, Any]] = [dict(row) for row in changed.rows]
    for row in rows[3:]:
        row["phase"] = "calm"
    assert not any("Overfitting" in text for text in remarks(Course(rows, "accuracy", 2500)))


def test_short_and_empty_runs_say_nothing() -> None:
    assert remarks(course([0.3, 0.5])) == []
    assert remarks(course([0.1, 0.3, 0.1, 0.3, 0.3, 0.3])) == []
    assert remarks(course([])) == []
    assert phase_rows(course([])) == []


def test_focus_is_counted() -> None:
    assert focus_words(toy_run.rows()) == "Sampling leant on chosen emotions in 2 epochs of 10: fear in 2."
    assert focus_words([{"epoch": 1, "focus": []}]) == ""
