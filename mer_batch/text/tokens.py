"""Words to hashed numbers: the same for training and for reading, set by the model's card alone."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from mer_batch.errors import ModelError

PIECES: Final = 4
"""Numbers per token: the whole word, its beginning, its end, and the word with the one before it."""

_QUOTES: Final = str.maketrans(
    {"’": "'", "‘": "'", "′": "'", "`": "'", "´": "'", "“": '"', "”": '"', "—": " - ", "–": " - "}
)
# Recognizers, subtitles and tokenised corpora spell "don't" as dont, don 't and don ' t: all become dont.
_CONTRACTION: Final = re.compile(r"(?<=\w) ?' ?(?=(?:s|t|m|d|re|ve|ll)\b)|'", re.IGNORECASE)
_STRETCH: Final = re.compile(r"(.)\1{2,}")
_TOKEN: Final = re.compile(r"\[\w+\]|[^\W_]+|\.{2,}|[!?]+|[.,;:-]|[^\w\s\x00-\x7f]")
_MARK: Final = re.compile(r"[!?.,;:-]+")


def words(text: str) -> list[str]:
    """The lower-case tokens of a sentence: words, [masks], emoji, and punctuation as tokens of its own."""
    folded = unicodedata.normalize("NFKC", text.translate(_QUOTES)).lower()
    folded = _STRETCH.sub(r"\1\1", _CONTRACTION.sub("", folded.translate(_QUOTES)))
    return _TOKEN.findall(folded)


def spoken(tokens: Sequence[str]) -> list[str]:
    """The tokens without punctuation, as many recognizers write them."""
    return [token for token in tokens if not is_mark(token)]


def is_mark(token: str) -> bool:
    """Whether a token is punctuation."""
    return bool(_MARK.fullmatch(token))


@dataclass(frozen=True)
class Tokenizer:
    """Hashes at most `length` tokens into `buckets` numbers; 0 is padding.

    Long sentences keep their end, where the point usually is. Hashing needs no vocabulary file and
    has a number for every word; `prefix` and `suffix` are the letters of a word's beginning and end.
    `opening` is a token put before every sentence: it tells the network which kind of text it reads, and
    in a second form that nobody wrote punctuation, so that a missing question mark means nothing.
    """

    length: int = 48
    buckets: int = 65536
    prefix: int = 4
    suffix: int = 3
    opening: str = "<film>"

    def __post_init__(self) -> None:
        if min(self.length, self.prefix, self.suffix) < 1 or self.buckets < 2:
            raise ModelError(f"a text model needs positive input numbers, got {asdict(self)}")

    @classmethod
    def from_card(cls, section: Mapping[str, Any]) -> Tokenizer:
        """The tokenizer described by the `input` section of a card. Raises `ModelError` if it does not fit."""
        try:
            numbers = {key: int(section[key]) for key in ("length", "buckets", "prefix", "suffix")}
            return cls(**numbers, opening=str(section["opening"]))
        except KeyError as error:
            raise ModelError(f"the text model's card lacks input.{error.args[0]}") from error

    def encode(self, sentences: Sequence[Sequence[str]]) -> NDArray[np.int64]:
        """Numbers of tokenised sentences, shape (n, length * PIECES), token by token, 0 padded."""
        table = np.zeros((len(sentences), self.length, PIECES), dtype=np.int64)
        for row, tokens in zip(table, sentences, strict=True):
            kept = tokens[max(0, len(tokens) - self.length + 1) :]
            row[0] = self._pieces("", self.opening if len(spoken(tokens)) < len(tokens) else f"{self.opening}bare")
            for place, (before, token) in enumerate(zip(["", *kept], kept, strict=False)):
                row[place + 1] = self._pieces(before, token)
        return table.reshape(len(sentences), -1)

    def rows(self, texts: Sequence[str]) -> list[list[int]]:
        """Numbers of each text, without padding."""
        return [self.encode([found])[0, : PIECES * (len(found) + 1)].tolist() for found in map(words, texts)]

    def _pieces(self, before: str, token: str) -> tuple[int, int, int, int]:
        start = self._hash(f"<{token[: self.prefix]}") if len(token) > self.prefix else 0
        end = self._hash(f"{token[-self.suffix :]}>") if len(token) > self.suffix else 0
        return self._hash(token), start, end, self._hash(f"{before} {token}")

    def _hash(self, piece: str) -> int:
        return 1 + crc32(piece.encode()) % (self.buckets - 1)
