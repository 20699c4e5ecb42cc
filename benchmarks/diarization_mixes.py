"""Recordings of which it is known who speaks when, composed by seed from the acted corpora of the shared data.

Each has two to four voices of one corpus in turns of 1 to 8 seconds with pauses of 0.05 to 1 s; one change in six
comes before the other has ended. A third are heard through a telephone, a third in noise of 10 to 25 dB. Ordinary
speech is what the corpora call neutral or calm, acted speech anything.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from scipy.signal import butter, sosfilt

from mer_batch.data.sounds import decode_mono
from mer_batch.types import SAMPLE_RATE, Samples

CORPORA: Final = ("ravdess", "emovo", "emodb")
LANGUAGES: Final = {"ravdess": "English", "emovo": "Italian", "emodb": "German"}
CHANNELS: Final = ("clean", "telephone", "noise")
ORDINARY: Final = frozenset({"neutral", "calm"})
LEVEL: Final = 0.05
"""Root mean square of a voice."""
OVERLAP: Final = 1 / 6
"""Share of the changes at which two speak at once."""
_FRAME: Final = 320


@dataclass(frozen=True)
class Mix:
    """A recording (n,) at 16 kHz, and the truth: (start, end, speaker) in seconds, overlapping where two speak."""

    name: str
    corpus: str
    acted: bool
    channel: str
    sound: Samples
    truth: tuple[tuple[float, float, str], ...]

    @property
    def voices(self) -> int:
        """How many people speak."""
        return len({speaker for _, _, speaker in self.truth})


@dataclass(frozen=True)
class Clip:
    """A sentence without the silence around and long pauses in it."""

    speaker: str
    ordinary: bool
    sound: Samples


@lru_cache(maxsize=1)
def clips(data: Path, corpus: str) -> tuple[Clip, ...]:
    """All sentences of a corpus."""
    folder = data / "speech" / corpus
    rows = pd.read_csv(folder / "manifest.csv").set_index("path")
    found = []
    with tarfile.open(folder / "audio.tar") as archive:
        for member in archive:
            name = member.name.removeprefix("./")
            file = archive.extractfile(member) if name in rows.index else None
            if file is not None:
                sound = _trimmed(decode_mono(file.read(), name))
                row = rows.loc[name]
                if len(sound) >= SAMPLE_RATE // 2:
                    found.append(Clip(str(row["speaker"]), row["label"] in ORDINARY, sound))
    return tuple(found)


def mixes(data: Path, corpus: str, acted: bool, seeds: range) -> Iterator[Mix]:
    """A recording a seed."""
    by_speaker: dict[str, list[Samples]] = {}
    for clip in clips(data, corpus):
        if acted or clip.ordinary:
            by_speaker.setdefault(clip.speaker, []).append(clip.sound)
    enough = {name: sounds for name, sounds in sorted(by_speaker.items()) if len(sounds) >= 4}
    for seed in seeds:
        yield _mix(corpus, acted, seed, enough)


def _mix(corpus: str, acted: bool, seed: int, sounds: Mapping[str, list[Samples]]) -> Mix:
    rng = np.random.default_rng([seed, CORPORA.index(corpus), acted])
    count = 2 + seed % 3
    people = [str(name) for name in rng.choice(list(sounds), count, replace=False)]
    total = rng.uniform(60, 120)
    sound = np.zeros(round((total + 30) * SAMPLE_RATE), dtype=np.float32)
    truth: list[tuple[float, float, str]] = []
    time = float(rng.uniform(0.2, 1.0))
    while time < total or len(truth) < count:
        others = [name for name in people if not truth or name != truth[-1][2]]
        who = people[len(truth)] if len(truth) < count else str(rng.choice(others))
        turn = _turn(rng, sounds[who])
        first = round(time * SAMPLE_RATE)
        sound[first : first + len(turn)] += turn
        truth.append((time, time + len(turn) / SAMPLE_RATE, who))
        early = rng.random() < OVERLAP
        time = truth[-1][1] + float(-rng.uniform(0.3, 0.8) if early else rng.uniform(0.05, 1.0))
        time = max(time, truth[-1][0] + 0.5)
    sound = sound[: round((max(end for _, end, _ in truth) + 0.5) * SAMPLE_RATE)]
    channel = CHANNELS[seed // 3 % 3]
    name = f"{corpus}-{'acted' if acted else 'ordinary'}-{seed}"
    return Mix(name, corpus, acted, channel, _through(channel, sound, rng), tuple(truth))


def _turn(rng: np.random.Generator, sounds: list[Samples]) -> Samples:
    """One to eight seconds of one person, sentence after sentence."""
    wanted = round(rng.uniform(1, 8) * SAMPLE_RATE)
    gain = LEVEL * 10 ** (rng.uniform(-3, 3) / 20)
    parts, length = [], 0
    while length < wanted:
        one = sounds[int(rng.integers(len(sounds)))][: wanted - length + 1600]
        parts.append(one * np.float32(gain / max(float(np.sqrt(np.square(one).mean())), 1e-6)))
        length += len(one)
    return np.concatenate(parts)


def _through(channel: str, sound: Samples, rng: np.random.Generator) -> Samples:
    if channel == "telephone":
        band = butter(4, (300, 3400), "bandpass", fs=SAMPLE_RATE, output="sos")
        return np.asarray(sosfilt(band, sound), dtype=np.float32)
    if channel == "noise":
        level = LEVEL * 10 ** (-rng.uniform(10, 25) / 20)
        return sound + (level * rng.standard_normal(len(sound))).astype(np.float32)
    return sound


def _trimmed(sound: Samples) -> Samples:
    """The sound without frames far below its loud ones, but for the surroundings of the others."""
    frames = sound[: len(sound) // _FRAME * _FRAME].reshape(-1, _FRAME)
    levels = 10 * np.log10(np.square(frames, dtype=np.float64).mean(1) + 1e-10)
    loud = levels > np.percentile(levels, 95) - 35
    return frames[np.convolve(loud, np.ones(9), "same") > 0].ravel()
