"""Windows over speech, cut as sound arrives.

A region of speech longer than the window is read by windows that start with it and move on by the hop,
the last one ending with it; a shorter one is read by one window that holds the region and nothing of its
neighbours. Every window stands for its own part of the region (its `Tile`): the parts touch halfway between
the centres of neighbouring windows, so that they cover the region once and overlap nowhere.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from mer_batch.errors import UsageError
from mer_batch.types import SAMPLE_RATE, AudioWindow, Samples
from mer_batch.voice.activity import Span, SpeechDetector, own_silero
from mer_batch.voice.quality import TOO_QUIET

SILENCE_DB: Final = -100.0
"""Level given to digital silence."""
FRAME: Final = 320
"""Samples per level frame (20 ms)."""
NEARBY: Final = 10.0
"""Seconds before a window in which the background's level is measured."""
LEAST_BACKGROUND: Final = 0.3
"""Seconds of background needed to tell its level."""
RECENT: Final = 64
"""Regions that can lie near a window; more do not fit into twice `NEARBY`."""
PIECE: Final = 10 * SAMPLE_RATE
"""Samples worked on at once, however long the blocks are."""
HOLE: Final = 0.05
"""Seconds by which a block may be off the clock before it counts as a hole in the sound."""


@dataclass(frozen=True, slots=True)
class Tile:
    """A part of a region of speech, with the window that reads it, or with the reason why none does."""

    start: float
    end: float
    window: AudioWindow | None
    reason: str = ""


def level_db(power: float) -> float:
    """Mean square of samples to dBFS, no lower than `SILENCE_DB`."""
    return max(10 * float(np.log10(power)), SILENCE_DB) if power > 0 else SILENCE_DB


class SoundTail:
    """The latest sound with its level per 20 ms frame; forgets what is older than told."""

    def __init__(self, start: float) -> None:
        self.start = start
        self._samples: Samples = np.zeros(0, dtype=np.float32)
        self._powers: deque[tuple[float, float]] = deque()
        self._measured = 0

    @property
    def end(self) -> float:
        """Time of the end of the newest sample."""
        return self.start + len(self._samples) / SAMPLE_RATE

    def append(self, samples: Samples) -> None:
        """Add samples that follow the newest ones."""
        self._samples = np.concatenate([self._samples, samples.astype(np.float32, copy=False)])
        fresh = self._samples[self._measured :]
        whole = len(fresh) // FRAME
        powers = np.mean(np.square(fresh[: whole * FRAME].reshape(whole, FRAME)), axis=1)
        first = self.start + self._measured / SAMPLE_RATE
        self._powers.extend((first + (index + 0.5) * FRAME / SAMPLE_RATE, float(p)) for index, p in enumerate(powers))
        self._measured += whole * FRAME

    def forget(self, time: float) -> None:
        """Drop samples before `time`, and levels `NEARBY` seconds before it."""
        count = min(max(int((time - self.start) * SAMPLE_RATE), 0), self._measured)
        self._samples = self._samples[count:].copy() if count else self._samples
        self._measured -= count
        self.start += count / SAMPLE_RATE
        while self._powers and self._powers[0][0] < time - NEARBY:
            self._powers.popleft()

    def cut(self, start: float, end: float) -> Samples:
        """A copy of the samples from `start` to `end` seconds, shorter where they are gone."""
        first = max(round((start - self.start) * SAMPLE_RATE), 0)
        return self._samples[first : max(round((end - self.start) * SAMPLE_RATE), first)].copy()

    def levels(self, start: float, end: float, speech: Sequence[Span], known: float) -> tuple[float, float | None]:
        """Level of the speech from `start` to `end` in dBFS, and how many dB it is above its background.

        `speech` are the regions nearby, certain up to `known` seconds. Without enough background: None.
        """
        time, power = np.array(self._powers, dtype=np.float64).reshape(-1, 2).T
        spoken = np.zeros(len(time), dtype=bool)
        for first, last in speech:
            spoken |= (time >= first) & (time <= last)
        voice = power[spoken & (time >= start) & (time <= end)]
        background = power[~spoken & (time >= start - NEARBY) & (time <= min(end + NEARBY, known))]
        level = level_db(float(voice.mean())) if len(voice) else SILENCE_DB
        if len(background) * FRAME / SAMPLE_RATE < LEAST_BACKGROUND:
            return level, None
        return level, level - level_db(float(np.median(background)))


class WindowCutter:
    """Sound in, tiles out. Memory does not grow with the length of the sound.

    `window` and `hop` in seconds; a region shorter than `least` of a window is not read (below 0.6 s readings
    of the shipped model were worse than none: 2.03 nats at 0.3 s, chance is 1.95, 1.71 at 0.6 s);
    a window takes up to `margin` seconds of what surrounds a short region. No region reaches across `breaks`
    (sorted times at which the speaker changes). `detector` is a fresh one to
    use, else it makes its own. Raises `UsageError`.
    """

    def __init__(
        self,
        *,
        window: float = 3.0,
        hop: float = 1.0,
        least: float = 0.2,
        margin: float = 0.15,
        breaks: Iterable[float] = (),
        detector: SpeechDetector | None = None,
    ) -> None:
        if not 0 < hop <= window:
            raise UsageError(f"the voice hop must be above 0 and at most the window, got {hop} and {window}")
        self._window, self._hop, self._least, self._margin = window, hop, least * window, margin
        self._detector = detector or SpeechDetector(breaks=breaks)
        self._tail = SoundTail(0.0)
        self._done = 0
        self._next: float | None = None
        self._held: AudioWindow | None = None
        self._from = 0.0

    @property
    def speech(self) -> list[Span]:
        """The regions of speech that have ended so far."""
        return self._detector.regions.closed

    @property
    def growing(self) -> Span | None:
        """The region of speech that goes on, up to the time that is certain."""
        return self._detector.regions.open

    @property
    def settled(self) -> float:
        """Until when it is certain what is speech and what is not, in seconds."""
        return self._detector.regions.settled

    @property
    def end(self) -> float:
        """Time of the end of the sound so far."""
        return self._tail.end

    def feed(self, start: float, samples: Samples) -> Iterator[Tile]:
        """Take a block of 16 kHz mono sound that starts at `start` seconds; yields the tiles that are certain."""
        late = start - self._tail.end
        if late > HOLE:
            yield from self.finish()
            self._detector.restart(start)
            self._tail = SoundTail(start)
        elif late < -HOLE:
            samples = samples[round(-late * SAMPLE_RATE) :]
        for first in range(0, len(samples), PIECE):
            piece = samples[first : first + PIECE]
            self._tail.append(piece)
            self._detector.feed(piece)
            yield from self._advance()

    def finish(self) -> Iterator[Tile]:
        """The tiles of what is left; the sound has ended."""
        self._detector.finish()
        yield from self._advance()

    def _advance(self) -> Iterator[Tile]:
        regions = self._detector.regions
        for start, end in regions.closed[self._done :]:
            yield from self._close(start, end)
        self._done = len(regions.closed)
        keep = regions.settled
        if regions.open is not None:
            start, until = regions.open
            yield from self._grow(start, until)
            keep = start if self._next is None else max(start, self._next - self._hop)
        self._tail.forget(keep - self._margin)

    def _grow(self, start: float, until: float) -> Iterator[Tile]:
        """Cut the windows that fit into the region from `start` as far as it goes."""
        first = start if self._next is None else self._next
        while first + self._window <= until:
            yield from self._push(start, first, first + self._window)
            first += self._hop
            self._next = first

    def _close(self, start: float, end: float) -> Iterator[Tile]:
        yield from self._grow(start, end)
        if self._held is None and end - start < self._least:
            yield Tile(start, end, None, "too little speech")
        elif self._held is None:
            yield from self._push(start, max(start - self._margin, self._tail.start), end + self._margin)
        elif end - self._held.end > self._hop / 2:
            yield from self._push(start, end - self._window, end)
        if self._held is not None:
            yield _tile(self._from, end, self._held)
        self._held = self._next = None

    def _push(self, region: float, start: float, end: float) -> Iterator[Tile]:
        """Cut a window of the region that starts at `region`; now the part of the one before it is known."""
        window = self._cut(start, end)
        if self._held is None:
            self._from = region
        else:
            border = (self._held.start + self._held.end + window.start + window.end) / 4
            yield _tile(self._from, border, self._held)
            self._from = border
        self._held = window

    def _cut(self, start: float, end: float) -> AudioWindow:
        regions = self._detector.regions
        speech = regions.closed[-RECENT:] + ([regions.open] if regions.open else [])
        end = min(end, self._tail.end)
        spoken = sum(max(min(last, end) - max(first, start), 0.0) for first, last in speech)
        level, snr = self._tail.levels(start, end, speech, regions.settled)
        share = min(spoken / (end - start), 1.0)
        return AudioWindow(start, end, self._tail.cut(start, end), share, level, snr)


def _tile(start: float, end: float, window: AudioWindow) -> Tile:
    if window.level_db < TOO_QUIET:
        return Tile(start, end, None, "too quiet")
    return Tile(start, end, window)


def clip_windows(
    samples: Samples, *, window: float = 3.0, hop: float = 1.0, detector: SpeechDetector | None = None
) -> list[AudioWindow]:
    """The windows of a short labelled clip (n,) at 16 kHz, as `WindowCutter` would read them.

    A clip in which no readable speech is found is one window as a whole: its label says that there is some.
    """
    if not len(samples):
        return []
    cutter = WindowCutter(window=window, hop=hop, detector=detector or SpeechDetector(own_silero()))
    tiles = [*cutter.feed(0.0, samples), *cutter.finish()]
    level = level_db(float(np.square(samples, dtype=np.float64).mean()))
    whole = AudioWindow(0.0, len(samples) / SAMPLE_RATE, samples, 1.0, level, None)
    return [tile.window for tile in tiles if tile.window is not None] or [whole]
