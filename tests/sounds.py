"""Sounds with known truth for the voice tests."""

from __future__ import annotations

import shutil
import subprocess
import wave
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from mer_batch.classifier import Classifier
from mer_batch.nets.store import ModelCard
from mer_batch.types import SAMPLE_RATE, AudioWindow, Floats, Samples
from mer_batch.voice import activity, windows


def silence(seconds: float) -> Samples:
    return np.zeros(round(seconds * SAMPLE_RATE), dtype=np.float32)


def hiss(seconds: float, level: float = 0.05) -> Samples:
    return (np.random.default_rng(0).standard_normal(round(seconds * SAMPLE_RATE)) * level).astype(np.float32)


def chord(seconds: float) -> Samples:
    """Held notes, as music has."""
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return sum(0.1 * np.sin(2 * np.pi * hertz * time) for hertz in (220, 277.2, 329.6)).astype(np.float32)  # type: ignore[union-attr]


def song(seconds: float) -> Samples:
    """A melody with vibrato and overtones, as a voice has them, over drums."""
    rng = np.random.default_rng(1)
    notes, beat = [], np.arange(round(0.4 * SAMPLE_RATE)) / SAMPLE_RATE
    for number in range(int(np.ceil(seconds / 0.4))):
        phase = 2 * np.pi * 220 * 2 ** (rng.choice([0, 2, 4, 5, 7, 9, 11, 12]) / 12) * beat
        tone = sum(np.sin(k * (phase + 0.3 * np.sin(2 * np.pi * 5 * beat))) / k for k in range(1, 8))
        drum = rng.standard_normal(len(beat)) if number % 2 else np.sin(2 * np.pi * 70 * beat)
        notes.append(0.1 * tone * np.minimum(1, (0.4 - beat) / 0.05) + 0.3 * drum * np.exp(-beat * 40))
    return np.concatenate(notes)[: round(seconds * SAMPLE_RATE)].astype(np.float32)


def rumble(seconds: float, level: float = 0.05) -> Samples:
    """Noise with more of the low tones, as rooms and streets have it."""
    rng = np.random.default_rng(2)
    hertz = np.fft.rfftfreq(round(seconds * SAMPLE_RATE), 1 / SAMPLE_RATE)
    shape = rng.standard_normal((2, len(hertz))) / np.sqrt(np.maximum(hertz, 20))
    noise = np.fft.irfft(shape[0] + 1j * shape[1], round(seconds * SAMPLE_RATE))
    return (level * noise / noise.std()).astype(np.float32)


def speech(folder: Path, text: str = "The ships are leaving the harbour early in the morning today") -> Samples:
    """Spoken words, without silence around them."""
    if shutil.which("espeak-ng") is None:
        pytest.skip("espeak-ng is not installed")
    path = folder / "speech.wav"
    subprocess.run(["espeak-ng", "-s", "150", "-w", str(path), text], check=True, capture_output=True)
    with wave.open(str(path)) as file:
        raw = np.frombuffer(file.readframes(file.getnframes()), dtype=np.int16).astype(np.float32) / 32768
        rate = file.getframerate()
    time = np.arange(int(len(raw) / rate * SAMPLE_RATE)) / SAMPLE_RATE
    sound = np.interp(time, np.arange(len(raw)) / rate, raw).astype(np.float32)
    loud = np.flatnonzero(np.abs(sound) > 0.01)
    return sound[loud[0] : loud[-1] + 1]


def blocks(samples: Samples, size: float = 1.0, start: float = 0.0) -> Iterator[tuple[float, Samples]]:
    step = round(size * SAMPLE_RATE)
    for first in range(0, len(samples), step):
        yield start + first / SAMPLE_RATE, samples[first : first + step]


class Loud(activity.SpeechDetector):
    """Calls every frame speech that is louder than -40 dBFS: known truth without a network."""

    def __init__(self, breaks: Iterable[float] = ()) -> None:
        super().__init__(_Level(), breaks)  # type: ignore[arg-type]


class _Level:
    def __call__(self, frame: object, _rate: int) -> float:
        return float(np.square(np.asarray(frame)).mean() > 1e-4)

    def reset_states(self) -> None:
        pass


@pytest.fixture
def loud_is_speech(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "SpeechDetector", Loud)
    monkeypatch.setattr(activity, "load_silero", _Level)


class Recorder(Classifier[AudioWindow]):
    """Remembers what it was shown; always reads "angry"."""

    def __init__(self) -> None:
        self.card = ModelCard("recorder", "voice", "none", {}, {}, "nothing", "none")
        self.batches: list[int] = []
        self.seen: list[tuple[float, float, int]] = []

    def logits(self, items: Sequence[AudioWindow]) -> Floats:
        self.batches.append(len(items))
        self.seen += [(item.start, item.end, len(item.samples)) for item in items]
        scores = np.zeros((len(items), 7), dtype=np.float32)
        scores[:, 0] = 4
        return scores
