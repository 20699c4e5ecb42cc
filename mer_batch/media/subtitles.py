"""Words from subtitle streams, on the same clock as pictures and sound."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mer_batch.errors import InputError
from mer_batch.media.captions.cues import Cue, Reading
from mer_batch.media.captions.lines import lines_of
from mer_batch.media.captions.markup import ass_lines
from mer_batch.media.captions.utterances import Written, utterances
from mer_batch.media.parts import stretches
from mer_batch.media.process import one_line
from mer_batch.media.subtitle_tracks import described, is_partial, tracks_in_order
from mer_batch.plaintext import decode_text
from mer_batch.types import Media, SubtitleStream

if TYPE_CHECKING:
    from av.packet import Packet

_BETWEEN = b"\x1e"
"""Parts the packets while their encoding is told from all of them; no text holds it, nor any character of two bytes."""


@dataclass(frozen=True, slots=True)
class _Raw:
    """A packet: when it is shown, in seconds of the presentation, and its bytes."""

    start: float
    end: float | None
    data: bytes


def read_subtitles(media: Media, track: str | None = None, language: str | None = None) -> Written:
    """The words of one text subtitle stream in time order; none where there is none and no `track` is asked for.

    `track` is a number, counting the text subtitle streams from 0, or a language; without it the streams decide by
    what they are for (`subtitle_tracks`), `language` being the one preferred. Which one was used and which were
    passed over is a notice. Raises `UsageError` for an unknown track and `InputError` for a file that cannot be opened
    any more.
    """
    order = tracks_in_order(media, track, language)
    for place, number in enumerate(order):
        found = _words(media, number)
        if found.utterances or place + 1 == len(order):
            told = _told(media, number, asked=track is not None)
            partial = is_partial(media.subtitles[number]) and track is None
            return replace(found, notices=(*told, *found.notices), partial=partial)
    if not media.subtitles:
        return Written(())
    names = ", ".join(described(media, number) for number in range(len(media.subtitles)))
    return Written((), (f"no subtitle track holds what is spoken: {names}; --subtitle-track N takes one all the same",))


def _told(media: Media, number: int, *, asked: bool) -> Iterator[str]:
    others = [described(media, other) for other in range(len(media.subtitles)) if other != number]
    if others:
        wish = "" if asked else "; --subtitle-track N or LANG takes another"
        yield f"subtitle track {described(media, number)} is used, not {', '.join(others)}{wish}"
    if is_partial(media.subtitles[number]):
        yield f"subtitle track {described(media, number)} may hold only parts of what is said"


def _words(media: Media, number: int) -> Written:
    stream = media.subtitles[number]
    packets = list(_packets(media, stream))
    text, assumed = decode_text(_BETWEEN.join(packet.data.replace(_BETWEEN, b" ") for packet in packets))
    reading = Reading(language=stream.language)
    if assumed is not None:
        reading.assumed.append(f"read as {assumed}")
    texts = text.split(_BETWEEN.decode())
    if len(texts) != len(packets):  # damaged packets can look like characters of two bytes
        texts = [decode_text(packet.data).text for packet in packets]
    for count, (packet, words) in enumerate(zip(packets, texts, strict=True), 1):
        person, lines = _lines(words, stream.codec)
        if lines:
            reading.add(Cue(packet.start, packet.end, lines, f"cue {count}", person))
    found = utterances(reading, f"subtitle track {number}", "subtitles", media.duration, rolls=True)
    return found if found.utterances else replace(found, notices=(*found.notices, f"subtitle track {number} is empty"))


def _packets(media: Media, stream: SubtitleStream) -> Iterator[_Raw]:
    from av.error import FFmpegError

    from mer_batch.media.probe import open_media

    count = 0
    try:
        for part in stretches(media, 0.0, None):
            for index in _indices(media, stream, part.media):
                with open_media(media.path, part.media.extent) as container:
                    for packet in container.demux(container.streams[index]):
                        found = _raw(packet, part.media.origin - part.shift, stream.codec)
                        if found is not None:
                            count += 1
                            yield found
    except (FFmpegError, OSError) as error:
        if not count:
            raise InputError(f"the subtitles of {media.path.name!r} cannot be read: {one_line(str(error))}") from error


def _indices(media: Media, chosen: SubtitleStream, part: Media) -> list[int]:
    """Where the track that was `chosen` from `media` stands in one of its parts: the one with the same number."""
    number = media.subtitles.index(chosen)
    return [stream.index for stream in part.subtitles[number : number + 1]]


def _raw(packet: Packet[Any], origin: float, codec: str) -> _Raw | None:
    if packet.pts is None or packet.time_base is None or not packet.size:
        return None
    start = float(packet.pts * packet.time_base) - origin
    length = float((packet.duration or 0) * packet.time_base)
    data = bytes(packet)
    # The bytes themselves, not what ffmpeg makes of them: its decoders drop names, and what they take for tags.
    return _Raw(start, start + length if length > 0 else None, _timed_text(data) if codec == "mov_text" else data)


def _timed_text(data: bytes) -> bytes:
    """The text of a sample of 3GPP timed text in UTF-8: two bytes of length, text, boxes of style."""
    text = data[2 : 2 + int.from_bytes(data[:2], "big")]
    if text[:2] in (b"\xfe\xff", b"\xff\xfe"):
        return text.decode("utf-16", "replace").encode()
    return text


def _lines(words: str, codec: str) -> tuple[str | None, tuple[str, ...]]:
    """Who speaks, if it says so, and the lines of a cue."""
    if codec not in ("ass", "ssa"):
        return None, tuple(line.text for line in lines_of(words) if not line.blank)
    # An event without times: ReadOrder, Layer, Style, Name, three margins, Effect, Text.
    fields = words.split(",", 8)
    return (one_line(fields[3]) or None, ass_lines(fields[8])) if len(fields) == 9 else (None, ())
