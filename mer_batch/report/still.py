"""The lanes as a still vector picture: for paper, and for readers whose browser runs no scripts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from mer_batch.labels import COLOURS, EMOTIONS
from mer_batch.report.bins import CLASSES, shares
from mer_batch.report.thin import GAP, UNNAMED
from mer_batch.wording import MODALITY_WORDS, NOBODY, clock

WIDTH: Final = 1000
NAMES: Final = 110
"""Units kept for the names at the left, of `WIDTH`."""
BINS: Final = 222
"""Columns of the picture where steps are shorter than that: four units each."""
TALL: Final = 34
LOW: Final = 12
_NICE: Final = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)


def still(data: Mapping[str, Any]) -> Markup:
    """The whole file as an SVG: shares of what was named for each lane, its modalities, cuts and the time.

    Words from outside are escaped. Colours are the page's own variables.
    """
    duration = float(data["duration"])
    lanes = [lane for lane in data["lanes"] if len(lane["runs"]["l"])]
    if not lanes or duration <= 0:
        return Markup("")
    parts: list[Markup] = []
    y = 16
    for lane in lanes:
        parts.append(_name(lane["person"] or NOBODY, y + TALL / 2 + 4, bold=True))
        parts.extend(_mosaic(lane["runs"], duration, y, TALL))
        y += TALL + 3
        for modality, word in MODALITY_WORDS.items():
            if len(lane[modality]["t"]):
                parts.append(_name(word, y + LOW - 2))
                parts.extend(_mosaic(_leading(lane[modality]), duration, y, LOW))
                y += LOW + 2
        y += 6
    if data["shots"]:
        parts.append(_cuts(data["shots"], duration, y))
    body = Markup("").join([*parts, *_axis(duration, y)])
    return Markup(
        '<svg class="still" viewBox="0 0 {} {}" role="img" aria-label="Lanes of everybody over the whole file">{}</svg>'
    ).format(WIDTH, y + 16, body)


def _edges(runs: Mapping[str, Any], duration: float) -> NDArray[np.float64]:
    """The ends of the runs where there are few, else even bins."""
    if len(runs["l"]) <= BINS:
        edges = np.cumsum(np.asarray(runs["t"], np.int64).ravel())
        return np.unique(np.r_[0.0, np.clip(edges, 0, duration), duration])
    return np.linspace(0, duration, BINS + 1)


def _leading(columns: Mapping[str, Any]) -> dict[str, Any]:
    """The readings of one modality as runs of their leading emotion."""
    return {"t": columns["t"], "l": np.asarray(columns["p"]).argmax(axis=1)}


def _mosaic(runs: Mapping[str, Any], duration: float, top: float, tall: float) -> Iterator[Markup]:
    """One path a class; the classes stand on each other in every column."""
    edges = _edges(runs, duration)
    table = shares(dict(runs), edges)
    x = NAMES + edges / duration * (WIDTH - NAMES)
    base = np.column_stack([np.zeros(len(table)), np.cumsum(table, axis=1)])
    for place, label in enumerate(CLASSES):
        columns = np.flatnonzero(table[:, place] > 1e-3)
        if not len(columns):
            continue
        tops = top + tall * (1 - base[columns, place + 1])
        numbers = zip(x[columns], tops, x[columns + 1], tall * table[columns, place], strict=True)
        boxes = "".join(f"M{a:.5g} {y:.4g}H{b:.5g}v{high:.3g}H{a:.5g}z" for a, y, b, high in numbers)
        yield Markup('<path class="{}" d="{}" style="fill: {}"/>').format(*_look(label, boxes))


def _look(label: int, boxes: str) -> tuple[str, str, str]:
    if label == GAP:
        return "gap", boxes, "var(--grid)"
    if label == UNNAMED:
        return "unsure", boxes, "var(--hatch)"
    return EMOTIONS[label], boxes, COLOURS[EMOTIONS[label]]


def _name(text: str, y: float, bold: bool = False) -> Markup:
    short = text if len(text) <= 16 else f"{text[:15]}…"
    kind, x = ("b", 0) if bold else ("", 10)
    return Markup('<text x="{}" y="{}" class="{}">{}</text>').format(x, y, kind, short)


def _cuts(shots: Sequence[Sequence[Any]], duration: float, bottom: float) -> Markup:
    places = sorted({round(NAMES + shot[0] / duration * (WIDTH - NAMES)) for shot in shots[1:]})
    # More than one in a few units would paint over all.
    if len(places) > (WIDTH - NAMES) / 12:
        return Markup("")
    lines = "".join(f"M{x} 14V{bottom - 4:.0f}" for x in places)
    return Markup('<path class="cuts" d="{}"/>').format(lines)


def _axis(duration: float, y: float) -> Iterator[Markup]:
    seconds = duration / 1000
    step = next((one for one in _NICE if seconds / one <= 10), _NICE[-1])
    for at in range(0, int(seconds) + 1, step):
        x = NAMES + at / seconds * (WIDTH - NAMES)
        end = x > WIDTH - 30
        yield Markup('<text x="{}" y="{}" class="axis" text-anchor="{}">{}</text>').format(
            round(x, 1), y + 10, "end" if end else "middle" if at else "start", clock(at).removesuffix(".0")
        )
