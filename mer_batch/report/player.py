"""How the page plays the media: where it lies, what type it is, and what to do when a browser cannot."""

from __future__ import annotations

import base64
import os
import shlex
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final
from urllib.parse import quote

from mer_batch.errors import InputError
from mer_batch.types import Media

_VIDEO_TYPES: Final = {
    ".mp4": "video/mp4", ".m4v": "video/mp4", ".mov": "video/mp4", ".webm": "video/webm", ".ogv": "video/ogg",
}  # fmt: skip
_AUDIO_TYPES: Final = {
    ".mp3": "audio/mpeg", ".m4a": "audio/mp4", ".mp4": "audio/mp4", ".aac": "audio/aac", ".wav": "audio/wav",
    ".ogg": "audio/ogg", ".oga": "audio/ogg", ".opus": "audio/ogg", ".flac": "audio/flac", ".webm": "audio/webm",
}  # fmt: skip
_VIDEO_CODECS: Final = {"h264", "vp8", "vp9", "av1", "libdav1d"}
_AUDIO_CODECS: Final = {
    "aac",
    "mp3",
    "mp3float",
    "opus",
    "vorbis",
    "flac",
    "pcm_s16le",
    "pcm_u8",
    "pcm_f32le",
    "pcm_s24le",
}
"""What Chromium, Firefox and Safari all decode (MDN, "Web video codec guide" and "Web audio codec guide")."""
_READ_ON: Final = {"mpegts", "mpeg"}


@dataclass(frozen=True, slots=True)
class Player:
    """What the page plays. `source` is a relative URL or a data URI, None when there is nothing to play.

    `reason` says why not, in one sentence; `command` converts the file to something that plays.
    """

    kind: str
    source: str | None = None
    width: int = 16
    height: int = 9
    reason: str = ""
    command: str = ""


def player_for(media: Media, page: Path, *, embed: bool, hidden: bool) -> Player:
    """The player of `media` for the report at `page`; `hidden` leaves the media out (redaction).

    Raises `InputError` where media to embed is missing.
    """
    kind = "video" if media.video else "audio"
    if hidden:
        return Player(kind, reason="The recording is left out of this report because it was made with --redact.")
    width, height = (media.video.width, media.video.height) if media.video else (16, 9)
    if embed and not media.path.is_file():
        raise InputError(f"cannot embed {media.path}: there is no such file; put it back or leave out --embed-media")
    if not media.path.is_file():
        return Player(kind, reason="The recording was not found beside this report when it was written.")
    mime = _mime(media)
    if mime is None:
        return Player(kind, reason=_cannot_play(media), command=convert_command(media))
    if media.joins:
        reason = "Browsers play only the first of the recordings that are joined in this file."
        return Player(kind, reason=reason, command=convert_command(media))
    source = _data_uri(media.path, mime) if embed else relative_url(media.path, page)
    return Player(kind, source, width, height)


def relative_url(path: Path, page: Path) -> str:
    """The percent-encoded way from the folder of `page` to `path`: safe in an attribute, never a scheme."""
    # A browser resolves ".." on the text of the address, so links must not be followed here either.
    here, there = os.path.abspath(page.parent), os.path.abspath(path)  # noqa: PTH100
    try:
        relative = Path(os.path.relpath(there, here)).as_posix()
    except ValueError:  # another drive on Windows
        return Path(there).as_uri()
    return quote(os.fsencode(relative), safe="/")


def convert_command(media: Media) -> str:
    """The ffmpeg command that makes a copy every browser plays, quoted for a shell."""
    target = media.path.with_name(media.path.stem + (".browser.mp4" if media.video else ".browser.m4a"))
    # "file:" keeps a name that starts with a dash or looks like a protocol from being read as one.
    names = f"file:{media.path.name}", shlex.quote(f"file:{target.name}")
    video = "-c:v libx264 -pix_fmt yuv420p -movflags +faststart " if media.video else "-vn "
    return f"ffmpeg {_inputs(media, names[0])} {video}-c:a aac {names[1]}"


def _inputs(media: Media, name: str) -> str:
    """The recordings of a file one after the other: ffmpeg reads transport and program streams on by itself."""
    if not media.joins or media.container in _READ_ON:
        return f"-i {shlex.quote(name)}"
    extents = pairwise([0, *media.joins, media.size])
    parts = [f"-i {shlex.quote(f'subfile,,start,{start},end,{end},,:{name}')}" for start, end in extents]
    kinds = f"v={int(media.video is not None)}:a={int(bool(media.audio))}"
    return f"{' '.join(parts)} -filter_complex concat=n={len(parts)}:{kinds}"


def _mime(media: Media) -> str | None:
    suffix = media.path.suffix.lower()
    if any(track.codec not in _AUDIO_CODECS for track in media.audio[:1]):
        return None
    if media.video is None:
        return _AUDIO_TYPES.get(suffix)
    return _VIDEO_TYPES.get(suffix) if media.video.codec in _VIDEO_CODECS else None


def _cannot_play(media: Media) -> str:
    codecs = [media.video.codec] if media.video else []
    codecs += [track.codec for track in media.audio[:1]]
    inside = " and ".join(codecs) or media.container
    return f"Browsers cannot play this file ({media.path.suffix.lstrip('.') or 'no suffix'} with {inside})."


def _data_uri(path: Path, mime: str) -> str:
    return f"data:{mime};base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"
