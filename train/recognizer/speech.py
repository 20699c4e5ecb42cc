"""Clips with known words, and the 30 s windows that a recognizer learns from."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from librosa.effects import trim
from scipy.fft import irfft, next_fast_len, rfft
from whisper.audio import N_FRAMES, log_mel_spectrogram

from mer_batch.data.manifest import read_manifest
from mer_batch.data.said import language, said
from mer_batch.types import SAMPLE_RATE, Samples

SPLITS = Path(__file__).parents[1] / "splits" / "voice.csv"
HEARD = "tess_OAF"
"""The speaker of TESS that is trained on; the other is never heard."""
LETTERS = "abcdefghijklmnopqrstuvwxyzäöüß"
LONGEST = 28.0
"""Seconds in a window."""
GRID = 0.1
"""Seconds to which times are rounded: what Whisper's 0.02 s cannot be known to from a detector of speech."""


@dataclass(frozen=True)
class Clip:
    """One sentence: 16-bit samples (n,), where speech starts and ends in seconds, what is said."""

    name: str
    samples: np.ndarray
    start: float
    end: float
    text: str
    language: str
    part: str


@dataclass
class Window:
    """Sound (n,), what Whisper should write for it, and where that is heard."""

    samples: Samples
    text: str = ""
    language: str = "en"
    times: list[float] = field(default_factory=list)
    """Start and end of the first sentence, and the start of the next if there is one."""

    @property
    def near(self) -> float:
        """Seconds that the answer depends on."""
        return (max(self.times) if self.times else 1.0) + 0.3


def read_clips(folder: Path, limit: int = 0) -> Iterator[Clip]:
    """The clips of RAVDESS, TESS and EMO-DB in a folder of sets; `limit` clips of each set at most."""
    with SPLITS.open(encoding="utf-8") as file:
        parts = {row["id"].removesuffix(".opus"): row["split"] for row in csv.DictReader(file)}
    for name in ("ravdess", "tess", "emodb"):
        manifest = read_manifest(folder / name)
        rows = manifest.rows.assign(text=said(manifest))
        for row in (rows.sample(limit, random_state=0) if limit else rows).to_dict("records"):
            part = parts.get(f"{name}/{Path(row['path']).stem}", "")
            if name == "tess":
                part = "train" if row["speaker"] == HEARD else "test"
            if part:
                sound = manifest.read_sound(row["path"])
                start, end = _speech(sound)
                whole = (sound * 32767).astype(np.int16)
                yield Clip(row["path"], whole, start, end, row["text"], str(language(manifest)), part)


def _speech(sound: Samples) -> tuple[float, float]:
    """Where speech starts and ends: these recordings have silence around it."""
    _, (start, end) = trim(sound, top_db=30, frame_length=512, hop_length=128)
    return start / SAMPLE_RATE, end / SAMPLE_RATE


class Windows:
    """Draws windows around clips: cut, mixed with noise, followed by other clips; some without speech."""

    def __init__(self, clips: Sequence[Clip], seed: int, plain: bool = False) -> None:
        self.clips = clips
        self._rng = np.random.default_rng(seed)
        self._plain = plain

    def draw(self, clip: Clip) -> Window:
        """A window whose first sentence is `clip`."""
        rng = self._rng
        if self._plain:
            sound = clip.samples[self._at(clip.start - 0.2) : self._at(clip.end + 0.2)].astype(np.float32) / 32767
            shift = max(0.0, clip.start - 0.2)
            return Window(sound, clip.text, clip.language, [clip.start - shift, clip.end - shift])
        sound, start, end = self._cut(clip)
        lead = self._lead()
        parts, times = [lead, sound], [len(lead) / SAMPLE_RATE + start, len(lead) / SAMPLE_RATE + end]
        length = sum(map(len, parts)) / SAMPLE_RATE
        for _ in range(int(rng.choice([0, 1, 2, 4], p=[0.8, 0.1, 0.06, 0.04]))):
            gap = np.zeros(int(rng.uniform(0, 1.0) * SAMPLE_RATE), np.float32)
            sound, start, _ = self._cut(self.clips[rng.integers(len(self.clips))])
            length += (len(gap) + len(sound)) / SAMPLE_RATE
            if length > LONGEST:
                break
            if len(times) == 2:
                times.append(sum(map(len, [*parts, gap])) / SAMPLE_RATE + start)
            parts += [gap, sound]
        return Window(self._noisy(np.concatenate(parts)), clip.text, clip.language, times)

    def empty(self) -> Window:
        """A window without speech: silence, noise, tones, the room before a clip, or what is left after a sentence.

        Whisper hears on where a sentence ended, about, and must not invent another one there.
        """
        rng = self._rng
        count = int(rng.uniform(0.3, 6.0) * SAMPLE_RATE)
        kind = rng.choice(5, p=[0.12, 0.13, 0.12, 0.13, 0.5])
        sound = np.zeros(count, np.float32)
        if kind == 1:
            sound = _noise(rng, count) * 10 ** rng.uniform(-3.5, -0.5)
        if kind == 2:
            seconds = np.arange(count) / SAMPLE_RATE
            pitches = 110 * 2 ** rng.uniform(0, 4, rng.integers(1, 5))
            sound = sum(np.sin(2 * np.pi * pitch * seconds) for pitch in pitches) * 10 ** rng.uniform(-2.5, -0.7)
        if kind == 3:
            clip = self.clips[rng.integers(len(self.clips))]
            room = clip.samples[: self._at(clip.start - 0.1)].astype(np.float32) / 32767
            sound = np.resize(room, count) * 10 ** rng.uniform(-0.5, 1.0) if len(room) > 1600 else sound
        if kind == 4:
            sound, _, end = self._cut(self.clips[rng.integers(len(self.clips))])
            rest = sound[self._at(end - rng.uniform(-0.1, 0.35)) :]
            sound = np.concatenate([rest, np.zeros(int(rng.uniform(0.1, 0.6) * SAMPLE_RATE), np.float32)])
        return Window(self._noisy(np.asarray(sound, np.float32)))

    def _at(self, seconds: float) -> int:
        return max(0, round(seconds * SAMPLE_RATE))

    def _cut(self, clip: Clip) -> tuple[Samples, float, float]:
        """The clip with a little around it, at another speed and level, and where its speech lies."""
        rng = self._rng
        first = self._at(clip.start - rng.uniform(0.05, 0.6))
        sound = clip.samples[first : self._at(clip.end + rng.uniform(0.05, 0.6))].astype(np.float32)
        speed = float(rng.uniform(0.85, 1.18)) if rng.random() < 0.8 else 1.0
        places = np.arange(0, len(sound) - 1, speed, dtype=np.float32)
        sound = np.interp(places, np.arange(len(sound)), sound).astype(np.float32)
        level = 10 ** rng.uniform(-1.3, 0.0) / max(float(np.abs(sound).max()), 1.0)
        shift = first / SAMPLE_RATE
        return sound * level, max(0.0, clip.start - shift) / speed, (clip.end - shift) / speed

    def _lead(self) -> Samples:
        """Silence before the first sentence, at times after the end of another."""
        rng = self._rng
        silence = np.zeros(int(rng.uniform(0, 1.0) * SAMPLE_RATE) if rng.random() < 0.3 else 0, np.float32)
        if len(silence) < 0.3 * SAMPLE_RATE or rng.random() < 0.5:
            return silence
        other = self.clips[rng.integers(len(self.clips))]
        end = self._at(other.end)
        tail = other.samples[max(0, end - int(rng.uniform(0.02, 0.2) * SAMPLE_RATE)) : end].astype(np.float32)
        return np.concatenate([tail / 32767, silence])

    def _noisy(self, sound: Samples) -> Samples:
        rng = self._rng
        if rng.random() < 0.4:
            return sound
        level = max(float(np.sqrt(np.square(sound).mean())), 1e-4)
        return sound + _noise(rng, len(sound)) * level * 10 ** (-rng.uniform(5, 45) / 20)


def _noise(rng: np.random.Generator, count: int) -> Samples:
    """Noise of a random colour with a mean power of 1."""
    size = next_fast_len(count, real=True)
    spectrum = rfft(rng.standard_normal(size, dtype=np.float32))
    spectrum *= np.maximum(np.arange(len(spectrum), dtype=np.float32), 8.0) ** -np.float32(rng.uniform(0, 1.0))
    noise = irfft(spectrum, size)[:count]
    return (noise / max(float(noise.std()), 1e-9)).astype(np.float32)


def log_mel(sound: Samples) -> torch.Tensor:
    """Whisper's spectrogram (80, frames) of a window, ended by a few frames of the padding that would follow."""
    mel = log_mel_spectrogram(np.pad(sound, (0, 8 * 160)))
    return mel[:, :N_FRAMES]


def letters_of(text: str) -> list[int]:
    """The letters of a text, from 1."""
    return [LETTERS.index(letter) + 1 for letter in re.sub(f"[^{LETTERS}]", "", text.lower())]
