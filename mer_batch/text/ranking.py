"""Which of several recognizers hears best: the larger, and of two sizes alike the one that fits the language."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

SIZES: Final = (
    "tiny",
    "base",
    "small",
    "distil-small",
    "medium",
    "distil-medium",
    "large-v1",
    "distil-large-v2",
    "large-v2",
    "large-v3-turbo",
    "distil-large-v3",
    "distil-large-v3.5",
    "large-v3",
)
"""Whisper's models by word error rate over many sets, the worst first, as their authors report it
(arXiv:2212.04356, appendix D; arXiv:2311.00430, table 4; the model cards of large-v3 and turbo)."""
ALIASES: Final = {"large": "large-v3", "turbo": "large-v3-turbo"}
ENGLISH: Final = ("en", "english")


def is_english(language: str | None) -> bool:
    """Whether a language that was declared is English; None, nothing declared, is not."""
    return language is not None and language.lower() in ENGLISH


def english_only(model: str) -> bool:
    """Whether a model of Whisper's naming hears English and nothing else."""
    return model.endswith(".en") or model.startswith("distil-")


def known(model: str) -> bool:
    """Whether a model is one of Whisper's."""
    return _size(model) in SIZES


def best(recognizers: Iterable[str], language: str | None) -> list[str]:
    """Recognizers (`engine:model`) that can hear `language` (None: unknown), the best first.

    Size decides. Of one size an English-only model is the better one for English, and where the language is not
    known the one that can tell it; then faster-whisper, which says the same in a fraction of the time.
    """
    able = [name for name in recognizers if language is None or is_english(language) or not english_only(_model(name))]
    return sorted(able, key=lambda name: _worth(name, is_english(language)), reverse=True)


def _model(name: str) -> str:
    return name.partition(":")[2]


def _size(model: str) -> str:
    size = model.removesuffix(".en")
    return ALIASES.get(size, size)


def _worth(name: str, english: bool) -> tuple[int, bool, bool]:
    model = _model(name)
    size = _size(model)
    place = SIZES.index(size) if size in SIZES else -1
    return place, english_only(model) == english, name.startswith("faster-whisper:")
