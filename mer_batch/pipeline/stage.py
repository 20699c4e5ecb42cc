"""What the stages have in common: what they find, and that an error costs one modality, not the analysis."""

from __future__ import annotations

import os
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import ClassVar

from mer_batch.errors import MerError, one_line
from mer_batch.pipeline.asked import Asked
from mer_batch.types import Gap, Modality, Observation

FAILURES = (RuntimeError, ValueError, OSError, MemoryError, ArithmeticError, LookupError, TypeError)
"""What a broken file or model raises: it costs a modality, not the analysis."""


class Stage(ABC):
    """One modality of an analysis: `run` fills what is public here."""

    modality: ClassVar[Modality]

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.observations: list[Observation] = []
        self.gaps: list[Gap] = []
        self.notices: list[str] = []
        self.lost = False
        self.seconds = 0.0

    @abstractmethod
    def read(self) -> None:
        """Read the modality as far as it is wanted and there, else say why not."""

    def run(self) -> None:
        """Read it, or know what the error says. Raises `UsageError`: a wrong option is the user's to mend."""
        if not self.wanted:
            self.absent(f"not asked for (--modalities {','.join(self.asked.options.modalities)})")
        began = time.monotonic()
        try:
            self.read()
        except MerError as error:
            if error.exit_code == 2:
                raise
            self._lose(error)
        except FAILURES as error:
            self._lose(error)
        self.seconds = round(time.monotonic() - began, 2)

    @property
    def wanted(self) -> bool:
        """Whether somebody asked for the modality."""
        return self.asked.wants(self.modality)

    @property
    def took_part(self) -> bool:
        """Whether a reader was there for it, and not in vain."""
        return self.wanted and self.modality in self.asked.used and not self.lost

    def absent(self, reason: str) -> None:
        """There is nothing of the modality in the whole range."""
        self.gaps.append(Gap(self.modality, min(self.asked.options.start, self.asked.end), self.asked.end, reason))

    def take(self, observations: Iterable[Observation], gaps: Iterable[Gap]) -> None:
        """Add readings."""
        self.observations += observations
        self.gaps += gaps

    def _lose(self, error: Exception) -> None:
        if os.environ.get("MER_DEBUG") == "1":
            raise error
        line = one_line(error)
        self.lost = True
        self.observations.clear()
        self.gaps.clear()
        self.absent(f"lost to an error: {line}")
        self.notices.append(f"{self.modality} was lost to an error: {line} (MER_DEBUG=1 shows where)")
