"""Cues in formats of one line each: Advanced SubStation Alpha (ass, ssa), Whisper's tables (tsv) and lyrics (lrc).

pysubs2 (1.8) reads the first too, but one time with a slip ends it.
"""

from __future__ import annotations

import re
from typing import Final

from mer_batch.media.captions.cues import Cue, Reading
from mer_batch.media.captions.lines import lines_of
from mer_batch.media.captions.markup import ass_lines
from mer_batch.media.captions.stamps import seconds_of
from mer_batch.media.process import one_line

_ASS_FIELDS: Final = ("layer", "start", "end", "style", "name", "marginl", "marginr", "marginv", "effect", "text")
_TSV_HEAD: Final = re.compile(r"start\tend\ttext\s*", re.IGNORECASE)
_LRC_LINE: Final = re.compile(r"((?:\s*\[\d{1,4}:\d{1,2}(?:[.:]\d{1,3})?\])+)(.*)")
_LRC_OFFSET: Final = re.compile(r"\[offset:\s*([+-]?\d{1,9})\s*\]", re.IGNORECASE)


def is_ass(text: str) -> bool:
    """Whether a text is Advanced SubStation Alpha."""
    return re.search(r"^(?:\[Script Info\]|Dialogue:)", text, re.MULTILINE) is not None


def is_tsv(text: str) -> bool:
    """Whether a text is a table as Whisper writes it."""
    return _TSV_HEAD.match(text) is not None


def is_lrc(text: str) -> bool:
    """Whether a text is lyrics with times."""
    return any(_LRC_LINE.fullmatch(line.text) for line in lines_of(text))


def read_ass(text: str) -> Reading:
    """The dialogue of `text`; the name field is who speaks, comments and drawings are nothing said."""
    reading = Reading()
    fields: tuple[str, ...] = _ASS_FIELDS
    for line in lines_of(text):
        kind, _, rest = line.text.partition(":")
        if kind.strip() == "Format" and "text" in rest.lower():
            fields = tuple(name.strip().lower() for name in rest.split(","))
        elif kind.strip() == "Dialogue":
            values = dict(zip(fields, rest.split(",", len(fields) - 1), strict=False))
            words = ass_lines(values.get("text", ""))
            person = one_line(values.get("name", values.get("actor", ""))) or None
            if words or "text" not in values:
                _add(reading, f"line {line.number}", (values.get("start", ""), values.get("end", "")), words, person)
    return reading


def read_tsv(text: str) -> Reading:
    """The rows of `text`, whose times are milliseconds, or seconds where they have a point."""
    reading = Reading()
    rows = [(line.number, line.text.split("\t", 2)) for line in lines_of(text)[1:] if not line.blank]
    scale = 1.0 if any("." in time for _, row in rows for time in row[:2]) else 1000.0
    for number, row in rows:
        _add(reading, f"line {number}", ("".join(row[:1]), "".join(row[1:2])), tuple(row[2:]), None, scale)
    return reading


def read_lrc(text: str) -> Reading:
    """The lines of `text`; each lasts until the next one."""
    offset = _LRC_OFFSET.search(text)
    shift = int(offset[1]) / 1000 if offset else 0.0  # a positive offset shows lines sooner
    reading = Reading()
    for line in lines_of(text):
        match = _LRC_LINE.fullmatch(line.text)
        for stamp in re.findall(r"\[([^\]]*)\]", match[1]) if match else ():
            minutes, seconds = stamp.split(":", 1)
            start = int(minutes) * 60 + float(seconds.replace(":", "."))
            words = re.sub(r"<\d{1,4}:\d\d(?:\.\d{1,3})?>", "", match[2]) if match else ""
            reading.add(Cue(start - shift, None, (words,), f"line {line.number}"))
    return reading


def _add(
    reading: Reading,
    place: str,
    times: tuple[str, str],
    words: tuple[str, ...],
    person: str | None,
    scale: float = 1.0,
) -> None:
    start, end = seconds_of(times[0]), seconds_of(times[1])
    if start is None or (end is None and times[1].strip()):
        reading.skipped.append((place, f"cannot read the times {one_line(', '.join(times), 60)!r}"))
    else:
        reading.add(Cue(start / scale, None if end is None else end / scale, words, place, person))
