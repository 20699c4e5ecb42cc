"""How recognizers write what people say: lower case, no punctuation, fillers, words said twice."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Final

from mer_batch.nets.tokens import spoken, words

FILLERS: Final = (("um",), ("uh",), ("er",), ("oh",), ("like",), ("well",), ("so",), ("you", "know"), ("i", "mean"))
"""What people say while they think, as recognizers write it."""
FILLED: Final = 0.08
"""Chance of a filler before a word."""
TWICE: Final = 0.04
"""Chance that a word is said twice."""
LOST: Final = 0.02
"""Chance that the recognizer misses a word; the last one left is kept."""


def heard(text: str, rng: Random) -> str:
    """A sentence as a recognizer might hear it, drawn by `rng`."""
    tokens = spoken(words(text))
    kept = [token for token in tokens if rng.random() >= LOST] or tokens
    return " ".join(piece for token in kept for piece in _said(token, rng))


def _said(token: str, rng: Random) -> Sequence[str]:
    filler = rng.choice(FILLERS) if rng.random() < FILLED else ()
    return (*filler, token, token) if rng.random() < TWICE else (*filler, token)
