"""From the cues of a file to utterances: every line once, ends where they are missing, one speaker each."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from mer_batch.media.captions.cues import Cue, Reading, listed
from mer_batch.media.captions.markup import plain_text
from mer_batch.media.captions.rolling import unrolled
from mer_batch.media.captions.speakers import Part, Speakers
from mer_batch.types import Utterance


@dataclass(frozen=True, slots=True)
class Written:
    """Utterances in time order, and one sentence for each thing that was assumed or left out."""

    utterances: tuple[Utterance, ...]
    notices: tuple[str, ...] = ()
    partial: bool = False
    """Whether they are known to hold only parts of what is said, such as subtitles of foreign lines alone."""


def utterances(reading: Reading, name: str, source: str, duration: float | None, *, rolls: bool = False) -> Written:
    """The utterances of a reading; `name` says in the notices where they stand, `source` in each utterance.

    A cue without an end lasts until the next one begins, the last until `duration` (seconds; None is unknown: it then
    has no length). `rolls` says whether lines may be carried over from cue to cue. Where several people speak in a
    cue, its time is shared by the length of what they say.
    """
    cues = sorted(reading.cues, key=lambda cue: (cue.start, math.inf if cue.end is None else cue.end))
    told = reading.notices(name)
    cues, twice = _once(cues)
    if twice:
        told.append(
            f"{name}: {_cues(twice)} that {'stands' if twice == 1 else 'stand'} there twice {_are(twice)} read once"
        )
    if rolls:
        cues, carried = unrolled(cues)
        lines = "1 line that is" if carried == 1 else f"{carried:,} lines that are"
        told += [f"{name}: {lines} carried over from cue to cue {_are(carried)} read once"] if carried else []
    open_ended = [cue.place for cue in cues if cue.end is None]
    speakers = Speakers(cues)
    found: list[Utterance] = []
    shared = 0
    for cue in _closed(cues, duration):
        parts = speakers.parts(cue)
        shared += len(parts) > 1
        found += _spoken(cue, parts, reading.language, source)
    if open_ended:
        has, lasts = ("has", "lasts") if len(open_ended) == 1 else ("have", "last")
        told.append(f"{name}: {_cues(len(open_ended))} {has} no end and {lasts} until the next: {listed(open_ended)}")
    if shared:
        hold = "holds" if shared == 1 else "hold"
        told.append(f"{name}: {_cues(shared)} {hold} several speakers, who share its time by the length of their words")
    return Written(tuple(sorted(found, key=lambda one: (one.start, one.end))), tuple(told))


def _once(cues: Sequence[Cue]) -> tuple[list[Cue], int]:
    """The cues without those that say the same at the same time, as the layers of styled captions do."""
    kept = {(cue.start, cue.end, cue.person, tuple(map(plain_text, cue.lines))): cue for cue in reversed(cues)}
    return list(reversed(kept.values())), len(cues) - len(kept)


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _cues(count: int) -> str:
    return "1 cue" if count == 1 else f"{count:,} cues"


def _closed(cues: Sequence[Cue], duration: float | None) -> Iterator[Cue]:
    """The cues (in time order) with an end each, and none before 0."""
    after, following = duration, math.inf
    later: list[float] = []
    for cue in reversed(cues):
        if cue.start < following < math.inf:
            after = following
        following = cue.start
        later.append(max(cue.start, after) if after is not None else cue.start)
    for cue, end in zip(cues, reversed(later), strict=True):
        start = max(0.0, cue.start)
        yield replace(cue, start=start, end=max(start, end) if cue.end is None else cue.end)


def _spoken(cue: Cue, parts: Sequence[Part], language: str | None, source: str) -> Iterator[Utterance]:
    """One utterance a part."""
    whole = sum(len(text) for _, text in parts)
    start, end, said = cue.start, cue.end or cue.start, 0
    for person, text in parts:
        begin = start + (end - start) * said / whole
        said += len(text)
        stop = end if said == whole else start + (end - start) * said / whole
        yield Utterance(begin, max(begin, stop), text, cue.language or language, cue.confidence, person, source)
