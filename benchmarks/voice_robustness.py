"""How much the voice reader loses on recordings that are not from a studio.

python benchmarks/voice_robustness.py [--model DIR] [--limit N]

The validation clips of the voice recipe with noise, other voices, rooms, telephones, low-bitrate coding, clipping and
another level: UAR over all clips and by set, expected calibration error, and the share of clips whose best emotion
reaches the level under which `mer analyze` abstains. Nothing is chosen by it. Noise and rooms are drawn with seed 0.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
import torch

import record
from mer_batch.classifier import Classifier
from mer_batch.config import Options
from mer_batch.readers import load_classifier
from mer_batch.scores.metrics import score
from mer_batch.tasks.augmentation.codec import Coding, recode
from mer_batch.tasks.augmentation.sound import room
from mer_batch.tasks.corpora import Corpora
from mer_batch.tasks.reading import read_set
from mer_batch.tasks.recipe import read_recipe
from mer_batch.tasks.task import LabelledSet
from mer_batch.types import SAMPLE_RATE, Samples
from mer_batch.voice.windows import clip_windows

Change = Callable[[Samples, int], Samples]
"""A clip (n,) and its place among the clips to what another recording would have held."""


def _power(samples: Samples) -> float:
    return float(np.square(samples, dtype=np.float64).mean())


def _added(samples: Samples, noise: np.ndarray, decibel: float) -> Samples:
    gain = np.sqrt(_power(samples) / max(_power(noise), 1e-12) * 10 ** (-decibel / 10))
    return (samples + gain * noise).astype(np.float32)


def noisy(decibel: float) -> Change:
    """Pink noise at a signal-to-noise ratio."""

    def change(samples: Samples, place: int) -> Samples:
        rng = np.random.default_rng(place)
        bins = len(samples) // 2 + 1
        spectrum = rng.standard_normal((2, bins)) / np.sqrt(np.arange(1, bins + 1))
        return _added(samples, np.fft.irfft(spectrum[0] + 1j * spectrum[1], n=len(samples)), decibel)

    return change


def crowded(clips: list[Samples], decibel: float) -> Change:
    """Four other clips in the background."""

    def change(samples: Samples, place: int) -> Samples:
        rng = np.random.default_rng(place)
        others = [clips[other] for other in rng.choice(len(clips), 4, replace=False) if other != place]
        return _added(samples, np.sum([np.resize(other, len(samples)) for other in others], axis=0), decibel)

    return change


def in_a_room(samples: Samples, place: int) -> Samples:
    """A drawn room, of 0.1 to 0.6 s reverberation time."""
    generator = torch.Generator().manual_seed(place)
    response = room(1, SAMPLE_RATE // 2, generator, torch.zeros(1))[0].numpy()
    return np.convolve(samples, response)[: len(samples)].astype(np.float32)


def coded(coding: Coding) -> Change:
    """A passage through an encoder."""
    return lambda samples, _place: recode(samples, coding)


def changes(clips: list[Samples]) -> dict[str, Change]:
    """Everything that is tried, by name."""
    return {
        "as they are": lambda samples, _place: samples,
        "20 dB quieter": lambda samples, _place: samples * np.float32(0.1),
        "clipped by 12 dB": lambda samples, _place: np.clip(
            samples, *(np.abs(samples).max() * np.float32(0.25) * np.array([-1, 1], np.float32))
        ),
        "pink noise, 20 dB": noisy(20),
        "pink noise, 10 dB": noisy(10),
        "pink noise, 5 dB": noisy(5),
        "four other voices, 10 dB": crowded(clips, 10),
        "in a room": in_a_room,
        "telephone (8 kHz, mu-law)": coded(Coding("pcm_mulaw", "wav", 8_000, 64_000)),
        "Opus, 8 kbit/s": coded(Coding("libopus", "ogg", 16_000, 8_000)),
        "MP3, 16 kbit/s": coded(Coding("libmp3lame", "mp3", 16_000, 16_000)),
    }


def labelled(limit: int) -> tuple[list[Samples], LabelledSet]:
    """The validation clips, and what is known of each."""
    corpora = Corpora(read_recipe("voice").data["sets"], (), split="voice", fold=0, partial=False, limit=limit)
    rows = corpora.part("validation")
    clips = [clip for clip, _, _ in corpora.clips(rows)]
    sets = {"set": rows["set"].tolist()}
    return clips, LabelledSet("validation", clips, rows["emotion"].tolist(), rows["id"].tolist(), sets)


def read(reader: Classifier, clips: list[Samples], known: LabelledSet, change: Change) -> dict[str, float]:
    """Scores of one change over the clips, whose labels, ids and sets `known` holds."""
    windows = [(place, window) for place, clip in enumerate(clips) for window in clip_windows(change(clip, place))]
    reading = read_set(
        reader,
        LabelledSet(
            known.name,
            [window for _, window in windows],
            [known.labels[place] for place, _ in windows],
            [known.ids[place] for place, _ in windows],
            {"set": [known.groups["set"][place] for place, _ in windows]},
        ),
    )
    shares = reading.probabilities(reader.card.temperature, reader.card.bias)
    sets = np.array(reading.groups["set"])
    found = score(reading.labels, shares).values
    sure = float((shares.max(axis=1) >= Options().abstain).mean())
    row = {"uar": found["uar"], "ece": found["ece"], "sure": sure}
    for name in sorted(set(sets)):
        row[f"uar, {name}"] = score(reading.labels[sets == name], shares[sets == name]).values["uar"]
    return {name: round(value, 4) for name, value in row.items()}


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="default")
    parser.add_argument("--limit", type=int, default=0, help="Read so many clips per class; 0 for all.")
    arguments = parser.parse_args()
    reader = load_classifier("voice", arguments.model, "cpu")
    clips, known = labelled(arguments.limit)
    found = {name: read(reader, clips, known, change) for name, change in changes(clips).items()}
    for name, row in found.items():
        print(f"{name:<28}" + "  ".join(f"{key} {value:.3f}" for key, value in row.items()), flush=True)
    record.write("voice_robustness", {"model": reader.card.sha256, "clips": len(clips), "readings": found})


if __name__ == "__main__":
    main()
