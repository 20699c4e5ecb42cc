"""A made timeline of two hours: six people, 600 cuts, 3,000 utterances, fused by the real fusion."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mer_batch.fusion import fuse
from mer_batch.fusion.align import merge_spans
from mer_batch.labels import EMOTIONS, INDEX
from mer_batch.timeline.events import find_events
from mer_batch.types import (
    AudioStream,
    Evidence,
    Gap,
    Media,
    ModelUse,
    Observation,
    Person,
    Provenance,
    Shot,
    Timeline,
    Utterance,
    VideoStream,
)

HOURS = 2.0
PEOPLE = tuple(f"Person {number}" for number in range(1, 7))
CUTS, SAID, FPS = 600, 3000, 5.0
WORDS = ("well", "I", "never", "said", "that", "we", "should", "go", "there", "again", "but", "it", "was", "good")
USUAL = (0.06, 0.02, 0.03, 0.24, 0.45, 0.1, 0.1)
"""How often an expression begins, in the order of `EMOTIONS`."""


def make(seconds: float = HOURS * 3600, cuts: int = CUTS, said: int = SAID, seed: int = 0) -> Timeline:
    """The timeline; the same seed gives the same one. Shorter ones keep the density of cuts and words."""
    rng = np.random.default_rng(seed)
    edges = np.r_[0.0, np.sort(rng.uniform(5, seconds - 5, cuts)), seconds].round(2)
    shots = [span for span in pairwise(edges.tolist()) if span[1] - span[0] > 0.2]
    faces, spans = _faces(shots, rng)
    utterances, heard = _speech(seconds, said, rng)
    people = tuple(Person(name, merge_spans(own)) for name, own in spans.items() if own)
    gaps = [Gap("voice", b, c, "no speech") for (_, b), (c, _) in pairwise((u.start, u.end) for u in utterances)]
    fused = fuse(
        [*faces, *heard],
        [gap for gap in gaps if gap.end > gap.start],
        duration=seconds,
        people=people,
        cuts=[start for start, _ in shots[1:]],
        reliabilities={"face": 0.9, "voice": 0.6, "text": 0.5},
    )
    made = tuple(Shot(start, end) for start, end in shots)
    return Timeline(
        media=_media(seconds),
        provenance=_provenance(),
        people=fused.people,
        shots=made,
        speech=tuple((u.start, u.end) for u in utterances),
        loudness=tuple((t / 2, float(-60 + 35 * rng.random())) for t in range(int(2 * seconds))),
        utterances=utterances,
        observations=fused.observations,
        gaps=tuple(gap for gap in gaps if gap.end > gap.start),
        segments=fused.segments,
        events=find_events(fused.segments, made, fused.people, fused.observations),
    )


def _readings(emotion: int, count: int, rng: np.random.Generator, sure: float) -> NDArray[np.float64]:
    logits = 0.45 * rng.standard_normal((count, len(EMOTIONS)))
    logits[:, emotion] += sure
    values = np.exp(logits)
    return values / values.sum(axis=1, keepdims=True)


def _faces(
    shots: list[tuple[float, float]], rng: np.random.Generator
) -> tuple[list[Observation], dict[str, list[tuple[float, float]]]]:
    found: list[Observation] = []
    spans: dict[str, list[tuple[float, float]]] = {name: [] for name in PEOPLE}
    for start, end in shots:
        for place, name in enumerate(rng.choice(PEOPLE, rng.integers(1, 5), replace=False)):
            spans[str(name)].append((start, end))
            at = start
            while at < end:
                stop = min(end, at + rng.exponential(6) + 0.5)
                times = np.arange(at, stop - 0.05, 1 / FPS)
                rows = _readings(rng.choice(7, p=USUAL), len(times), rng, rng.uniform(0.9, 2.4))
                left = 0.1 + 0.22 * place
                for time, row in zip(times.tolist(), rows.tolist(), strict=True):
                    box = (left, 0.2, left + 0.15, 0.5)
                    found.append(
                        Observation("face", time, time + 1 / FPS, str(name), tuple(row), 0.9, (), Evidence(box))
                    )
                at = stop
    return found, spans


def _speech(seconds: float, said: int, rng: np.random.Generator) -> tuple[tuple[Utterance, ...], list[Observation]]:
    starts = np.sort(rng.uniform(0, seconds - 4, said)).round(2)
    utterances, heard = [], []
    for start, after in pairwise([*starts.tolist(), seconds]):
        end = round(min(after - 0.05, start + rng.uniform(1, 4)), 2)
        if end <= start + 0.2:
            end = round(start + 0.2, 2)
        words = " ".join(rng.choice(WORDS, rng.integers(3, 14)))
        person = str(rng.choice(PEOPLE)) if rng.random() < 0.8 else None
        utterances.append(Utterance(start, end, words, "en", 0.9, person, "Whisper"))
        emotion = INDEX["neutral"] if rng.random() < 0.6 else int(rng.integers(7))
        for modality, sure in (("voice", 1.2), ("text", 1.6)):
            row = tuple(_readings(emotion, 1, rng, sure)[0].tolist())
            heard.append(Observation(modality, start, end, person, row, 0.7, ("named",), Evidence(words=words)))
    return tuple(utterances), heard


def _media(seconds: float) -> Media:
    video = VideoStream(0, "h264", 1280, 720, 25.0, 0, 0.0, seconds)
    audio = AudioStream(1, "aac", 48_000, 2, "eng", 0.0, seconds)
    return Media(Path("panel.mp4"), "0" * 64, 10**9, "mov,mp4", seconds, 0.0, video, (audio,), ())


def _provenance() -> Provenance:
    counts = tuple(tuple(90 if row == column else 9 for column in range(7)) for row in range(7))
    models = tuple(
        ModelUse(name, name, "0" * 64, "net", "made", "CC0-1.0", {"accuracy": 0.66}, counts, "made", weight)
        for name, weight in (("face", 0.9), ("voice", 0.6), ("text", 0.5))
    )
    return Provenance("2026-01-02T03:04:05+00:00", "0", {"step": 0.5, "abstain": 0.4}, {}, models)
