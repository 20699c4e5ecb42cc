"""JSON as it was written, cut off or followed by something else: what is whole of it is used."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from mer_batch.errors import DataError

SEGMENTS: Final = ("segments", "transcription", "chunks", "utterances", "audio_segments")
"""The names under which programs list what is said."""
WORDS: Final = ("word_segments", "words")
"""The names under which they list single words."""
_LISTS: Final = tuple(re.compile(rf'"(?:{"|".join(keys)})"\s*:\s*\[') for keys in (SEGMENTS, WORDS))
_SAID_LANGUAGE: Final = re.compile(r'"language"\s*:\s*"([A-Za-z-]{2,20})"')


def parse_json(name: str, text: str) -> tuple[Any, str | None]:
    """The content, and what is wrong with it in words; of a file that was cut off, the segments before the cut."""
    try:
        return json.loads(text), None
    except RecursionError as error:
        raise DataError(f"{name!r}, line 1: no valid JSON (nested too deeply)") from error
    except ValueError as error:
        where, why = getattr(error, "lineno", 1), getattr(error, "msg", error)
        content, is_lines = _salvaged(text)
        if content is None:
            raise DataError(f"{name!r}, line {where}: no valid JSON ({why})") from error
        return content, None if is_lines else f"no valid JSON at line {where} ({why}); what could be read of it is used"


def _salvaged(text: str) -> tuple[Any, bool]:
    """What is whole of a broken text, None for nothing, and whether it is no broken one, but one value on each line."""
    values, end = _values(text, 0)
    if values:
        alone = len(values) == 1 and isinstance(values[0], Mapping)
        return (values[0] if alone else values), len(values) > 1 and end == len(text)
    values, _ = _values(text, 1) if text.startswith("[") else ([], 0)
    if values:
        return values, False
    for pattern in _LISTS:
        begin = pattern.search(text)
        values, _ = _values(text, begin.end()) if begin else ([], 0)
        if values:
            language = _SAID_LANGUAGE.search(text)
            return {"segments": values, "language": language[1] if language else None}, False
    return None, False


def _values(text: str, at: int) -> tuple[list[Any], int]:
    """The values that stand one after the other from `at` on, and where the first that is broken begins."""
    decoder = json.JSONDecoder()
    values: list[Any] = []
    while True:
        while at < len(text) and text[at] in " \t\r\n,":
            at += 1
        try:
            value, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            return values, at
        values.append(value)
