"""What a segment or word says of itself, under all the names that programs give it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, Final, TypeAlias, TypeGuard

from mer_batch.media.captions.single_words import Word
from mer_batch.media.captions.stamps import seconds_of, timing
from mer_batch.media.process import one_line

TEXTS: Final = ("text", "transcript", "word", "body", "sentence")
"""The names of what is said."""
_STARTS: Final = ("start", "start_time", "startTime")
_ENDS: Final = ("end", "end_time", "endTime")
_MILLISECONDS: Final = (("start_ms", "end_ms"), ("startMs", "endMs"))
_SPEAKERS: Final = ("speaker", "speaker_id", "speaker_label", "speaker_name")
_NAMES: Final = ("name", "id", "label")

_Raw: TypeAlias = tuple[Any, Any]


def text_of(values: Mapping[str, Any]) -> str:
    """The words; empty for none."""
    return next((text for key in TEXTS if isinstance(text := values.get(key), str)), "")


def word_of(values: Mapping[str, Any]) -> Word:
    """A single word; where its times cannot be read, its neighbours tell when it was said."""
    try:
        start, end = times_of(values)
    except ValueError:
        start = end = None
    text = values.get("word")
    return Word(text if isinstance(text, str) else text_of(values), start, end, speaker_of(values))


def times_of(values: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """Start and end in seconds, None where none is given. Raises ValueError for what is no time."""
    start, end = (_seconds(time) for time in _raw_times(values))
    length = values.get("duration")
    if start is not None and end is None and _is_number(length):
        return start, start + length
    return start, end


def _raw_times(values: Mapping[str, Any]) -> _Raw:
    """Start and end as they stand there, in seconds or as texts."""
    offsets = values.get("offsets")
    if isinstance(offsets, Mapping):  # of whisper.cpp
        return _from_milliseconds(offsets.get("from")), _from_milliseconds(offsets.get("to"))
    for key in ("timestamp", "timestamps"):
        pair = values.get(key)
        if isinstance(pair, Mapping):
            return pair.get("from", pair.get("start")), pair.get("to", pair.get("end"))
        if isinstance(pair, list):
            return (*pair, None, None)[:2]
        found = timing(pair) if isinstance(pair, str) else None
        if found is not None:
            return found.start.seconds, found.end.seconds if found.end else None
    for start, end in _MILLISECONDS:
        if start in values:
            return _from_milliseconds(values[start]), _from_milliseconds(values.get(end))
    return _first(values, _STARTS), _first(values, _ENDS)


def _first(values: Mapping[str, Any], keys: tuple[str, ...]) -> Any:
    return next((values[key] for key in keys if values.get(key) is not None), None)


def _from_milliseconds(time: Any) -> Any:
    return time / 1000 if _is_number(time) else time


def _seconds(time: Any) -> float | None:
    if time is None or time == "" or (isinstance(time, float) and not math.isfinite(time)):
        return None
    if _is_number(time):
        return float(time)
    seconds = seconds_of(time) if isinstance(time, str) else None
    if seconds is None:
        shown = time if isinstance(time, (str, bool)) else type(time).__name__
        raise ValueError(f"cannot read the time {one_line(str(shown), 40)!r}")
    return seconds


def _is_number(value: object) -> TypeGuard[float]:
    """Whether a value is a number that can be a time; whole numbers have no limit in JSON."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e12


def speaker_of(values: Mapping[str, Any]) -> str | None:
    """Who speaks."""
    value = _first(values, _SPEAKERS)
    if isinstance(value, Mapping):
        value = _first(value, _NAMES)
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return None
    name = one_line(str(value))
    return f"Speaker {name}" if name.isdigit() else name or None


def confidence_of(values: Mapping[str, Any]) -> float | None:
    """How sure the recognizer is, in [0, 1]."""
    likely, sure = values.get("avg_logprob"), values.get("confidence")
    if _is_number(likely):
        return math.exp(min(0.0, likely))
    return float(sure) if _is_number(sure) and 0 <= sure <= 1 else None


def language_of(content: Any) -> str | None:
    """The language, beside what is said or where whisper.cpp and faster-whisper put it."""
    if not isinstance(content, Mapping):
        return None
    places = [content, *(inner for key in ("result", "info") if isinstance(inner := content.get(key), Mapping))]
    for place in places:
        value = place.get("language")
        if isinstance(value, str) and re.fullmatch(r"[A-Za-z][A-Za-z -]{1,30}", value) and value != "auto":
            return value
    return None
