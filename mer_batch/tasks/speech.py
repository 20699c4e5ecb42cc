"""The windows over speech of many short sounds; where each has speech is found once, and kept."""

from __future__ import annotations

from types import TracebackType

import numpy as np

from mer_batch.tasks.kept import Kept
from mer_batch.types import AudioWindow, Samples


class Speech:
    """Cuts sounds as `mer analyze` would, from several threads at a time. A context manager."""

    def __init__(self) -> None:
        from mer_batch.voice import activity, whole

        self._kept = Kept("speech", [activity, whole], activity.silero_version())

    def __enter__(self) -> Speech:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._kept.__exit__(kind, error, trace)

    def windows(self, samples: Samples, window: float = 3.0) -> list[AudioWindow]:
        """The windows of a clip (n,) at 16 kHz, each of `window` seconds at most; see `clip_windows`."""
        from mer_batch.voice.activity import KnownSpeech, SpeechDetector
        from mer_batch.voice.whole import speech_of
        from mer_batch.voice.windows import clip_windows

        shares = self._kept.recall(samples, lambda: np.asarray(speech_of(samples)))
        return clip_windows(samples, window=window, detector=SpeechDetector(KnownSpeech(shares.tolist())))
