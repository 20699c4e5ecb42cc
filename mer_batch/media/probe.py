"""What a file holds, read through PyAV without trusting what its header declares."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from mer_batch.errors import InputError
from mer_batch.files import sha256_of
from mer_batch.media.joins import HEADLESS, MOST, Bytes, find_joins
from mer_batch.media.parts import joined
from mer_batch.media.process import PROTOCOLS, file_url, one_line
from mer_batch.media.scan import first_frames, scan
from mer_batch.media.streams import Found, Rate, audio_stream, notes, subtitle_streams, video_stream
from mer_batch.types import Media

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.stream import Stream

# Demuxers that read lists of other files, or draw text files as pictures.
_NOT_MEDIA = {"hls", "dash", "concat", "tty", "bin", "xbin", "adf", "idf", "sdp", "rtsp"}
_STILL_BRANDS = {"heic", "heix", "mif1", "avif"}
_MAYBE_STILL = {"gif", "apng", "mjpeg", "webp"}
_ATTACHED_PICTURE = 0x400
_NO_TIMESTAMPS = 0x80  # AVFMT_NOTIMESTAMPS: a stream as it left the encoder
_LARGE_REST = 16_384
"""Bytes behind the last packet that may hold another recording."""
_USUAL_RATE = 25.0
_ODD_RATE = "1000/41"
"""Pictures a second that no header says."""


def probe(path: Path) -> Media:
    """Read the streams, times and oddities of `path`.

    Times start at 0 where the earliest stream starts and end where the last packet ends, whatever the
    header says. Streams that cannot be decoded are left out, with a note. Recordings that were joined byte by
    byte come one after the other (`Media.parts`).

    Raises `InputError` for what is missing, no file, empty, no media, a still picture or encrypted, and
    where no stream can be decoded.
    """
    size = _file_size(path)
    left: list[Bytes] = [(0, size)]
    recordings: list[Media] = []
    failures: list[InputError] = []
    while left:
        extent = left.pop(0)
        try:
            found = _read(path, extent, whole=extent == (0, size), split=len(recordings) + len(left) < MOST)
        except InputError as error:
            failures.append(error)
            continue
        # What is read alone may show a join that what stood before it hid.
        if isinstance(found, Media):
            recordings.append(found)
        else:
            left[:0] = pairwise([extent[0], *found, extent[1]])
    if not recordings:
        raise failures[0]
    return replace(joined(recordings, len(failures)), size=size, sha256=sha256_of(path))


def _read(path: Path, extent: Bytes, *, whole: bool, split: bool) -> Media | list[int]:
    """What lies between two bytes, or the bytes at which further recordings begin there."""
    from av.error import FFmpegError

    part = None if whole else extent
    try:
        with open_media(path, part) as container:
            _check_kind(path.name, container)
            found = _scan(container, extent[0], _rate(path, part, container))
            joins = find_joins(path, container.format.name, extent, found.extents) if found.extents and split else []
        if joins:
            return joins
        if split and (behind := _behind(path, extent, found)):
            return [behind]
        with open_media(path, part) as container:
            streams = [container.streams[index] for index in found.extents]
            found.frames.update(first_frames(container, streams))
            return _describe(path, part, container, found)
    except (FFmpegError, OSError) as error:
        raise InputError(_unreadable(path, error)) from error


def _behind(path: Path, extent: Bytes, found: Found) -> int | None:
    """Where a recording begins behind all that was read: one whose streams the file did not yet have at its start."""
    reach = max((stream.reach for stream in found.extents.values()), default=0)
    if found.kind not in HEADLESS or extent[1] - reach < max(_LARGE_REST, (extent[1] - extent[0]) // 20):
        return None
    try:
        _read(path, (reach, extent[1]), whole=False, split=True)
    except InputError:
        return None
    return reach


def open_media(path: Path, extent: Bytes | None = None, **options: str) -> InputContainer:
    """Open `path`, or the bytes of it in `extent`, for reading, and nothing that it might point to.

    `options` are those of ffmpeg's demuxer.
    """
    import av

    options["protocol_whitelist"] = PROTOCOLS
    return av.open(file_url(path, extent), options=options, metadata_errors="replace")


def _rate(path: Path, extent: Bytes | None, container: InputContainer) -> Rate | None:
    """The pictures a second of a raw stream without time stamps, None where there are stamps."""
    if not container.format.flags & _NO_TIMESTAMPS or not container.streams.video:
        return None
    said = container.streams.video[0].guessed_rate
    # Where the header is silent, ffmpeg takes what its option says.
    with open_media(path, extent, framerate=_ODD_RATE) as other:
        declared = other.streams.video[0].guessed_rate == said
    return Rate(float(said or _USUAL_RATE), declared)


def _scan(container: InputContainer, base: int, rate: Rate | None) -> Found:
    wanted = [stream for stream in container.streams if _is_wanted(stream)]
    extents, damage = scan(container, wanted, base, rate.pictures if rate else None)
    return Found(
        {index: extent for index, extent in extents.items() if extent.packets}, damage, rate, container.format.name
    )


def _is_wanted(stream: Stream) -> bool:
    # Cover art is a picture, not video.
    return stream.type == "audio" or (stream.type == "video" and not int(stream.disposition) & _ATTACHED_PICTURE)


def _describe(path: Path, extent: Bytes | None, container: InputContainer, found: Found) -> Media:
    usable = [container.streams[index] for index in sorted(found.frames) if _fits(container, found, index)]
    if not usable or any(extent.encrypted for extent in found.extents.values()):
        raise InputError(_nothing_usable(path.name, container, found))
    videos = [stream for stream in usable if stream.type == "video"]
    # The default stream first, as players do.
    videos.sort(key=lambda stream: not int(stream.disposition) & 1)
    audios = [stream for stream in usable if stream.type == "audio"]
    used = [*videos[:1], *audios]
    kind = container.format.name
    if not audios and kind in _MAYBE_STILL and found.extents[videos[0].index].packets == 1:
        raise InputError(f"{path.name!r} is a still picture, not a video")
    found.origin = min(found.start(stream) for stream in used)
    return Media(
        path=path,
        sha256="",
        size=0,
        container=kind,
        duration=round(max(0.0, max(found.extents[stream.index].end for stream in used) - found.origin), 6),
        origin=found.origin,
        video=video_stream(videos[0], found) if videos else None,
        audio=tuple(audio_stream(stream, found) for stream in audios),
        subtitles=subtitle_streams(container),
        notes=notes(container, videos, audios, found, whole=extent is None),
        extent=extent,
        untimed=found.rate is not None,
        aspects=found.aspects(videos[0]) if videos else (),
    )


def _fits(container: InputContainer, found: Found, index: int) -> bool:
    # A stream may become another kind where recordings were joined.
    return hasattr(found.frames[index], "interlaced_frame") == (container.streams[index].type == "video")


def _check_kind(name: str, container: InputContainer) -> None:
    kind = container.format.name
    brand = str(container.metadata.get("major_brand", "")).strip()
    if kind == "image2":
        raise InputError(f"{name!r} is a still picture or data without a header, not audio or video")
    if kind.endswith("_pipe") or brand in _STILL_BRANDS:
        raise InputError(f"{name!r} is a still picture, not a video")
    if set(kind.split(",")) & _NOT_MEDIA:
        raise InputError(f"{name!r} is a list or a text ({one_line(kind)}), not audio or video")


def _nothing_usable(name: str, container: InputContainer, found: Found) -> str:
    if any(extent.encrypted for extent in found.extents.values()):
        return f"{name!r} is encrypted; give a copy without protection"
    if found.extents:
        return f"{name!r} is damaged: none of its streams can be decoded"
    kinds = sorted({stream.type for stream in container.streams})
    return f"{name!r} holds no audio or video ({', '.join(kinds) or 'no streams'})"


def _unreadable(path: Path, error: Exception) -> str:
    with path.open("rb") as file:
        head = file.read(4096)
    hint = "damaged, cut off, or of a kind that is not supported"
    if head.startswith(b"version https://git-lfs"):
        hint = "only a Git LFS pointer; fetch the real file with `git lfs pull`"
    elif head.lstrip()[:1] == b"<":
        hint = "a web page or XML, not audio or video"
    elif b"\0" not in head and head.isascii():
        hint = "text, not audio or video"
    elif head[4:8] == b"ftyp":
        hint = "damaged or cut off; copy or record it again"
    detail = one_line(getattr(error, "strerror", None) or type(error).__name__)
    return f"cannot read {path.name!r}: it is {hint} ({detail})"


def _file_size(path: Path) -> int:
    try:
        if path.is_dir():
            raise InputError(f"{str(path)!r} is a folder, not a media file")
        if path.is_symlink() and not path.exists():
            raise InputError(f"{str(path)!r} is a link that leads nowhere")
        if not path.exists():
            raise InputError(f"{str(path)!r} does not exist; check the name")
        if not path.is_file():
            raise InputError(f"{str(path)!r} is not a regular file")
        with path.open("rb"):
            size = path.stat().st_size
    except (OSError, ValueError) as error:
        raise InputError(f"cannot open {str(path)!r}: {getattr(error, 'strerror', None) or error}") from error
    if size == 0:
        raise InputError(f"{path.name!r} is empty (0 bytes); copy or record it again")
    return size
