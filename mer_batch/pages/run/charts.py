"""Curves and diagrams of a training run as shapes for inline SVG.

Lines live in a box of 1000 x 1000 that the page stretches to any width; texts stand beside it as HTML, placed in
per cent, so that they keep their size on a phone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mer_batch.labels import EMOTIONS
from mer_batch.report.lanes import Json
from mer_batch.scores.plots import BINS, SCORES, reliability_bins, stretches

Rows = Sequence[Mapping[str, Any]]
LINE_HEIGHT: Final = 17
"""Pixels that a label at the end of a line needs."""
NAMES: Final = {"accuracy": "accuracy", "uar": "UAR", "macro_f1": "macro F1", "weighted_f1": "weighted F1"}


@dataclass(frozen=True)
class Line:
    """A line: its SVG path, its label and value at the end, and where that label stands (per cent from the top)."""

    name: str
    path: str
    value: str
    top: float
    style: str = ""
    emotion: str = ""


@dataclass(frozen=True)
class Span:
    """A stretch of epochs: per cent from the left, width, and what it is."""

    left: float
    width: float
    name: str
    shaded: bool = False


@dataclass(frozen=True)
class Panel:
    """One plot over epochs, `height` pixels high; `ticks` are (text, per cent from the top)."""

    title: str
    height: int
    ticks: list[tuple[str, float]]
    lines: list[Line]
    marker: tuple[float, float] | None = None


@dataclass(frozen=True)
class Curves:
    """All that is drawn over epochs."""

    panels: list[Panel]
    phases: list[Span]
    epochs: list[tuple[int, float]]
    focus: list[tuple[str, list[Span]]] = field(default_factory=list)


def curves(rows: Rows, chosen: int | None, select: str) -> Curves | None:
    """The curves of a run; None before its first epoch has ended."""
    if not rows:
        return None
    x = _Places(rows)
    panels = [_validation(rows, x, chosen, select), _emotions(rows, x), _losses(rows, x), _rate(rows, x)]
    phases = [
        Span(*x.span(first, last), str(name or ""), bool(number % 2))
        for number, (name, first, last) in enumerate(stretches(rows, "phase"))
    ]
    return Curves([panel for panel in panels if panel], phases, _epoch_ticks(x), _focus(rows, x))


class _Places:
    """Where an epoch lies: every epoch has a column of its own, the point in its middle."""

    def __init__(self, rows: Rows) -> None:
        self.first, self.last = int(rows[0]["epoch"]), int(rows[-1]["epoch"])
        self._count = self.last - self.first + 1

    def middle(self, epoch: int) -> float:
        """Per cent from the left."""
        return round(100 * (epoch - self.first + 0.5) / self._count, 2)

    def span(self, first: int, last: int) -> tuple[float, float]:
        """Per cent from the left and width of whole columns."""
        left = 100 * (first - self.first) / self._count
        return round(left, 2), round(100 * (last - first + 1) / self._count, 2)


def _epoch_ticks(x: _Places) -> list[tuple[int, float]]:
    step = next(step for step in (1, 2, 5, 10, 20, 50, 100, 200, 500, 10**6) if (x.last - x.first) / step < 9)
    ticks = [epoch for epoch in range(x.first, x.last + 1) if epoch % step == 0]
    return [(epoch, x.middle(epoch)) for epoch in ticks or [x.first]]


def _validation(rows: Rows, x: _Places, chosen: int | None, select: str) -> Panel | None:
    found = {NAMES[name]: [row.get(name) for row in rows] for name in SCORES}
    panel = _panel("Validation scores", 240, found, rows, x, strong=NAMES[select])
    if panel is None or chosen is None:
        return panel
    value = next(row.get(select) for row in rows if row["epoch"] == chosen)
    scale = _Scale([v for values in found.values() for v in values])
    marker = (x.middle(chosen), scale.top(value)) if value is not None else None
    return Panel(panel.title, panel.height, panel.ticks, panel.lines, marker)


def _emotions(rows: Rows, x: _Places) -> Panel | None:
    found = {name: [(row.get("per_class") or {}).get(name) for row in rows] for name in EMOTIONS}
    return _panel("Validation F1 of each emotion", 240, found, rows, x)


def _losses(rows: Rows, x: _Places) -> Panel | None:
    found = {"training": "loss", "validation": "validation_loss"}
    return _panel("Loss", 130, {name: [r.get(key) for r in rows] for name, key in found.items()}, rows, x, "training")


def _rate(rows: Rows, x: _Places) -> Panel | None:
    return _panel("Learning rate", 80, {"rate": [row.get("rate") for row in rows]}, rows, x, "rate")


class _Scale:
    """The range of some values, widened to round numbers."""

    def __init__(self, values: Sequence[float | None]) -> None:
        known = [value for value in values if value is not None]
        low, high = min(known), max(known)
        self.step = _round_step((high - low) or abs(high) or 1.0)
        self.low = math.floor(low / self.step + 1e-9) * self.step
        self.high = max(math.ceil(high / self.step - 1e-9) * self.step, self.low + self.step)

    def top(self, value: float) -> float:
        """Per cent from the top."""
        return round(100 * (self.high - value) / (self.high - self.low), 2)

    def ticks(self) -> list[tuple[str, float]]:
        count = round((self.high - self.low) / self.step)
        values = [self.low + number * self.step for number in range(count + 1)]
        return [(f"{value:.6g}", self.top(value)) for value in values]


def _round_step(span: float) -> float:
    power = 10.0 ** math.floor(math.log10(span / 3))
    return next(power * part for part in (1, 2, 5, 10) if span / (power * part) <= 4)


def _panel(
    title: str, height: int, found: Mapping[str, Sequence[float | None]], rows: Rows, x: _Places, strong: str = ""
) -> Panel | None:
    known = {name: values for name, values in found.items() if any(value is not None for value in values)}
    if not known:
        return None
    scale = _Scale([value for values in known.values() for value in values])
    ends = {name: next(value for value in reversed(values) if value is not None) for name, values in known.items()}
    tops = _spread({name: scale.top(value) for name, value in ends.items()}, 100 * LINE_HEIGHT / height)
    lines = [
        Line(
            name if len(known) > 1 else "",
            _path([(x.middle(row["epoch"]), value) for row, value in zip(rows, values, strict=True)], scale),
            f"{ends[name]:.3g}",
            tops[name],
            "strong" if name == strong else f"dash{number % 4}",
            name if name in EMOTIONS else "",
        )
        for number, (name, values) in enumerate(known.items())
    ]
    return Panel(title, height, scale.ticks(), lines)


def _path(points: Sequence[tuple[float, float | None]], scale: _Scale) -> str:
    """The SVG path through points; it breaks where a value is missing, and a lone point is a short stroke."""
    parts, lifted = [], True
    for place, value in points:
        if value is None:
            lifted = True
            continue
        x, y = 10 * place, 10 * scale.top(value)
        parts.append(f"M{x:.1f} {y:.1f}h.1" if lifted else f"L{x:.1f} {y:.1f}")
        lifted = False
    return "".join(parts)


def _spread(tops: Mapping[str, float], least: float) -> dict[str, float]:
    """Places moved down, then up from the bottom, until neighbours are `least` apart."""
    names = sorted(tops, key=lambda name: tops[name])
    places = [tops[name] for name in names]
    for at in range(1, len(places)):
        places[at] = max(places[at], places[at - 1] + least)
    places[-1] = min(places[-1], 100.0)
    for at in range(len(places) - 2, -1, -1):
        places[at] = min(places[at], places[at + 1] - least)
    return {name: round(place, 2) for name, place in zip(names, places, strict=True)}


def _focus(rows: Rows, x: _Places) -> list[tuple[str, list[Span]]]:
    if not any(row.get("focus") for row in rows):
        return []
    marked = [{"epoch": row["epoch"], **{name: name in (row.get("focus") or ()) for name in EMOTIONS}} for row in rows]
    return [
        (name, [Span(*x.span(first, last), name) for on, first, last in stretches(marked, name) if on])
        for name in EMOTIONS
    ]


def readout(rows: Rows) -> Json:
    """What the script says of an epoch as the reader points at it: one text an epoch."""
    told: list[Json] = []
    for row in rows:
        parts = [f"epoch {row['epoch']}", str(row.get("phase") or "")]
        parts += [f"{NAMES[name]} {row[name]:.3f}" for name in SCORES if row.get(name) is not None]
        parts += [f"loss {row['loss']:.3f}"] if row.get("loss") is not None else []
        parts += [f"validation loss {row['validation_loss']:.3f}"] if row.get("validation_loss") is not None else []
        parts += [f"rate {row['rate']:.2g}"] if row.get("rate") is not None else []
        parts += [f"focus on {', '.join(row['focus'])}"] if row.get("focus") else []
        told.append(" · ".join(part for part in parts if part))
    return told


@dataclass(frozen=True)
class Reliability:
    """A reliability diagram: paths in a box of 1000 x 1000, dots and bars in per cent, and the bins as a table."""

    before: str
    after: str
    dots: list[tuple[float, float]]
    bars: list[tuple[float, float, int]]
    bins: list[tuple[str, int, str, str]]


def reliability(truth: NDArray[Any], before: NDArray[Any], after: NDArray[Any]) -> Reliability:
    """The diagram of labels (n,) and probabilities (n, 7) before and after the temperature."""
    first, then = reliability_bins(truth, before), reliability_bins(truth, after)
    tallest = max(part.count for part in then)
    return Reliability(
        _through([(part.confidence, part.accuracy) for part in first]),
        _through([(part.confidence, part.accuracy) for part in then]),
        [(round(100 * part.confidence, 2), round(100 * (1 - part.accuracy), 2)) for part in then],
        # The square root keeps bins of a few items visible beside bins of hundreds.
        [(round(100 * part.low, 2), round(100 * math.sqrt(part.count / tallest), 1), part.count) for part in then],
        [
            (f"{part.low:.2f} to {part.high:.2f}", part.count, f"{part.confidence:.3f}", f"{part.accuracy:.3f}")
            for part in then
        ],
    )


BAR: Final = round(100 / BINS, 2)
"""Per cent of the width that a bin takes."""


def _through(points: Sequence[tuple[float, float]]) -> str:
    places = np.round(1000 * np.array([(x, 1 - y) for x, y in points]), 1)
    return "".join(f"{'L' if at else 'M'}{x:g} {y:g}" for at, (x, y) in enumerate(places))
