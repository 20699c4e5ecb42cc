"""Three readers that know the truth of toy evidence: the pitch of a tone, a word of a sentence, the grey of a face."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import toy_voice
from mer_batch.classifier import Classifier
from mer_batch.evaluation import source
from mer_batch.labels import EMOTIONS
from mer_batch.nets.store import ModelCard
from mer_batch.tasks import evidence, fusion_readings, voice
from mer_batch.tasks import recipe as recipes
from mer_batch.tasks.recipe import Recipe
from mer_batch.tasks.task import Examples, LabelledSet, Split, Task
from mer_batch.types import SAMPLE_RATE, AudioWindow, Floats, Image, TaskName
from sounds import Loud

SPEAKERS = 12
RELIABLE = {"face": 0.5, "voice": 0.5, "text": 0.3}
SENTENCES = {"validation": 8, "test": 6}
"""Sentences and faces of each label."""


def _card(name: str, section: Mapping[str, Any]) -> ModelCard:
    return ModelCard(f"toy-{name}", name, "none", {}, section, "toys", "none", reliability=RELIABLE[name])  # type: ignore[arg-type]


class Pitch(Classifier[AudioWindow]):
    """Hears which pitch is the loudest; counts what it heard."""

    def __init__(self) -> None:
        self.card = _card("voice", {})
        self.heard = 0

    def logits(self, items: Sequence[AudioWindow]) -> Floats:
        self.heard += len(items)
        return np.stack([self._scores(item.samples) for item in items])

    def _scores(self, samples: Floats) -> Floats:
        power = np.abs(np.fft.rfft(samples, 1 << 16)) ** 2
        hertz = np.fft.rfftfreq(1 << 16, 1 / SAMPLE_RATE)
        pitches = [90 * 1.45**kind for kind in range(len(EMOTIONS))]
        loud = [power[np.abs(hertz - pitch) < 0.04 * pitch].sum() for pitch in pitches]
        return (2 * np.log10(np.array(loud) + 1e-6)).astype(np.float32)


class Clue(Classifier[str]):
    """Finds the name of an emotion in a sentence."""

    def __init__(self) -> None:
        self.card = _card("text", {"languages": ["en"]})

    def logits(self, items: Sequence[str]) -> Floats:
        return np.array([[3.0 * (name in item.split()) for name in EMOTIONS] for item in items], np.float32)


class Grey(Classifier[Image]):
    """Sees how bright a face is."""

    def __init__(self) -> None:
        self.card = _card("face", {})

    def logits(self, items: Sequence[Image]) -> Floats:
        levels = np.array([item.mean() for item in items])
        return (-np.abs(levels[:, None] - [grey(kind) for kind in range(7)]) / 10).astype(np.float32)


def grey(kind: int) -> int:
    return 60 + 25 * kind


class Drawn(Task):
    """Sentences or faces that are held out, by label; the first of each label is a leak."""

    input: Mapping[str, Any] = {}
    data = licence = "toys"

    def __init__(self, name: str) -> None:
        self.modality = name  # type: ignore[assignment]

    def train(self) -> Examples:
        raise AssertionError("what trained a model is no evidence for a gate")

    validation = train

    def held_out(self, split: Split) -> LabelledSet:
        rows = [(kind, number) for kind in range(7) for number in range(SENTENCES[split])]
        items = [self._item(kind, number, split) for kind, number in rows]
        ids = [f"{split}-{EMOTIONS[kind]}-{number}" for kind, number in rows]
        return LabelledSet(f"{split} toys", items, [kind for kind, _ in rows], ids)

    def _item(self, kind: int, number: int, split: str) -> Any:
        if self.modality == "text":
            return f"he was so {EMOTIONS[kind]} about the {split} number {number} they said"
        return np.full((48, 48, 3), grey(kind), np.uint8)

    def leaking(self) -> Set[str]:
        return {f"{split}-{name}-0" for split in SENTENCES for name in EMOTIONS}

    def prepare(self, *_: Any) -> Any:
        raise AssertionError("a gate learns from readings alone")


def make_voices(folder: Path) -> Path:
    """Tones of every emotion by twelve speakers, all of whom say one of two sentences."""
    rng = np.random.default_rng(0)
    (folder / "clips").mkdir(parents=True)
    rows = []
    for speaker in range(SPEAKERS):
        for kind, label in enumerate(EMOTIONS):
            path = f"clips/{speaker:02d}-{label}.wav"
            (folder / path).write_bytes(toy_voice.wav(toy_voice.tone(kind, 1.0, rng)))
            text = "Kids are talking by the door" if kind % 2 else "Dogs are sitting by the door"
            rows.append((path, label, f"speaker-{speaker:02d}", text))
    pd.DataFrame(rows, columns=["path", "label", "speaker", "text"]).to_csv(folder / "manifest.csv", index=False)
    return folder


def use(folder: Path, patch: pytest.MonkeyPatch) -> dict[str, Classifier[Any]]:
    """Put toys in the place of the shipped models and of the data that they hold out; returns the readers."""
    readers: dict[str, Classifier[Any]] = {"voice": Pitch(), "text": Clue(), "face": Grey()}
    voices = {"sets": [str(folder)], "split": "speaker"}
    patch.setattr(fusion_readings, "load_classifier", lambda name, _spec: readers[name])
    known = recipes.recipe_of

    def recipe_of(name: TaskName, spec: str) -> Recipe:
        return known(name, spec) if name == "fusion" else Recipe(name, name, "none", data=voices)

    for module in (recipes, source):
        patch.setattr(module, "recipe_of", recipe_of)
    tasks = {"voice": voice.task, "text": lambda _options: Drawn("text"), "face": lambda _options: Drawn("face")}
    patch.setattr(fusion_readings, "load_task", lambda name, options: tasks[name](options))
    patch.setattr(evidence, "_detector", Loud)
    return readers
