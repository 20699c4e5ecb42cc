"""What users are told of pictures after they were read: where they are damaged, and where their shape changes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mer_batch.media.look import Look

_JOIN: Final = 1.0
"""Seconds between damaged pictures that count as one stretch."""
_NAMED: Final = 4
EARLIER: Final = "decoding began earlier"
"""Ends the one sentence that tells of the way to the pictures, not of the pictures."""


class Told:
    """Takes what the pictures of a file are like, in order, with times in seconds on its clock."""

    def __init__(self) -> None:
        self._spans: list[list[float]] = []
        self._reason = ""
        self._messages = 0
        self._look: Look | None = None
        self._changes: list[tuple[float, Look, Look]] = []
        self._earlier: list[float] = []
        self._lost: list[str] = []

    def damage(self, start: float, end: float) -> None:
        """Take that pictures are made up or missing between two times."""
        if self._spans and start - self._spans[-1][1] <= _JOIN:
            self._spans[-1][1] = max(end, self._spans[-1][1])
        else:
            self._spans.append([start, end])

    def complaints(self, count: int, first: str) -> None:
        """Take how often ffmpeg complained, and its first words."""
        self._messages += count
        self._reason = self._reason or first[:200]

    def lost(self, time: float, why: str) -> None:
        """Take that the recording that begins at `time` cannot be decoded."""
        self._lost.append(f"from {time:.2f} s: {why}")

    def look(self, time: float, look: Look) -> None:
        """Take how pictures from `time` on are shown."""
        before, self._look = self._look, look
        if before is not None and before.shape != look.shape:
            self._changes.append((time, before, look))

    def earlier(self, time: float) -> None:
        """Take that decoding had to begin before the key frame that is marked for `time`."""
        self._earlier.append(time)

    @property
    def sought_in_vain(self) -> bool:
        """Whether decoding had to begin earlier than at a marked key frame."""
        return bool(self._earlier)

    def sentences(self) -> Iterator[str]:
        """For people; nothing where all is well."""
        yield from self._lost
        if self._spans or self._reason:
            more = f" ({self._messages} messages)" if self._messages > 1 else ""
            reason = f": {self._reason}{more}" if self._reason else ""
            yield f"the video is damaged, what could be decoded is used{reason}{self._where()}"
        if self._changes:
            time, before, after = self._changes[0]
            left = len(self._changes) - 1
            often = f", and {left} more {_times(left)}" if left else ""
            yield f"the picture changes from {before} to {after} at {time:.2f} s{often}; it is read in its true shape"
        if self._earlier:
            place = f"{self._earlier[0]:.2f} s"
            yield f"the pictures at {place} do not decode from the key frames near them; {EARLIER}"

    def _where(self) -> str:
        if not self._spans:
            return ""
        places = ", ".join(f"{start:.2f} to {end:.2f} s" for start, end in self._spans[:_NAMED])
        left = len(self._spans) - _NAMED
        return f"; pictures are made up or missing from {places}" + (
            f" and {left} more {_times(left)}" if left > 0 else ""
        )


def _times(count: int) -> str:
    return "time" if count == 1 else "times"
