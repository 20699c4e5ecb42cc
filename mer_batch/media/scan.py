"""How far the packets of a file really reach, and what its streams look like once decoded.

Headers lie about durations, frame rates and starts; packets do not. Nothing is decoded here but one
picture or block of samples a stream.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from mer_batch.media.headers import Aspects
from mer_batch.media.process import one_line

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.stream import Stream

_PATIENCE = 500
"""Packets of a stream that may fail to decode before it is given up."""
_STRETCHES = 10_000
"""Of 64 KB in which no packet is found before a file is given up."""
_TS_DISCONT = 0x200  # AVFMT_TS_DISCONT: clocks may break in this format
# When a clock does not go on, as ffmpeg sees it: in formats whose clocks may break by more than 0.1 s back
# or 10 s ahead (-dts_delta_threshold), in all others only by 30 h ahead (-dts_error_threshold).
_BACK = 0.1
_AHEAD = 10.0
_ABSURD = 30 * 3600.0
_SLIP = 5
"""Packets after which a jump that is taken back was a wrong stamp, not another clock."""


@dataclass(slots=True)
class Jump:
    """A place where the clock of a stream does not go on.

    From `before` to `after`, in seconds of the container, at the packet of that `number`; a new recording
    begins after byte `low`, at the latest at byte `high` (None until a packet tells its place).
    """

    number: int
    before: float
    after: float
    low: int
    high: int | None


@dataclass(slots=True)
class Extent:
    """What the packets of one stream cover, in seconds of the container's clock, and from which to which byte."""

    ahead: float = _ABSURD
    base: int = 0
    """Where the container begins in the file: bytes are counted from the file's start."""
    first: float = float("inf")
    end: float = float("-inf")
    packets: int = 0
    covered: float = 0.0
    encrypted: bool = False
    times: array[float] = field(default_factory=lambda: array("d"))
    """When each picture is shown; empty for audio."""
    aspects: Aspects = field(default_factory=Aspects)
    jumps: list[Jump] = field(default_factory=list)
    low: int | None = None
    high: int = 0
    """Where the last packet begins whose place is known."""
    before: int = 0
    """Where the last packet begins that does not begin there: several may share a page."""
    reach: int = 0
    """The byte after the last packet, at least."""
    _next: float | None = None

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
            self.aspects.add(packet, time)
        # Pictures are stored in the order in which they are decoded: only those stamps run on.
        self._follow(time if packet.dts is None else float(packet.dts * packet.time_base), length, packet)

    def count(self, packet: Packet[Any], rate: float) -> None:
        """Take one picture of a stream without time stamps into account, at `rate` pictures a second."""
        if packet.size and not packet.is_discard:
            length = float((packet.duration or 0) * packet.time_base) if packet.time_base else 0.0
            self.first = 0.0
            self.times.append(self.covered)
            self.covered += length or 1 / rate
            self.end = self.covered
            self.packets += 1

    def _follow(self, time: float, length: float, packet: Packet[Any]) -> None:
        place = None if packet.pos is None or packet.pos < 0 else packet.pos + self.base
        expected = self._next
        if expected is not None and (time < expected - length - _BACK or time > expected + self.ahead):
            self._jump(expected, time, length, place)
        self._next = time + length
        if place is None:
            return
        if self.jumps and self.jumps[-1].high is None:
            self.jumps[-1].high = place
        if self.low is None:
            self.low = place
        if place != self.high:
            self.before, self.high = self.high, place
        self.reach = max(self.reach, place + packet.size)

    def _jump(self, expected: float, time: float, length: float, place: int | None) -> None:
        last = self.jumps[-1] if self.jumps else None
        taken_back = last is not None and abs(time - last.before) <= 1 + _SLIP * length
        if last is not None and taken_back and self.packets - last.number <= _SLIP:
            self.jumps.pop()
        else:
            low = self.before if place == self.high else self.high
            self.jumps.append(Jump(self.packets, expected, time, low, place))

    def steps(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """The times between neighbouring pictures, in the order they are shown."""
        return np.diff(np.sort(np.asarray(self.times)))


def scan(
    container: InputContainer, streams: Sequence[Stream], base: int = 0, rate: float | None = None
) -> tuple[dict[int, Extent], str | None]:
    """The extent of each stream by its index, and the error that stopped the reading, if one did.

    `base` is the byte of the file at which the container begins; `rate` is the pictures a second of a file
    without time stamps, None where there are some.
    """
    from av.error import FFmpegError

    ahead = _AHEAD if container.format.flags & _TS_DISCONT else _ABSURD
    extents = {stream.index: Extent(ahead, base) for stream in streams}
    damage = None
    try:
        for packet in _demux(container, streams):
            if rate is not None and packet.stream.type == "video":
                extents[packet.stream.index].count(packet, rate)
            else:
                extents[packet.stream.index].add(packet, packet.stream.type == "video")
    except (FFmpegError, OSError) as error:
        damage = one_line(getattr(error, "strerror", None) or str(error))
    for extent in extents.values():
        _mend_end(extent)
    return extents, damage


def _demux(container: InputContainer, streams: Sequence[Stream]) -> Iterator[Packet[Any]]:
    """The packets of `streams`, also behind stretches in which nothing is to be found."""
    from av.error import BlockingIOError as TryAgain

    tries = _STRETCHES
    # PyAV takes an empty list for all streams.
    while streams and tries:
        with suppress(TryAgain):
            # At the end PyAV asks for streams that came up on the way, which it does not have.
            with suppress(IndexError):
                for packet in container.demux(list(streams)):
                    yield packet
                    tries = _STRETCHES
            return
        # A transport stream is searched for its next packet in stretches of 64 KB.
        tries -= 1


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
