"""What reading a recording will cost here: some seconds of it are read, and the rest is taken to be like them."""

from __future__ import annotations

import resource
import sys
import time
from dataclasses import dataclass
from typing import Any, Final

from mer_batch.config import Options
from mer_batch.media.process import can_seek
from mer_batch.types import Media
from mer_batch.wording import clock

SHORT: Final = 1.0
"""Seconds of the first piece that is read: it also loads the networks."""
LONG: Final = 6.0
"""Seconds of the second."""


@dataclass(frozen=True)
class Cost:
    """What it costs: `fixed` seconds, and `rate` seconds for each of the recording; `memory_mb` at most.

    `read` are the seconds of the recording that were read to know it.
    """

    duration: float
    fixed: float
    rate: float
    memory_mb: float | None
    read: float

    @property
    def seconds(self) -> float:
        """For all of the recording."""
        return self.fixed + self.rate * self.duration

    def as_json(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "seconds": round(self.seconds, 1),
            "fixed_seconds": round(self.fixed, 2),
            "seconds_per_second": round(self.rate, 3),
            "memory_mb": self.memory_mb,
            "measured_on_seconds": round(self.read, 2),
            "without": "speech recognition",
        }

    def sentence(self) -> str:
        """For people."""
        memory = "" if self.memory_mb is None else f", {self.memory_mb / 1000:.1f} GB of memory"
        if not self.rate:
            return f"about {clock(self.seconds)}{memory}; it was read here now, without speech recognition"
        return (
            f"about {clock(self.seconds)} ({self.rate:.2f} s for each second){memory}; estimated "
            f"from {self.read:.0f} s of it that were read here now, without speech recognition"
        )


def cost(found: Media, device: str = "auto") -> Cost:
    """Read two pieces from the middle of a recording, where it can be read from there, and draw the line through them.

    Raises what `pipeline.analyze` raises.
    """
    if found.duration <= 2 * SHORT:  # too short for a line: all of it is read
        first, short = _seconds(found, 2 * SHORT, device)
        return Cost(found.duration, first, 0.0, _memory(), short)
    first, short = _seconds(found, SHORT, device)
    again, short = _seconds(found, SHORT, device)
    took, long = _seconds(found, LONG, device)
    rate = max((took - again) / max(long - short, 1e-3), 0.0)
    return Cost(found.duration, max(0.0, first - rate * short), rate, _memory(), long)


def _seconds(found: Media, wanted: float, device: str) -> tuple[float, float]:
    """How long it takes to read so much of the recording, and how much was read."""
    from mer_batch.pipeline import analyze

    length = min(wanted, found.duration)
    start = max(0.0, (found.duration - LONG) / 2) if can_seek(found) else 0.0
    start = min(start, max(0.0, found.duration - length))
    end = start + max(length, 1e-3)
    began = time.monotonic()
    analyze(found.path, Options(start=start, end=end, asr="none", device=device))
    return time.monotonic() - began, end - start


def _memory() -> float | None:
    """The most that this process and the largest of its children took, in MB."""
    unit = 2**20 if sys.platform == "darwin" else 2**10
    used = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return round(sum(used) / unit)
