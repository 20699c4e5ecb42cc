"""The words of a sentence, whatever its spelling, case and quotation marks."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

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
