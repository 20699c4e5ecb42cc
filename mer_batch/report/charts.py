"""Plotly figures as plain JSON, and the same numbers as tables for readers who cannot see them.

The page's script adds what depends on the reader's theme: fonts, grid colours and the heat maps' scale.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from mer_batch.labels import COLOURS, EMOTIONS, VALENCE_AROUSAL
from mer_batch.report.lanes import Json
from mer_batch.wording import clock, percent

Point: TypeAlias = tuple[float, float, float]
LONGEST_STEP: Final = 2.5
"""Seconds between two readings beyond which a path is broken: the longest step is shorter."""
PATH_POINTS: Final = 60
"""Points of a valence-arousal path: more become a tangle that no reader can follow."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a matrix: its text and the share (0..100) that shades it."""

    text: str
    share: int


@dataclass(frozen=True, slots=True)
class Matrix:
    """Counts by an emotion (row) and another or its like (column); `rows` and `columns` say of what."""

    counts: Sequence[Sequence[float]]
    rows: str
    columns: str
    columns_named: Sequence[str] = EMOTIONS
    unit: str = "segments"

    def shares(self) -> list[list[float]]:
        """Each row divided by its sum; a row without counts is all zero."""
        sums = [sum(row) for row in self.counts]
        return [[n / total if total else 0.0 for n in row] for row, total in zip(self.counts, sums, strict=True)]

    def table(self, caption: str) -> dict[str, object]:
        """The matrix for the template `matrix`: counts, shaded by their share of the row."""
        return self._table(caption, [[f"{n:g}" for n in row] for row in self.counts])

    def table_of_shares(self, caption: str) -> dict[str, object]:
        """The same with shares of the row in per cent as text; a dash in a row without counts."""
        shares = zip(self.counts, self.shares(), strict=True)
        return self._table(caption, [[f"{100 * n:.0f}" if sum(row) else "–" for n in parts] for row, parts in shares])

    def _table(self, caption: str, texts: Sequence[Sequence[str]]) -> dict[str, object]:
        cells = [
            [Cell(text, round(100 * share)) for text, share in zip(row, parts, strict=True)]
            for row, parts in zip(texts, self.shares(), strict=True)
        ]
        return {
            "caption": caption,
            "corner": f"{self.rows} \\ {self.columns}",
            "columns": list(self.columns_named),
            "rows": list(zip(EMOTIONS, cells, strict=True)),
        }

    def figure(self) -> Json:
        """A heat map: colour is the share of the row, the number in a cell is that share in per cent."""
        shares = self.shares()
        text = [
            [f"{100 * share:.0f}" if n else "" for n, share in zip(*pair, strict=True)]
            for pair in zip(self.counts, shares, strict=True)
        ]
        hover = [
            [
                f"{self.rows}: {row}<br>{self.columns}: {column}<br>{n:g} {self.unit}, {percent(share)} of the row"
                for column, n, share in zip(self.columns_named, counts, parts, strict=True)
            ]
            for row, counts, parts in zip(EMOTIONS, self.counts, shares, strict=True)
        ]
        trace: dict[str, Json] = {
            "type": "heatmap",
            "x": list(self.columns_named),
            "y": list(EMOTIONS),
            "z": [[round(share, 4) for share in row] for row in shares],
            "zmin": 0,
            "zmax": 1,
            "text": _json(text),
            "texttemplate": "%{text}",
            "hovertext": _json(hover),
            "hoverinfo": "text",
            "showscale": False,
            "xgap": 1,
            "ygap": 1,
        }
        layout: dict[str, Json] = {
            "margin": {"l": 72, "r": 6, "t": 6, "b": 66},
            "xaxis": {
                "title": {"text": self.columns, "standoff": 4},
                "showgrid": False,
                "fixedrange": True,
                "tickangle": -45,
            },
            "yaxis": {
                "title": {"text": self.rows, "standoff": 4},
                "showgrid": False,
                "autorange": "reversed",
                "fixedrange": True,
            },
        }
        return {"data": [trace], "layout": layout, "width": 400, "ratio": 0.92}


def _json(rows: Sequence[Sequence[str]]) -> list[Json]:
    return [list(row) for row in rows]


def valence_arousal(times: Sequence[float], valence: Sequence[float], arousal: Sequence[float]) -> Json:
    """The path through the plane of valence and arousal, among the places of the seven emotions.

    The three sequences are equally long and not empty; times are seconds, the others -1 to 1.
    """
    points = _thinned(list(zip(times, valence, arousal, strict=True)))
    seen = [point for point in points if point is not None]
    path: dict[str, Json] = {
        "type": "scatter",
        "mode": "lines+markers",
        "x": [point and round(point[1], 3) for point in points],
        "y": [point and round(point[2], 3) for point in points],
        "line": {"width": 1},
        "marker": {
            "size": 5,
            "color": [round(point[0], 1) if point else 0 for point in points],
            "cmin": times[0],
            "cmax": times[-1],
        },
        "hovertext": [f"{clock(p[0])}<br>valence {p[1]:.2f}<br>arousal {p[2]:.2f}" if p else "" for p in points],
        "hoverinfo": "text",
    }
    ends: dict[str, Json] = {
        "type": "scatter",
        "mode": "text",
        "x": [round(point[1], 3) for point in (seen[0], seen[-1])],
        "y": [round(point[2], 3) for point in (seen[0], seen[-1])],
        "text": ["<b>start</b>", "<b>end</b>"],
        "textposition": ["middle left", "middle right"],
        "hoverinfo": "skip",
    }
    places: dict[str, Json] = {
        "type": "scatter",
        "mode": "markers+text",
        "x": [VALENCE_AROUSAL[name][0] for name in EMOTIONS],
        "y": [VALENCE_AROUSAL[name][1] for name in EMOTIONS],
        "text": list(EMOTIONS),
        # Fear and anger lie side by side.
        "textposition": [{"fear": "top left", "angry": "top right"}.get(name, "top center") for name in EMOTIONS],
        "marker": {"size": 10, "symbol": "square", "color": [COLOURS[name] for name in EMOTIONS]},
        "hoverinfo": "skip",
    }
    layout: dict[str, Json] = {
        "showlegend": False,
        "margin": {"l": 46, "r": 6, "t": 6, "b": 42},
        "xaxis": {"title": {"text": "valence", "standoff": 4}, "range": [-1, 1], "fixedrange": True, "zeroline": True},
        "yaxis": {
            "title": {"text": "arousal", "standoff": 4},
            "range": [-0.55, 0.9],
            "fixedrange": True,
            "zeroline": True,
        },
    }
    return {"data": [path, places, ends], "layout": layout, "width": 400, "ratio": 0.92}


def _thinned(points: Sequence[Point]) -> list[Point | None]:
    """At most about `PATH_POINTS` means of neighbours, with None where evidence is missing in between."""
    width = math.ceil(len(points) / PATH_POINTS)
    thinned: list[Point | None] = []
    run: list[Point] = []
    for point in points:
        if run and point[0] - run[-1][0] > LONGEST_STEP:
            thinned += [_mean(run), None]
            run = []
        elif len(run) == width:
            thinned.append(_mean(run))
            run = []
        run.append(point)
    return [*thinned, _mean(run)]


def _mean(points: Sequence[Point]) -> Point:
    time, valence, arousal = (sum(column) / len(points) for column in zip(*points, strict=True))
    return time, valence, arousal
