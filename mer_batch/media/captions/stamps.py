"""Times as caption files write them, in all spellings that were seen in the wild."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_STAMP: Final = (
    r"([-−+]?)\s*(?:(?:(\d{1,5})\s*:\s*)?(\d{1,5})\s*:\s*(\d{1,2})(?:\s*([.,:;])\s*(\d{1,9}))?|(\d{1,7})[.,](\d{1,9}))"
)
_ARROW: Final = r"\s*(?:-+\s?-*\s?(?:>|&gt;)|[–—]+\s?(?:>|&gt;)|→)\s*"
# An index may stand before the times, brackets around them (whisper.cpp and Whisper print them so), text after them.
_TIMING: Final = re.compile(rf"(?:\d{{1,9}}[.):]?\s+)?(\[)?\s*{_STAMP}{_ARROW}(?:{_STAMP})?(?(1)\s*\]|(?![\w.,:;]))")
_PAIR: Final = re.compile(r"(\d{1,5}:\d\d:\d\d\.\d{2,3}),(\d{1,5}:\d\d:\d\d\.\d{2,3})")  # SubViewer and YouTube's sbv
_ALONE: Final = re.compile(_STAMP)
_PART: Final = 8
"""Groups of one stamp."""
_LONGEST: Final = 160
"""Characters in which the times of a line must stand; it bounds the work on a line of any kind."""
_SETTING: Final = re.compile(r"\s*(?:(?:region|vertical|line|position|size|align)\s*:|[XxYy][12]\s*:)")
# What was meant as a time: digits with a slip of the pen or of OCR; or, on both sides, what programs print for none.
_SLIP: Final = re.compile(r"\[?-?(?=\S*\d)[\dOoIl]+\s*[:.;]\s*[\dOoIl]+\s*[:.;,].*|\[?-?\d+:\d.*", re.I)
_NO_NUMBER: Final = re.compile(r"(?:NaN|undefined|null|None|Infinity)\b.*", re.IGNORECASE)
_WIDE: Final = str.maketrans("：，．", ":,.")
_SPLIT: Final = re.compile(_ARROW)


class Stamp(NamedTuple):
    """Seconds, and what follows them as a number of frames where a time ends in one."""

    seconds: float
    frames: int | None = None


class Timing(NamedTuple):
    """The times of a cue; `end` None where the line gives none. `text` are words on the same line."""

    start: Stamp
    end: Stamp | None
    text: str


def timing(line: str) -> Timing | None:
    """The times on a timing line; None for a line that is none, or whose times cannot be."""
    line = line.strip().translate(_WIDE)
    pair = _PAIR.fullmatch(line)
    if pair is not None:
        line = f"{pair[1]} --> {pair[2]}"
    match = _TIMING.match(line, 0, _LONGEST) if _has_arrow(line) else None
    if match is None:
        return None
    parts, rest = match.groups()[1:], line[match.end() :].strip()
    start, end = _stamp(parts[:_PART]), _stamp(parts[_PART:])
    unread = end is None and (any(parts[_PART:]) or rest)
    return None if start is None or unread else Timing(start, end, "" if _SETTING.match(rest) else rest)


def _has_arrow(line: str) -> bool:
    """Whether a line may hold an arrow; most lines of a file do not, and are told apart fast."""
    return ">" in line or "→" in line or "&gt;" in line


def lone_time(line: str) -> Timing | None:
    """The start on a line that holds a time with a colon, and nothing else."""
    match = _ALONE.fullmatch(line.strip(), 0, _LONGEST) if ":" in line and len(line) <= _LONGEST else None
    start = _stamp(match.groups()) if match is not None else None
    return None if start is None else Timing(start, None, "")


def meant_as_timing(line: str) -> bool:
    """Whether a line that `timing` cannot read was meant as one."""
    sides = _SPLIT.split(line.strip()[:_LONGEST], maxsplit=1) if _has_arrow(line) else []
    slips = any(_SLIP.fullmatch(side) for side in sides)
    return len(sides) == 2 and (slips or all(_NO_NUMBER.fullmatch(side) for side in sides))


def seconds_of(text: str) -> float | None:
    """Seconds from a time as text: 12.5, 00:12.5 or 00:00:12,500; None for anything else."""
    text = text.strip()
    if re.fullmatch(r"-?\d{1,9}", text):
        return float(text)
    match = _ALONE.fullmatch(text, 0, _LONGEST)
    stamp = _stamp(match.groups()) if match is not None and len(text) <= _LONGEST else None
    return None if stamp is None or stamp.frames is not None else stamp.seconds


def _stamp(parts: tuple[str | None, ...]) -> Stamp | None:
    sign, hours, minutes, seconds, point, fraction, plain, decimals = parts
    if plain is not None:
        return Stamp(_signed(sign, float(f"{plain}.{decimals}")))
    # 60 s is what rounding makes of 59.9996; more is a slip that could mean anything.
    if minutes is None or seconds is None or int(seconds) > 60 or (hours is not None and int(minutes) > 59):
        return None
    whole = int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds)
    if point in (":", ";") and fraction is not None and len(fraction) < 3:
        return Stamp(_signed(sign, whole), int(fraction))
    return Stamp(_signed(sign, whole + float(f"0.{fraction or 0}")))


def _signed(sign: str | None, seconds: float) -> float:
    return -seconds if sign in ("-", "−") else seconds
