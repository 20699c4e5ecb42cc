"""The words of all clips of a data set, each heard once: what is known from an earlier run is not heard again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from mer_batch.data.manifest import clip_ids
from mer_batch.data.said import language, said
from mer_batch.data.sounds import decode_mono
from mer_batch.errors import DataError, UsageError
from mer_batch.media.silero import load_silero
from mer_batch.text import asr as recognizers
from mer_batch.text import cache
from mer_batch.text.chunks import Span, cut
from mer_batch.text.recognizer import Recognizer
from mer_batch.text.transcribe import Request, Words, from_entry, hear, to_entry
from mer_batch.types import SAMPLE_RATE, Samples
from mer_batch.voice.activity import SpeechDetector

if TYPE_CHECKING:
    from mer_batch.data.manifest import Manifest

KEEP_EVERY: Final = 20.0
"""Seconds after which new transcripts are written to the cache."""


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was heard in a clip, and what is known of it: `truth` and `speaker` may be unknown (None, "")."""

    clip: str
    text: str
    language: str | None
    truth: str | None
    true_language: str | None
    speaker: str
    split: str


@dataclass
class _Ears:
    """A recognizer that is loaded when first needed, what it has heard before, and what it heard since."""

    request: Request
    known: Mapping[str, Mapping[str, Any]] = field(default_factory=cache.recall_all)
    new: dict[str, dict[str, Any]] = field(default_factory=dict)
    _recognizer: Recognizer | None = None
    _kept: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self._facts = self.request.facts()
        self._speech = load_silero()

    def words(self, data: bytes, name: str) -> Words:
        """The words of an encoded clip. Raises `DataError` for one that cannot be decoded."""
        key = cache.key_of(media=sha256(data).hexdigest(), speech="detected", **self._facts)
        words = from_entry(self.new.get(key) or self.known.get(key), self.request.asr)
        if words is None:
            words = self._hear(decode_mono(data, name))
            self.new[key] = to_entry(words)
            if time.monotonic() - self._kept > KEEP_EVERY:
                self.keep()
        return words

    def keep(self) -> None:
        """Write to the cache what is new."""
        cache.remember_all(self.new)
        self._kept = time.monotonic()

    def _hear(self, samples: Samples) -> Words:
        chunks = cut(self._regions(samples), len(samples) / SAMPLE_RATE)
        if chunks and self._recognizer is None:
            self._recognizer = recognizers.load(self.request.asr, self.request.device)
        if self._recognizer is None or not chunks:
            return Words((), self.request.asr)
        return hear(lambda chunk: chunk.join(samples, SAMPLE_RATE), self._recognizer, chunks, self.request)

    def _regions(self, samples: Samples) -> list[Span]:
        detector = SpeechDetector(self._speech)
        detector.feed(samples)
        detector.finish()
        return detector.regions.closed


def transcribe_set(
    manifest: Manifest,
    request: Request,
    on_progress: Callable[[str, float], None],
    on_problem: Callable[[str], None],
) -> Iterator[Transcript]:
    """The words of every clip, in order; `on_problem` is told of clips that cannot be read, which are left out.

    Stopped half-way, it goes on there when called again: transcripts are kept by the content of the clip and all that
    decides the words. Raises `UsageError` for a set that holds no sound and what loading a recognizer raises.
    """
    if manifest.modality != "voice":
        raise UsageError(f"{manifest.name} holds pictures; give a set of sounds")
    request = request.named()
    recognizers.check(request.asr)
    ears = _Ears(request)
    spoken = language(manifest)
    rows = manifest.rows.to_dict("records")
    names = clip_ids(manifest.name, list(manifest.rows["path"]))
    try:
        for place, (row, clip, truth) in enumerate(zip(rows, names, said(manifest), strict=True)):
            on_progress(f"{manifest.name}: words", place / len(rows))
            try:
                words = ears.words(manifest.read_bytes(row["path"]), row["path"])
            except DataError as error:
                on_problem(str(error))
                continue
            text = " ".join(utterance.text for utterance in words.utterances)
            heard = words.utterances[0].language if words.utterances else None
            yield Transcript(clip, text, heard, truth, spoken, str(row.get("speaker", "")), str(row["split"]))
    finally:
        ears.keep()
    on_progress(f"{manifest.name}: words", 1.0)
