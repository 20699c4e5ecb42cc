"""Words from subtitle streams, on the same clock as pictures and sound."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from mer_batch.errors import InputError, UsageError
from mer_batch.media.parts import stretches
from mer_batch.media.process import one_line
from mer_batch.types import Media, SubtitleStream, Utterance

if TYPE_CHECKING:
    from av.packet import Packet

_TAG = re.compile(r"<[^<>]*>|\{[^{}]*\}")
_DRAWING = re.compile(r"\\p[1-9]")


def read_subtitles(media: Media, track: int | None = None) -> tuple[Utterance, ...]:
    """The cues of one text subtitle stream in time order; empty where there is none and no `track` is asked for.

    `track` counts the text subtitle streams from 0. Raises `UsageError` for an unknown track and
    `InputError` for a file that cannot be opened any more.
    """
    from av.error import FFmpegError

    from mer_batch.media.probe import open_media

    stream = _choose(media, track)
    if stream is None:
        return ()
    cues: list[Utterance] = []
    try:
        for part in stretches(media, 0.0, None):
            for index in _indices(media, stream, part.media):
                with open_media(media.path, part.media.extent) as container:
                    for packet in container.demux(container.streams[index]):
                        cues += _cues(packet, part.media.origin - part.shift, stream.language)
    except (FFmpegError, OSError) as error:
        if not cues:
            raise InputError(f"the subtitles of {media.path.name!r} cannot be read: {one_line(str(error))}") from error
    return tuple(sorted(cues, key=lambda cue: (cue.start, cue.end)))


def _indices(media: Media, chosen: SubtitleStream, part: Media) -> list[int]:
    """Where the track that was `chosen` from `media` stands in one of its parts: the one with the same number."""
    number = media.subtitles.index(chosen)
    return [stream.index for stream in part.subtitles[number : number + 1]]


def _choose(media: Media, track: int | None) -> SubtitleStream | None:
    if track is None:
        return media.subtitles[0] if media.subtitles else None
    if not 0 <= track < len(media.subtitles):
        names = [f"{number} ({stream.language or stream.codec})" for number, stream in enumerate(media.subtitles)]
        known = ", ".join(names) or "none"
        raise UsageError(f"no text subtitle track {track} in {media.path.name!r}. Known: {known}.")
    return media.subtitles[track]


def _cues(packet: Packet[Any], origin: float, language: str | None) -> list[Utterance]:
    from av.error import FFmpegError

    if packet.pts is None or packet.time_base is None or not packet.size:
        return []
    start = float(packet.pts * packet.time_base) - origin
    end = start + float((packet.duration or 0) * packet.time_base)
    try:
        events = [getattr(rect, "ass", b"") for rect in packet.decode()]
    except (FFmpegError, ValueError):
        return []  # one damaged cue is no reason to lose the others
    texts = [plain_text(_event_text(event)) for event in events]
    return [
        Utterance(max(0.0, start), end, text, language=language, source="subtitles")
        for text in texts
        if text and end > 0
    ]


def _event_text(event: bytes) -> str:
    # An ASS event without times: ReadOrder, Layer, Style, Name, three margins, Effect, Text.
    fields = event.decode("utf-8", "replace").split(",", 8)
    text = fields[8] if len(fields) == 9 else ""
    return "" if _DRAWING.search(text) else text


def plain_text(text: str) -> str:
    """`text` on one line without subtitle markup."""
    text = re.sub(r"\\[Nnh]", " ", text)
    return one_line(_TAG.sub("", text), limit=10_000)
