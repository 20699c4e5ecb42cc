"""The shape of pixels where it changes within a stream: in streams of television, with every film and break.

ffmpeg, from version 7 on, keeps to the shape that a stream begins with. The headers that say it stand before
key frames; only where one differs from the last is its picture decoded.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from mer_batch.media.look import pixel_aspect

if TYPE_CHECKING:
    from av.packet import Packet

# Sequence headers by codec, up to the next start code (ITU-T H.264 and H.265, annex B; H.262, 6.2.2).
_HEADERS: Final = {
    "h264": re.compile(rb"\x00\x00\x01[\x07\x27\x47\x67].+?(?=\x00\x00[\x00\x01])", re.S),
    "hevc": re.compile(rb"\x00\x00\x01\x42\x01.+?(?=\x00\x00[\x00\x01])", re.S),
    "mpeg1video": re.compile(rb"\x00\x00\x01\xb3.{8}", re.S),
    "mpeg2video": re.compile(rb"\x00\x00\x01\xb3.{8}", re.S),
}
_HEAD: Final = 4096
"""Bytes of a packet in which its header stands."""


class Aspects:
    """Takes the packets of one stream in order and knows from when on pixels have which shape."""

    def __init__(self) -> None:
        self.changes: list[tuple[float, Fraction]] = []
        """(seconds of the container, width : height); the first holds from the beginning."""
        self._header: bytes | None = None

    def add(self, packet: Packet[Any], time: float) -> None:
        """Take a packet whose picture is shown at `time`."""
        if not packet.is_keyframe:
            return
        codec = packet.stream.codec_context.name
        found = _HEADERS[codec].search(bytes(memoryview(packet)[:_HEAD])) if codec in _HEADERS else None
        if found is None or found[0] == self._header:
            return
        self._header = found[0]
        aspect = _decoded(codec, packet)
        if aspect is not None and (not self.changes or aspect != self.changes[-1][1]):
            self.changes.append((time, aspect))


def _decoded(codec: str, packet: Packet[Any]) -> Fraction | None:
    """The shape of a pixel of the picture in `packet`, None where it does not decode alone."""
    from av import Packet as Copy
    from av.codec import CodecContext
    from av.error import FFmpegError

    context = CodecContext.create(codec, "r")
    try:
        pictures = [*context.decode(Copy(bytes(packet))), *context.decode(None)]  # type: ignore[attr-defined]
    except (FFmpegError, ValueError):
        return None
    return pixel_aspect(context.sample_aspect_ratio) if pictures else None  # type: ignore[attr-defined]
