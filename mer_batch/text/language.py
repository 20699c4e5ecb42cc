"""A cheap and careful check of which language a transcript is in, for files that do not say."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

ENOUGH: Final = 12
"""Words below which stop words prove nothing."""

# Frequent words of each language that the others do not share.
_STOP_WORDS: Final = {
    "en": "the and you that is it was for are with this have what not they but his her we do my be of to in",
    "de": "der die und nicht ist ich das sie wir ein eine mit auf den dem sich auch für aber haben wie bin",
    "fr": "le les est et je vous pas des une que qui dans ne pour nous ce mais avec sur elle il du c'est",
    "es": "el los que es una por qué las con pero para está como muy yo ella mi cuando esto eso hay",
    "it": "il che di non è per una sono ma con gli della questo come anche ho hai perché lei io mio",
    "pt": "o que não uma você para isso com mas eu ele ela está muito bem são dos em meu também",
    "nl": "de het een niet ik van dat je en zijn op maar wat met voor hij ook heb ben naar",
    "sv": "och det att jag är inte som på för du med har vi den till om ett kan så men",
    "pl": "nie to się jest na że jak ale tak co mnie czy jestem dla po mam już tylko bardzo",
    "tr": "bir ve bu için ne ben sen çok değil ama var evet gibi mi daha biz şey bana",
}
_SETS: Final = {language: frozenset(text.split()) for language, text in _STOP_WORDS.items()}
_WORD: Final = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")


def foreign(texts: Sequence[str]) -> str | None:
    """A name for the language of `texts` when it clearly is not English, else None.

    Clearly: most letters are not Latin, or there are words enough and another language has at least
    a tenth of them as stop words and three times as many as English.
    """
    joined = " ".join(texts).lower()
    script = _script(joined)
    if script is not None:
        return script
    words = _WORD.findall(joined)
    if len(words) < ENOUGH:
        return None
    counts = {language: sum(word in stops for word in words) for language, stops in _SETS.items()}
    best = max(counts, key=counts.__getitem__)
    clear = best != "en" and counts[best] >= 0.1 * len(words) and counts[best] >= 3 * counts["en"]
    return best if clear else None


def _script(text: str) -> str | None:
    letters = [character for character in text if character.isalpha()]
    strange = [character for character in letters if not unicodedata.name(character, "LATIN").startswith("LATIN")]
    if not strange or 2 * len(strange) <= len(letters):
        return None
    return f"{unicodedata.name(strange[0]).split()[0].capitalize()} script"
