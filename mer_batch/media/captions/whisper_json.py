"""Words in the JSON of Whisper and its relatives.

Whisper, whisper.cpp, faster-whisper, whisperX, whisper-timestamped and stable-ts, the pipelines of Hugging Face and
the interface of OpenAI: segments under different names, with times as numbers, pairs, texts or milliseconds, with or
without words, with speakers on segments or only on words. One that cannot be used is left out and named.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from mer_batch.errors import DataError
from mer_batch.media.captions.broken_json import SEGMENTS, WORDS, parse_json
from mer_batch.media.captions.cues import Cue, Reading
from mer_batch.media.captions.json_fields import (
    TEXTS,
    confidence_of,
    language_of,
    speaker_of,
    text_of,
    times_of,
    word_of,
)
from mer_batch.media.captions.single_words import add_words, by_speaker, join, runs_of


def read_whisper(name: str, text: str, duration: float | None = None) -> Reading:
    """The cues of the JSON `text` of the file `name`, whose media lasts `duration` seconds, if that is known.

    Raises `DataError` for what is no JSON of this kind.
    """
    content, broken = parse_json(name, text)
    reading = Reading(language=language_of(content))
    reading.assumed += [broken] if broken else []
    kind, items = _items(name, content)
    if kind in WORDS or (kind == "chunks" and _are_words(items)):
        add_words(reading, [word_of(item) for item in items if isinstance(item, Mapping)])
    else:
        for number, item in enumerate(items, 1):
            _add_segment(reading, f"segment {number}", _mapping(item))
    _to_seconds(reading, duration)
    return reading


def _items(name: str, content: Any) -> tuple[str, Sequence[Any]]:
    """The list that holds what is said, and the key it stands under."""
    if isinstance(content, list) and (not content or any(isinstance(item, (Mapping, list)) for item in content)):
        return "segments", content
    found = list(_lists(content, depth=2))
    # Some programs also list who speaks when, without a word.
    said = [(kind, items) for kind, items in found if not items or any(_is_said(item) for item in items)]
    if not said:
        raise DataError(f"{name!r} has no list 'segments'; expected the JSON that Whisper writes")
    return max(said, key=lambda one: (bool(one[1]), one[0] in SEGMENTS))


def _is_said(item: Any) -> bool:
    return isinstance(item, list) or (isinstance(item, Mapping) and any(key in item for key in (*TEXTS, "words")))


def _lists(content: Any, depth: int) -> Iterator[tuple[str, Sequence[Any]]]:
    if not isinstance(content, Mapping):
        return
    for key in (*SEGMENTS, *WORDS):
        value = content.get(key)
        if isinstance(value, list):
            yield key, value
        elif isinstance(value, Mapping) and value and all(isinstance(item, Mapping) for item in value.values()):
            yield key, list(value.values())
    if depth:
        for value in content.values():
            yield from _lists(value, depth - 1)


def _mapping(item: Any) -> Mapping[str, Any]:
    """A segment by names, also where faster-whisper's tuples were written: numbers, start, end, text, and others."""
    if isinstance(item, Mapping):
        return item
    if not isinstance(item, list):
        return {}
    text = next((value for value in item if isinstance(value, str)), None)
    before = item[: item.index(text)] if text is not None else []
    if len(before) == 1 and isinstance(before[0], list):
        return {"timestamp": before[0], "text": text}
    return {"start": before[-2], "end": before[-1], "text": text} if len(before) > 1 else {"text": text}


def _add_segment(reading: Reading, place: str, values: Mapping[str, Any]) -> None:
    inside = values.get("words")
    words = [word_of(word) for word in inside if isinstance(word, Mapping)] if isinstance(inside, list) else []
    text = text_of(values) or join(words)
    if not text.strip():
        return
    try:
        start, end = times_of(values)
    except ValueError as error:
        reading.skipped.append((place, str(error)))
        return
    start = next((word.start for word in words if word.start is not None), None) if start is None else start
    if start is None:
        reading.skipped.append((place, "no start"))
        return
    end = max((word.end for word in words if word.end is not None), default=None) if end is None else end
    cue = Cue(start, end, (text,), place, speaker_of(values), confidence_of(values), language_of(values))
    runs = list(runs_of(words))
    if cue.person is None and len(runs) > 1 and (end is None or end >= start):
        for part in by_speaker(cue, runs, spaced=" " in text.strip()):
            reading.add(part)
    else:
        reading.add(replace(cue, person=cue.person or (runs[0][0].speaker if runs else None)))


def _are_words(items: Sequence[Any]) -> bool:
    """Whether each item is a single word, as pipelines give them on demand; Chinese has no blanks between words."""
    texts = [text_of(item).strip() for item in items if isinstance(item, Mapping)]
    short = all(len(text.split()) < 2 and len(text) <= (25 if text.isascii() else 12) for text in texts)
    dense = [text for text in texts if text and text[0] >= "\u2e80"]
    return len(texts) > 2 and short and all(len(text) < 5 for text in dense)


def _to_seconds(reading: Reading, duration: float | None) -> None:
    """Take whole numbers for milliseconds where as seconds they lie far behind the end of the media."""
    times = [time for cue in reading.cues for time in (cue.start, cue.end) if time is not None]
    last = max(times, default=0.0)
    if not duration or last <= 10 * duration or last > 1000 * (duration + 5) or any(time % 1 for time in times):
        return
    reading.cues = [
        replace(cue, start=cue.start / 1000, end=None if cue.end is None else cue.end / 1000) for cue in reading.cues
    ]
    reading.assumed.append("the times are taken for milliseconds: as seconds they lie far behind the end")
