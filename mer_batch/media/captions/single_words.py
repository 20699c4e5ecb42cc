"""Words with times of their own: who says which of a segment's, and sentences from words alone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from mer_batch.media.captions.cues import Cue, Reading

_SENTENCE_END: Final = re.compile(r"[.?!…。？！][\"'”’)\]]*$")
_PAUSE: Final = 0.6
"""Seconds of silence that end an utterance of single words, as for recognized speech."""
_LONGEST: Final = 15.0
"""Seconds after which an utterance of single words ends, likewise."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word; its text keeps a blank before it, where its program writes one."""

    text: str
    start: float | None
    end: float | None
    speaker: str | None


def join(words: Sequence[Word]) -> str:
    """Words as a text; some programs write the blanks with the words."""
    gap = "" if any(word.text[:1].isspace() for word in words) else " "
    return gap.join(word.text for word in words).strip()


def runs_of(words: Sequence[Word]) -> Iterator[list[Word]]:
    """The words one speaker after the other; who is not named speaks with the one before, or else after."""
    run: list[Word] = []
    for word in words:
        known = next((one.speaker for one in run if one.speaker), None)
        if run and known and word.speaker and word.speaker != known:
            yield run
            run = []
        run.append(replace(word, speaker=word.speaker or known))
    if run:
        known = next((one.speaker for one in run if one.speaker), None)
        yield [replace(word, speaker=known) for word in run]


def by_speaker(cue: Cue, runs: Sequence[Sequence[Word]], *, spaced: bool) -> Iterator[Cue]:
    """A segment cut where another speaker begins, at the times of the words there."""
    begin = cue.start
    for place, run in enumerate(runs):
        following = runs[place + 1] if place + 1 < len(runs) else ()
        ends = [word.end for word in run if word.end is not None]
        after = next((word.start for word in following if word.start is not None), cue.end)
        end = max(begin, max(ends)) if ends and following else after
        first = next((word.start for word in run if word.start is not None), begin) if place else begin
        text = join(run) if spaced else "".join(word.text for word in run)
        yield replace(cue, start=max(begin, first), end=end, lines=(text,), person=run[-1].speaker)
        begin = end if end is not None else begin


def add_words(reading: Reading, words: Sequence[Word]) -> None:
    """Single words as utterances: they end with a sentence, a pause, another speaker, or when they get long."""
    group: list[Word] = []
    first = 1
    for number, word in enumerate(words, 1):
        if group and _parts(group, word):
            _add_group(reading, group, f"word {first}")
            group = []
        first = first if group else number
        group.append(word)
    if group:
        _add_group(reading, group, f"word {first}")


def _parts(group: Sequence[Word], word: Word) -> bool:
    last = group[-1]
    if _SENTENCE_END.search(last.text.strip()) or (word.speaker and last.speaker and word.speaker != last.speaker):
        return True
    begin = next((one.start for one in group if one.start is not None), None)
    if word.start is None or begin is None:
        return False
    return word.start - (last.end if last.end is not None else word.start) > _PAUSE or word.start - begin > _LONGEST


def _add_group(reading: Reading, group: Sequence[Word], place: str) -> None:
    text = join(group)
    start = next((word.start for word in group if word.start is not None), None)
    if start is None:
        reading.skipped.append((place, "no start"))
    elif text:
        end = max((word.end for word in group if word.end is not None), default=None)
        reading.add(Cue(start, end, (text,), place, next((word.speaker for word in group if word.speaker), None)))
