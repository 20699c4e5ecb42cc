"""Where somebody speaks: silero-vad run as a stream, with hysteresis (silero-vad, MIT, its own weights)."""

from __future__ import annotations

import threading
from array import array
from collections import deque
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from mer_batch.media.silero import FRAME, load_silero
from mer_batch.types import SAMPLE_RATE, Samples

if TYPE_CHECKING:
    from torch import Tensor
    from torch.jit import ScriptModule

Span: TypeAlias = tuple[float, float]


class SpeechRegions:
    """Turns probabilities of speech into regions, one frame after the other.

    A region opens at `enter` and closes after `min_silence` seconds below `leave`; shorter bursts than
    `min_speech` are dropped; `pad` seconds are added on both sides, never beyond half of a pause.
    """

    def __init__(
        self,
        *,
        enter: float = 0.5,
        leave: float = 0.35,
        min_speech: float = 0.25,
        min_silence: float = 0.3,
        pad: float = 0.06,
    ) -> None:
        if not 0 < leave <= enter < 1:
            raise ValueError(f"thresholds need 0 < leave <= enter < 1, got {leave} and {enter}")
        if pad > min_silence / 2:
            raise ValueError(f"pad must be at most half of min_silence, got {pad} and {min_silence}")
        self._enter, self._leave = enter, leave
        self._min_speech, self._min_silence, self._pad = min_speech, min_silence, pad
        self._floor = 0.0
        self._now = 0.0
        self._onset: float | None = None
        self._voiced_until = 0.0
        self.closed: list[Span] = []
        """Finished regions in time order."""

    def add(self, start: float, end: float, probability: float) -> None:
        """Judge the frame from `start` to `end` seconds; frames come in time order."""
        self._now = end
        if self._onset is None:
            if probability >= self._enter:
                self._onset, self._voiced_until = start, end
        elif probability >= self._leave:
            self._voiced_until = end
        elif end - self._voiced_until >= self._min_silence:
            self._close(self._voiced_until + self._pad)

    def cut(self, time: float) -> None:
        """End the sound at `time`: an open region closes there, nothing reaches across."""
        self._close(min(self._voiced_until + self._pad, time))
        self._floor = self._now = time

    def _close(self, end: float) -> None:
        if self._onset is not None and self._voiced_until - self._onset >= self._min_speech:
            self.closed.append((self._padded(self._onset), end))
        self._onset = None

    def _padded(self, onset: float) -> float:
        floor = max(self._floor, self.closed[-1][1]) if self.closed else self._floor
        return max(onset - self._pad, floor)

    @property
    def open(self) -> Span | None:
        """The region that is still going on, up to the time that is certain, or None."""
        if self._onset is None or self._voiced_until - self._onset < self._min_speech:
            return None
        return self._padded(self._onset), self._voiced_until

    @property
    def settled(self) -> float:
        """Until when it is certain what is speech and what is not, in seconds."""
        if self.open is not None:
            return self._voiced_until
        return max((self._now if self._onset is None else self._onset) - self._pad, self._floor)


class KnownSpeech:
    """What stands for the network where a sound is known already."""

    def __init__(self, shares: Sequence[float]) -> None:
        self._shares = iter(shares)

    def __call__(self, _frame: Tensor, _rate: int) -> float:
        """The next one."""
        return next(self._shares)

    def reset_states(self) -> None:
        """Nothing: it is asked for one sound."""


class RecordedSpeech:
    """The network, whose answers are kept: a sound can be heard again without it."""

    def __init__(self) -> None:
        self._model = load_silero()
        self._shares = array("f")

    def __call__(self, frame: Tensor, rate: int) -> float:
        """What the network says."""
        share = float(self._model(frame, rate))
        self._shares.append(share)
        return share

    def reset_states(self) -> None:
        """Forget the sound so far."""
        self._model.reset_states()

    def again(self) -> KnownSpeech:
        """The answers for the same sound."""
        return KnownSpeech(self._shares)


SpeechModel: TypeAlias = "ScriptModule | KnownSpeech | RecordedSpeech"


class SpeechDetector:
    """silero-vad over a stream of 16 kHz sound in constant memory; `regions` grows as sound is fed.

    `breaks` are times (sorted, in seconds) that no region reaches across: somebody else begins to speak.
    """

    def __init__(self, model: SpeechModel | None = None, breaks: Iterable[float] = ()) -> None:
        self.regions = SpeechRegions()
        self._breaks = deque(breaks)
        self._model = model or load_silero()
        self._model.reset_states()
        self._rest: Samples = np.zeros(0, dtype=np.float32)
        self._time = 0.0

    def restart(self, time: float) -> None:
        """Forget the sound so far: what follows starts at `time` seconds and is not its continuation."""
        self.finish()
        self._time = time
        self.regions.cut(time)

    def feed(self, samples: Samples) -> None:
        """Judge the next samples (n,), float32 in [-1, 1]."""
        import torch

        sound = np.concatenate([self._rest, samples])
        whole = len(sound) // FRAME * FRAME
        self._rest = sound[whole:].copy()
        with torch.inference_mode():
            for frame in torch.from_numpy(sound[:whole]).view(-1, FRAME):
                self._judge(float(self._model(frame, SAMPLE_RATE)), FRAME)

    def finish(self) -> None:
        """Judge what is left and close the open region."""
        import torch

        left = len(self._rest)
        if left:
            frame = torch.from_numpy(np.pad(self._rest, (0, FRAME - left)))
            with torch.inference_mode():
                self._judge(float(self._model(frame, SAMPLE_RATE)), left)
        self._rest = self._rest[:0]
        self._model.reset_states()
        self.regions.cut(self._time)

    def _judge(self, probability: float, samples: int) -> None:
        end = self._time + samples / SAMPLE_RATE
        while self._breaks and self._breaks[0] < end:
            self.regions.cut(max(self._breaks.popleft(), self._time))
        self.regions.add(self._time, end, probability)
        self._time = end


def own_silero() -> ScriptModule:
    """The network of the calling thread, which loads one when it first asks: that takes longer than to hear a clip."""
    if not hasattr(_own, "model"):
        _own.model = load_silero()
    model: ScriptModule = _own.model
    return model


_own = threading.local()


def silero_version() -> str:
    """The version of the network's package."""
    from importlib.metadata import version

    return version("silero-vad")
