"""What the packets and samples of a file say that an analysis does not ask: gaps, jumps, levels, silence, channels."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mer_batch.errors import InputError
from mer_batch.media.probe import open_media
from mer_batch.media.process import one_line

GAP: Final = 0.5
"""Seconds without a picture that count as a gap, if they are also `STEPS` usual steps long."""
STEPS: Final = 5.0
SOUND_GAP: Final = 0.1
"""Seconds without sound between two packets that count as a gap."""
BACK: Final = 0.1
"""Seconds by which a clock may go back before it counts as a jump."""
MOST: Final = 600.0
"""Seconds of sound that are listened to."""
BLOCK: Final = 0.1
"""Seconds that are silent or not as a whole."""
SILENT_DB: Final = -60.0
DEAD_DB: Final = -80.0
LOUDEST: Final = 4.0
"""Times full scale that no encoder writes: a decoder that meets damage does."""
CLIPPED: Final = 0.999
INVERTED: Final = -0.9
"""Correlation of two channels under which one is the other turned upside down."""


@dataclass
class Stamps:
    """The time stamps of one stream, in seconds of the container's clock.

    `declared` is what the header says it lasts, None where it is silent; `gaps` are (from, to), `jumps` (before,
    after) where the clock goes back.
    """

    index: int
    kind: str
    codec: str
    declared: float | None
    start: float | None = None
    end: float | None = None
    packets: int = 0
    gaps: list[tuple[float, float]] = field(default_factory=list)
    jumps: list[tuple[float, float]] = field(default_factory=list)
    unstamped: int = 0


@dataclass
class Levels:
    """How loud a stream of sound is: decibels of full scale, shares 0 to 1; channels are counted from 0.

    `heard` are the seconds that were listened to, `damaged` the packets of which no sound came.
    """

    heard: float = 0.0
    peak_db: float | None = None
    rms_db: float | None = None
    silent: float = 1.0
    clipped: float = 0.0
    dead: tuple[int, ...] = ()
    inverted: tuple[tuple[int, int], ...] = ()
    damaged: int = 0


def stamps(path: Path) -> tuple[float | None, list[Stamps]]:
    """What the header says the file lasts, and the stamps of each of its streams. Raises `InputError`."""
    from av.error import FFmpegError

    times: dict[int, list[tuple[float, float]]] = {}
    try:
        with open_media(path) as container:
            found = {stream.index: _declared(stream) for stream in container.streams}
            order: dict[int, float] = {}
            with suppress(FFmpegError, OSError, IndexError):
                for packet in container.demux():
                    _take(packet, found, times, order)
            whole = container.duration / 1_000_000 if container.duration else None
    except (FFmpegError, OSError) as error:
        raise InputError(f"cannot read {path.name!r}: {one_line(str(error))}") from error
    for index, spans in times.items():
        _gaps(found[index], spans)
    return whole, list(found.values())


def _declared(stream: Any) -> Stamps:
    length = float(stream.duration * stream.time_base) if stream.duration and stream.time_base else None
    codec = stream.codec_context.name if stream.codec_context else "unknown"
    return Stamps(stream.index, stream.type, codec, length)


def _take(
    packet: Any, found: dict[int, Stamps], times: dict[int, list[tuple[float, float]]], order: dict[int, float]
) -> None:
    index = packet.stream.index
    if index not in found or not packet.size:
        return
    mine = found[index]
    mine.packets += 1
    stamp = packet.dts if packet.pts is None else packet.pts
    if stamp is None or not packet.time_base:
        mine.unstamped += 1
        return
    clock = float((stamp if packet.dts is None else packet.dts) * packet.time_base)
    if clock < order.get(index, clock) - BACK:
        mine.jumps.append((round(order[index], 3), round(clock, 3)))
    order[index] = clock
    times.setdefault(index, []).append(
        (float(stamp * packet.time_base), float((packet.duration or 0) * packet.time_base))
    )


def _gaps(mine: Stamps, spans: list[tuple[float, float]]) -> None:
    spans.sort()
    starts = np.array([start for start, _ in spans])
    lengths = np.array([length for _, length in spans])
    steps = np.diff(starts)
    usual = float(np.median(steps)) if len(steps) else 0.0
    lengths[lengths == 0] = usual
    mine.start, mine.end = round(float(starts[0]), 3), round(float((starts + lengths).max()), 3)
    if mine.kind not in ("video", "audio"):
        return
    if mine.kind == "video":
        wide = np.flatnonzero(steps > max(GAP, STEPS * usual))
        mine.gaps = [(round(float(starts[at] + usual), 3), round(float(starts[at + 1]), 3)) for at in wide]
    else:
        ends = starts + lengths
        wide = np.flatnonzero(starts[1:] - ends[:-1] > SOUND_GAP)
        mine.gaps = [(round(float(ends[at]), 3), round(float(starts[at + 1]), 3)) for at in wide]


def levels(path: Path, index: int) -> Levels:
    """How loud the stream `index` of a file is, over its first `MOST` seconds. Raises `InputError`."""
    from av.error import FFmpegError

    tally = _Tally()
    try:
        with open_media(path) as container:
            for samples, rate in _samples(container, index, tally):
                tally.add(samples, rate)
                if tally.seconds >= MOST:
                    break
    except (FFmpegError, OSError, ValueError) as error:
        if not tally.seconds:
            raise InputError(f"the sound of {path.name!r} cannot be decoded: {one_line(str(error))}") from error
    return tally.levels()


def _samples(container: Any, index: int, tally: _Tally) -> Iterator[tuple[NDArray[np.float32], int]]:
    """Blocks of samples (channels, n) of a stream, as they are stored."""
    import av

    stream = container.streams[index]
    resampler = av.AudioResampler(format="fltp")
    for packet in container.demux(stream):
        try:
            frames = packet.decode()
        except (av.error.FFmpegError, ValueError):
            tally.damaged += 1
            continue
        for frame in frames:
            try:
                parts = resampler.resample(frame)
            except (av.error.FFmpegError, ValueError):  # its form changes on the way
                resampler = av.AudioResampler(format="fltp")
                parts = resampler.resample(frame)
            for part in parts:
                yield part.to_ndarray().astype(np.float32, copy=False), part.sample_rate


class _Tally:
    """Sums over the blocks of a sound."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.damaged = 0
        self._rest: NDArray[np.float32] | None = None
        self._blocks = self._silent = 0
        self._count = self._clipped = 0
        self._products: NDArray[np.float64] | None = None
        self._peaks: NDArray[np.float64] | None = None

    def add(self, samples: NDArray[np.float32], rate: int) -> None:
        samples = np.nan_to_num(samples)
        if np.abs(samples).max(initial=0.0) > LOUDEST:
            self.damaged += 1
            return
        if self._products is None or len(self._products) != len(samples):
            self._products, self._peaks = np.zeros((len(samples), len(samples))), np.zeros(len(samples))
            self._rest, self._count = None, 0
        self.seconds += samples.shape[1] / rate
        self._count += samples.shape[1]
        assert self._peaks is not None
        wide = samples.astype(np.float64)
        self._products += wide @ wide.T
        self._peaks = np.maximum(self._peaks, np.abs(wide).max(axis=1, initial=0.0))
        self._clipped += int((np.abs(samples) >= CLIPPED).any(axis=0).sum())
        self._quiet(samples, max(1, int(rate * BLOCK)))

    def _quiet(self, samples: NDArray[np.float32], block: int) -> None:
        rest = samples if self._rest is None else np.concatenate([self._rest, samples], axis=1)
        whole = rest.shape[1] // block
        power = (rest[:, : whole * block].reshape(len(rest), whole, block).astype(np.float64) ** 2).mean(axis=2)
        self._blocks += whole
        self._silent += int((power.max(axis=0, initial=0.0) < 10 ** (SILENT_DB / 10)).sum()) if whole else 0
        self._rest = rest[:, whole * block :].copy()

    def levels(self) -> Levels:
        if self._products is None or self._peaks is None or not self._count:
            return Levels(damaged=self.damaged)
        power = np.diag(self._products) / self._count
        peaks = 20 * np.log10(np.maximum(self._peaks, 1e-10))
        alive = peaks >= DEAD_DB
        return Levels(
            heard=round(self.seconds, 3),
            peak_db=round(float(peaks.max()), 1),
            rms_db=round(10 * float(np.log10(max(power.max(), 1e-20))), 1),
            silent=round(self._silent / self._blocks, 4) if self._blocks else float(not alive.any()),
            clipped=round(self._clipped / self._count, 6),
            dead=tuple(int(at) for at in np.flatnonzero(~alive)) if alive.any() else (),
            inverted=tuple(self._inverted(alive)),
            damaged=self.damaged,
        )

    def _inverted(self, alive: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
        assert self._products is not None
        for first in np.flatnonzero(alive):
            for second in np.flatnonzero(alive):
                size = np.sqrt(self._products[first, first] * self._products[second, second])
                if first < second and size > 0 and self._products[first, second] / size < INVERTED:
                    yield int(first), int(second)
