"""Sentences as numbers of word pieces (Schuster & Nakajima, 2012; the greedy search of BERT, arXiv:1810.04805).

A row of numbers is: the kind of text, the sentence, a separator, and, where wanted, what was said before it,
the latest first, each followed by a separator.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mer_batch.errors import ModelError, unknown_name
from mer_batch.nets.tokens import is_mark, spoken, words
from mer_batch.resources import data_dir

PADDING: Final = 0
SEPARATOR: Final = 1
UNKNOWN: Final = 2
KINDS: Final = ("film", "forum", "chat", "post")
"""Kinds of text that training sets are of; labels mean not quite the same in each."""
SPECIAL: Final = ("[PAD]", "[SEP]", "[UNK]", *(f"<{kind}>" for kind in KINDS))
"""The first lines of every vocabulary."""
USUAL: Final = SPECIAL.index(f"<{KINDS[0]}>")
"""The mark of the kind as which users' words are read."""
VOCABULARY: Final = "vocabulary.txt"
"""The file of a vocabulary in a model folder."""
LONGEST: Final = 40
"""Letters of a word beyond which it counts as unknown: no spoken word is longer."""


class Line(str):
    """A sentence with what was said `before` it, the latest last, and its kind of text; "" is the reader's usual one.

    A reader that takes no context sees a plain text.
    """

    before: tuple[str, ...]
    kind: str

    def __new__(cls, text: str, before: Iterable[str] = (), kind: str = "") -> Line:
        """A line of `text`."""
        line = super().__new__(cls, text)
        line.before, line.kind = tuple(before), kind
        return line


class WordPiece:
    """Turns sentences into numbers by a vocabulary, a list of pieces in which ## continues a word.

    Args:
        vocabulary: pieces by number; the first are `SPECIAL`.
        length: most pieces of a sentence; a longer one keeps its end, where the point usually is.
        context: most sentences before it that are read too.
        around: most pieces of all of them.
        kind: the kind of text of sentences that do not name theirs.

    Raises `ModelError` for what does not fit.
    """

    def __init__(
        self, vocabulary: Sequence[str], length: int = 64, context: int = 0, around: int = 48, kind: str = KINDS[0]
    ) -> None:
        if tuple(vocabulary[: len(SPECIAL)]) != SPECIAL:
            raise ModelError(f"a vocabulary of word pieces begins with {' '.join(SPECIAL)}")
        if length < 1 or context < 0 or around < 0 or kind not in KINDS:
            raise ModelError("a text model needs a length, a context and a kind of text that it knows")
        self.length, self.context, self.around, self.kind = length, context, around, kind
        self._numbers = {piece: number for number, piece in enumerate(vocabulary)}
        self._known: dict[str, tuple[int, ...]] = {}

    @classmethod
    def from_card(cls, section: Mapping[str, Any], vocabulary: bytes) -> WordPiece:
        """As the `input` section of a card says. Raises `ModelError` where it lacks something."""
        try:
            length, context, around = (int(section[key]) for key in ("length", "context", "around"))
            return cls(vocabulary.decode("utf-8").splitlines(), length, context, around, str(section["kind"]))
        except KeyError as error:
            raise ModelError(f"the text model's card lacks input.{error.args[0]}") from error

    def __len__(self) -> int:
        return len(self._numbers)

    @property
    def longest(self) -> int:
        """Most numbers of a row."""
        return self.length + 2 + (self.around + self.context if self.context else 0)

    def card(self) -> dict[str, Any]:
        """The keys of a card's input section that `from_card` reads."""
        return {"length": self.length, "context": self.context, "around": self.around, "kind": self.kind}

    def rows(self, lines: Sequence[str], context: int | None = None) -> list[list[int]]:
        """Numbers of each line; `context` is how many lines before it count, None = as many as the reader takes."""
        reach = self.context if context is None else min(context, self.context)
        return [self._row(line, reach) for line in lines]

    def pieces(self, text: str) -> list[int]:
        """Numbers of the pieces of a sentence."""
        return [number for token in words(text) for number in self.word(token)]

    def word(self, token: str) -> tuple[int, ...]:
        """Numbers of the pieces of one token of `words`: greedy, the longest piece first."""
        if token not in self._known:
            self._known[token] = self._spelt(token)
        return self._known[token]

    def _row(self, line: str, reach: int) -> list[int]:
        kind = getattr(line, "kind", "") or self.kind
        row = [SPECIAL.index(f"<{kind}>"), *self.pieces(line)[-self.length :], SEPARATOR]
        room = self.around
        for earlier in reversed(getattr(line, "before", ())[-reach:] if reach else ()):
            found = self.pieces(earlier)[-room:] if room else []
            room -= len(found)
            row += [*found, SEPARATOR] if found else []
        return row

    def _spelt(self, token: str) -> tuple[int, ...]:
        if token in self._numbers:
            return (self._numbers[token],)
        if is_mark(token):
            return tuple(number for mark in token for number in self._found(mark))
        return tuple(self._found(_unaccented(token.strip("[]"))))

    def _found(self, word: str) -> list[int]:
        result: list[int] = []
        place = 0
        while place < len(word) <= LONGEST:
            mark = "##" if place else ""
            ends = range(len(word), place, -1)
            end = next((end for end in ends if mark + word[place:end] in self._numbers), None)
            if end is None:
                return [UNKNOWN]
            result.append(self._numbers[mark + word[place:end]])
            place = end
        return result or [UNKNOWN]


def padded(rows: Sequence[Sequence[int]], width: int = 0) -> NDArray[np.int64]:
    """Rows of numbers as a table (n, longest row or `width`), filled up with `PADDING`."""
    table = np.full((len(rows), max([width, 1, *map(len, rows)])), PADDING, dtype=np.int64)
    for place, row in enumerate(rows):
        table[place, : len(row)] = row
    return table


def find_vocabulary(spec: str) -> Path:
    """The file of a vocabulary: one of train/splits by name, or a path. Raises `UsageError` where there is none."""
    shipped = data_dir("train") / "splits"
    for path in (shipped / f"{spec}.txt", Path(spec)):
        if path.is_file():
            return path
    raise unknown_name("vocabulary", spec, [path.stem for path in sorted(shipped.glob("*.txt"))])


def read_vocabulary(spec: str) -> list[str]:
    """The pieces of a vocabulary, in the order of their numbers. Raises what `find_vocabulary` raises."""
    return find_vocabulary(spec).read_text(encoding="utf-8").splitlines()


def bare(text: str) -> str:
    """A sentence as some recognizers write it: lower case, without punctuation and apostrophes."""
    return " ".join(spoken(words(text)))


def _unaccented(word: str) -> str:
    return "".join(letter for letter in unicodedata.normalize("NFD", word) if not unicodedata.combining(letter))
