"""What a file holds, read through PyAV without trusting what its header declares."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mer_batch.errors import InputError
from mer_batch.files import sha256_of
from mer_batch.media.process import PROTOCOLS, file_url, one_line
from mer_batch.media.scan import first_frames, scan
from mer_batch.media.streams import Found, audio_stream, notes, subtitle_streams, video_stream
from mer_batch.types import Media

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.stream import Stream

# Demuxers that read lists of other files, or draw text files as pictures.
_NOT_MEDIA = {"hls", "dash", "concat", "tty", "bin", "xbin", "adf", "idf", "sdp", "rtsp"}
_STILL_BRANDS = {"heic", "heix", "mif1", "avif"}
_MAYBE_STILL = {"gif", "apng", "mjpeg", "webp"}
_ATTACHED_PICTURE = 0x400


def probe(path: Path) -> Media:
    """Read the streams, times and oddities of `path`.

    Times start at 0 where the earliest stream starts and end where the last packet ends, whatever the
    header says. Streams that cannot be decoded are left out, with a note.

    Raises `InputError` for what is missing, no file, empty, no media, a still picture or encrypted, and
    where no stream can be decoded.
    """
    from av.error import FFmpegError

    size = _file_size(path)
    try:
        with open_media(path) as container:
            _check_kind(path.name, container)
            found = _scan(container)
        with open_media(path) as container:
            streams = [container.streams[index] for index in found.extents]
            found.frames.update(first_frames(container, streams))
            return _describe(path, size, container, found)
    except (FFmpegError, OSError) as error:
        raise InputError(_unreadable(path, error)) from error


def open_media(path: Path) -> InputContainer:
    """Open `path` for reading, and nothing that it might point to."""
    import av

    return av.open(file_url(path), options={"protocol_whitelist": PROTOCOLS}, metadata_errors="replace")


def _scan(container: InputContainer) -> Found:
    wanted = [stream for stream in container.streams if _is_wanted(stream)]
    extents, damage = scan(container, wanted)
    return Found({index: extent for index, extent in extents.items() if extent.packets}, damage)


def _is_wanted(stream: Stream) -> bool:
    # Cover art is a picture, not video.
    return stream.type == "audio" or (stream.type == "video" and not int(stream.disposition) & _ATTACHED_PICTURE)


def _describe(path: Path, size: int, container: InputContainer, found: Found) -> Media:
    usable = [container.streams[index] for index in sorted(found.frames)]
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
        sha256=sha256_of(path),
        size=size,
        container=kind,
        duration=round(max(0.0, max(found.extents[stream.index].end for stream in used) - found.origin), 6),
        origin=found.origin,
        video=video_stream(videos[0], found) if videos else None,
        audio=tuple(audio_stream(stream, found) for stream in audios),
        subtitles=subtitle_streams(container),
        notes=notes(container, videos, audios, found),
    )


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
