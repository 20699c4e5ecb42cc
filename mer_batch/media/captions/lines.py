"""Cues of SubRip (srt), WebVTT (vtt), YouTube (sbv) and of what Whisper prints, found by their lines of times.

Real files have no blank lines between cues, blank lines inside them, no numbers, numbers twice, times with slips. What
stands between two lines of times belongs to the first of them, but for a number or name before the second.
pysubs2 (1.8) takes the text of a cue for its number and comments for text, and drops a cue whose end is missing;
webvtt-py (0.6) drops what follows a blank line and every cue with a slip in its times. Neither names the line.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from mer_batch.media.captions.cues import Cue, Reading
from mer_batch.media.captions.stamps import Stamp, Timing, lone_time, meant_as_timing, timing
from mer_batch.media.process import one_line

_LINE_END: Final = re.compile(r"\r\r\n|\r\n|\n|\r")
_INNER_END: Final = re.compile("[\u2028\u2029\u0085\v\f]")
_NUMBER: Final = re.compile(r"\s*\d{1,9}\s*")
_BLOCK: Final = re.compile(r"(?:NOTE|STYLE|REGION|WEBVTT)(?:\s|$)|X-TIMESTAMP-MAP=")
_LANGUAGE: Final = re.compile(r"Language:\s*([A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8})*)\s*")
_RATES: Final = (25, 30, 50, 60, 100)


class Line(NamedTuple):
    """A line of a file and its number there, from 1."""

    number: int
    text: str

    @property
    def blank(self) -> bool:
        """Whether nothing is written on it."""
        return not self.text.strip()


def lines_of(text: str) -> list[Line]:
    """The lines of a text, whatever ends them; separators inside a line part it, but do not count as lines."""
    return [
        Line(number, part) for number, whole in enumerate(_LINE_END.split(text), 1) for part in _INNER_END.split(whole)
    ]


def read_captions(text: str, *, vtt: bool) -> Reading:
    """The cues of `text`, in its order; `vtt` says whether names of cues and comments may stand between them."""
    lines = lines_of(text)
    marks = _marks(lines)
    # Where line ends were doubled on the way, blank lines say nothing.
    if all(line.blank for line in lines[1::2]):
        lines = lines[::2]
        marks = _marks(lines)
    elif not vtt and len(marks) > 1 and all(at + 1 < len(lines) and lines[at + 1].blank for at in marks):
        lines = [line for line in lines if not line.blank]
        marks = _marks(lines)
    reading = Reading(language=_language(lines, marks) if vtt else None)
    rate = _frame_rate(marks.values(), reading)
    for at, words in _blocks(lines, marks, _labels(lines, marks, vtt=vtt), vtt=vtt).items():
        found, place = marks.get(at), f"line {lines[at].number}"
        if found is not None:
            end = None if found.end is None else _seconds(found.end, rate)
            reading.add(Cue(_seconds(found.start, rate), end, tuple(words), place))
        elif at in marks:
            reading.skipped.append((place, f"cannot read the times {one_line(lines[at].text, 32)!r}"))
        else:
            reading.skipped.append((place, "no times"))
    return reading


def _marks(lines: Sequence[Line]) -> dict[int, Timing | None]:
    """The times by the index of their line; None where they cannot be read."""
    marks: dict[int, Timing | None] = {}
    starts: dict[int, Timing | None] = {}
    for at, line in enumerate(lines):
        found = timing(line.text)
        if found is not None or meant_as_timing(line.text):
            marks[at] = found
        else:
            start = lone_time(line.text)
            starts |= {} if start is None else {at: start}
    if not marks:
        return starts if len(starts) > 1 else {}  # transcripts as they are copied from a page
    # Below the number of a cue it lacks its end; anywhere else somebody says what time it is.
    return dict(
        sorted((marks | {at: start for at, start in starts.items() if at and _is_number(lines[at - 1])}).items())
    )


def _language(lines: Sequence[Line], marks: Mapping[int, Timing | None]) -> str | None:
    head = lines[: min(marks, default=len(lines))]
    return next((match[1] for line in head if (match := _LANGUAGE.fullmatch(line.text))), None)


def _frame_rate(timings: Iterable[Timing | None], reading: Reading) -> int:
    """The rate for times that end in a number of frames: the lowest usual one that the numbers fit."""
    stamps = [stamp for found in timings if found for stamp in (found.start, found.end) if stamp]
    last = max((stamp.frames for stamp in stamps if stamp.frames is not None), default=None)
    rate = next((rate for rate in _RATES if rate > (last or 0)), _RATES[-1])
    if last is not None:
        reading.assumed.append(f"the times end in frames; {rate} a second are assumed")
    return rate


def _seconds(stamp: Stamp, rate: int) -> float:
    return stamp.seconds + (stamp.frames or 0) / rate


def _labels(lines: Sequence[Line], marks: Mapping[int, Timing | None], *, vtt: bool) -> set[int]:
    """The lines that number or name a cue. A number is also what somebody may say."""
    numbered = sum(at - 1 not in marks and at > 0 and _is_number(lines[at - 1]) for at in marks)
    usual = 2 * numbered >= len(marks) > 0
    labels: set[int] = set()
    first, last = min(marks, default=0), None
    for at, line in enumerate(lines):
        if at in marks or line.blank:
            continue
        fresh = at == 0 or lines[at - 1].blank
        before = at + 1 in marks
        if _is_number(line):
            follows = last is not None and int(line.text) == last + 1
            # Without a blank line before it, a number that does not follow is the text of a cue without any other.
            alone = at + 1 == first or (numbered == len(marks) and _has_words(lines, at, marks))
            if before and (follows or alone or (fresh and (usual or vtt))):
                labels.add(at)
                last = int(line.text)
            elif usual and fresh and (follows or at < first) and at + 1 < len(lines) and not lines[at + 1].blank:
                labels.add(at)  # of a cue whose line of times is missing
                last = int(line.text)
        elif vtt and fresh and before and not _BLOCK.match(line.text):
            labels.add(at)
    return labels


def _is_number(line: Line) -> bool:
    return _NUMBER.fullmatch(line.text) is not None


def _has_words(lines: Sequence[Line], at: int, marks: Mapping[int, Timing | None]) -> bool:
    """Whether something is written between the line `at` and the line of times before it."""
    for before in range(at - 1, -1, -1):
        if before in marks:
            return False
        if not lines[before].blank:
            return True
    return True


def _blocks(
    lines: Sequence[Line], marks: Mapping[int, Timing | None], labels: Collection[int], *, vtt: bool
) -> dict[int, list[str]]:
    """The lines of words by the index of the line that begins their cue: one of times, or a number without any."""
    blocks: dict[int, list[str]] = {}
    words: list[str] | None = None
    for at, line in enumerate(lines):
        if at in marks or (at in labels and at + 1 not in marks):
            found = marks.get(at)
            words = blocks[at] = [found.text] if found is not None and found.text else []
        elif vtt and (at == 0 or lines[at - 1].blank) and _BLOCK.match(line.text):
            words = None  # a comment; it ends with the next line of times
        elif words is not None and at not in labels and not line.blank:
            words.append(line.text)
    return blocks
