"""Words from a transcript beside the media: SubRip (srt), WebVTT (vtt) or Whisper JSON.

Both caption formats are cues under a timing line, so one small reader serves both; unlike the parsers on
PyPI it names the line of a mistake.
"""

from __future__ import annotations

import html
import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TypeGuard

from mer_batch.errors import DataError, UsageError
from mer_batch.media.process import one_line
from mer_batch.media.subtitles import plain_text
from mer_batch.types import Utterance

_STAMP = r"(?:(\d+):)?([0-5]?\d):([0-5]?\d)(?:[.,](\d{1,3}))?"
_TIMING = re.compile(rf"\s*{_STAMP}\s*-->\s*{_STAMP}(?:\s.*)?$")
_SPEAKER = re.compile(r"^\s*<v(?:\.[^\s>]*)?\s+([^>]+)>")
_VTT_BLOCKS = ("NOTE", "STYLE", "REGION")
_SUFFIXES = (".srt", ".vtt", ".json")


def parse_transcript(path: Path) -> tuple[Utterance, ...]:
    """The utterances of a .srt, .vtt or Whisper .json file in time order; UTF-8, UTF-16 with a mark, or Latin-1.

    Raises `UsageError` for a missing file or another suffix, `DataError` naming the line or segment for
    what cannot be understood.
    """
    suffix = path.suffix.lower()
    if suffix not in _SUFFIXES:
        raise UsageError(f"unknown kind of transcript {path.name!r}. Known: {', '.join(_SUFFIXES)}.")
    text = _read(path)
    found = _whisper(path.name, text) if suffix == ".json" else _captions(path.name, text, vtt=suffix == ".vtt")
    return tuple(sorted(found, key=lambda utterance: (utterance.start, utterance.end)))


def _read(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read the transcript {str(path)!r}: {error.strerror}") from error
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return raw.decode("utf-16", "replace")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _captions(name: str, text: str, *, vtt: bool) -> list[Utterance]:
    lines = text.splitlines()
    if vtt and not (lines and lines[0].startswith("WEBVTT")):
        raise DataError(f"{name!r}, line 1: a .vtt file begins with WEBVTT")
    found: list[Utterance] = []
    for number, block in _blocks(lines, 1 if vtt else 0):
        if not (vtt and block[0].split(" ")[0] in _VTT_BLOCKS):
            found += _cue(name, number, block)
    if not found and not vtt and text.strip():
        raise DataError(f"{name!r} holds no cues; expected SubRip text")
    return found


def _blocks(lines: list[str], skip: int) -> list[tuple[int, list[str]]]:
    """(number of the first line, lines) of each stretch between blank lines, without the first `skip` lines' block."""
    blocks: list[tuple[int, list[str]]] = []
    fresh = True
    for number, line in enumerate(lines, 1):
        if not line.strip():
            fresh = True
        elif fresh:
            blocks.append((number, [line]))
            fresh = False
        else:
            blocks[-1][1].append(line)
    return blocks[skip:]


def _cue(name: str, number: int, block: list[str]) -> list[Utterance]:
    timing = next((at for at, line in enumerate(block[:2]) if "-->" in line), None)
    if timing is None:
        raise DataError(f"{name!r}, line {number}: expected a timing line such as 00:00:01,000 --> 00:00:02,500")
    match = _TIMING.match(block[timing])
    if match is None:
        raise DataError(f"{name!r}, line {number + timing}: cannot read the times {one_line(block[timing], 60)!r}")
    start, end = _seconds(*match.groups()[:4]), _seconds(*match.groups()[4:])
    if end < start:
        raise DataError(f"{name!r}, line {number + timing}: the cue ends before it starts")
    words = " ".join(block[timing + 1 :])
    speaker = _SPEAKER.match(words)
    text = html.unescape(plain_text(words))
    person = one_line(html.unescape(speaker[1])) if speaker else None
    return [Utterance(start, end, text, person=person, source="transcript")] if text else []


def _seconds(hours: str | None, minutes: str, seconds: str, fraction: str | None) -> float:
    return int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds) + float(f"0.{fraction or 0}")


def _whisper(name: str, text: str) -> list[Utterance]:
    try:
        content = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        line = getattr(error, "lineno", 1)
        raise DataError(f"{name!r}, line {line}: no valid JSON ({getattr(error, 'msg', error)})") from error
    segments = content.get("segments") if isinstance(content, dict) else None
    if not isinstance(segments, list):
        raise DataError(f"{name!r} has no list 'segments'; expected the JSON that Whisper writes")
    language = content.get("language")
    spoken = language if isinstance(language, str) else None
    found = [_segment(name, number, segment, spoken) for number, segment in enumerate(segments, 1)]
    return [utterance for utterance in found if utterance.text]


def _segment(name: str, number: int, segment: object, language: str | None) -> Utterance:
    values = segment if isinstance(segment, Mapping) else {}
    start, end, text = values.get("start"), values.get("end"), values.get("text")
    if not (_is_number(start) and _is_number(end) and isinstance(text, str) and 0 <= start <= end):
        raise DataError(f"{name!r}, segment {number}: expected 0 <= start <= end in seconds and a text")
    probability, speaker = values.get("avg_logprob"), values.get("speaker")
    return Utterance(
        float(start),
        float(end),
        one_line(text, limit=10_000),
        language=language,
        confidence=math.exp(min(0.0, probability)) if _is_number(probability) else None,
        person=one_line(speaker) if isinstance(speaker, str) else None,
        source="transcript",
    )


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
