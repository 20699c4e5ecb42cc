"""Vectors of voices while the sound passes: windows over regions of speech, in constant memory but for the vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from mer_batch.people.encoder import Encoder, Vectors
from mer_batch.types import SAMPLE_RATE, Samples

if TYPE_CHECKING:
    from torch import Tensor

Span: TypeAlias = tuple[float, float]
HOP: Final = 0.8
"""Seconds from one window to the next."""
_HOLE: Final = 0.05  # seconds that a block may be off the clock before it counts as a hole
_WAITING: Final = 32  # windows that are embedded at once: 0.8 MB of spectrogram


@dataclass(frozen=True, eq=False)
class Heard:
    """Windows in time order: `vectors` (n, d), `spans` in seconds, and the number of the region that each lies in."""

    vectors: Vectors
    spans: tuple[Span, ...]
    regions: tuple[int, ...]


class VoiceListener:
    """Takes blocks of sound and where speech is in them, as both become known (see `voice.read.Listener`).

    A region of speech is covered by windows of the encoder's length every `hop` seconds, the last one ending with it;
    a shorter region is repeated until it fills one.
    """

    def __init__(self, encoder: Encoder, hop: float = HOP) -> None:
        self._encoder, self._hop = encoder, hop
        self._length = encoder.card.frames * encoder.frame_seconds
        self._stretches: list[_Stretch] = []
        self._closed = 0
        self._next: float | None = None
        self._last = 0.0
        self._waiting: list[Tensor] = []
        self._vectors: list[Vectors] = []
        self._spans: list[Span] = []
        self._regions: list[int] = []

    def feed(self, start: float, samples: Samples) -> None:
        """Take a block of mono sound (n,) at `SAMPLE_RATE` that starts at `start` seconds."""
        late = start - self._stretches[-1].end if self._stretches else np.inf
        if late > _HOLE:
            self._stretches.append(_Stretch(self._encoder, start))
        elif late < -_HOLE:
            samples = samples[round(-late * SAMPLE_RATE) :]
        self._stretches[-1].add(samples)

    def follow(self, closed: Sequence[Span], growing: Span | None, settled: float) -> None:
        """Cover what is certain by now: all `closed` regions of speech and the one that still grows.

        It is certain up to `settled` seconds what is speech.
        """
        for start, end in closed[self._closed :]:
            self._close(start, end)
            self._closed += 1
        needed = settled
        if growing is not None:
            self._grow(*growing)
            needed = growing[0] if self._next is None else max(growing[0], self._next - self._hop)
        for stretch in self._stretches:
            stretch.forget(needed)
        while len(self._stretches) > 1 and self._stretches[0].end < needed:
            del self._stretches[0]

    def heard(self) -> Heard:
        """All windows of the sound, which has ended."""
        self._embed()
        size = len(self._encoder.plda.mean)
        vectors = np.concatenate(self._vectors) if self._vectors else np.zeros((0, size))
        return Heard(vectors.astype(np.float64), tuple(self._spans), tuple(self._regions))

    def _grow(self, start: float, until: float) -> None:
        first = start if self._next is None else self._next
        while first + self._length <= until:
            self._push(first, first + self._length)
            first += self._hop
            self._next = first

    def _close(self, start: float, end: float) -> None:
        self._grow(start, end)
        if self._next is None:
            self._push(start, end)
        elif end - self._last > self._hop / 2:
            self._push(end - self._length, end)
        self._next = None

    def _push(self, start: float, end: float) -> None:
        mels = next((s.cut(start, end) for s in reversed(self._stretches) if s.start <= end), None)
        self._last = end
        if mels is None or not len(mels):
            return
        size = self._encoder.card.frames
        self._waiting.append(mels.repeat(-(-size // len(mels)), 1)[:size])
        self._spans.append((start, end))
        self._regions.append(self._closed)
        if len(self._waiting) >= _WAITING:
            self._embed()

    def _embed(self) -> None:
        import torch

        if self._waiting:
            # Half the memory of three hours, and far finer than voices differ.
            self._vectors.append(self._encoder.embed(torch.stack(self._waiting)).astype(np.float32))
            self._waiting.clear()


@dataclass
class _Stretch:
    """The latest mel power of sound without a hole that starts at `start` seconds."""

    encoder: Encoder
    start: float
    _rest: Samples = field(default_factory=lambda: np.zeros(0, dtype=np.float32))
    _parts: list[Tensor] = field(default_factory=list)
    _samples: int = 0
    _first: int = 0

    @property
    def end(self) -> float:
        """Where its sound ends, in seconds."""
        return self.start + self._samples / SAMPLE_RATE

    def add(self, samples: Samples) -> None:
        """Sound that follows."""
        self._samples += len(samples)
        sound = np.concatenate([self._rest, samples])
        mels = self.encoder.mels(sound)
        self._rest = sound[len(mels) * self.encoder.card.hop :].copy()
        self._parts.append(mels)

    def forget(self, time: float) -> None:
        """Drop what lies before `time` seconds."""
        count = min(max(self._frame(time), 0), sum(map(len, self._parts)))
        if count:
            self._parts = [self._all()[count:].clone()]
            self._first += count

    def cut(self, start: float, end: float) -> Tensor:
        """Mel power (n, bands) from `start` to `end` seconds, as far as it is there."""
        return self._all()[max(self._frame(start), 0) : max(self._frame(end), 0)]

    def _all(self) -> Tensor:
        import torch

        self._parts = [torch.cat(self._parts)] if self._parts else [torch.zeros(0, self.encoder.card.mels)]
        return self._parts[0]

    def _frame(self, time: float) -> int:
        """The number of the first frame whose middle is not before `time`."""
        card = self.encoder.card
        middle = self.start + card.n_fft / 2 / card.sample_rate
        return round((time - middle) / self.encoder.frame_seconds) - self._first
