"""How far the packets of a file really reach, and what its streams look like once decoded.

Headers lie about durations, frame rates and starts; packets do not. Nothing is decoded here but one
picture or block of samples a stream.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from mer_batch.media.process import one_line

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.stream import Stream

_PATIENCE = 500
"""Packets of a stream that may fail to decode before it is given up."""


@dataclass(slots=True)
class Extent:
    """What the packets of one stream cover, in seconds of the container's clock."""

    first: float = float("inf")
    end: float = float("-inf")
    packets: int = 0
    covered: float = 0.0
    encrypted: bool = False
    times: array[float] = field(default_factory=lambda: array("d"))
    """When each picture is shown; empty for audio."""

    def add(self, packet: Packet[Any], keep_time: bool) -> None:
        """Take one packet into account."""
        stamp = packet.dts if packet.pts is None else packet.pts
        if stamp is None or packet.time_base is None or packet.is_discard:
            return
        time = float(stamp * packet.time_base)
        self.first = min(self.first, time)
        length = float((packet.duration or 0) * packet.time_base)
        self.end = max(self.end, time + length)
        self.covered += length
        self.packets += 1
        self.encrypted |= packet.has_sidedata("encryption_info")
        if keep_time:
            self.times.append(time)

    def steps(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """The times between neighbouring pictures, in the order they are shown."""
        return np.diff(np.sort(np.asarray(self.times)))


def scan(container: InputContainer, streams: Sequence[Stream]) -> tuple[dict[int, Extent], str | None]:
    """The extent of each stream by its index, and the error that stopped the reading, if one did."""
    from av.error import FFmpegError

    extents = {stream.index: Extent() for stream in streams}
    damage = None
    try:
        for packet in _demux(container, streams):
            extents[packet.stream.index].add(packet, packet.stream.type == "video")
    except (FFmpegError, OSError) as error:
        damage = one_line(getattr(error, "strerror", None) or str(error))
    for extent in extents.values():
        _mend_end(extent)
    return extents, damage


def _demux(container: InputContainer, streams: Sequence[Stream]) -> Iterable[Packet[Any]]:
    # PyAV takes an empty list for all streams.
    return container.demux(list(streams)) if streams else ()


def _mend_end(extent: Extent) -> None:
    # Sound whose stamps run backwards is played one piece after the other.
    if not extent.times and extent.covered > 1.05 * (extent.end - extent.first):
        extent.end = extent.first + extent.covered
    # Some containers give no packet durations: the last picture is then shown as long as the others.
    if extent.times and extent.end <= max(extent.times):
        steps = extent.steps()
        extent.end = max(extent.times) + (float(np.median(steps)) if len(steps) else 0.0)


def first_frames(container: InputContainer, streams: Sequence[Stream]) -> dict[int, Any]:
    """The first frame that decodes, by stream index; streams that never decode are missing."""
    from av.error import FFmpegError

    left = {stream.index: _PATIENCE for stream in streams}
    found: dict[int, Any] = {}
    try:
        for packet in _demux(container, streams):
            index = packet.stream.index
            if index not in left:
                continue
            left[index] -= 1
            frame = _decode(packet)
            if frame is not None:
                found[index] = frame
            if frame is not None or not left[index]:
                del left[index]
            if not left:
                break
    except (FFmpegError, OSError):
        pass  # the scan has already reported where the file breaks off
    return found


def _decode(packet: Packet[Any]) -> Any:
    from av.error import FFmpegError

    try:
        return next(iter(packet.decode()), None)
    except (FFmpegError, OSError, ValueError):
        return None  # a damaged packet; a later one may do
