"""How a training went, in words: its phases, its resumes, and what its curves show."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mer_batch.scores.plots import SCORES, best_epoch, stretches
from mer_batch.wording import counted, listed

Rows = Sequence[Mapping[str, Any]]
LEAST: Final = 5
"""Epochs from which on a standstill is worth a word; also at least this share of the run:"""
SHARE: Final = 0.15


@dataclass(frozen=True)
class Course:
    """A run's epochs, the score that chose among them, and the number of validation items behind it."""

    rows: Rows
    select: str
    items: int

    @property
    def chosen(self) -> int | None:
        """The epoch that was chosen."""
        return best_epoch(self.rows)

    def noise(self) -> float:
        """The standard error of the best score, as if it were a share of the items."""
        best = max(row[self.select] for row in self.scored())
        return math.sqrt(max(best * (1 - best), 0.01) / max(self.items, 1))

    def scored(self) -> list[Mapping[str, Any]]:
        """The rows with a validation score."""
        return [row for row in self.rows if isinstance(row.get(self.select), (int, float))]


def phase_rows(course: Course) -> list[tuple[str, str, str]]:
    """(phase, epochs, what happened) for every phase."""
    told = []
    for name, first, last in stretches(course.rows, "phase"):
        part = [row for row in course.rows if first <= row["epoch"] <= last]
        told.append((str(name or "training"), _span(first, last), "; ".join(_changes(part, course.select))))
    return told


def _changes(part: Rows, select: str) -> Iterator[str]:
    for key, name, form in ((select, SCORES[select], ".3f"), ("loss", "loss", ".3f"), ("rate", "rate", ".2g")):
        known = [f"{row[key]:{form}}" for row in part if row.get(key) is not None]
        if len(set(known)) > 1:
            yield f"{name} {known[0]} to {known[-1]}"


def _span(first: int, last: int) -> str:
    return f"{first}" if first == last else f"{first} to {last}"


def remarks(course: Course) -> list[str]:
    """What the curves show: divergence, a plateau, overfitting, or that the run was stopped too early."""
    lost = [row["epoch"] for row in course.rows if "loss" in row and row["loss"] is None]
    told = [f"The loss was no number in {counted(len(lost), 'epoch')}, first in epoch {lost[0]}."] if lost else []
    if len(course.scored()) < LEAST:
        return told
    return [*told, *_plateau(course), *_overfitting(course), *_unfinished(course)]


def _plateau(course: Course) -> Iterator[str]:
    rows, noise = course.scored(), course.noise()
    best = max(rows, key=lambda row: row[course.select])
    reached = next(row for row in rows if row[course.select] >= best[course.select] - noise)
    after = rows[-1]["epoch"] - reached["epoch"]
    if after >= max(LEAST, SHARE * len(rows)):
        if reached is best:
            yield f"Plateau: nothing better came in the {counted(after, 'epoch')} after epoch {best['epoch']}."
            return
        early, late = reached[course.select], best[course.select]
        yield (
            f"Plateau: epoch {reached['epoch']} was already within chance of the best ({SCORES[course.select]} "
            f"{early:.3f} of {late:.3f}, standard error {noise:.3f}); the {counted(after, 'epoch')} after it added "
            "nothing that is certain."
        )


def _overfitting(course: Course) -> Iterator[str]:
    """Training loss still falls while validation gets worse; told only within the phase of the best epoch.

    Phases differ in augmentation, so their training losses cannot be compared.
    """
    rows = course.scored()
    best = max(rows, key=lambda row: row[course.select])
    tail = [row for row in rows if row["epoch"] >= best["epoch"] and row.get("phase") == best.get("phase")]
    losses = [row["loss"] for row in tail if row.get("loss") is not None]
    if len(tail) <= LEAST or len(losses) < 2 or losses[-1] >= losses[0]:
        return
    end = sum(row[course.select] for row in tail[-3:]) / 3
    if end < best[course.select] - 2 * course.noise():
        yield (
            f"Overfitting: after epoch {best['epoch']} the training loss went on falling "
            f"({losses[0]:.3f} to {losses[-1]:.3f}) while {SCORES[course.select]} on validation fell "
            f"from {best[course.select]:.3f} to {end:.3f}."
        )


def _unfinished(course: Course) -> Iterator[str]:
    rows = course.scored()
    recent = rows[-max(LEAST, round(SHARE * len(rows))) :]
    earlier = rows[: -len(recent)]
    if len(earlier) < LEAST:
        return
    gain = max(r[course.select] for r in recent) - max(r[course.select] for r in earlier)
    if gain > course.noise():
        yield (
            f"Still rising at the end: the last {counted(len(recent), 'epoch')} gained {gain:.3f} "
            f"in {SCORES[course.select]}, so a longer run may reach more."
        )


def focus_words(rows: Rows) -> str:
    """How often the sampling leant on which emotions; empty for a run without focus."""
    counts = Counter(label for row in rows for label in row.get("focus") or ())
    if not counts:
        return ""
    epochs = sum(bool(row.get("focus")) for row in rows)
    named = [f"{label} in {count}" for label, count in counts.most_common()]
    return f"Sampling leant on chosen emotions in {counted(epochs, 'epoch')} of {len(rows)}: {listed(named)}."
