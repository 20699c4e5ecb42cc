"""Heat maps and paths as inline SVG, and the same numbers as tables for readers who cannot see them.

The pictures use the page's variables for colours, so that they follow the reader's theme; the page's script writes
them out with fixed colours as SVG and PNG.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from markupsafe import Markup

from mer_batch.labels import COLOURS, EMOTIONS, VALENCE_AROUSAL
from mer_batch.wording import clock

Point: TypeAlias = tuple[float, float, float]
LONGEST_STEP: Final = 2.5
"""Seconds between two readings beyond which a path is broken: the longest step is shorter."""
PATH_POINTS: Final = 60
"""Points of a valence-arousal path: more become a tangle that no reader can follow."""
FEW: Final = 5
"""Counts below which a row of a matrix says next to nothing, and is shown pale."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a matrix: its text, the share (0..100) that shades it, and whether it rests on few counts."""

    text: str
    share: int
    pale: bool = False


@dataclass(frozen=True, slots=True)
class Matrix:
    """Counts by an emotion (row) and another or its like (column); `rows` and `columns` say of what.

    Without `diagonal` what stays is left out of the shares, as in transitions.
    """

    counts: Sequence[Sequence[float]]
    rows: str
    columns: str
    columns_named: Sequence[str] = EMOTIONS
    unit: str = "segments"
    diagonal: bool = True

    def kept(self) -> list[list[float]]:
        """The counts that are shown."""
        return [
            [0 if not self.diagonal and row == column else n for column, n in enumerate(cells)]
            for row, cells in enumerate(self.counts)
        ]

    def shares(self) -> list[list[float]]:
        """Each row divided by its sum; a row without counts is all zero."""
        kept = self.kept()
        sums = [sum(row) for row in kept]
        return [[n / total if total else 0.0 for n in row] for row, total in zip(kept, sums, strict=True)]

    def table(self, caption: str) -> dict[str, object]:
        """The matrix for the template `matrix`: counts, shaded by their share of the row, with the sum of each row."""
        return self._table(caption, [[f"{n:g}" for n in row] for row in self.counts])

    def table_of_shares(self, caption: str) -> dict[str, object]:
        """The same with shares of the row in per cent as text; a dash in a row without counts."""
        shares = zip(self.kept(), self.shares(), strict=True)
        return self._table(caption, [[f"{100 * n:.0f}" if sum(row) else "–" for n in parts] for row, parts in shares])

    def _table(self, caption: str, texts: Sequence[Sequence[str]]) -> dict[str, object]:
        cells = [
            [Cell(text, round(100 * share), n < FEW) for text, share, n in zip(row, parts, counts, strict=True)]
            for row, parts, counts in zip(texts, self.shares(), self.kept(), strict=True)
        ]
        return {
            "caption": caption,
            "corner": f"{self.rows} \\ {self.columns}",
            "columns": list(self.columns_named),
            "rows": list(zip(EMOTIONS, cells, strict=True)),
        }

    def svg(self) -> Markup:
        """A heat map: colour is the share of the row, the number in a cell is that share in per cent.

        At the right stands n of each row; cells under `FEW` counts are pale.
        """
        wide, tall, left, top = 38, 26, 70, 66
        parts: list[Markup] = []
        for place, name in enumerate(self.columns_named):
            parts.append(_turned(left + (place + 0.5) * wide, top - 6, name))
        right = left + len(self.columns_named) * wide
        parts.append(_text(right + 22, top - 8, "n", "axis middle"))
        for row, (name, counts, parts_of) in enumerate(zip(EMOTIONS, self.kept(), self.shares(), strict=True)):
            y = top + row * tall
            parts.append(_text(left - 7, y + tall / 2 + 4, name, "end"))
            for column, (n, share) in enumerate(zip(counts, parts_of, strict=True)):
                parts.append(self._cell(left + column * wide, y, n, share, (wide, tall), (row, column)))
            parts.append(_text(right + 22, y + tall / 2 + 4, f"{sum(counts):g}", "axis middle"))
        parts.append(_text(left - 7, top - 8, f"{self.rows} ↓ {self.columns} →", "axis end"))
        return _svg(right + 44, top + len(EMOTIONS) * tall + 4, parts, "heat")

    def _cell(self, x: float, y: float, n: float, share: float, size: tuple[int, int], at: tuple[int, int]) -> Markup:
        wide, tall = size
        title = f"{self.rows} {EMOTIONS[at[0]]}, {self.columns} {self.columns_named[at[1]]}: {n:g} {self.unit}"
        box = Markup('<rect x="{}" y="{}" width="{}" height="{}" style="fill: var(--sunk)"/>').format(
            x, y, wide - 1, tall - 1
        )
        if not self.diagonal and at[0] == at[1]:
            return box + _text(x + wide / 2, y + tall / 2 + 4, "·", "axis middle")
        strength = share * (0.45 if n < FEW else 1)
        shade = Markup(
            '<rect x="{}" y="{}" width="{}" height="{}" style="fill: var(--scale); fill-opacity: {:.2f}">'
            "<title>{}</title></rect>"
        ).format(x, y, wide - 1, tall - 1, strength, title)
        text = _text(x + (wide - 1) / 2, y + tall / 2 + 4, f"{100 * share:.0f}", "middle pale" if n < FEW else "middle")
        return box + shade + (text if n else Markup(""))


def valence_arousal(times: Sequence[float], valence: Sequence[float], arousal: Sequence[float]) -> Markup:
    """The path through the plane of valence and arousal, among the places of the seven emotions.

    The three sequences are equally long and not empty; times are seconds, the others -1 to 1.
    """
    points = _thinned(list(zip(times, valence, arousal, strict=True)))
    seen = [point for point in points if point is not None]
    parts = _plane()
    line, up = "", True
    for point in points:
        if point is not None:
            line += f"{'M' if up else 'L'}{_x(point[1]):.1f} {_y(point[2]):.1f}"
        up = point is None
    parts.append(Markup('<path class="path" d="{}"/>').format(line))
    length = (times[-1] - times[0]) or 1.0
    dot = Markup('<circle cx="{:.1f}" cy="{:.1f}" r="3" style="fill-opacity: {:.2f}"><title>{}</title></circle>')
    for time, v, a in seen:
        title = f"{clock(time)}: valence {v:.2f}, arousal {a:.2f}"
        parts.append(dot.format(_x(v), _y(a), 0.2 + 0.8 * (time - times[0]) / length, title))
    for name in EMOTIONS:
        v, a = VALENCE_AROUSAL[name]
        parts.append(
            Markup('<rect x="{:.1f}" y="{:.1f}" width="9" height="9" style="fill: {}"/>').format(
                _x(v) - 4.5, _y(a) - 4.5, COLOURS[name]
            )
        )
        # Fear and anger lie side by side.
        shift, where = {"fear": (-7, "end"), "angry": (7, "start")}.get(name, (0, "middle"))
        parts.append(_text(_x(v) + shift, _y(a) - (8 if not shift else -4), name, where))
    for word, (_, v, a), where in (("start", seen[0], "b end"), ("end", seen[-1], "b start")):
        parts.append(_text(_x(v) + (-6 if word == "start" else 6), _y(a) + 4, word, where))
    rows = ";".join("" if point is None else f"{point[0]:.1f},{point[1]:.3f},{point[2]:.3f}" for point in points)
    return _svg(_WIDE, _TALL, parts, "plane", rows)


_WIDE, _TALL, _LEFT, _BASE = 390, 300, 44, 262


def _x(valence: float) -> float:
    return _LEFT + (valence + 1) / 2 * (_WIDE - _LEFT - 8)


def _y(arousal: float) -> float:
    return _BASE - (arousal + 0.55) / 1.45 * (_BASE - 8)


def _plane() -> list[Markup]:
    parts = []
    for mark in (-1, -0.5, 0, 0.5, 1):
        kind = "zero" if not mark else "grid"
        parts.append(Markup('<path class="{}" d="M{:.1f} 8V{}"/>').format(kind, _x(mark), _BASE))
        parts.append(_text(_x(mark), _BASE + 14, f"{mark:g}".replace("-", "\N{MINUS SIGN}"), "axis middle"))
    for mark in (-0.5, 0, 0.5):
        kind = "zero" if not mark else "grid"
        parts.append(Markup('<path class="{}" d="M{} {:.1f}H{}"/>').format(kind, _LEFT, _y(mark), _WIDE - 8))
        parts.append(_text(_LEFT - 5, _y(mark) + 4, f"{mark:g}".replace("-", "\N{MINUS SIGN}"), "axis end"))
    parts.append(_text((_LEFT + _WIDE) / 2, _BASE + 32, "valence", "axis middle"))
    parts.append(_turned(12, _BASE / 2, "arousal", -90))
    return parts


def _text(x: float, y: float, text: str, kind: str = "") -> Markup:
    return Markup('<text x="{:.1f}" y="{:.1f}" class="{}">{}</text>').format(x, y, kind, text)


def _turned(x: float, y: float, text: str, angle: int = -45) -> Markup:
    kind = "axis middle" if angle == -90 else "start"
    return Markup('<text x="0" y="0" transform="translate({:.1f} {:.1f}) rotate({})" class="{}">{}</text>').format(
        x, y, angle, kind, text
    )


def _svg(width: float, height: float, parts: Sequence[Markup], kind: str, rows: str = "") -> Markup:
    held = Markup(' data-rows="{}"').format(rows) if rows else Markup("")
    return Markup('<svg class="chart-svg {}" viewBox="0 0 {:g} {:g}" aria-hidden="true"{}>{}</svg>').format(
        kind, width, height, held, Markup("").join(parts)
    )


def _thinned(points: Sequence[Point]) -> list[Point | None]:
    """At most about `PATH_POINTS` means of neighbours, with None where evidence is missing in between.

    In a long file gaps that are short beside a point of the path do not break it.
    """
    width = math.ceil(len(points) / PATH_POINTS)
    longest = max(LONGEST_STEP, (points[-1][0] - points[0][0]) / PATH_POINTS)
    thinned: list[Point | None] = []
    run: list[Point] = []
    for point in points:
        if run and point[0] - run[-1][0] > longest:
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
