"""Speech cut out of the audio for a recognizer, and its words put back where they were said."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np

from mer_batch.types import Samples

Span: TypeAlias = tuple[float, float]

CHUNK: Final = 30.0
"""Seconds a recognizer hears at once: Whisper's window."""
PAD: Final = 0.2
"""Seconds kept around each speech region; a voice detector tends to clip soft beginnings and ends."""
PAUSE: Final = 0.6
"""Seconds of silence that end an utterance."""
LONGEST: Final = 15.0
"""Seconds after which an utterance ends at the next word: a reading of more says little about when."""

_SENTENCE_END: Final = re.compile(r"[.?!…。？！][\"'”’)\]]*$")
_NO_END: Final = re.compile(r"^(?:mr|mrs|ms|dr|prof|st|vs|etc|e\.g|i\.e|\w)\.$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Word:
    """One recognized word; `text` keeps its leading blank, if its language writes one."""

    start: float
    end: float
    text: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Chunk:
    """Stretches of a file (seconds, in order, apart) that a recognizer hears without the silence between."""

    pieces: tuple[Span, ...]

    @property
    def duration(self) -> float:
        """Seconds of audio in all pieces."""
        return sum(end - start for start, end in self.pieces)

    def join(self, samples: Samples, rate: int) -> Samples:
        """The pieces out of the samples (n,) of the whole file."""
        return np.concatenate([samples[round(start * rate) : round(end * rate)] for start, end in self.pieces])

    def to_media(self, start: float, end: float) -> Span:
        """The span in the file for a span in the joined audio. A span inside one piece stays inside it."""
        begin = self._locate(start, last=False)
        return begin, max(begin, self._locate(end, last=True))

    def _locate(self, time: float, last: bool) -> float:
        offset = 0.0
        for start, end in self.pieces:
            inside = time - offset
            if inside < end - start or (last and inside <= end - start + 1e-6):
                return start + max(0.0, inside)
            offset += end - start
        return self.pieces[-1][1]


def cut(speech: Sequence[Span], duration: float) -> list[Chunk]:
    """Speech regions (seconds) padded, joined and packed into chunks of at most `CHUNK` seconds."""
    chunks: list[list[Span]] = []
    room = 0.0
    for start, end in _pieces(_padded(speech, duration)):
        if end - start > room:
            chunks.append([])
            room = CHUNK
        chunks[-1].append((start, end))
        room -= end - start
    return [Chunk(tuple(pieces)) for pieces in chunks]


def _padded(speech: Sequence[Span], duration: float) -> list[Span]:
    merged: list[Span] = []
    for start, end in sorted(speech):
        start, end = max(0.0, start - PAD), min(duration, end + PAD)
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        elif end > start:
            merged.append((start, end))
    return merged


def _pieces(regions: Sequence[Span]) -> Iterator[Span]:
    for start, end in regions:
        parts = math.ceil((end - start) / CHUNK)
        step = (end - start) / parts
        for part in range(parts):
            yield start + part * step, end if part == parts - 1 else start + (part + 1) * step


def sentences(words: Sequence[Word]) -> list[list[Word]]:
    """Words in time order, split at sentence ends, at pauses and after `LONGEST` seconds."""
    groups: list[list[Word]] = []
    for word in words:
        if not groups or _ends(groups[-1], word):
            groups.append([])
        groups[-1].append(word)
    return groups


def _ends(group: Sequence[Word], following: Word) -> bool:
    last = group[-1]
    if following.start - last.end > PAUSE or following.end - group[0].start > LONGEST:
        return True
    text = last.text.strip()
    return bool(_SENTENCE_END.search(text)) and not _NO_END.match(text)
