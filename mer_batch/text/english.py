"""Whether what a recognizer that knows English alone has written was English: it writes English for every language.

Such a model cannot tell the language. Two things give nonsense away, and both are asked for before words are believed:
the recognizer is less sure of each word, and it writes something else when the same sound is played a little faster.
Measured with tiny.en on 120 acted sentences and six-sentence files of EMO-DB, EMOVO, RAVDESS and TESS: every English
sentence has a mean word probability above 0.63 and is heard alike again in 0.67 of its words or more, and of the German
and Italian ones that are no loops, one in fifty passes either bound and none passes both (benchmarks/words.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from mer_batch.text.chunks import Word
from mer_batch.text.recognizer import REPEATS, Phrase
from mer_batch.types import Samples

NOT_ENGLISH: Final = "not English, or too unclear"
"""The reason for speech without words where an English-only recognizer is not to be believed."""
LIKELY: Final = 0.65
"""Mean probability of the words of a chunk below which its language is in doubt."""
WORD: Final = 0.6
"""Mean probability of the words of one phrase below which it is left out: speech may change its language."""
DECLARED: Final = 0.5
"""The same where somebody said that English is spoken: below it more words are wrong than right."""
CERTAIN: Final = 0.9
"""Mean probability of the words of a chunk above which nothing is heard again: no foreign speech came near it."""
ALIKE: Final = 0.5
"""Share of the words that must be heard again."""
FASTER: Final = 0.92
"""Length of the sound when it is heard again: another input to the recognizer, the same to people."""


def believed(phrases: Sequence[Phrase], again: Callable[[], Sequence[Phrase]], declared: bool) -> list[Phrase]:
    """The phrases of one chunk, those that are not to be believed without words and with the reason.

    `again` hears the same chunk in another way; it is called only where that can decide. `declared`: somebody said
    that English is spoken.
    """
    if declared:
        return [_kept(phrase, _mean(phrase.words) >= DECLARED) for phrase in phrases]
    words = [word for phrase in phrases for word in phrase.words]
    if not words or _mean(words) < LIKELY:
        # A loop is how this model meets a language that it does not know.
        return [
            replace(_kept(one, False), problem=NOT_ENGLISH) if one.problem == REPEATS else _kept(one, False)
            for one in phrases
        ]
    likely = [_kept(phrase, _mean(phrase.words) >= WORD) for phrase in phrases]
    if _mean(words) >= CERTAIN:
        return likely
    shares = _heard_again(likely, [word for phrase in again() for word in phrase.words])
    whole = sum(share * len(phrase.words) for share, phrase in zip(shares, likely, strict=True))
    alike = whole >= ALIKE * sum(len(phrase.words) for phrase in likely)
    return [_kept(phrase, alike and share >= ALIKE) for share, phrase in zip(shares, likely, strict=True)]


def faster(samples: Samples) -> Samples:
    """Sound (n,) played faster and so a little higher, by linear interpolation: (0.92 n,)."""
    places = np.arange(round(len(samples) * FASTER)) / FASTER
    return np.interp(places, np.arange(len(samples)), samples).astype(np.float32)


def _kept(phrase: Phrase, believe: bool) -> Phrase:
    return phrase if believe or not phrase.words else replace(phrase, words=(), problem=NOT_ENGLISH)


def _mean(words: Sequence[Word]) -> float:
    return float(np.mean([word.confidence for word in words])) if words else 0.0


def _heard_again(phrases: Sequence[Phrase], again: Sequence[Word]) -> list[float]:
    """For each phrase the share of its words that stand in `again`, aligned over all of them."""
    import jiwer

    first = [_plain(word) for phrase in phrases for word in phrase.words]
    second = [_plain(word) for word in again]
    same = np.zeros(len(first), dtype=bool)
    if first and second:
        (aligned,) = jiwer.process_words(" ".join(first), " ".join(second)).alignments
        for part in aligned:
            if part.type == "equal":
                same[part.ref_start_idx : part.ref_end_idx] = True
    ends = np.cumsum([len(phrase.words) for phrase in phrases])
    parts = np.split(same, ends[:-1]) if phrases else []
    return [float(part.mean()) if len(part) else 0.0 for part in parts]


def _plain(word: Word) -> str:
    """A word as it is compared; never empty, so that words and places stay one to one."""
    return "".join(letter for letter in word.text.casefold() if letter.isalnum()) or "-"
