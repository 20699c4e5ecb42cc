"""What every speech recognizer offers, and which of its phrases are to be believed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from mer_batch.text.chunks import Word
from mer_batch.types import Samples

RULES: Final = 2
"""The version of all that decides which words are kept, beside the recognizer; transcripts of others are stale."""

SILENCE: Final = 0.6
"""Whisper's probability of no speech above which an unsure phrase counts as invented (its own default)."""
UNSURE: Final = -1.25
"""Mean log-probability of a phrase below which its words are more likely wrong than right."""
REPETITIVE: Final = 2.4
"""gzip ratio above which a text repeats itself, Whisper's way of getting stuck (its own default)."""

REPEATS: Final = "the transcription repeats itself"

FASTEST: Final = 30.0
"""Letters a second that nobody says: Whisper invents a sentence for the rest of one (fast talkers reach 20 to 25)."""
FEW: Final = 10
"""Letters below which the times of words are too rough to tell a pace."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """What a recognizer takes as one piece: its words, or the reason why they are not to be trusted."""

    start: float
    end: float
    words: tuple[Word, ...]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Scores:
    """What Whisper says of a phrase: log-probability of its tokens in the mean, of no speech, and gzip ratio."""

    mean_logprob: float
    no_speech: float
    ratio: float


class Recognizer(ABC):
    """Turns sound into words."""

    @abstractmethod
    def hear(
        self, samples: Samples, language: str | None, prompt: str | None = None
    ) -> tuple[list[Phrase], str | None]:
        """Phrases of at most 30 s of 16 kHz mono sound (n,), in seconds from its start, and the language.

        A `language` of None is detected; what is not told or detected stays None. A `prompt` is text as it might
        come before: names and words to expect, in the spelling wanted.
        """

    @property
    def english_only(self) -> bool:
        """Whether it writes English words for whatever it hears, since it knows no other language."""
        return False


class Engine(Protocol):
    """A class of recognizers: called with the name of a model and a device, it loads it, fetched where not there."""

    def __call__(self, name: str, device: str) -> Recognizer:
        """Load a model."""

    def names(self) -> list[str]:
        """The models of the library by name. Raises `ModelError` where it is missing."""

    def check(self, name: str) -> None:
        """Raise `UsageError` for an unknown name, `ModelError` where the library is missing; loads no model."""

    def fetched(self) -> list[str]:
        """The names of those whose weights have been fetched. Raises `ModelError` likewise."""

    def address(self, name: str) -> str:
        """Where the weights of a model are fetched from."""

    def kept(self, name: str, verify: bool = True) -> Path | None:
        """The weights where they are on this machine, None where not. `verify` raises `ModelError` for damaged ones."""


def judged(start: float, end: float, text: str, words: Sequence[Word], scores: Scores) -> Phrase:
    """A phrase with its words, or without them and the reason."""
    problem = _problem(text, scores) or _haste(words)
    return Phrase(start, max(start, end), () if problem else tuple(words), problem)


def _problem(text: str, scores: Scores) -> str:
    if not any(character.isalnum() for character in text):
        return "the recognizer heard no words"
    if scores.no_speech > SILENCE and scores.mean_logprob < -1.0:
        return "the recognizer heard no speech"
    if scores.ratio > REPETITIVE:
        return REPEATS
    return "the transcription is too unsure" if scores.mean_logprob < UNSURE else ""


def _haste(words: Sequence[Word]) -> str:
    letters = sum(character.isalnum() for word in words for character in word.text)
    if letters < FEW or letters <= FASTEST * (words[-1].end - words[0].start):
        return ""
    return "the recognizer heard words in too little time for them"
