"""An utterance as networks take it that read sound and words together: a clip with its words, and their numbers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mer_batch.errors import ModelError
from mer_batch.types import AudioWindow

PADDING: Final = 0
UNKNOWN: Final = 1
"""Numbers that are no word of the vocabulary: nothing, and any other word."""
LENGTH: Final = 20
"""Words of an utterance that are read."""
_MARKS: Final = re.compile(r"[^\w\s]|_")


@dataclass(frozen=True, slots=True)
class Spoken:
    """A clip and what is said in it."""

    window: AudioWindow
    words: str


def plain_words(text: str) -> list[str]:
    """Lower-case words without punctuation: "Say the word, back." is say, the, word, back."""
    return _MARKS.sub("", text.lower()).split()


@dataclass(frozen=True)
class Vocabulary:
    """Numbers of words: those of `words` from 2 on, 1 for any other; the first `length` words of a text are read."""

    words: tuple[str, ...]
    length: int = LENGTH

    def __post_init__(self) -> None:
        if self.length < 1 or len(set(self.words)) < len(self.words):
            raise ModelError("a vocabulary needs a positive length and every word once")

    @classmethod
    def of(cls, texts: Iterable[str], size: int, length: int = LENGTH) -> Vocabulary:
        """The words of `texts`, the most frequent first where more than `size` numbers would be needed."""
        counts = Counter(word for text in texts for word in plain_words(text))
        ranked = sorted(counts, key=lambda word: (-counts[word], word))[: max(size - 2, 0)]
        return cls(tuple(sorted(ranked)), length)

    @classmethod
    def from_card(cls, section: Mapping[str, Any]) -> Vocabulary:
        """From the `words` table of a card's input section. Raises `ModelError` for one that does not fit."""
        try:
            return cls(tuple(str(word) for word in section["vocabulary"]), int(section["length"]))
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"the model card's input.words does not fit: {error}") from error

    def card(self) -> dict[str, Any]:
        """The `words` table for a card."""
        return {"length": self.length, "vocabulary": list(self.words)}

    @property
    def size(self) -> int:
        """How many numbers there are, padding and unknown words among them."""
        return len(self.words) + 2

    def encode(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """Numbers (n, length) of the words of texts, 0 after the last."""
        places = {word: number for number, word in enumerate(self.words, UNKNOWN + 1)}
        table = np.full((len(texts), self.length), PADDING, dtype=np.int64)
        for row, text in zip(table, texts, strict=True):
            numbers = [places.get(word, UNKNOWN) for word in plain_words(text)][: self.length]
            row[: len(numbers)] = numbers
        return table
