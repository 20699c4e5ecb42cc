"""Pictures with their true times, decoded by ffmpeg in constant memory."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing

import numpy as np

from mer_batch.errors import InputError, UsageError
from mer_batch.media.process import PROTOCOLS, Warn, decode, file_url, seek_options
from mer_batch.types import Frame, Image, Media, VideoStream

_TICKS = 1_000_000
_EARLY = 0.002
"""A picture is on time up to these seconds early (5 % of a step at most): containers round to milliseconds."""


def check_range(start: float, end: float | None) -> None:
    """Raise `UsageError` unless 0 <= start < end."""
    if not start >= 0 or (end is not None and not end > start):
        raise UsageError(f"a time range needs 0 <= start < end, got {start} .. {end}")


def read_frames(
    media: Media,
    fps: float = 5.0,
    start: float = 0.0,
    end: float | None = None,
    on_warning: Warn | None = None,
) -> Generator[Frame, None, None]:
    """The pictures of `media` in [start, end), at most `fps` a second, upright and with square pixels.

    Times are presentation times: of each step of 1/fps seconds, counted from `start`, the first picture
    is taken; a step without a picture yields none. ffmpeg starts at once; closing the generator ends it.

    Raises `UsageError` for a bad range or rate, `InputError` where there is no video or nothing decodes;
    damage after the first picture goes to `on_warning` as one sentence.
    """
    check_range(start, end)
    if not 0 < fps < float("inf"):
        raise UsageError(f"the frame rate must be a number above 0, got {fps}")
    if media.video is None:
        raise InputError(f"{media.path.name!r} has no video")
    arguments = _arguments(media, media.video, fps, start, end)
    packets = decode(media, "video", arguments, seeking="-ss" in arguments, on_warning=on_warning)
    return _frames(packets, media.video)


def _frames(
    packets: Generator[tuple[float, memoryview], None, None], video: VideoStream
) -> Generator[Frame, None, None]:
    with closing(packets):
        for time, packet in packets:
            image: Image = np.frombuffer(packet, dtype=np.uint8)
            yield Frame(time, image.reshape(video.height, video.width, 3))


def _arguments(media: Media, video: VideoStream, fps: float, start: float, end: float | None) -> list[str]:
    import ffmpeg

    source = ffmpeg.input(file_url(media.path), protocol_whitelist=PROTOCOLS, **seek_options(media, start))
    stream = source[str(video.index)]
    if video.interlaced:
        stream = stream.filter("bwdif", mode="send_frame", deint="interlaced")
    stream = stream.filter("settb", f"1/{_TICKS}").filter("setpts", f"PTS-({round(media.origin * _TICKS)})")
    limits = {"start": f"{start:.6f}"} if end is None else {"start": f"{start:.6f}", "end": f"{end:.6f}"}
    step = f"floor(({{}}-{start:.6f})*{fps!r}+{min(0.05, fps * _EARLY)!r})"
    due = f"isnan(prev_selected_t)+gt({step.format('t')},{step.format('prev_selected_t')})"
    stream = stream.filter("trim", **limits).filter("select", due)
    stream = stream.filter("scale", video.width, video.height).filter("setsar", 1).filter("format", "rgb24")
    output = stream.output("pipe:1", format="nut", vcodec="rawvideo", enc_time_base=f"1:{_TICKS}")
    arguments: list[str] = output.global_args("-copyts").get_args()
    return arguments


def grab_frame(media: Media, time: float) -> Frame | None:
    """The first picture at or up to 2 s after `time`, else the last one in the 10 s before; None if neither."""
    if media.video is None:
        return None
    start = max(0.0, time - 0.001)
    with closing(read_frames(media, fps=1.0, start=start, end=start + 2)) as frames:
        found = next(frames, None)
    if found is not None or start == 0:
        return found
    for frame in read_frames(media, start=max(0.0, start - 10), end=start):
        found = frame
    return found
