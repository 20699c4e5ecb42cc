"""Voices told apart while the sound is read for something else."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np

from mer_batch.errors import MerError, ModelError, one_line
from mer_batch.pipeline.stage import FAILURES
from mer_batch.types import Samples

if TYPE_CHECKING:
    from torch import Tensor

    from mer_batch.people.encoder import Encoder, Vectors
    from mer_batch.people.voices import VoiceTurn
    from mer_batch.people.windows import VoiceListener

Span = tuple[float, float]


class KnownVoices:
    """Vectors of windows of sound, in memory alone: heard again with other breaks, most windows are as they were."""

    def __init__(self) -> None:
        self._vectors: dict[bytes, Vectors] = {}

    def by(self, encoder: Encoder) -> Encoder:
        """An encoder that computes only what is not known."""
        knowing = copy(encoder)
        embed = encoder.embed

        def known(windows: Tensor) -> Vectors:
            keys = [sha256(window.numpy().tobytes()).digest() for window in windows]
            new = [place for place, key in enumerate(keys) if key not in self._vectors]
            if new:
                self._vectors.update(zip((keys[place] for place in new), embed(windows[new]), strict=True))
            return np.array([self._vectors[key] for key in keys])

        knowing.embed = known  # type: ignore[method-assign]
        return knowing


class VoiceEar:
    """A `voice.read.Listener` whose failure costs the telling of voices and nothing else; `notices` say it.

    `speakers` as in `Options`.
    """

    def __init__(self, speakers: str, known: KnownVoices | None = None) -> None:
        """`known` are vectors from an earlier hearing of the same sound."""
        self.notices: list[str] = []
        self.failed = False
        self._count = int(speakers) if speakers.isdigit() else None
        self._encoder: Encoder | None = None
        self._known = known or KnownVoices()
        self._listener: VoiceListener | None = None
        if speakers == "none" or self._count == 1:
            return
        try:
            self._listen()
        except (MerError, *FAILURES) as error:
            self._lose(error)

    def feed(self, start: float, samples: Samples) -> None:
        """See `Listener.feed`."""
        try:
            if self._listener is not None:
                self._listener.feed(start, samples)
        except FAILURES as error:
            self._lose(error)

    def follow(self, closed: Sequence[Span], growing: Span | None, settled: float) -> None:
        """See `Listener.follow`."""
        try:
            if self._listener is not None:
                self._listener.follow(closed, growing, settled)
        except FAILURES as error:
            self._lose(error)

    def turns(self, regions: Sequence[Span]) -> tuple[VoiceTurn, ...]:
        """Which voice speaks when in the regions of speech, as far as that could be heard; the sound has ended."""
        from mer_batch.people.voices import VoiceTurn, tell_apart

        if self._count == 1:
            return tuple(VoiceTurn(start, end, 0) for start, end in regions)
        try:
            if self._listener is not None and self._encoder is not None:
                found = tell_apart(self._listener.heard(), regions, self._encoder.plda, self._count)
                self._count_voices(found)
                return found
        except FAILURES as error:
            self._lose(error)
        if not regions:
            self.notices.clear()  # nobody was to be told apart
        return ()

    def _count_voices(self, turns: Sequence[VoiceTurn]) -> None:
        found = len({turn.voice for turn in turns})
        if self._count is not None and 0 < found < self._count:
            voices = "one voice" if found == 1 else f"{found} voices"
            self.notices.append(f"--speakers says {self._count}, but only {voices} could be told apart")

    def _listen(self) -> None:
        from mer_batch.people.encoder import encoder_folder, shared_encoder
        from mer_batch.people.windows import VoiceListener

        self._encoder = shared_encoder(encoder_folder())
        self._listener = VoiceListener(self._known.by(self._encoder))

    def _lose(self, error: Exception) -> None:
        self._listener, self.failed = None, True
        self.notices.append(f"voices are not told apart: {one_line(error)}")


def encoder_sum(speakers: str) -> str | None:
    """The checksum of what tells voices apart, None where nothing does."""
    from mer_batch.people.encoder import encoder_folder, verify_encoder

    try:
        return verify_encoder(encoder_folder()).sha256 if speakers not in ("none", "1") else None
    except ModelError:
        return None
