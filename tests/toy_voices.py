"""Synthetic voices with known truth, and a toy encoder that tells them apart."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from mer_batch.people import encoder
from mer_batch.types import SAMPLE_RATE, Samples

FORMANTS = ((320.0, 900.0, 2300.0), (700.0, 1250.0, 2500.0), (450.0, 2000.0, 3100.0), (600.0, 950.0, 3500.0))
PITCHES = (95.0, 210.0, 150.0, 280.0)


@lru_cache(maxsize=64)
def voice(who: int, seconds: float, seed: int = 0) -> Samples:
    """A hum with the pitch and the formants of speaker `who` (0 to 3), with syllables; 20 ms of noise in it."""
    rng = np.random.default_rng([seed, who])
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    sway = 1 + 0.03 * np.sin(2 * np.pi * 0.7 * time + rng.uniform(0, 6))
    phase = 2 * np.pi * np.cumsum(PITCHES[who] * sway) / SAMPLE_RATE
    sound = np.zeros(len(time))
    for number in range(1, int(4000 / PITCHES[who])):
        hertz = number * PITCHES[who]
        gain = sum(np.exp(-(((hertz - formant) / 120) ** 2)) for formant in FORMANTS[who])
        sound += (gain + 0.01) * np.sin(number * phase)
    syllables = 0.6 + 0.4 * np.sin(2 * np.pi * 4 * time + rng.uniform(0, 6))
    found = sound * syllables
    return (0.1 * found / np.sqrt(np.mean(found**2)) + 0.001 * rng.standard_normal(len(time))).astype(np.float32)


def talk(turns: Sequence[tuple[int, float]], pause: float = 0.5) -> tuple[Samples, list[tuple[float, float, int]]]:
    """A recording of turns (who, seconds) with pauses, and the truth: (start, end, who)."""
    parts, truth, time = [np.zeros(SAMPLE_RATE // 2, np.float32)], [], 0.5
    for number, (who, seconds) in enumerate(turns):
        parts += [voice(who, seconds, number), np.zeros(round(pause * SAMPLE_RATE), np.float32)]
        truth.append((time, time + seconds, who))
        time += seconds + pause
    return np.concatenate([*parts, np.zeros(SAMPLE_RATE // 2, np.float32)]), truth


def make_encoder(folder: Path, seed: int = 0) -> Path:
    """An encoder of random weights, with a PLDA that is fitted to the synthetic voices."""
    tensors = _tensors(seed)
    from safetensors.torch import save

    data = save(tensors)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / encoder.WEIGHTS).write_bytes(data)
    sum_ = hashlib.sha256(data).hexdigest()
    (folder / encoder.CARD).write_text(
        f'name = "toy"\ndata = "synthetic"\nlicence = "none"\nsha256 = "{sum_}"\n\n[input]\nlevel = 64.0\n'
    )
    return folder


@lru_cache(maxsize=2)
def _tensors(seed: int) -> dict[str, object]:
    import torch

    generator = torch.Generator().manual_seed(seed)

    def random(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator) / np.sqrt(shape[-1])

    size = 32
    net = {
        "lstm.weight_ih_l0": 20 * random(4 * size, 40),
        "lstm.weight_hh_l0": random(4 * size, size),
        "lstm.bias_ih_l0": torch.zeros(4 * size),
        "lstm.bias_hh_l0": torch.zeros(4 * size),
        "linear.weight": 3 * random(size, size),
        "linear.bias": torch.zeros(size),
    }
    card = encoder.SpeakerCard("toy", "", "", "")
    blank = encoder.Plda(np.zeros(size), np.eye(size), np.ones(size))
    made = encoder.Encoder(card, encoder.build_net(net, card.mels), blank)
    vectors = []
    for who in range(len(PITCHES)):
        mels = made.mels(voice(who, 12, 99))
        windows = torch.stack([mels[at : at + card.frames] for at in range(0, len(mels) - card.frames, 40)])
        vectors.append(made.embed(windows))
    mean = np.concatenate(vectors).mean(0)
    own = np.concatenate([part - part.mean(0) for part in vectors])
    within = float(np.sqrt(np.square(own).mean())) + 0.06
    between = np.square(np.array([part.mean(0) - mean for part in vectors])).mean(0) / within**2
    plda = {"mean": mean, "transform": np.eye(size) / within, "between": between}
    return net | {f"plda.{name}": torch.from_numpy(part).float() for name, part in plda.items()}


@pytest.fixture
def toy_encoder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A toy encoder in the place of the shipped one."""
    folder = make_encoder(tmp_path / "speaker")
    monkeypatch.setattr(encoder, "encoder_folder", lambda: folder)
    return folder
