"""Words from a transcript beside the media, in whatever form a program exported them."""

from __future__ import annotations

from pathlib import Path

from mer_batch.errors import DataError, UsageError
from mer_batch.media.captions.cues import Reading
from mer_batch.media.captions.lines import read_captions
from mer_batch.media.captions.tables import is_ass, is_lrc, is_tsv, read_ass, read_lrc, read_tsv
from mer_batch.media.captions.utterances import Written, utterances
from mer_batch.media.captions.whisper_json import read_whisper
from mer_batch.media.process import one_line
from mer_batch.plaintext import decode_text

_SUFFIXES = (".srt", ".vtt", ".json", ".jsonl", ".tsv", ".sbv", ".ass", ".ssa", ".lrc", ".txt")
_LARGEST = 64 << 20
"""Bytes; a day of talk, every word with its times, takes less."""


def parse_transcript(path: Path, duration: float | None = None) -> Written:
    """The utterances of a file, in time order, with a notice for each thing assumed or left out.

    What the file is follows from what it holds: SubRip, WebVTT or other captions, the JSON of Whisper and its
    relatives, or a table; its encoding likewise. `duration` are the seconds of the media, if known: a last cue
    without an end lasts until then.

    Raises `UsageError` for a missing file or another suffix, `DataError` naming the line or segment where nothing
    can be used.
    """
    suffix = path.suffix.lower()
    text, assumed = decode_text(_bytes(path))
    try:
        reading, rolls = _reading(path.name, suffix, text, duration)
    except DataError:
        if suffix in _SUFFIXES:
            raise
        reading, rolls = Reading(), False
    if suffix not in _SUFFIXES and not reading.cues:
        raise UsageError(f"unknown kind of transcript {path.name!r}. Known: {', '.join(_SUFFIXES)}.")
    if assumed is not None:
        reading.assumed.insert(0, f"read as {assumed}")
    if reading.skipped and not reading.cues:
        raise DataError(f"{path.name!r}, {reading.first_skipped()}")
    found = utterances(reading, f"transcript {one_line(path.name)!r}", "transcript", duration, rolls=rolls)
    if not found.utterances:
        return Written((), (*found.notices, f"transcript {one_line(path.name)!r} holds no words"))
    return found


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > _LARGEST:
            raise UsageError(f"{path.name!r} is no transcript: it is larger than {_LARGEST >> 20} MB")
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read the transcript {str(path)!r}: {error.strerror}") from error


def _reading(name: str, suffix: str, text: str, duration: float | None) -> tuple[Reading, bool]:
    """The cues of a text, and whether they are captions, whose lines may roll."""
    begin = text.lstrip()[:20]
    if not begin:
        return Reading(), False
    if is_ass(text):
        return read_ass(text), True
    if is_tsv(text):
        return read_tsv(text), False
    named_vtt = begin.startswith("WEBVTT")
    reading = read_captions(text, vtt=named_vtt or suffix == ".vtt") if begin[0] != "{" else Reading()
    if reading.cues or reading.skipped or named_vtt:
        if suffix == ".vtt" and not named_vtt:
            reading.assumed.append("line 1 is not WEBVTT; read all the same")
        return reading, True
    if suffix == ".lrc" or (suffix == ".txt" and is_lrc(text)):
        return read_lrc(text), False
    if suffix in (".json", ".jsonl") or begin[0] in "{[":
        return read_whisper(name, text, duration), False
    raise DataError(f"{name!r} holds no cues; expected lines of times such as 00:00:01,000 --> 00:00:02,500")
