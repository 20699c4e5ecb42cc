"""A tiny data set in the layout of the speech sets: harmonic tones whose pitch tells the class."""

from __future__ import annotations

import io
import tarfile
import wave
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from mer_batch.labels import EMOTIONS
from mer_batch.types import SAMPLE_RATE, Samples

SPLITS = {"train": 4, "validation": 1, "test": 2}
"""Clips per class."""


def tone(kind: int, seconds: float, rng: np.random.Generator) -> Samples:
    """Harmonics of a pitch that belongs to class `kind`, with a little silence around."""
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    pitch = 90 * 1.45**kind * rng.uniform(0.97, 1.03)
    sound = sum(np.sin(2 * np.pi * pitch * harmonic * time) / harmonic for harmonic in (1, 2, 3, 4))
    sound = 0.1 * sound * (0.6 + 0.4 * np.sin(2 * np.pi * 3 * time)) + rng.normal(0, 1e-3, len(time))
    return np.concatenate([np.zeros(8000), sound, np.zeros(8000)]).astype(np.float32)


def wav(samples: Samples) -> bytes:
    """A clip as the bytes of a 16-bit WAV file."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes((samples * 32767).clip(-32768, 32767).astype(np.int16).tobytes())
    return buffer.getvalue()


def make(root: Path) -> Path:
    """Write two sets under `root`/speech and the list of parts as `root`/split.csv; returns `root`."""
    rng = np.random.default_rng(0)
    parts = []
    for name in ("ravdess", "emovo"):
        folder = root / "speech" / name
        folder.mkdir(parents=True)
        rows = []
        with tarfile.open(folder / "audio.tar", "w") as archive:
            for split, count in SPLITS.items():
                for kind, label in enumerate(EMOTIONS):
                    for number in range(count):
                        path = f"{split}-{label}-{number}.wav"
                        data = wav(tone(kind, 5.5 if number == 0 and split == "train" else 1.5, rng))
                        member = tarfile.TarInfo(path)
                        member.size = len(data)
                        archive.addfile(member, io.BytesIO(data))
                        rows.append((path, "calm" if label == "neutral" else label, f"{name}_{split}"))
                        parts.append((f"{name}/{path}", split))
        pd.DataFrame(rows, columns=["path", "label", "speaker"]).to_csv(folder / "manifest.csv", index=False)
    pd.DataFrame(parts, columns=["id", "split"]).to_csv(root / "split.csv", index=False)
    return root


def make_set(folder: Path, speakers: int, per_label: int = 2, noise: float = 0.0) -> Path:
    """Tones of every label by each speaker, as `mer data import` would leave them; `noise` keeps them unlike."""
    rng = np.random.default_rng(len(folder.name))
    rows = []
    (folder / "clips").mkdir(parents=True)
    for speaker in range(speakers):
        for kind, label in enumerate(EMOTIONS):
            for number in range(per_label):
                path = f"clips/{speaker}-{label}-{number}.wav"
                clip = tone(kind, 0.6, rng)
                noisy = clip + rng.normal(0, noise, len(clip)).astype(np.float32) * (clip != 0)
                (folder / path).write_bytes(wav(noisy))
                rows.append((path, label, f"{folder.name}_{speaker}", str(number)))
    table = pd.DataFrame(rows, columns=["path", "label", "speaker", "sentence"])
    table.to_csv(folder / "manifest.csv", index=False)
    return folder


def recipe(folders: Sequence[Path], epochs: int) -> str:
    """A recipe that takes a moment: two rows of features of whole clips, speakers held out."""
    sets = ", ".join(f'"{folder}"' for folder in folders)
    return f"""
task = "voice"
[data]
sets = [{sets}]
split = "speaker"
reading = "clips"
seconds = 1.0
augment = "none"
features = ["rms", "zcr"]
pad = "end"
[net]
name = "cremad-row"
features = 2
frames = 32
widths = [4]
kernels = [5]
[train]
epochs = {epochs}
batch_size = 16
optimizer = "adamw"
lr = 0.01
"""
