"""One voice laid on channels, and where it is heard again: inputs for the tests of sound."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from mer_batch.media import load_audio, probe, read_audio
from mer_batch.types import SAMPLE_RATE, Samples
from mer_batch.voice.activity import Span, SpeechDetector

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "interview.mp4"
_TAIL = bytes.fromhex("000000001000800000aa00389b71")


def voice(start: float = 0.0, end: float = 4.0) -> Samples:
    """Speech out of the committed example: sentences at 0.4 to 2.8, 3.4 to 6.6 and 7.0 to 9.9 s, then another voice."""
    return load_audio(probe(EXAMPLE), start, end)


def on(sound: Samples, channels: int, *places: tuple[int, float]) -> Samples:
    """(n, channels): `sound` on the places (channel from 0, factor), silence on all others."""
    table = np.zeros((len(sound), channels), dtype=np.float32)
    for channel, factor in places:
        table[:, channel] = factor * sound
    return table


def wav(path: Path, table: Samples, *, kind: str = "s16", rate: int = SAMPLE_RATE, mask: int | None = None) -> Path:
    """Write (n,) or (n, channels) as it is, as s16 or f32, with a speaker mask or without a word on the layout."""
    table = table.reshape(len(table), -1)
    channels, tag, bits = table.shape[1], {"s16": 1, "f32": 3}[kind], {"s16": 16, "f32": 32}[kind]
    data = table.astype("<f4") if kind == "f32" else np.clip(table * 32768, -32768, 32767).astype("<i2")
    sizes = (rate, rate * channels * bits // 8, channels * bits // 8, bits)
    if mask is None:
        form = struct.pack("<HHIIHH", tag, channels, *sizes)
    else:
        form = struct.pack("<HHIIHHHHIH", 0xFFFE, channels, *sizes, 22, bits, mask, tag) + _TAIL
    raw = data.tobytes()
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(raw)) + raw
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    return path


def heard(path: Path, notices: list[str] | None = None, **options: float) -> Samples:
    """All that `read_audio` gives of a file without holes."""
    notices = [] if notices is None else notices
    blocks = [samples for _, samples in read_audio(probe(path), on_warning=notices.append, **options)]
    return np.concatenate([np.zeros(0, dtype=np.float32), *blocks])


def speech(samples: Samples) -> list[Span]:
    """Where silero-vad hears speech in a sound that starts at 0."""
    detector = SpeechDetector()
    detector.feed(samples)
    detector.finish()
    return detector.regions.closed


def near(left: list[Span], right: list[Span], seconds: float = 0.1) -> bool:
    """Whether the same stretches are meant."""
    return len(left) == len(right) and all(np.allclose(a, b, atol=seconds) for a, b in zip(left, right, strict=True))
