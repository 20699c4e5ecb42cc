"""Whether what a recognizer that knows English alone has written was English: it writes English for every language.

Such a model cannot tell the language. Two things give nonsense away, and both are asked for before words are believed:
the recognizer is less sure of each word, and it writes something else when the same sound is played a little faster.
Measured with tiny.en on 140 acted sentences and files of six of them, of EMO-DB, EMOVO, RAVDESS and TESS: every English
one has a mean word probability above 0.63 and is heard alike again in two thirds of its words; of the 70 German and
Italian ones that are no loops one reaches the first bound and none both. With other clips: benchmarks/words.py.
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
FEW: Final = 8
"""Different words below which a chunk tells less, so that more is asked of them: "Bonjour, est-ce que vous allez bien"
is heard at 0.73 as "Mohoo, let's go with it again", at every speed."""
LIKELY_OF_FEW: Final = 0.75
"""The same as `LIKELY` for so few words, in a file that nothing else says is English."""
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


def believed(
    phrases: Sequence[Phrase], again: Callable[[], Sequence[Phrase]], declared: bool, known: bool = False
) -> list[Phrase]:
    """The phrases of one chunk, those that are not to be believed without words and with the reason.

    `again` hears the same chunk in another way; it is called only where that can decide. `declared`: somebody said
    that English is spoken; `known`: what came before in the file was.
    """
    if declared:
        return [_kept(phrase, _mean(phrase.words) >= DECLARED) for phrase in phrases]
    words = _once([word for phrase in phrases for word in phrase.words])
    if _mean(words) < (LIKELY if known or len(words) >= FEW else LIKELY_OF_FEW):
        return [_doubted(phrase) for phrase in phrases]
    likely = [_kept(phrase, _mean(phrase.words) >= WORD) for phrase in phrases]
    if _mean(words) >= CERTAIN:
        return likely
    shares = _heard_again(likely, [word for phrase in again() for word in phrase.words])
    whole = sum(share * len(phrase.words) for share, phrase in zip(shares, likely, strict=True))
    alike = whole >= ALIKE * sum(len(phrase.words) for phrase in likely)
    return [_kept(phrase, alike and share >= ALIKE) for share, phrase in zip(shares, likely, strict=True)]


def clearly(phrases: Sequence[Phrase]) -> bool:
    """Whether phrases that are believed show that a file is English."""
    words = _once([word for phrase in phrases for word in phrase.words])
    return len(words) >= FEW and _mean(words) >= LIKELY_OF_FEW


def faster(samples: Samples) -> Samples:
    """Sound (n,) played faster and so a little higher, by linear interpolation: (0.92 n,)."""
    places = np.arange(round(len(samples) * FASTER)) / FASTER
    return np.interp(places, np.arange(len(samples)), samples).astype(np.float32)


def _kept(phrase: Phrase, believe: bool) -> Phrase:
    return phrase if believe or not phrase.words else replace(phrase, words=(), problem=NOT_ENGLISH)


def _doubted(phrase: Phrase) -> Phrase:
    """A phrase of a chunk that is not English; a loop is how the model meets a language that it does not know."""
    return replace(_kept(phrase, False), problem=NOT_ENGLISH) if phrase.problem == REPEATS else _kept(phrase, False)


def _once(words: Sequence[Word]) -> list[Word]:
    """The words without those that repeat three or more in a row: a copy is always sure of itself."""
    plain = [_plain(word) for word in words]
    seen: set[tuple[str, ...]] = set()
    copies: set[int] = set()
    for place in range(len(plain) - 2):
        three = tuple(plain[place : place + 3])
        if three in seen:
            copies.update(range(place, place + 3))
        seen.add(three)
    return [word for place, word in enumerate(words) if place not in copies]


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
