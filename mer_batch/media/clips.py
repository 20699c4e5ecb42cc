"""Short recordings, of which a set has thousands: the samples of `audio.load_audio` without a process for each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from mer_batch.errors import InputError
from mer_batch.media.audio import load_audio
from mer_batch.media.process import Warn
from mer_batch.types import SAMPLE_RATE, Media, Samples

if TYPE_CHECKING:
    from av import AudioFrame
    from av.container import InputContainer

LONGEST: Final = 120.0
"""Seconds of a recording that are decoded within our own process; to start another one does not matter for longer."""
_EXACT: Final = {"wav", "w64", "flac", "ogg", "mp3", "mov", "aiff", "au", "aac"}
"""Containers whose time stamps count samples; others round them."""
JITTER: Final = 0.04
"""Seconds by which time stamps may be off without a hole in the sound, as in `audio`."""


def read_clip(media: Media, start: float = 0.0, end: float | None = None, on_warning: Warn | None = None) -> Samples:
    """The samples of [start, end) of a recording, the whole of it by default: float32 (n,) at 16 kHz, mono.

    What is as simple as nearly all clips of sets are (one channel, no picture, no hole, no damage) is decoded by
    PyAV, everything else as `load_audio` does: to the same samples, but in a tenth of the time. Raises `InputError`
    where there is no sound or nothing decodes.
    """
    if not media.audio:
        raise InputError(f"{media.path.name!r} has no sound")
    whole = start == 0 and (end is None or end >= media.duration)
    if whole and _is_simple(media):
        samples = _decoded(media)
        if samples is not None:
            return samples
    return load_audio(media, start, media.duration if end is None else end, on_warning=on_warning)


def _is_simple(media: Media) -> bool:
    only = media.audio[0]
    # Sound that is mixed or moved has rules of its own, which stand in `audio`.
    alone = len(media.audio) == 1 and only.channels == 1 and media.video is None
    return alone and media.duration <= LONGEST and bool(_EXACT & set(media.container.split(",")))


def _decoded(media: Media) -> Samples | None:
    """The samples, or None where anything at all is odd."""
    from av.error import FFmpegError

    from mer_batch.media.probe import open_media

    try:
        with open_media(media.path) as container:
            start, parts = _resampled(container, media)
    except (FFmpegError, OSError, ValueError):
        return None
    if not parts:
        return None
    samples = np.concatenate(parts)
    if not np.isfinite(samples).all() or np.abs(samples).max(initial=0) > 1:
        return None
    result = np.zeros(round(media.duration * SAMPLE_RATE), dtype=np.float32)
    at = max(0, round(start * SAMPLE_RATE))
    part = samples[: max(0, len(result) - at)]
    result[at : at + len(part)] = part
    return result


def _resampled(container: InputContainer, media: Media) -> tuple[float, list[Samples]]:
    """When the sound begins, and the sound at our rate by the block; none where time stamps leave holes or overlap."""
    from av import AudioResampler

    flat = AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE)
    first, length, parts = None, 0.0, []
    for frame in container.decode(audio=0):
        time = _time(frame)
        first = time if first is None else first
        if time is None or first is None or abs(time - first - length) > JITTER:
            return 0.0, []
        length += frame.samples / frame.sample_rate
        parts += [_samples(piece) for piece in flat.resample(frame)]
    parts += [_samples(piece) for piece in flat.resample(None)]
    return (first or 0.0) - media.origin, parts


def _samples(frame: AudioFrame) -> Samples:
    return frame.to_ndarray().reshape(-1).astype(np.float32, copy=False)


def _time(frame: AudioFrame) -> float | None:
    return None if frame.pts is None or frame.time_base is None else float(frame.pts * frame.time_base)
