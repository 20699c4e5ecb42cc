"""The markup of caption files: what is styling, who speaks, and the plain words that are left.

Only tags that caption formats have are taken for tags: "I <3 you and 5 > 4" is text.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Final

from mer_batch.media.process import one_line

_ATTRIBUTES: Final = r"(?:\s+[\w:-]+\s*=\s*(?:\"[^\"<>]*\"|'[^'<>]*'|[^\s<>]+))*"
_TAG: Final = re.compile(
    r"</?(?:font|span|div|ruby|v|lang)(?:[\s.][^<>]*)?>"  # these carry free text
    rf"|</?(?:[bius]|em|strong|p|rt|rp|c|big|small|sub|sup|center|tt|code|mark|q)(?:\.[^\s<>]*)?{_ATTRIBUTES}\s*/?>"
    r"|<(?:\d{1,5}:)?\d{1,2}:\d{1,2}(?:[.,]\d{1,9})?>"  # when the next word is said
    r"|<\|[^<>|]*\|>",  # tokens of Whisper
    re.IGNORECASE,
)
_BREAK: Final = re.compile(r"<br\s*/?>|\[br\]|\\[Nh]", re.IGNORECASE)
_OVERRIDE: Final = re.compile(r"\{\\[^{}]*\}|\{[A-Za-z]:[^{}]*\}")
_ENTITY: Final = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")
# Marks of direction and joints that nobody sees: between the letters of a word they would part it.
_UNSEEN: Final = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")
_VOICE: Final = re.compile(r"<v(?:\.[^\s<>]*)?(?:[ \t]([^<>]*))?>|</v>", re.IGNORECASE)
_ASS_BLOCK: Final = re.compile(r"\{[^{}]*\}")
_ASS_BREAK: Final = re.compile(r"\\[Nn]")
_DRAWING: Final = re.compile(r"\\p[1-9]")


def plain_text(text: str) -> str:
    """`text` of a caption on one line without its markup."""
    text = _BREAK.sub(" ", _OVERRIDE.sub("", _TAG.sub("", text)))
    # Some exporters escape twice: &amp;#39;
    return clean(_ENTITY.sub(_character, _ENTITY.sub(_character, text)))


def _character(entity: re.Match[str]) -> str:
    return html.unescape(entity[0])


def clean(text: str) -> str:
    """`text` on one line without what cannot be seen."""
    text = _UNSEEN.sub("", text)
    return one_line(text, len(text))


def ass_lines(text: str) -> tuple[str, ...]:
    """The lines of words of an event of Advanced SubStation Alpha; none for a drawing."""
    if _DRAWING.search(text):
        return ()
    return tuple(
        plain for line in _ASS_BREAK.split(_ASS_BLOCK.sub("", text)) if (plain := clean(line.replace("\\h", " ")))
    )


def voices(text: str) -> Iterator[tuple[str | None, str]]:
    """(who, what with its markup) for each voice that WebVTT names in `text`; who is None for words outside them."""
    who, at = None, 0
    for mark in _VOICE.finditer(text):
        yield who, text[at : mark.start()]
        name = plain_text(mark[1] or "")
        who, at = name or None, mark.end()
    yield who, text[at:]
