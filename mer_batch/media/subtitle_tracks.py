"""Which subtitle stream holds what is spoken: by what each is for, its language, and what is asked for.

Streams of foreign lines alone (forced), and of what somebody says about the film (commentary, descriptions) or of
songs, are not the words of the people in it.
"""

from __future__ import annotations

import re
from typing import Final

from mer_batch.errors import UsageError
from mer_batch.types import Media, SubtitleStream

_OTHER: Final = {"comment", "descriptions", "lyrics", "karaoke", "metadata"}
# Many files say it in the title alone.
_OTHER_TITLE: Final = re.compile(r"comment|kommentar|karaoke|lyrics|\bsongs\b|descri", re.IGNORECASE)
_FORCED_TITLE: Final = re.compile(r"\bforced\b|\bsigns?\b|\bforc[eé]s?\b|\bforzad[oa]s?\b|\berzwungen", re.IGNORECASE)
_HEARING_TITLE: Final = re.compile(r"\bsdh\b|\bcc\b|hearing|h[oö]rgesch|sourds", re.IGNORECASE)


def tracks_in_order(media: Media, track: str | None, language: str | None) -> list[int]:
    """The numbers of the text subtitle streams that may be read, the best first.

    Whole dialogue comes before forced lines, then `language`, then dialogue alone before that with sounds for the
    deaf, the default before others, the language of the sound, the first. Streams that hold no dialogue are left out.
    With `track` (a number from 0, or a language) only what it asks for. Raises `UsageError` where there is none.
    """
    numbers = list(range(len(media.subtitles)))
    if track is not None:
        return _asked(media, track, numbers)
    sounds = sorted(media.audio, key=lambda stream: not stream.default)
    heard = sounds[0].language if sounds else None
    spoken = [number for number in numbers if not _is_other(media.subtitles[number])]
    return sorted(spoken, key=lambda number: _rank(media.subtitles[number], language, heard))


def _asked(media: Media, track: str, numbers: list[int]) -> list[int]:
    if re.fullmatch(r"\d{1,4}", track) and int(track) in numbers:
        return [int(track)]
    meant = [number for number in numbers if same_language(media.subtitles[number].language, track)]
    if not meant:
        known = ", ".join(described(media, number) for number in numbers) or "none"
        raise UsageError(f"no text subtitle track {track!r} in {media.path.name!r}. Known: {known}.")
    return sorted(meant, key=lambda one: (_is_other(media.subtitles[one]), _rank(media.subtitles[one], None, None)))


def _rank(stream: SubtitleStream, language: str | None, heard: str | None) -> tuple[bool, ...]:
    """Smaller is better."""
    return (
        is_partial(stream),
        language is not None and not same_language(stream.language, language),
        "hearing_impaired" in stream.dispositions or _has_title(stream, _HEARING_TITLE),
        "default" not in stream.dispositions,
        heard is not None and not same_language(stream.language, heard),
    )


def is_partial(stream: SubtitleStream) -> bool:
    """Whether a stream holds only the lines in a foreign language, or signs."""
    return "forced" in stream.dispositions or _has_title(stream, _FORCED_TITLE)


def _is_other(stream: SubtitleStream) -> bool:
    return not _OTHER.isdisjoint(stream.dispositions) or _has_title(stream, _OTHER_TITLE)


def _has_title(stream: SubtitleStream, pattern: re.Pattern[str]) -> bool:
    return stream.title is not None and pattern.search(stream.title) is not None


def described(media: Media, number: int) -> str:
    """A stream for people: its number, language, what it is for, and title."""
    stream = media.subtitles[number]
    uses = [use.replace("_", " ") for use in stream.dispositions if use != "default"]
    titles = [repr(stream.title)] if stream.title else []
    return f"{number} ({', '.join([stream.language or 'no language', *uses, *titles])})"


def same_language(tag: str | None, other: str) -> bool:
    """Whether two codes mean one language: en, eng and en-GB, or de, ger and deu."""
    return tag is not None and _primary(tag) == _primary(other)


def _primary(tag: str) -> str:
    from langcodes import standardize_tag
    from langcodes.tag_parser import LanguageTagError

    try:
        return standardize_tag(tag.strip()).split("-")[0].lower()
    except LanguageTagError:
        return tag.strip().lower()
