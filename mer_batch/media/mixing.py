"""From the channels of a sound to one, in constant memory: the plain mix, unless it would lose a voice."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Final, TypeVar

import numpy as np

from mer_batch.media.cells import CELL, WARM, Cell, Table
from mer_batch.media.channels import REACH, Choice, choose, judge, plain
from mer_batch.types import SAMPLE_RATE, Samples

Item = TypeVar("Item")

FADE: Final = 1024
"""Samples over which one choice of channels passes into the next (64 ms)."""
_SIGNALS: Final = 32
"""Signals listened to side by side."""


def finite(samples: Table, bad: Counter[str] | None = None) -> Table:
    """The samples with 0 for all that is no number, which `bad` counts: one silences the network for a whole file."""
    good = np.isfinite(samples)
    if good.all():
        return samples
    if bad is not None:
        bad["samples"] += int((~good).any(axis=1).sum())
    return np.where(good, samples, np.float32(0))


def one_channel(
    pieces: Iterable[tuple[int, Table]], on_notice: Callable[[str], None] | None = None
) -> Generator[tuple[int, Samples], None, None]:
    """One channel (n,) from pieces (n, 1) that have no other, or (n, 1 + channels) as `mixed` takes them."""
    rest = iter(pieces)
    for position, samples in rest:
        if samples.shape[1] == 1:
            yield position, samples[:, 0]
        else:
            yield from mixed(chain([(position, samples)], rest), on_notice)


def mixed(
    pieces: Iterable[tuple[int, Table]], on_notice: Callable[[str], None] | None = None
) -> Generator[tuple[int, Samples], None, None]:
    """One channel (n,) from pieces (n, 1 + channels) of the plain mix and of each channel, at 16 kHz.

    Positions are samples from time 0. Where every channel is heard in the mix its samples are passed on as they
    are. At the end `on_notice` is told which channels were heard instead of the mix, when, and why.
    """
    told = _Told()
    last: Choice | None = None
    for near, at in neighbours(_judged(_cells(pieces)), REACH):
        cell = near[at]
        choice = choose(near, at, last or plain(cell.samples.shape[1]))
        told.add(cell, choice)
        for first, end in cell.filled:
            yield cell.position + first, _weigh(cell, first, end, last or choice, choice)
        last = choice
    if on_notice is not None:
        for sentence in told.sentences():
            on_notice(sentence)


def neighbours(items: Iterable[Item], reach: int) -> Generator[tuple[Sequence[Item], int], None, None]:
    """Each item as (those up to `reach` before and behind it, its place among them)."""
    held: deque[Item] = deque()
    at = 0
    for item in items:
        held.append(item)
        if len(held) - at > reach:
            yield list(held), at
            at += 1
        if at > reach:
            held.popleft()
            at -= 1
    for place in range(at, len(held)):
        yield list(held)[max(place - reach, 0) :], min(place, reach)


def _cells(pieces: Iterable[tuple[int, Table]]) -> Iterator[Cell]:
    """Cells on the grid of whole `CELL`s from time 0, those without sound left out."""
    cell: Cell | None = None
    for position, samples in pieces:
        while len(samples):
            start = position // CELL * CELL
            if cell is None or cell.position != start:
                fresh = Cell(start, np.zeros((WARM + CELL, samples.shape[1]), dtype=np.float32))
                if cell is not None:
                    if cell.position == start - CELL:
                        fresh.samples[:WARM] = cell.samples[-WARM:]
                    yield cell
                cell = fresh
            first = position - start
            part = samples[: CELL - first]
            cell.samples[WARM + first : WARM + first + len(part)] = part
            cell.filled.append((first, first + len(part)))
            position, samples = position + len(part), samples[len(part) :]
    if cell is not None:
        yield cell


def _judged(cells: Iterator[Cell]) -> Iterator[Cell]:
    for cell in cells:
        count = max(_SIGNALS // cell.samples.shape[1], 1)
        group = [cell, *islice(cells, count - 1)]
        judge(group)
        yield from group


def _weigh(cell: Cell, first: int, end: int, last: Choice, choice: Choice) -> Samples:
    samples = cell.samples[WARM + first : WARM + end]
    if not choice.channels and (not last.channels or first >= FADE):
        return samples[:, 0].copy()
    result: Samples = samples @ choice.weights
    if first < FADE and (choice.weights != last.weights).any():
        share = np.minimum(np.arange(first, end, dtype=np.float32) / FADE, 1)
        result = share * result + (1 - share) * (samples @ last.weights)
    return result


class _Told:
    """Which channels were heard instead of the mix, when, and why."""

    def __init__(self) -> None:
        self._whole: list[float] = []
        self._stretches: list[_Stretch] = []

    def add(self, cell: Cell, choice: Choice) -> None:
        start, end = ((cell.position + edge) / SAMPLE_RATE for edge in (cell.filled[0][0], cell.filled[-1][1]))
        self._whole = [*self._whole[:1], start, end]
        if not choice.channels:
            return
        if not self._stretches or start - self._stretches[-1].end > 1e-6:
            self._stretches.append(_Stretch(start, end))
        stretch = self._stretches[-1]
        stretch.end = end
        stretch.channels.update(choice.channels)
        stretch.reasons[choice.why] += 1

    def sentences(self) -> Iterator[str]:
        reasons = {stretch.reasons.most_common(1)[0][0] for stretch in self._stretches}
        for why in sorted(reasons):
            told = [stretch for stretch in self._stretches if stretch.reasons.most_common(1)[0][0] == why]
            names = [str(channel + 1) for channel in sorted(set().union(*(stretch.channels for stretch in told)))]
            one, several = f"channel {names[0]} is", f"channels {', '.join(names[:-1])} and {names[-1]} are"
            some = several if len(names) > 1 else one
            yield f"{why}; {some} used{self._when(told)}"

    def _when(self, told: Sequence[_Stretch]) -> str:
        if [told[0].start, told[-1].end] == [self._whole[0], self._whole[-1]] and len(told) == 1:
            return ""
        parts = ", ".join(f"{stretch.start:.1f} to {stretch.end:.1f} s" for stretch in told[:3])
        return f" from {parts}" + (f" and {len(told) - 3} times more" if len(told) > 3 else "")


@dataclass(slots=True)
class _Stretch:
    start: float
    end: float
    channels: set[int] = field(default_factory=set)
    reasons: Counter[str] = field(default_factory=Counter)
