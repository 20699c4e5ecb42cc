"""From PyAV's streams to ours, and in words what is odd about them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from mer_batch.media.look import Look, pixel_aspect
from mer_batch.media.process import one_line
from mer_batch.media.scan import Extent
from mer_batch.types import AudioStream, SubtitleStream, VideoStream

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.stream import Stream

TEXT_SUBTITLES = {"mov_text", "subrip", "srt", "ass", "ssa", "webvtt", "text"}
_HDR_TRANSFERS = {16, 18}  # PQ and HLG, ITU-T H.273 table 3
_DEFAULT = 0x1
# What a subtitle stream is for, as far as it tells whether its words are those of the people seen and heard.
_USES = {
    0x1: "default",
    0x8: "comment",
    0x10: "lyrics",
    0x20: "karaoke",
    0x40: "forced",
    0x80: "hearing_impaired",
    0x20000: "descriptions",
    0x40000: "metadata",
}


class Rate(NamedTuple):
    """Pictures a second of a file without time stamps, and whether its header says so."""

    pictures: float
    declared: bool


@dataclass(slots=True)
class Found:
    """What looking at the packets and at one frame a stream gave; `origin` is the clock's zero."""

    extents: dict[int, Extent]
    damage: str | None
    rate: Rate | None
    kind: str
    frames: dict[int, Any] = field(default_factory=dict)
    origin: float = 0.0

    def start(self, stream: Stream) -> float:
        """When `stream` begins on the container's clock, in seconds."""
        if stream.start_time is not None and stream.time_base is not None:
            # Unlike the first packet, this leaves out what encoders put in front (priming).
            return float(stream.start_time * stream.time_base)
        return self.extents[stream.index].first

    def span(self, stream: Stream) -> tuple[float, float]:
        """Start and duration of `stream` on our clock, in seconds."""
        start = self.start(stream)
        return round(max(0.0, start - self.origin), 6), round(max(0.0, self.extents[stream.index].end - start), 6)

    def aspects(self, stream: Stream) -> tuple[tuple[float, Fraction], ...]:
        """From when on our clock the pixels of `stream` have which shape; nothing where it never changes."""
        changes = self.extents[stream.index].aspects.changes
        return tuple((time - self.origin, aspect) for time, aspect in changes) if len(changes) > 1 else ()


def video_stream(stream: Stream, found: Found) -> VideoStream:
    """Describe a video stream by its first decoded picture and its packets."""
    frame, extent = found.frames[stream.index], found.extents[stream.index]
    interlaced = bool(frame.interlaced_frame)
    look = Look.of(frame.width, frame.height, _pixel_aspect(stream), int(frame.rotation), interlaced)
    start, duration = found.span(stream)
    return VideoStream(
        index=stream.index,
        codec=stream.codec_context.codec.canonical_name,
        width=look.width,
        height=look.height,
        fps=round(found.rate.pictures if found.rate else extent.packets / duration, 3) if duration > 0 else None,
        rotation=look.rotation,
        start=start,
        duration=duration,
        interlaced=look.interlaced,
    )


def _pixel_aspect(stream: Stream) -> Fraction:
    return pixel_aspect(getattr(stream, "sample_aspect_ratio", None))


def audio_stream(stream: Stream, found: Found) -> AudioStream:
    """Describe an audio stream by its first decoded samples and its packets."""
    frame = found.frames[stream.index]
    start, duration = found.span(stream)
    return AudioStream(
        index=stream.index,
        codec=stream.codec_context.codec.canonical_name,
        rate=frame.sample_rate,
        channels=frame.layout.nb_channels,
        language=language(stream),
        start=start,
        duration=duration,
        default=bool(int(stream.disposition) & _DEFAULT),
    )


def subtitle_streams(container: InputContainer) -> tuple[SubtitleStream, ...]:
    """The subtitle streams that are text; pictures of text are left out."""
    return tuple(
        SubtitleStream(stream.index, _codec(stream), language(stream), _title(stream), _uses(stream))
        for stream in container.streams
        if stream.type == "subtitle" and _codec(stream) in TEXT_SUBTITLES
    )


def _codec(stream: Stream) -> str:
    return stream.codec_context.name if stream.codec_context else "unknown"


def _title(stream: Stream) -> str | None:
    return one_line(stream.metadata.get("title", ""), limit=80) or None


def _uses(stream: Stream) -> tuple[str, ...]:
    return tuple(name for flag, name in _USES.items() if int(stream.disposition) & flag)


def language(stream: Stream) -> str | None:
    """The language tag, if it looks like one: it is free text in some containers."""
    tag = stream.language or ""
    return tag if re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*", tag) and tag != "und" else None


def notes(
    container: InputContainer, videos: Sequence[Stream], audios: Sequence[Stream], found: Found, *, whole: bool
) -> tuple[str, ...]:
    """One sentence for each thing that is odd about a file, or about a recording that is joined with others in it."""
    told = [*_content_notes(container, found), *_choice_notes(videos, audios)]
    if whole:
        told[:0] = _clock_notes(container, found)
    if videos:
        told += _video_notes(videos[0], found)
    if whole and videos:
        told += _coverage_notes(videos[0], found, [videos[0], *_others(found, videos[0])])
    for stream in audios if whole else []:
        told += _coverage_notes(stream, found, [*videos[:1], *audios])
    return (*told, *_subtitle_notes(container))


def _clock_notes(container: InputContainer, found: Found) -> list[str]:
    told = []
    end = max(extent.end for extent in found.extents.values()) - found.origin
    declared = (container.duration or 0) / 1_000_000
    if found.rate is not None:
        source = "as its header says" if found.rate.declared else "which is assumed"
        rate = f"{found.rate.pictures:.5g} a second"
        told.append(f"the file holds no time stamps; times count its pictures at {rate}, {source}")
    elif abs(declared - end) > max(0.5, 0.02 * end):
        claim = f"declares {declared:.2f} s" if declared > 0 else "declares no duration"
        told.append(f"the file {claim}; its content ends at {end:.2f} s")
    if found.origin > 0.5:
        told.append(f"time stamps in the file start at {found.origin:.2f} s; here they start at 0")
    return told


def _content_notes(container: InputContainer, found: Found) -> list[str]:
    told = []
    if found.damage is not None:
        told.append(f"reading the file stopped early: {found.damage}")
    for index in sorted(set(found.extents) - set(found.frames)):
        stream = container.streams[index]
        told.append(f"stream {index} ({stream.type}) cannot be decoded and is left out")
    return told


def _choice_notes(videos: Sequence[Stream], audios: Sequence[Stream]) -> list[str]:
    told = []
    if len(videos) > 1:
        told.append(f"{len(videos)} video streams; stream {videos[0].index} is used")
    if len(audios) > 1:
        default = next((number for number, stream in enumerate(audios) if int(stream.disposition) & _DEFAULT), 0)
        names = ", ".join(f"{number} ({language(stream) or 'no language'})" for number, stream in enumerate(audios))
        told.append(f"{len(audios)} audio tracks: {names}; track {default} is used unless another is asked for")
    return told


def _subtitle_notes(container: InputContainer) -> list[str]:
    unread = [
        f"stream {stream.index} ({language(stream) or 'no language'}, {_canonical(stream)})"
        for stream in container.streams
        if stream.type == "subtitle" and _codec(stream) not in TEXT_SUBTITLES
    ]
    return [f"subtitles that are pictures or otherwise no text are not read: {', '.join(unread)}"] if unread else []


def _canonical(stream: Stream) -> str:
    return stream.codec_context.codec.canonical_name if stream.codec_context else "unknown"


def _video_notes(stream: Stream, found: Found) -> list[str]:
    frame, told = found.frames[stream.index], []
    aspect = _pixel_aspect(stream)
    if frame.rotation:
        told.append(f"the picture is stored turned by {abs(int(frame.rotation))} degrees and shown upright")
    if abs(aspect - 1) > Fraction(1, 20):
        told.append(f"pixels are not square ({one_line(str(aspect))}); the picture is stretched to its true shape")
    if frame.interlaced_frame:
        told.append("the video is interlaced and gets deinterlaced")
    if getattr(stream.codec_context, "color_trc", None) in _HDR_TRANSFERS:
        told.append("the video has high dynamic range; colours are shown without tone mapping")
    steps = found.extents[stream.index].steps()
    if len(steps) > 2:
        short, long = np.percentile(steps, [5, 95])
        if long > 1.5 * short > 0:
            told.append(f"the frame rate varies ({1 / long:.1f} to {1 / short:.1f} frames a second)")
    return told


def _others(found: Found, stream: Stream) -> list[Stream]:
    return [other for other in stream.container.streams if other.index in found.frames]


def _coverage_notes(stream: Stream, found: Found, used: Sequence[Stream]) -> list[str]:
    start, duration = found.span(stream)
    whole = max(found.extents[other.index].end for other in used) - found.origin
    if start > 0.5 or start + duration < whole - 1:
        return [
            f"the {stream.type} of stream {stream.index} covers {start:.2f} to {start + duration:.2f} of {whole:.2f} s"
        ]
    return []
