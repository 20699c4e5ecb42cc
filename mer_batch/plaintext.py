"""Bytes to text, whatever program wrote them: one bad byte costs one character, never the words.

Valid UTF-8 always wins. For what is not, charset-normalizer is asked last: it leaves out every code page in which a
single byte is wrong, and on subtitles of two or three lines it is often wrong itself (on the 45 texts of
`tests/test_plaintext.py` charset-normalizer 3.5 is right 28 times, and the letters here 45 times).
"""

from __future__ import annotations

import codecs
import math
import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from mer_batch.letters import COMMON_PAGES, SCRIPTS, Script

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_NAMES: Final = {
    "cp1250": "Windows-1250 (Central European)",
    "cp1251": "Windows-1251 (Cyrillic)",
    "cp1252": "Windows-1252 (Western European)",
    "cp1253": "Windows-1253 (Greek)",
    "cp1254": "Windows-1254 (Turkish)",
    "cp1255": "Windows-1255 (Hebrew)",
    "cp1256": "Windows-1256 (Arabic)",
    "cp1257": "Windows-1257 (Baltic)",
    "gb18030": "GB 18030 (simplified Chinese)",
    "big5hkscs": "Big5 (traditional Chinese)",
    "cp932": "Shift-JIS (Japanese)",
    "cp949": "EUC-KR (Korean)",
}
_SAMPLE: Final = 4_000
"""Bytes of lines beyond ASCII that are enough to tell a code page."""
_ODD: Final = 0.3
"""Share of odd characters beyond which none of the languages known here is believed."""
_FEW: Final = 8
"""Bytes beyond ASCII that tell nobody anything if they tell nothing here."""
_DIGITS: Final = b"0 --> 1"
_STRANGE: Final = math.log(1e-5)
_PUNCTUATION: Final = math.log(0.02)
_BAD: Final = "\ufffd"
_IN_WORDS: Final = "’‘´·\xad—–…"
_BESIDE_WORDS: Final = "‚„“”«»‹›•°€£©®™¿¡§½¼¾²³\xa0×♪♫"
_PRIVATE: Final = re.compile("[\ue000-\uf8ff]")
_UTF8: Final = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")


class Decoded(NamedTuple):
    """A text, and in words what was assumed to read it; None for nothing."""

    text: str
    assumed: str | None


def decode_text(raw: bytes) -> Decoded:
    """The text of `raw`: UTF-8, UTF-16 and UTF-32 with or without a mark, else the likeliest code page.

    What its encoding does not know becomes U+FFFD, one for each bad byte or cut-off character.
    """
    for mark, encoding in _MARKS:
        if raw.startswith(mark):
            return _decoded(raw[len(mark) :], encoding, None)
    wide = _wide(raw)
    if wide is not None:
        return _decoded(raw, wide, f"{_name(wide)} without a byte order mark")
    if _is_utf8(raw):
        return _decoded(raw, "utf-8", None)
    encoding = _code_page(_sample(raw))
    return _decoded(raw, encoding, f"{_name(encoding)}, since it is not UTF-8")


def _decoded(raw: bytes, encoding: str, assumed: str | None) -> Decoded:
    text = raw.decode(encoding, "replace")
    bad = text.count(_BAD) - raw.decode(encoding, "ignore").count(_BAD)
    if not encoding.startswith("utf"):
        # Some code pages have places for private use where they have no character.
        text, private = _PRIVATE.subn(_BAD, text)
        bad += private
    if bad:
        unread = "1 character" if bad == 1 else f"{bad:,} characters"
        assumed = f"{assumed or _name(encoding)}; {unread} could not be read"
    return Decoded(text.replace("\ufeff", "").replace("\0", ""), assumed)


def _name(encoding: str) -> str:
    return _NAMES.get(encoding, encoding.replace("_", "-").upper())


def _wide(raw: bytes) -> str | None:
    """UTF-16 or UTF-32 by where the zero bytes stand: digits and line ends have them in every language."""
    body = raw.rstrip(b"\0")  # a crash leaves whole blocks of zeros at the end of a file
    if body.count(0) < max(2, len(body) // 20):
        return None
    zeros = [body[place::4].count(0) * 4 / len(body) for place in range(4)]
    if min(zeros[2:]) > 0.9 or min(zeros[:2]) > 0.9:
        return "utf-32-le" if zeros[3] > zeros[0] else "utf-32-be"
    little, big = zeros[1] + zeros[3], zeros[0] + zeros[2]
    if max(little, big) < 5 * min(little, big):
        return None
    return "utf-16-le" if little > big else "utf-16-be"


def _is_utf8(raw: bytes) -> bool:
    """Whether `raw` is UTF-8, or was before a few bytes of it were spoilt."""
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        good = len(_UTF8.findall(raw))
        bad = raw.decode("utf-8", "replace").count(_BAD)
        return good > 0 and good >= bad
    return True


def _sample(raw: bytes) -> bytes:
    """The lines that are not ASCII alone, each once: the others say nothing of the code page."""
    lines = dict.fromkeys(line for line in re.split(rb"[\r\n]+", raw) if not line.isascii())
    return b"\n".join(lines)[:_SAMPLE]


def _code_page(sample: bytes) -> str:
    best = max(_scores(sample))
    high = sum(byte > 127 for byte in sample)
    if best.odd <= _ODD or high < _FEW:
        return best.page
    from charset_normalizer import from_bytes

    found = from_bytes(sample).best()
    # The digits and arrows were read as ASCII to come here.
    return found.encoding if found is not None and _DIGITS.decode(found.encoding, "replace") == "0 --> 1" else best.page


class _Score(NamedTuple):
    """How likely a text is (a logarithm), and the share of its characters beyond ASCII that no text has there."""

    likely: float
    odd: float
    page: str


def _scores(sample: bytes) -> Iterator[_Score]:
    for script in SCRIPTS:
        chances = _chances(script)
        for page in script.pages:
            likely, odd = _likelihood(sample.decode(page, "replace"), script, chances)
            yield _Score(likely + COMMON_PAGES.get(page, 0.0), odd, page)


def _chances(script: Script) -> dict[str, float]:
    """The logarithm of how often each letter stands in a text; letters get rarer along the list."""
    weights = [math.exp(-2.5 * place / len(script.letters)) for place in range(len(script.letters))]
    known = (1 - script.ascii) * script.common / sum(weights)
    return {letter: math.log(known * weight) for letter, weight in zip(script.letters, weights, strict=True)}


def _likelihood(text: str, script: Script, chances: Mapping[str, float]) -> tuple[float, float]:
    """How likely `text` is, character by character, and the share of those beyond ASCII that are odd."""
    plain = math.log(script.ascii / 40)
    other = math.log((1 - script.ascii) * (1 - script.common) / script.others)
    total, odd, count, before = 0.0, 0, 0, " "
    for char, after in zip(text, text[1:] + " ", strict=True):
        if char.isascii():
            total += plain
        elif _is_odd(char, before, after, latin=script.ascii > 0.5):
            total, odd, count = total + _STRANGE, odd + 1, count + 1
        else:
            total, count = total + _chance(char, before, chances, other), count + 1
        before = char
    return total, odd / max(1, count)


def _chance(char: str, before: str, chances: Mapping[str, float], other: float) -> float:
    letter = char.lower()
    base = unicodedata.normalize("NFD", letter)[0]  # Greek writes its letters with and without accents
    chance = chances.get(letter) or chances.get(base) or (other if char.isalpha() else _PUNCTUATION)
    if char.isupper():
        chance -= 0.4 if before.isupper() else 1.5
    return chance


def _is_odd(char: str, before: str, after: str, *, latin: bool) -> bool:
    """Whether no text has `char` between its neighbours, which tells of a wrong code page."""
    if char.isalpha():
        mixes = not latin and ord(char) < 0x1100 and any(near.isascii() and near.isalpha() for near in (before, after))
        return mixes or (char.isupper() and before.islower())
    kind = unicodedata.category(char)
    if char == _BAD or kind in ("Cc", "Co", "Cn"):
        return True
    if kind.startswith("M") or char in _IN_WORDS or "\u3000" <= char <= "\u303f" or "\uff01" <= char <= "\uff60":
        return False
    return char not in _BESIDE_WORDS or (before.isalpha() and after.isalpha())
