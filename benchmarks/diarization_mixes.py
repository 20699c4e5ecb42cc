"""Recordings of which it is known who speaks when, composed by seed from the acted corpora of the shared data.

Each has two to four voices of one corpus in turns of 1 to 8 seconds with pauses of 0.05 to 1 s; one change in six
comes before the other has ended. A third are heard through a telephone, a third in noise of 10 to 25 dB. Ordinary
speech is what the corpora call neutral or calm, acted speech anything. When somebody speaks is what silero-vad finds
in their own, clean recording.
"""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from scipy.signal import butter, sosfilt

from mer_batch.data.sounds import decode_mono
from mer_batch.types import SAMPLE_RATE, Samples
from mer_batch.voice.activity import SpeechDetector, own_silero

CORPORA: Final = ("ravdess", "emovo", "emodb")
LANGUAGES: Final = {"ravdess": "English", "emovo": "Italian", "emodb": "German"}
CHANNELS: Final = ("clean", "telephone", "noise")
ORDINARY: Final = frozenset({"neutral", "calm"})
LEVEL: Final = 0.05
"""Root mean square of a voice."""
OVERLAP: Final = 1 / 6
"""Share of the changes at which two speak at once."""


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
    """A sentence as it was recorded."""

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
                row = rows.loc[name]
                sound = decode_mono(file.read(), name)
                found.append(Clip(str(row["speaker"]), row["label"] in ORDINARY, sound))
    return tuple(found)


def mixes(data: Path, corpus: str, acted: bool, seeds: range) -> Iterator[Mix]:
    """A recording a seed."""
    by_speaker: dict[str, list[int]] = {}
    every = clips(data, corpus)
    for number, clip in enumerate(every):
        if acted or clip.ordinary:
            by_speaker.setdefault(clip.speaker, []).append(number)
    enough = {name: sounds for name, sounds in sorted(by_speaker.items()) if len(sounds) >= 4}
    for seed in seeds:
        yield _mix(corpus, acted, seed, enough, partial(spoken, data, corpus))


@lru_cache(maxsize=1000)
def spoken(data: Path, corpus: str, number: int) -> Samples:
    """The speech of a clip at `LEVEL` without what is around it and between: where silero-vad hears it, undisturbed."""
    sound = clips(data, corpus)[number].sound
    sound = sound * np.float32(LEVEL / max(float(np.sqrt(np.square(sound).mean())), 1e-6))
    detector = SpeechDetector(own_silero())
    detector.feed(sound)
    detector.finish()
    spans = [slice(round(a * SAMPLE_RATE), round(b * SAMPLE_RATE)) for a, b in detector.regions.closed]
    speech = np.concatenate([sound[span] for span in spans]) if spans else sound
    return speech * np.float32(LEVEL / max(float(np.sqrt(np.square(speech).mean())), 1e-6))


def _mix(
    corpus: str, acted: bool, seed: int, numbers: Mapping[str, list[int]], speech: Callable[[int], Samples]
) -> Mix:
    rng = np.random.default_rng([seed, CORPORA.index(corpus), acted])
    count = 2 + seed % 3
    people = [str(name) for name in rng.choice(list(numbers), count, replace=False)]
    total = rng.uniform(60, 120)
    sound = np.zeros(round((total + 30) * SAMPLE_RATE), dtype=np.float32)
    truth: list[tuple[float, float, str]] = []
    time = float(rng.uniform(0.2, 1.0))
    while time < total or len(truth) < count:
        others = [name for name in people if not truth or name != truth[-1][2]]
        who = people[len(truth)] if len(truth) < count else str(rng.choice(others))
        turn = _turn(rng, numbers[who], speech)
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


def _turn(rng: np.random.Generator, numbers: list[int], speech: Callable[[int], Samples]) -> Samples:
    """One to eight seconds of one person, sentence after sentence."""
    wanted = round(rng.uniform(1, 8) * SAMPLE_RATE)
    gain = np.float32(10 ** (rng.uniform(-3, 3) / 20))
    parts, length = [], 0
    while length < wanted:
        parts.append(gain * speech(numbers[int(rng.integers(len(numbers)))])[: wanted - length + 1600])
        length += len(parts[-1])
    return np.concatenate(parts)


def _through(channel: str, sound: Samples, rng: np.random.Generator) -> Samples:
    if channel == "telephone":
        band = butter(4, (300, 3400), "bandpass", fs=SAMPLE_RATE, output="sos")
        return np.asarray(sosfilt(band, sound), dtype=np.float32)
    if channel == "noise":
        level = LEVEL * 10 ** (-rng.uniform(10, 25) / 20)
        return sound + (level * rng.standard_normal(len(sound))).astype(np.float32)
    return sound
