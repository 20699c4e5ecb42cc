"""Sound above full scale, as floating point can hold it, brought back without clipping."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from mer_batch.media.mixing import neighbours
from mer_batch.types import Samples

CELL: Final = 32_768
"""Samples that share one scale (2.05 s), on a fixed grid: the answer does not depend on where blocks end."""
REACH: Final = 7
"""Cells to either side that are scaled alike (14 s): loud words must not change how loud their neighbours are."""
LEAST: Final = 16
"""Samples (1 ms) that must come near a peak, else it is a click or damage, and is clipped."""
EXACT: Final = 1.06
CODED: Final = 1.6
"""Peaks up to which samples are clipped as ever: resampling overshoots full scale a little, coders some more."""
PLAUSIBLE: Final = 16.0
"""Peaks above this are damage, unless the sound nearby is far above full scale all the time (`THROUGHOUT`)."""
THROUGHOUT: Final = 0.25


def stored_exactly(codec: str) -> bool:
    """Whether `codec` stores floating point numbers as they are."""
    return codec.startswith("pcm_f")


@dataclass(slots=True)
class _Cell:
    index: int
    pieces: list[tuple[int, Samples]] = field(default_factory=list)
    peak: float = 0.0
    over: int = 0
    sound: int = 0

    def measure(self) -> None:
        sizes = np.abs(np.concatenate([samples for _, samples in self.pieces]))
        largest = float(sizes.max())
        common = float(np.partition(sizes, -LEAST)[-LEAST]) if len(sizes) > LEAST else largest
        self.peak = largest if largest <= 2 * common else common
        self.over, self.sound = int((sizes > 1).sum()), int((sizes > 0).sum())


def scaled(
    pieces: Iterable[tuple[int, Samples]], exact: bool, on_notice: Callable[[str], None] | None = None
) -> Generator[tuple[int, Samples], None, None]:
    """The pieces (n,) with all samples in [-1, 1]; positions are samples from time 0.

    Loud stretches are scaled as a whole, with smooth borders; a few samples, small overshoots and damage are
    clipped. `exact`: see `stored_exactly`. At the end
    `on_notice` is told of the highest peak that was scaled.
    """
    limit = EXACT if exact else CODED
    last: float | None = None
    highest = 1.0
    for near, at in neighbours(_cells(pieces), REACH):
        peak = _peak(near, limit)
        highest, gain = max(highest, peak), 1 / peak
        first = near[at].index * CELL
        for position, samples in near[at].pieces:
            yield position, _apply(samples, position - first, gain if last is None else last, gain)
        last = gain
    if highest > 1 and on_notice is not None:
        on_notice(f"the sound reaches {highest:.3g} times full scale; it is scaled down, not clipped")


def _cells(pieces: Iterable[tuple[int, Samples]]) -> Iterator[_Cell]:
    cell = _Cell(-1)
    for position, samples in pieces:
        while len(samples):
            index = position // CELL
            if index != cell.index:
                if cell.pieces:
                    cell.measure()
                    yield cell
                cell = _Cell(index)
            part = samples[: (index + 1) * CELL - position]
            cell.pieces.append((position, part))
            position, samples = position + len(part), samples[len(part) :]
    if cell.pieces:
        cell.measure()
        yield cell


def _peak(near: Sequence[_Cell], limit: float) -> float:
    throughout = sum(cell.over for cell in near) >= THROUGHOUT * max(sum(cell.sound for cell in near), 1)
    peaks = (cell.peak for cell in near if throughout or cell.peak <= PLAUSIBLE)
    return max((peak for peak in peaks if peak > limit), default=1.0)


def _apply(samples: Samples, at: int, last: float, gain: float) -> Samples:
    if last == 1 and gain == 1:
        return np.clip(samples, -1, 1)
    # Both scales hold for this cell, and so does all between them.
    gains = last + np.arange(at, at + len(samples)) / CELL * (gain - last)
    return np.clip(samples * gains, -1, 1).astype(np.float32)
