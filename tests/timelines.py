"""Realistic synthetic timelines with known truth, made by the real fusion from simulated readings."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mer_batch.fusion import bind_utterances, fuse
from mer_batch.fusion.align import merge_spans
from mer_batch.labels import COLOURS, EMOTIONS, INDEX
from mer_batch.timeline.events import find_events
from mer_batch.types import (
    MODALITIES,
    AudioStream,
    Evidence,
    Gap,
    Media,
    Modality,
    ModelUse,
    Observation,
    Person,
    Provenance,
    Shot,
    Timeline,
    Utterance,
    VideoStream,
)


class Scene(NamedTuple):
    """Somebody in view from `start` to `end` with one expression."""

    person: str
    start: float
    end: float
    emotion: str


SCENES = (
    Scene("Person 1", 0, 8, "neutral"),
    Scene("Person 1", 8, 14, "happy"),
    Scene("Person 1", 14, 18, "neutral"),
    Scene("Person 1", 24, 30, "sad"),
    Scene("Person 1", 30, 38, "neutral"),
    Scene("Person 1", 38, 44, "surprise"),
    Scene("Person 2", 10, 13, "neutral"),
    Scene("Person 2", 13, 16, "angry"),
    Scene("Person 2", 36, 48, "happy"),
    Scene("Person 2", 48, 60, "neutral"),
)
"""The truth for the faces of `make_timeline` at 60 s; nobody is in view from 18 to 24 s."""
CUT = 30.0
WORDS = (
    (2.0, 5.0, "So, how did the first week go?", "neutral"),
    (8.4, 9.8, "That was actually really good!", "happy"),
    (12.0, 15.5, "No, I never said that, <not once> & you know it.", "angry"),
    (20.0, 23.0, "Meanwhile the house stood empty.", "sad"),
    (31.0, 35.0, "Right. Let us look at the numbers.", "neutral"),
    (45.0, 48.0, "I lost nearly everything that year.", "sad"),
    (52.0, 56.0, "But we are still here, are we not?", "happy"),
)
"""(start, end, words, emotion of voice and words) at 60 s; at 45 s they contradict the face."""


def reading(emotion: str, rng: np.random.Generator, sure: float = 2.2, noise: float = 0.3) -> tuple[float, ...]:
    """Probabilities that favour `emotion`, with logits `sure` apart and normal noise on every logit."""
    logits = noise * rng.standard_normal(len(EMOTIONS))
    logits[INDEX[emotion]] += sure
    values = np.exp(logits - logits.max())
    return tuple(float(value) for value in values / values.sum())


def thumbnail(colour: str, size: tuple[int, int] = (64, 48)) -> str:
    """A small JPEG of one colour, base64."""
    from PIL import Image

    file = BytesIO()
    Image.new("RGB", size, colour).save(file, "JPEG", quality=60)
    return b64encode(file.getvalue()).decode("ascii")


def make_media(duration: float = 60.0, path: str = "clips/interview_07.mp4", video: bool = True) -> Media:
    """A description of a file that does not exist."""
    return Media(
        path=Path(path),
        sha256="c0ffee" + "0" * 58,
        size=4_200_000,
        container="mov,mp4,m4a,3gp,3g2,mj2" if video else "wav",
        duration=duration,
        origin=0.0,
        video=VideoStream(0, "h264", 1280, 720, 29.97, 0, 0.0, duration) if video else None,
        audio=(AudioStream(1, "aac", 48_000, 2, "eng", 0.023, duration),),
        subtitles=(),
        notes=("the audio starts 0.023 s after the video",) if video else (),
    )


def _model(modality: Modality) -> ModelUse:
    rng = np.random.default_rng(MODALITIES.index(modality))
    confusion = rng.integers(2, 30, (7, 7)) + np.diag(rng.integers(60, 160, 7))
    return ModelUse(
        modality=modality,
        name=modality,
        sha256=f"{MODALITIES.index(modality):x}" * 64,
        net=f"{modality}-net",
        data="a synthetic data set, 1,000 items",
        licence="CC-BY-4.0",
        scores={"accuracy": 0.664, "uar": 0.641, "macro_f1": 0.638},
        confusion=tuple(tuple(int(cell) for cell in row) for row in confusion),
        confusion_source="synthetic test set, n = 1,000",
    )


def make_provenance(modalities: Sequence[Modality] = MODALITIES) -> Provenance:
    """Options, versions and models as a run would record them."""
    return Provenance(
        created="2025-01-02T03:04:05+00:00",
        version="0.1.0",
        options={"fps": 5.0, "step": 0.5, "abstain": 0.4, "asr": "auto", "labels": None, "range": (0.0, None)},
        packages={"python": "3.12.1", "torch": "2.6.0", "ffmpeg": "7.0.2"},
        models=tuple(_model(modality) for modality in modalities),
        seconds={"probe": 0.031, "faces": 12.5, "voice": 2.25, "text": 0.5, "fusion": 0.125},
    )


def faces(scenes: Sequence[Scene], rng: np.random.Generator, fps: float = 5.0) -> list[Observation]:
    """A face reading per frame of each scene; quality dips and a flag now and then."""
    found = []
    for scene in scenes:
        left = 0.15 if scene.person == "Person 1" else 0.6
        for time in np.arange(np.ceil(scene.start * fps - 1e-9), scene.end * fps - 1e-9) / fps:
            shift = 0.02 * float(np.sin(time))
            poor = rng.random() < 0.05
            found.append(
                Observation(
                    "face", float(time), min(float(time) + 1 / fps, scene.end), scene.person,
                    reading(scene.emotion, rng), 0.25 if poor else 0.9, ("blurred",) if poor else (),
                    Evidence(box=(left + shift, 0.2, left + shift + 0.2, 0.65)),
                )
            )  # fmt: skip
    return sorted(found, key=lambda o: o.start)


def voices(speech: Sequence[tuple[float, float, str]], rng: np.random.Generator) -> list[Observation]:
    """Windows of 3 s every second over each stretch of speech."""
    found = []
    for start, end, emotion in speech:
        for first in np.arange(start, max(start + 0.1, end - 2), 1.0):
            last = min(float(first) + 3, end)
            found.append(Observation("voice", float(first), last, None, reading(emotion, rng, 1.8), 0.8))
    return found


def make_timeline(
    duration: float = 60.0,
    seed: int = 0,
    modalities: Sequence[Modality] = MODALITIES,
    thumbnails: bool = True,
    fps: float = 5.0,
) -> Timeline:
    """Two people, a cut, gaps, speech with and without a visible speaker, contradictions and events.

    The scenes above are stretched to `duration`. Without "face" the file is audio only.
    """
    rng, scale = np.random.default_rng(seed), duration / 60
    scenes = (
        [Scene(s.person, s.start * scale, s.end * scale, s.emotion) for s in SCENES] if "face" in modalities else []
    )
    lines = [(start * scale, end * scale, words, emotion) for start, end, words, emotion in WORDS]
    speech = tuple((start, end) for start, end, _, _ in lines)
    observations = faces(scenes, rng, fps)
    if "voice" in modalities:
        observations += voices([(start, end, emotion) for start, end, _, emotion in lines], rng)
    if "text" in modalities:
        observations += [
            Observation("text", start, end, None, reading(emotion, rng, 1.5), 0.7, (), Evidence(words=words))
            for start, end, words, emotion in lines
        ]
    names = list(dict.fromkeys(scene.person for scene in scenes))
    people = tuple(
        Person(
            name,
            merge_spans((s.start, s.end) for s in scenes if s.person == name),
            thumbnail(list(COLOURS.values())[index]) if thumbnails else None,
        )
        for index, name in enumerate(names)
    )
    utterances = tuple(Utterance(start, end, words, "en", 0.9, None, "subtitles") for start, end, words, _ in lines)
    shots = _shots(duration, CUT * scale if scenes else None, thumbnails)
    gaps = _gaps(duration, modalities, scenes, speech)
    fused = fuse(
        observations,
        gaps,
        duration=duration,
        people=people,
        cuts=[shot.start for shot in shots[1:]],
        reliabilities={name: {"face": 0.9, "voice": 0.6, "text": 0.5}[name] for name in modalities},
    )
    return Timeline(
        media=make_media(duration, video=bool(scenes)),
        provenance=make_provenance(modalities),
        people=fused.people,
        shots=shots,
        speech=speech,
        loudness=tuple(
            (t / 2, -25.0 if any(a <= t / 2 < b for a, b in speech) else -60.5) for t in range(int(2 * duration))
        ),
        utterances=bind_utterances(utterances, people, bool(scenes)),
        observations=fused.observations,
        gaps=gaps,
        segments=fused.segments,
        events=find_events(fused.segments, shots, fused.people, fused.observations),
        notices=() if "text" in modalities else ("No words were read: no transcript; add --transcript FILE.",),
    )


def _shots(duration: float, cut: float | None, thumbnails: bool) -> tuple[Shot, ...]:
    edges = [0.0, *([] if cut is None else [cut]), duration]
    return tuple(
        Shot(start, end, thumbnail("#336699", (96, 54)) if thumbnails else None) for start, end in pairwise(edges)
    )


def _gaps(
    duration: float, modalities: Sequence[Modality], scenes: Sequence[Scene], speech: Sequence[tuple[float, float]]
) -> tuple[Gap, ...]:
    gaps = _outside(merge_spans((s.start, s.end) for s in scenes), duration, "face", "no face in view")
    gaps += _outside(speech, duration, "voice", "no speech")
    gaps += _outside(speech, duration, "text", "no words")
    return tuple(gap for gap in gaps if gap.modality in modalities)


def _outside(spans: Sequence[tuple[float, float]], duration: float, modality: Modality, reason: str) -> list[Gap]:
    edges = [0.0, *(edge for span in spans for edge in span), duration]
    pairs = zip(edges[::2], edges[1::2], strict=True)
    return [Gap(modality, start, end, reason) for start, end in pairs if end > start]
