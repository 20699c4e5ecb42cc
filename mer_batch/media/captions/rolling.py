"""Captions that roll: each line stays in view while the next is said. Here every line is said once.

YouTube's automatic captions repeat each line twice (for 10 ms alone, then above the next one); live captions push
lines up, or show a line while it grows. What somebody says twice stays twice: a repeat counts as carried over only
where the caption stands on without a pause, and where the file does so again and again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from mer_batch.media.captions.cues import Cue
from mer_batch.media.captions.markup import plain_text

_TOUCH: Final = 0.1
"""Seconds between two cues that still stand in view together."""
_FLASH: Final = 0.1
"""Seconds that are too short for words: such a cue only holds what was said."""
_SHARE: Final = 0.2
"""Share of the cues that must carry lines over in a file whose captions roll."""
_PHRASE: Final = 3
"""Words of a line that nobody repeats by chance right before going on."""


@dataclass(frozen=True, slots=True)
class _Shown:
    """A cue with its lines that hold words, as written and plain."""

    cue: Cue
    raw: tuple[str, ...]
    plain: tuple[str, ...]

    @property
    def end(self) -> float:
        return self.cue.start if self.cue.end is None else self.cue.end


def unrolled(cues: Sequence[Cue]) -> tuple[list[Cue], int]:
    """The cues (in time order) without the lines only carried over from the cue before, and how many those are."""
    shown = _grown([_shown(cue) for cue in cues])
    pairs = list(pairwise(shown))
    carried = [0, *(_carried(before, after) for before, after in pairs)][: len(shown)]
    touch = [False, *(_touch(before, after) for before, after in pairs)]
    rolls = _rolls(shown, [count if meets else 0 for count, meets in zip(carried, touch, strict=False)])
    kept, left_out = [], len(cues) - len(shown)
    for item, count, meets in zip(shown, carried, touch, strict=False):
        # A cue that shows nothing new only stands on; after a pause it says it again.
        flash = item.end - item.cue.start <= _FLASH
        stands = meets and (rolls or flash) if count == len(item.plain) else rolls
        gone = count if stands else 0
        left_out += gone
        if item.raw[gone:]:
            kept.append(replace(item.cue, lines=item.raw[gone:]))
    return kept, left_out


def _shown(cue: Cue) -> _Shown:
    written = [(line, plain) for line in cue.lines if (plain := plain_text(line))]
    return _Shown(cue, tuple(line for line, _ in written), tuple(plain for _, plain in written))


def _touch(before: _Shown, after: _Shown) -> bool:
    return before.cue.end is None or after.cue.start <= before.end + _TOUCH


def _carried(before: _Shown, after: _Shown) -> int:
    """How many lines at the top of a cue are those at the bottom of the one before."""
    most = min(len(before.plain), len(after.plain))
    return next((n for n in range(most, 0, -1) if before.plain[-n:] == after.plain[:n]), 0)


def _rolls(shown: Sequence[_Shown], carried: Sequence[int]) -> bool:
    """Whether lines are carried over and something new is said below them, too often for chance."""
    rolling = [item.plain[:count] for item, count in zip(shown, carried, strict=True) if 0 < count < len(item.plain)]
    if not rolling or len(rolling) < _SHARE * (len(shown) - 1):
        return False
    return len(rolling) > 1 or len(" ".join(rolling[0]).split()) >= _PHRASE


def _grown(shown: Sequence[_Shown]) -> list[_Shown]:
    """The cues with those joined that only show more and more of one line."""
    grows = [False, *(_grows(before, after) for before, after in pairwise(shown)), False]
    usual = sum(grows) > 2 and sum(grows) >= _SHARE * len(shown)
    joined: list[_Shown] = []
    for at, item in enumerate(shown):
        if grows[at] and (usual or grows[at - 1] or grows[at + 1] or _is_begun(shown[at - 1].plain[-1])):
            first = joined.pop()
            item = replace(item, cue=replace(item.cue, start=first.cue.start))
        joined.append(item)
    return joined


def _grows(before: _Shown, after: _Shown) -> bool:
    if not before.plain or not _touch(before, after):
        return False
    last = len(before.plain) - 1
    above = before.plain[:-1] == after.plain[:last]
    return above and len(after.plain) == last + 1 and after.plain[last].startswith(f"{before.plain[last]} ")


def _is_begun(line: str) -> bool:
    """Whether a line is long enough to be known again, and its sentence goes on."""
    return len(line.split()) >= _PHRASE and not line.endswith((".", "!", "?", "…"))
