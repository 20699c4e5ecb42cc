"""Text from bytes in whatever encoding, and in words what was assumed."""

from __future__ import annotations

import codecs
import re
from typing import Final, NamedTuple

MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""Byte order marks; that of UTF-32 begins as that of UTF-16 does, so it comes first."""
SAMPLE: Final = 1 << 16
"""Bytes that are looked at to guess an encoding."""
_ODD: Final = re.compile(
    r"[^\W\d_][\u00a1-\u00aa\u00ac-\u00b6\u00b8-\u00bf\u00d7\u00f7][^\W\d_]|[\u00a3\u00a5\u00b3\u00b9\u0192\u2020][^\W\d_]"
    r"|[^\x00-\xbf\u2010-\u203a\u20ac]{3}"
)
"""What Windows-1252 makes of other code pages: signs inside of words, and words without a plain letter."""
_TURKISH: Final = re.compile(r"[ðýþÐÝÞ]")


class Decoded(NamedTuple):
    """A text, and in words what was assumed to read it; None for nothing."""

    text: str
    assumed: str | None


def decode_text(data: bytes) -> Decoded:
    """The text in `data`: Unicode with or without a mark, else the code page that fits best.

    Never fails: a byte that fits nowhere becomes U+FFFD, and what is assumed says so.
    """
    for mark, name in MARKS:
        if data.startswith(mark):
            return _decoded(data[len(mark) :], name, None)
    wide = _wide(data[:SAMPLE])
    if wide:
        return _decoded(data, wide, None)
    try:
        return Decoded(data.decode("utf-8"), None)
    except UnicodeDecodeError:
        pass
    text = data.decode("utf-8", "replace")
    # One bad byte in text that is otherwise UTF-8 is damage, not another encoding.
    if sum(ord(letter) > 127 for letter in text) > 2 * text.count("\N{REPLACEMENT CHARACTER}"):
        return _decoded(data, "utf-8", None)
    name = _guess(data)
    return _decoded(data, name, f"{name.replace('_', '-')}, since it is not UTF-8")


def _decoded(data: bytes, encoding: str, assumed: str | None) -> Decoded:
    text = data.decode(encoding, "replace")
    lost = text.count("\N{REPLACEMENT CHARACTER}")
    if lost:
        assumed = f"{assumed or encoding}, with {lost:,} characters that are none"
    return Decoded(text, assumed)


def _wide(sample: bytes) -> str:
    """UTF-16 without a mark: the zeros of its commas, spaces and line ends all stand on one side."""
    pairs = len(sample) // 2
    high, low = sample[1 : 2 * pairs : 2].count(0), sample[0 : 2 * pairs : 2].count(0)
    if max(high, low) < 0.02 * pairs or min(high, low) > 0.1 * max(high, low) or not pairs:
        return ""
    return "utf-16-le" if high > low else "utf-16-be"


def _guess(data: bytes) -> str:
    # The bytes around the first one that is not ASCII tell most.
    first = next((place for place, byte in enumerate(data) if byte > 127), 0)
    sample = data[max(0, first - SAMPLE // 2) : first + SAMPLE // 2]
    page = _western(sample)
    if page:
        return page
    from charset_normalizer import from_bytes

    best = from_bytes(sample).best()
    return "cp1252" if best is None else best.encoding


def _western(sample: bytes) -> str:
    """Windows-1252 or its Turkish sister where the text makes sense in it: few letters do not tell pages apart."""
    try:
        text = sample.decode("cp1252")
    except UnicodeDecodeError:
        return ""
    if _ODD.search(text):
        return ""
    return "cp1254" if _TURKISH.search(text) else "cp1252"
