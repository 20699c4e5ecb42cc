"""Finding the words of a file: a transcript given, subtitles inside the media, else a speech recognizer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np

from mer_batch.errors import ModelError, UsageError
from mer_batch.media import Written, parse_transcript, read_audio, read_subtitles
from mer_batch.text import asr as recognizers
from mer_batch.text import cache
from mer_batch.text.chunks import Chunk, Span, Word, cut, sentences
from mer_batch.text.english import NOT_ENGLISH, believed, clearly, faster
from mer_batch.text.ranking import english_only, is_english
from mer_batch.text.recognizer import RULES, Phrase, Recognizer
from mer_batch.types import SAMPLE_RATE, Gap, Media, Samples, Utterance

Progress: TypeAlias = Callable[[float], None]

_WHOLE: Final = 0.5
"""Share of the speech that subtitles marked as forced must cover to be taken for all that is said."""

_LITTLE: Final = 0.1
"""Share of the speech that may stay without words before it is said in a sentence; each gap is told in any case."""


@dataclass(frozen=True, slots=True)
class Request:
    """Which recognizer to use and what to tell it: see `find_words`."""

    asr: str = "auto"
    language: str | None = None
    prompt: str | None = None
    device: str = "auto"

    def named(self) -> Request:
        """The request with the recognizer by its full name; see `asr.choose` for what it raises."""
        return replace(self, asr=recognizers.choose(self.asr, self.language))

    def facts(self) -> dict[str, str | int | None]:
        """What decides the words of a sound, for the cache; the request is a named one."""
        return {
            "asr": recognizers.identity(self.asr),
            "language": self.language,
            "prompt": self.prompt,
            "rules": RULES,
        }


@dataclass(frozen=True, slots=True)
class Words:
    """What is said in a file: utterances in time order and where they came from.

    `gaps` say where speech has no usable words and why; `notice` is one sentence for the user about
    words that could not be had, with the command that helps; `notices` say what was assumed or left out of written
    words.
    """

    utterances: tuple[Utterance, ...]
    source: str
    notice: str | None = None
    gaps: tuple[Gap, ...] = ()
    notices: tuple[str, ...] = ()
    partial: bool = False
    """Whether they are known to hold only parts of what is said; see `Written`."""

    def suffices(self, speech: Sequence[Span] | None) -> bool:
        """Whether nobody has to hear what else is said in `speech`."""
        return not (self.partial and _misses(self.utterances, speech))


def find_words(
    media: Media,
    *,
    transcript: Path | None,
    written: Words | None = None,
    asr: str = "auto",
    speech: Sequence[Span] | None,
    language: str | None = None,
    prompt: str | None = None,
    device: str = "auto",
    track: int | None = None,
    subtitle_track: str | None = None,
    span: tuple[float, float | None] = (0.0, None),
    on_progress: Progress | None = None,
) -> Words:
    """The words of `media`, from the first that has any: `transcript`, a subtitle stream, the recognizer `asr`.

    `written` is what `written_words` gave, where that is known. `speech` holds the (start, end) seconds where
    somebody speaks; nothing else is transcribed, because
    recognizers invent words for silence. None means unknown: all sound is heard. `asr` is auto, none,
    whisper:NAME or faster-whisper:NAME; `prompt` is text for it as it might come before, with names and words to
    expect; `track` counts audio tracks, and `subtitle_track` is a number or language of subtitles; `span` is the time
    range in seconds. Subtitles that hold only parts of what is said are used where nothing is recognized.
    `on_progress` is told the time reached.

    Raises `UsageError` for an unknown recognizer, `ModelError` when one that was asked for by name cannot
    be loaded (`auto` gives a notice instead), and what reading the transcript or the sound raises.
    """
    chosen = recognizers.parse(asr)
    if written is None:
        written = written_words(media, transcript, language, span, subtitle_track)
    if written is not None and written.suffices(speech):
        return written
    request = Request(asr, language, prompt or None, device)
    heard = _heard(media, request, chosen is None, speech, track, span, on_progress)
    if written is None:
        return heard
    return replace(heard, notices=(*written.notices, *heard.notices)) if heard.utterances else written


def _heard(
    media: Media,
    request: Request,
    refused: bool,
    speech: Sequence[Span] | None,
    track: int | None,
    span: tuple[float, float | None],
    on_progress: Progress | None,
) -> Words:
    """The words that a recognizer hears, or why there are none."""
    chunks = cut(_inside(speech, media, span), media.duration) if media.audio else []
    if refused or not chunks:
        return Words((), "", gaps=_no_words(media, span, _why_none(media, refused)))
    try:
        return _recognized(media, request, chunks, track, on_progress)
    except ModelError as error:
        if request.asr != "auto":
            raise
        return Words((), "", f"no words were read: {error}", _no_words(media, span, "no transcript"))


def written_words(
    media: Media,
    transcript: Path | None,
    language: str | None,
    span: tuple[float, float | None],
    subtitle_track: str | None = None,
) -> Words | None:
    """The words that need no recognizer: those of `transcript`, else of a subtitle stream; None where there are none.

    Raises what reading the transcript or the stream raises.
    """
    if transcript is not None:
        found = parse_transcript(transcript, media.duration)
        return _written(found, f"transcript {transcript.name}", media.duration, language, span)
    if not media.subtitles and subtitle_track is None:
        return None
    subtitles = read_subtitles(media, subtitle_track, language)
    if not subtitles.utterances and not subtitles.notices:
        return None
    return _written(subtitles, "subtitles in the file", media.duration, language, span)


def _misses(utterances: Sequence[Utterance], speech: Sequence[Span] | None) -> bool:
    """Whether somebody speaks for most of the time outside `utterances`."""
    spoken = speech or ()
    covered = sum(max(0.0, min(end, said.end) - max(start, said.start)) for start, end in spoken for said in utterances)
    return covered < _WHOLE * sum(end - start for start, end in spoken)


def _why_none(media: Media, refused: bool) -> str:
    if not media.audio:
        return "no audio"
    return "no transcript (--asr none)" if refused else "no speech"


def _no_words(media: Media, span: tuple[float, float | None], reason: str) -> tuple[Gap, ...]:
    start, end = span[0], media.duration if span[1] is None else min(span[1], media.duration)
    return (Gap("text", start, end, reason),) if end > start else ()


def _written(
    found: Written, source: str, duration: float, language: str | None, span: tuple[float, float | None]
) -> Words:
    """Ready-made utterances within the time range; a language the user declares fills in for an unknown one."""
    end = float("inf") if span[1] is None else span[1]
    kept = [utterance for utterance in found.utterances if utterance.end > span[0] and utterance.start < end]
    utterances = tuple(replace(item, language=item.language or language) for item in kept)
    told = (*found.notices, *_outside(found.utterances, source, duration))
    # A stream without a single utterance leaves the words to whoever hears them.
    return Words(utterances, source, notices=told, partial=found.partial or not found.utterances)


def _outside(utterances: Sequence[Utterance], source: str, duration: float) -> Iterator[str]:
    """What to say of words for which the file is too short: it may be another file's transcript."""
    beyond = sum(utterance.start >= duration for utterance in utterances)
    if beyond and beyond == len(utterances):
        first = min(utterance.start for utterance in utterances)
        yield (
            f"{source}: none of its words lies inside the file (0 to {duration:.1f} s); they begin at {first:.1f} s. "
            "Does it belong to another file, or does its clock begin elsewhere?"
        )
    elif beyond:
        lie, are = ("lies", "is") if beyond == 1 else ("lie", "are")
        yield (
            f"{source}: {beyond:,} of {len(utterances):,} utterances {lie} behind the end of the file "
            f"({duration:.1f} s) and {are} left out"
        )


def _inside(speech: Sequence[Span] | None, media: Media, span: tuple[float, float | None]) -> list[Span]:
    first, last = span[0], media.duration if span[1] is None else span[1]
    regions = [(0.0, media.duration)] if speech is None else speech
    clipped = [(max(start, first), min(end, last)) for start, end in regions]
    return [(start, end) for start, end in clipped if end > start]


def _recognized(
    media: Media, request: Request, chunks: Sequence[Chunk], track: int | None, on_progress: Progress | None
) -> Words:
    request = request.named()
    recognizers.check(request.asr)
    pieces = repr([[(round(start, 1), round(end, 1)) for start, end in chunk.pieces] for chunk in chunks])
    spoken = sha256(pieces.encode()).hexdigest()
    key = cache.key_of(media=media.sha256, track=track, speech=spoken, **request.facts())
    known = from_entry(cache.recall(key), request.asr)
    if known is not None:
        return _told(known, chunks)
    recognizer = recognizers.load(request.asr, request.device)
    words = hear(lambda chunk: _sound(media, chunk, track), recognizer, chunks, request, on_progress)
    cache.remember(key, to_entry(words))
    return _told(words, chunks)


def _told(words: Words, chunks: Sequence[Chunk]) -> Words:
    """Words with a notice of the speech that an English-only recognizer could make nothing of."""
    english = english_only(words.source.partition(":")[2]) or any(gap.reason == NOT_ENGLISH for gap in words.gaps)
    lost, spoken = sum(gap.end - gap.start for gap in words.gaps), sum(chunk.duration for chunk in chunks)
    if not english or lost < max(1.0, _LITTLE * spoken):
        return words
    notice = (
        f"{min(lost, spoken):.1f} of {spoken:.1f} s of speech have no words: {words.source} hears English only and is "
        f"not sure of it there; for other languages run `mer models fetch {recognizers.default()}` while connected, or "
        "give the words with --transcript FILE"
    )
    return replace(words, notices=(*words.notices, notice))


def hear(
    sound: Callable[[Chunk], Samples],
    recognizer: Recognizer,
    chunks: Sequence[Chunk],
    request: Request,
    on_progress: Progress | None = None,
) -> Words:
    """The words that `recognizer` hears in `chunks`, whose joined samples (n,) `sound` gives."""
    utterances: list[Utterance] = []
    gaps: list[Gap] = []
    language = request.language
    known = False
    for chunk in chunks:
        # The language of the first chunk holds for the file: on short chunks detection flickers.
        if recognizer.english_only:
            phrases, language = _english(sound(chunk), recognizer, request, known), "en"
            known |= clearly(phrases)
        else:
            phrases, language = recognizer.hear(sound(chunk), language, request.prompt)
        found = list(_utterances(phrases, chunk, language, recognizers.label(request.asr)))
        utterances += found
        gaps += _rejected(phrases, chunk, found)
        if on_progress is not None:
            on_progress(chunk.pieces[-1][1])
    return Words(tuple(utterances), request.asr, gaps=tuple(gaps))


def _english(samples: Samples, recognizer: Recognizer, request: Request, known: bool) -> list[Phrase]:
    """What a recognizer that knows English alone hears in the samples of a chunk; see `english.believed`.

    Raises `UsageError` where another language was declared.
    """
    declared = request.language is not None
    if declared and not is_english(request.language):
        raise UsageError(f"{request.asr} hears English only, not {request.language!r}; use one of all languages")

    def heard(sound: Samples) -> list[Phrase]:
        return recognizer.hear(sound, "en", request.prompt)[0]

    return believed(heard(samples), lambda: heard(faster(samples)), declared, known)


def _sound(media: Media, chunk: Chunk, track: int | None) -> Samples:
    """The samples of a chunk's pieces, joined; silence where the file has none."""
    parts = [np.zeros(round((end - start) * SAMPLE_RATE), dtype=np.float32) for start, end in chunk.pieces]
    with closing(read_audio(media, chunk.pieces[0][0], chunk.pieces[-1][1], track)) as blocks:
        for time, samples in blocks:
            for part, (start, _) in zip(parts, chunk.pieces, strict=True):
                skip = round((start - time) * SAMPLE_RATE)
                piece = samples[max(0, skip) : max(0, skip + len(part))]
                part[max(0, -skip) : max(0, -skip) + len(piece)] = piece
    return np.concatenate(parts)


def _utterances(phrases: Sequence[Phrase], chunk: Chunk, language: str | None, source: str) -> Iterator[Utterance]:
    words: list[Word] = []
    for phrase in phrases:
        for word in phrase.words:
            start, end = chunk.to_media(word.start, word.end)
            start = max(start, words[-1].start) if words else start  # alignment may go back a little
            words.append(replace(word, start=start, end=max(start, end)))
    for group in sentences(words):
        text = "".join(word.text for word in group).strip()
        if text:
            confidence = sum(word.confidence for word in group) / len(group)
            yield Utterance(group[0].start, max(word.end for word in group), text, language, confidence, source=source)


def _rejected(phrases: Sequence[Phrase], chunk: Chunk, found: Sequence[Utterance]) -> Iterator[Gap]:
    """Why speech has no words: phrases that were not trusted, and pieces in which nothing was recognized."""
    covered = [(utterance.start, utterance.end) for utterance in found]
    for phrase in phrases:
        if phrase.problem:
            start, end = chunk.to_media(phrase.start, phrase.end)
            covered.append((start, end))
            yield Gap("text", start, end, phrase.problem)
    for start, end in chunk.pieces:
        if not any(first < end and last > start for first, last in covered):
            yield Gap("text", start, end, "no words recognized")


def to_entry(words: Words) -> dict[str, Any]:
    """For the cache."""
    return {
        "utterances": [asdict(utterance) for utterance in words.utterances],
        "gaps": [asdict(gap) for gap in words.gaps],
    }


def from_entry(entry: Mapping[str, Any] | None, source: str) -> Words | None:
    """The words of a cache entry; None for no entry or one that does not fit, which is then made anew."""
    if entry is None:
        return None
    try:
        utterances = tuple(Utterance(**table) for table in entry["utterances"])
        return Words(utterances, source, gaps=tuple(Gap(**table) for table in entry["gaps"]))
    except (KeyError, TypeError, ValueError):
        return None
