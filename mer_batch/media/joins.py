"""Where one recording ends and the next begins in a file that was joined byte by byte (`cat a.ts b.ts`).

Some containers are read on across such a join, and the clock of every stream begins again there; of others
only the first recording is read, and the next one lies unread behind it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO, Final

from mer_batch.media.scan import Extent, Jump

Bytes = tuple[int, int]
"""(first byte, byte after the last)."""

MOST: Final = 2000
"""Joins beyond this number are a clock that is broken, not recordings."""
# How a recording begins, by the name of its container; those that are missing begin with any packet.
_HEADS: Final = {
    "matroska": b"\x1a\x45\xdf\xa3",
    "flv": b"FLV\x01",
    "asf": b"\x30\x26\xb2\x75\x8e\x66\xcf\x11",
    "ogg": b"OggS\x00\x02",
    "flac": b"fLaC",
    "ivf": b"DKIF",
    "wav": b"RIFF",
    "mov": b"ftyp",
}
HEADLESS: Final = {"mpegts", "mpeg"}
"""Containers that can be read on from any packet."""
_SYNC: Final = b"\x47"
_PACKET: Final = 188
_START_CODE: Final = b"\x00\x00\x01"
_PACK: Final = b"\x00\x00\x01\xba"
"""Begins a pack of a program stream, whose clock holds for what follows."""
_CHUNK: Final = 1 << 20
_LARGEST_GAP: Final = 16 << 20
"""Bytes between two packets in which the beginning of a recording is looked for."""


def find_joins(path: Path, kind: str, extent: Bytes, found: Mapping[int, Extent]) -> list[int]:
    """The bytes of `path`, within `extent`, at which another recording begins, in order.

    `kind` is the name of the container and `found` what its streams cover. A join is where the clocks of all
    streams jump between two neighbouring bytes, or a beginning behind all that was read.
    """
    with path.open("rb") as file:
        head = next((_HEADS[name] for name in kind.split(",") if name in _HEADS), None)
        joins = {_place(file, kind, head, gap) for gap in _gaps(found)}
        if head is not None:
            joins.add(_unread(file, kind, head, extent, max(stream.reach for stream in found.values())))
    inside = sorted(place for place in joins if place is not None and extent[0] < place < extent[1])
    return inside if len(inside) <= MOST else []


def _gaps(found: Mapping[int, Extent]) -> Iterator[Bytes]:
    """Where all streams that go on jump at once, or some end before others begin: after `low`, at most at `high`."""
    for stream in found.values():
        for jump in stream.jumps:
            yield from _common(_span(jump), [other for other in found.values() if other is not stream])
    placed = sorted((stream for stream in found.values() if stream.low is not None), key=lambda stream: stream.low or 0)
    for before, after in pairwise(placed):
        if before.high < (after.low or 0):
            yield from _common((before.high, after.low or 0), placed)


def _span(jump: Jump) -> Bytes:
    return jump.low, jump.low + 1 if jump.high is None else jump.high


def _common(gap: Bytes, others: Iterable[Extent]) -> Iterator[Bytes]:
    """What is left of a gap in one stream as a gap in all; nothing where another one runs through it."""
    low, high = gap
    for other in others:
        begins, ends = other.low, other.high
        if begins is None or begins >= high or ends <= low:
            continue
        jumps = [_span(jump) for jump in other.jumps if jump.low < high and low < _span(jump)[1]]
        if jumps:
            low, high = max(low, jumps[0][0]), min(high, jumps[0][1])
        elif begins <= low and high <= ends:
            return
        elif begins <= low:
            low = ends
        elif high <= ends:
            high = begins
    if low < high:
        yield low, high


def _place(file: BinaryIO, kind: str, head: bytes | None, gap: Bytes) -> int | None:
    """The byte in `gap` where the new recording begins."""
    low, high = gap
    if high - low > _LARGEST_GAP:
        low = high - _LARGEST_GAP
    if head is not None:
        return next(_heads(file, kind, head, (low, high + 1)), None)
    if kind == "mpegts":
        return _tables(file, low, high)
    if kind != "mpeg":
        return None
    file.seek(low)
    pack = file.read(high - low + len(_PACK)).rfind(_PACK)
    return high if pack < 0 else low + pack


def _tables(file: BinaryIO, low: int, high: int) -> int:
    """Where the tables begin that stand before the packet at `high` of a transport stream (ISO/IEC 13818-1)."""
    file.seek(high)
    ahead = file.read(5)
    # On discs and in cameras each packet of 188 bytes has four bytes of time before it.
    stamp = 4 if ahead[:1] != _SYNC and ahead[4:5] == _SYNC else 0
    place = high
    while place - _PACKET - stamp > low:
        file.seek(place - _PACKET)
        packet = file.read(_PACKET)
        begins, adapted = packet[1] & 0x40, packet[3] & 0x20
        payload = packet[5 + packet[4] :] if adapted else packet[4:]
        if packet[:1] != _SYNC or not begins or payload.startswith(_START_CODE):
            break
        place -= _PACKET + stamp
    return place


def _unread(file: BinaryIO, kind: str, head: bytes, extent: Bytes, reach: int) -> int | None:
    """Where the next recording begins behind `reach`, the end of what was read."""
    if kind.startswith("mov"):
        return next((place for place, name in _boxes(file, extent) if name == head and place > extent[0]), None)
    return next(_heads(file, kind, head, (max(reach, extent[0] + 1), extent[1])), None)


def _heads(file: BinaryIO, kind: str, head: bytes, span: Bytes) -> Iterator[int]:
    """Where `head` stands in a span of bytes; the box of an MP4 begins four bytes before its name."""
    before = 4 if kind.startswith("mov") else 0
    place = max(0, span[0])
    while place < span[1]:
        file.seek(place)
        chunk = file.read(min(_CHUNK, span[1] - place) + len(head) - 1)
        at = chunk.find(head)
        while at >= 0:
            yield place + at - before
            at = chunk.find(head, at + 1)
        place += _CHUNK


def _boxes(file: BinaryIO, extent: Bytes) -> Iterator[tuple[int, bytes]]:
    """(place, name) of the outermost boxes of an MP4 (ISO/IEC 14496-12, 4.2)."""
    place, end = extent
    while place + 8 <= end:
        file.seek(place)
        header = file.read(16)
        size, name = int.from_bytes(header[:4], "big"), header[4:8]
        if size == 1:
            size = int.from_bytes(header[8:16], "big")
        if size < 8:
            return
        yield place, name
        place += size
