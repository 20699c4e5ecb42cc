"""How the page says times, shares and names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from mer_batch.types import Interval, Modality, TaskName

MODALITY_WORDS: dict[Modality, str] = {"face": "face", "voice": "voice", "text": "words"}
TASK_WORDS: dict[TaskName, str] = {"face": "face", "voice": "voice", "text": "words", "fusion": "their weights"}
NOBODY = "Not assigned"
"""The lane of voice and words that belong to no person in particular."""

_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")


def clock(seconds: float) -> str:
    """`seconds` as m:ss.s, with hours before it from one hour on."""
    tenths = round(seconds * 10)
    hours, minutes, rest = tenths // 36_000, tenths // 600 % 60, tenths % 600 / 10
    return f"{hours}:{minutes:02d}:{rest:04.1f}" if hours else f"{minutes}:{rest:04.1f}"


def percent(share: float) -> str:
    """A share as a whole per cent; small shares that are not nothing as "< 1 %"."""
    if 0 < share < 0.005:
        return "< 1 %"
    if 0.995 <= share < 1:
        return "> 99 %"
    return f"{share:.0%}".replace("%", " %")


def signed(value: float) -> str:
    """Two digits with a true minus sign and no negative zero."""
    return f"{round(value, 2) + 0.0:.2f}".replace("-", "\N{MINUS SIGN}")


def interval_text(share: Interval) -> str:
    """A share with its 95 % interval: "61 % (54 to 68 %)"."""
    if share.low is None or share.high is None:
        return f"{percent(share.value)} (too short for an interval)"
    return f"{percent(share.value)} ({100 * share.low:.0f} to {percent(share.high)})"


def person_name(name: str | None) -> str:
    """The name of a lane."""
    return NOBODY if name is None else name


def listed(parts: Sequence[str]) -> str:
    """Such as "a", "a and b", or "a, b and c"."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def counted(count: int, singular: str, plural: str = "") -> str:
    """Such as "1 person" or "2 people"."""
    return f"{count:,} {singular if count == 1 else plural or singular + 's'}"


def image_uri(base64: str | None) -> str | None:
    """A data address for a base64 JPEG, None for anything that is not base64."""
    return f"data:image/jpeg;base64,{base64}" if base64 and _BASE64.fullmatch(base64) else None


def printable(text: str) -> str:
    """`text` without what a page cannot hold: lone surrogates of undecodable file names and NUL."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "\N{REPLACEMENT CHARACTER}")


def flat(text: str) -> str:
    """`text` on one line without control characters, as names of files may hold them, for a terminal."""
    clean = "".join(char if char.isprintable() else " " for char in printable(text))
    return " ".join(clean.split())


class Renamer:
    """Replaces whole names in a text, the longest first, in one pass so that no replacement is replaced."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = {name: alias for name, alias in names.items() if name.strip()}
        longest = sorted(self._names, key=len, reverse=True)
        self._pattern = re.compile("|".join(rf"(?<!\w){re.escape(name)}(?!\w)" for name in longest) or r"(?!)")

    def __call__(self, text: str) -> str:
        """The text with its names replaced."""
        return self._pattern.sub(lambda found: self._names[found.group()], text)
