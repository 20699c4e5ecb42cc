"""How many words a recognizer got wrong: the word error rate, by jiwer.

Texts are compared as the Whisper paper does (arXiv:2212.04356, appendix C), by its own normalisers: lower case, no
punctuation, and for English also contractions, numbers, spelling and fillers.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mer_batch.scores.groups import effect
from mer_batch.types import Interval


@dataclass(frozen=True, slots=True)
class WordErrors:
    """Counts over some clips, of whose true words `words` there are some; `exact` clips have no error at all.

    `rate` is errors per true word, with an interval over new speakers, or over new clips where there is but one.
    """

    clips: int
    exact: int
    words: int
    substituted: int
    left_out: int
    added: int
    speakers: int
    rate: Interval


def word_errors(
    truths: Sequence[str], texts: Sequence[str], languages: Sequence[str | None], speakers: Sequence[str]
) -> WordErrors:
    """Compare what was heard with the truth, clip by clip; `languages` are those of the truths.

    Raises `ValueError` where no truth has a word.
    """
    import jiwer

    true = [normal(truth, language) for truth, language in zip(truths, languages, strict=True)]
    heard = [normal(text, language) for text, language in zip(texts, languages, strict=True)]
    table = np.zeros((len(true), 4), dtype=np.int64)
    for row, one, other in zip(table, true, heard, strict=True):
        found = jiwer.process_words(one, other)
        row[:] = found.substitutions, found.deletions, found.insertions, len(one.split())
    if not table[:, 3].sum():
        raise ValueError("there are no true words to compare with")
    substituted, left_out, added, words = map(int, table.sum(axis=0))
    exact = int((table[:, :3].sum(axis=1) == 0).sum())
    units = len(set(speakers))
    rate = _rate(_by_unit(table, speakers) if units > 1 else table)
    return WordErrors(len(true), exact, words, substituted, left_out, added, units, rate)


def normal(text: str, language: str | None) -> str:
    """A text as it is compared: words in lower case with single blanks between them."""
    return " ".join(_normaliser(language == "en")(text).split())


@lru_cache
def _normaliser(english: bool) -> Callable[[str], str]:
    from whisper.normalizers import BasicTextNormalizer, EnglishTextNormalizer

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # whisper leaves its table of spellings open
        normaliser: Callable[[str], str] = EnglishTextNormalizer() if english else BasicTextNormalizer()
    return normaliser


def _by_unit(table: NDArray[np.int64], speakers: Sequence[str]) -> NDArray[np.int64]:
    names, places = np.unique(np.asarray(speakers), return_inverse=True)
    sums = np.zeros((len(names), table.shape[1]), dtype=np.int64)
    np.add.at(sums, places, table)
    return sums


def _rate(table: NDArray[np.int64]) -> Interval:
    """Errors per word in counts (units, 4), with the interval over new units; see `groups`. It is at least 0."""
    errors, words = table[:, :3].sum(axis=1), table[:, 3]
    value = float(errors.sum() / words.sum())
    with np.errstate(invalid="ignore", divide="ignore"):
        without = (errors.sum() - errors) / np.where(words.sum() > words, words.sum() - words, np.nan)
    found = effect(value, without, words)
    if found is None:
        return Interval(value, None, None)
    span = found.share() if 0 < value < 1 else found.plain()
    return Interval(value, max(span.low or 0.0, 0.0), span.high)
