"""Voices told apart while the sound is read for something else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mer_batch.errors import MerError, ModelError, one_line
from mer_batch.pipeline.stage import FAILURES
from mer_batch.types import Samples

if TYPE_CHECKING:
    from mer_batch.people.diarizer import Diarizer
    from mer_batch.people.voices import VoiceTurn

Span = tuple[float, float]


class VoiceEar:
    """A `voice.read.Listener` whose failure costs the telling of voices and nothing else; `notices` say it.

    `speakers`, `diarizer` and `device` as in `Options`.
    """

    def __init__(self, speakers: str, diarizer: str = "default", device: str = "cpu") -> None:
        self.notices: list[str] = []
        self.failed = False
        self._count = int(speakers) if speakers.isdigit() else None
        self._listener: Diarizer | None = None
        if speakers == "none" or self._count == 1:
            return
        from mer_batch.people.diarizer import load_diarizer

        try:
            self._listener = load_diarizer(diarizer, device)
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
        from mer_batch.people.voices import VoiceTurn

        if self._count == 1:
            return tuple(VoiceTurn(start, end, 0) for start, end in regions)
        try:
            if self._listener is not None:
                found = self._listener.turns(regions, self._count)
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

    def _lose(self, error: Exception) -> None:
        self._listener, self.failed = None, True
        self.notices.append(f"voices are not told apart: {one_line(error)}")


def diarizer_sum(speakers: str, diarizer: str) -> str | None:
    """The checksum of what tells voices apart, None where nothing does."""
    from mer_batch.people.diarizer import diarizer_sum as sum_of

    try:
        return sum_of(diarizer) if speakers not in ("none", "1") else None
    except ModelError:
        return None
