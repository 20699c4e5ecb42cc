"""Sounds as bytes to samples, and what a check needs to know of each."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from mer_batch.data.landmarks import Landmarks, landmarks
from mer_batch.errors import DataError
from mer_batch.types import SAMPLE_RATE, Samples

if TYPE_CHECKING:
    from av import AudioFrame
    from numpy.typing import NDArray

LOW_RATE: Final = 4000
"""Rate at which sounds are compared: voices have most of their power there, and every codec keeps it."""
FULL_SCALE: Final = 0.999


@dataclass(frozen=True)
class Sound:
    """A decoded clip: native samples (channels, n) as 16-bit numbers with their rate, and 16 kHz mono in [-1, 1]."""

    native: NDArray[np.int16]
    rate: int
    mono: Samples

    @property
    def seconds(self) -> float:
        """Length."""
        return len(self.native[0]) / self.rate

    def content(self) -> str:
        """A hash of the samples and their rate: equal for the same sound in another lossless container."""
        channels = self.native[:1] if (self.native == self.native[0]).all() else self.native
        return hashlib.sha256(f"{self.rate}:{len(channels)}:".encode() + channels.tobytes()).hexdigest()

    def clipped(self) -> float:
        """The share of samples that lie in runs of two or more at full scale."""
        full = np.abs(self.native.astype(np.int32)) >= FULL_SCALE * 32767
        runs = full[:, 1:] & full[:, :-1]
        return float(runs.mean()) if runs.size else 0.0


def decode_sound(data: bytes, name: str) -> Sound:
    """An encoded clip. Raises `DataError` when it cannot be decoded or holds no sound."""
    import av
    from av.error import FFmpegError

    try:
        with av.open(io.BytesIO(data), "r") as container:
            if not container.streams.audio:
                raise DataError(f"cannot read the sound {name}: it holds none")
            context = container.streams.audio[0].codec_context
            rate = context.sample_rate
            native, mono = _decoded(container.decode(audio=0), context.codec.canonical_name)
    except (FFmpegError, OSError, ValueError) as error:
        raise DataError(f"cannot read the sound {name}: {getattr(error, 'strerror', None) or error}") from error
    if not native.size or not rate:
        raise DataError(f"cannot read the sound {name}: it is empty")
    return Sound(native, int(rate), mono)


def decode_mono(data: bytes, name: str) -> Samples:
    """An encoded clip as 16 kHz mono samples (n,). Raises `DataError`."""
    return decode_sound(data, name).mono


def _decoded(frames: Iterator[AudioFrame], codec: str) -> tuple[NDArray[np.int16], Samples]:
    from av import AudioResampler

    from mer_batch.media.mono import MonoMaker

    # Packed, not planar: arrays of more than eight planes read beyond a frame's memory (PyAV 18.1).
    whole, mono = AudioResampler(format="s16"), MonoMaker(codec)
    native: list[NDArray[Any]] = []
    for frame in chain(frames, [None]):
        native += [part.to_ndarray().reshape(part.samples, -1).T for part in whole.resample(frame)]
        if frame is not None:
            mono.add(frame)
    if not native:
        return np.zeros((1, 0), np.int16), np.zeros(0, np.float32)
    return np.concatenate(native, axis=1), mono.samples()


def low_band(samples: Samples) -> Samples:
    """A sound at `LOW_RATE`."""
    from scipy.signal import resample_poly

    low: Samples = resample_poly(samples, 1, SAMPLE_RATE // LOW_RATE).astype(np.float32)
    return low


def alike(left: Samples, right: Samples) -> float:
    """The correlation, whatever its sign, of two sounds where they overlap when best shifted: near 1 for one take.

    The overlap must be half of the shorter sound.
    """
    from scipy.fft import irfft, next_fast_len, rfft

    left, right = left - left.mean(), right - right.mean()
    size = next_fast_len(len(left) + len(right), real=True)
    shifted = np.abs(irfft(rfft(left, size) * np.conj(rfft(right, size)), size))
    shift = int(shifted.argmax())
    shift -= size if shift >= len(left) else 0
    left, right = left[max(shift, 0) :], right[max(-shift, 0) :]
    overlap = min(len(left), len(right))
    if overlap * 2 < min(len(left) + max(shift, 0), len(right) + max(-shift, 0)):
        return 0.0
    left, right = left[:overlap], right[:overlap]
    length = float(np.linalg.norm(left) * np.linalg.norm(right))
    return abs(float(left @ right)) / length if length > 0 else 0.0


def describe_sound(data: bytes, name: str) -> tuple[dict[str, Any], Landmarks]:
    """What a check looks at, and the landmarks by which sounds are compared. Raises `DataError`."""
    sound = decode_sound(data, name)
    power = float(np.square(sound.mono).mean())
    facts = {
        "content": sound.content(),
        "seconds": sound.seconds,
        "rate": sound.rate,
        "channels": len(sound.native),
        "clipped": sound.clipped(),
        "level": 10 * np.log10(max(power, 1e-10)),
    }
    return facts, landmarks(low_band(sound.mono))
