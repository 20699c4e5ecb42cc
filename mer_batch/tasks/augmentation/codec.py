"""Copies of clips as low-bitrate coding leaves them: what calls, messengers and old videos sound like."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

from mer_batch.errors import DataError, UsageError
from mer_batch.types import SAMPLE_RATE, Samples

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Coding:
    """An encoder of ffmpeg with its container, sample rate and bits a second."""

    encoder: str
    container: str
    rate: int
    bits: int


CODINGS: Final = (
    Coding("libopus", "ogg", 16_000, 8_000),
    Coding("libopus", "ogg", 16_000, 16_000),
    Coding("libmp3lame", "mp3", 16_000, 16_000),
    Coding("aac", "adts", 16_000, 16_000),
    Coding("libopencore_amrnb", "amr", 8_000, 5_900),
    Coding("pcm_mulaw", "wav", 8_000, 64_000),
)


@cache
def available() -> tuple[Coding, ...]:
    """The codings that the installed ffmpeg libraries can encode."""
    from av.codec import Codec, codecs_available

    known = {name for name in codecs_available if name in {coding.encoder for coding in CODINGS}}
    return tuple(coding for coding in CODINGS if coding.encoder in known and _encodes(Codec, coding.encoder))


def _encodes(codec: type, name: str) -> bool:
    try:
        codec(name, "w")
    except ValueError:
        return False
    return True


def recode(samples: Samples, coding: Coding) -> Samples:
    """A clip (n,) at 16 kHz after one passage through a coding, of the same length."""
    from mer_batch.data.sounds import decode_mono

    if not len(samples):
        return samples
    decoded = decode_mono(_encoded(samples, coding), f"coded by {coding.encoder}")[: len(samples)]
    return np.pad(decoded, (0, len(samples) - len(decoded)))


def _encoded(samples: Samples, coding: Coding) -> bytes:
    import av

    buffer = io.BytesIO()
    with av.open(buffer, "w", format=coding.container) as container:
        stream = container.add_stream(coding.encoder, rate=coding.rate)
        assert isinstance(stream, av.AudioStream)
        stream.bit_rate, stream.layout = coding.bits, "mono"
        frame = av.AudioFrame.from_ndarray(samples[None].astype(np.float32), format="fltp", layout="mono")
        frame.sample_rate = SAMPLE_RATE
        context = stream.codec_context
        resampler = av.AudioResampler(context.format, "mono", coding.rate, frame_size=context.frame_size or None)
        for part in [*resampler.resample(frame), *resampler.resample(None), None]:
            container.mux(stream.encode(part))
    return buffer.getvalue()


def recoded(samples: Samples, generator: torch.Generator) -> Samples:
    """A clip after a coding that `generator` chooses. Raises `UsageError` where none is installed."""
    import torch

    choices = available()
    if not choices:
        raise UsageError("the installed ffmpeg libraries encode none of the codings; set coded_copies = 0")
    coding = choices[int(torch.randint(len(choices), (1,), generator=generator))]
    try:
        return recode(samples, coding)
    except DataError as error:
        raise DataError(f"coding by {coding.encoder} failed: {error}") from error
