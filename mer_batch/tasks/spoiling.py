"""Evidence as it is when a recording is bad: noise, telephone and cut-off speech, misheard words, poor pictures.

A gate learns from it when to trust which modality. What is spoiled, and how much, is drawn by one generator; quality is
not told from the draw but measured afterwards by the code that measures it in use.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from mer_batch.types import SAMPLE_RATE, Image, Samples

if TYPE_CHECKING:
    import torch

VERSION: Final = 1
"""Counts changes of what is drawn here, so that kept readings of older ones are not taken for new ones."""
BATCH: Final = 32
"""Clips spoiled together."""
NOISE: Final = (-5.0, 20.0)
"""Lowest and highest level of speech over noise in dB."""
SHORTEST: Final = 0.15
"""Least share of the speech that a cut leaves."""
MISHEARD: Final = (0.05, 0.6)
"""Lowest and highest share of words that a recognizer loses or takes for others."""
CONFIDENCE: Final = 0.05
"""Spread of a recognizer's confidence around its share of right words."""
SMALLEST: Final = 14
"""Pixels to which a picture is shrunk at most."""


def versions_of(clips: Sequence[Samples], count: int, share: float, seed: int) -> Iterator[list[Samples]]:
    """`count` versions of all clips, each spoiled by new draws; noise of voices is made of clips of one batch."""
    import torch

    rng, generator = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    order = rng.permutation(len(clips)).tolist()
    for _ in range(count):
        made: dict[int, Samples] = {}
        for start in range(0, len(clips), BATCH):
            places = order[start : start + BATCH]
            sounds = spoiled_sounds([clips[place] for place in places], share, rng, generator)
            made |= dict(zip(places, sounds, strict=True))
        yield [made[place] for place in range(len(clips))]


def spoiled_sounds(
    clips: Sequence[Samples], share: float, rng: np.random.Generator, generator: torch.Generator
) -> list[Samples]:
    """Clips (n,) at 16 kHz, a `share` of them with noise, over a telephone, or with a part of their speech only.

    The others are as they were. Of the spoiled ones some are noisy telephones, which stand for calls.
    """
    if not clips:
        return []
    kinds = np.where(rng.random(len(clips)) < share, rng.integers(0, 4, len(clips)), -1)
    cut = [_cut(clip, rng) if kind == 3 else clip for clip, kind in zip(clips, kinds, strict=True)]
    noisy = np.isin(kinds, (0, 2))
    dull = np.isin(kinds, (1, 2))
    return _through(cut, dull, np.where(noisy, rng.uniform(*NOISE, len(clips)), np.inf), generator)


def _cut(clip: Samples, rng: np.random.Generator) -> Samples:
    """A clip with a stretch of its speech between the pauses before and after it."""
    from mer_batch.tasks.voice import spoken

    speech = spoken(clip)
    if len(speech) < SAMPLE_RATE // 2:
        return clip
    # `spoken` gives a view, so that its place in the clip is known.
    start = (speech.__array_interface__["data"][0] - clip.__array_interface__["data"][0]) // clip.itemsize
    length = round(len(speech) * rng.uniform(SHORTEST, 0.6))
    first = start + int(rng.integers(0, len(speech) - length + 1))
    return np.concatenate([clip[:start], clip[first : first + length], clip[start + len(speech) :]])


def _through(
    clips: Sequence[Samples], dull: NDArray[np.bool_], decibel: NDArray[np.float64], generator: torch.Generator
) -> list[Samples]:
    """Clips with noise `decibel` under their speech (infinite = none) and then over a telephone where `dull`."""
    import torch

    from mer_batch.tasks.augmentation import sound
    from mer_batch.tasks.voice import spoken

    waves = torch.zeros(len(clips), max(len(clip) for clip in clips))
    for row, clip in zip(waves, clips, strict=True):
        row[: len(clip)] = torch.from_numpy(clip)
    loud = torch.tensor([float(np.sqrt(np.square(spoken(clip)).mean())) for clip in clips])[:, None]
    ratio = torch.from_numpy(10 ** (-decibel / 20)).float()[:, None]
    noisy = waves + sound.level(sound.noise(waves, generator), 1.0) * loud * ratio
    narrow = sound.telephone(noisy, generator)
    lost = torch.linalg.vector_norm(narrow, dim=1).clamp(min=1e-7)  # a clip of silence stays one
    narrow = narrow * (torch.linalg.vector_norm(noisy, dim=1) / lost)[:, None]
    heard = torch.where(torch.from_numpy(dull)[:, None], narrow, noisy)
    return [row[: len(clip)].clamp(-1, 1).numpy() for row, clip in zip(heard, clips, strict=True)]


def misheard(text: str, share: float, others: Sequence[str], rng: np.random.Generator) -> tuple[str, float | None]:
    """A text as a recognizer may write it, and its confidence; as it was, without a confidence, but for a `share`.

    Words are lost or taken for words of `others`, and case and punctuation are gone.
    """
    if rng.random() >= share:
        return text, None
    rate = float(rng.uniform(*MISHEARD))
    kept = [_heard(word, rate, others, rng) for word in text.lower().split()]
    plain = "".join(sign for sign in " ".join(filter(None, kept)) if sign.isalnum() or sign in " '")
    return plain, float(np.clip(1 - rate + rng.normal(0, CONFIDENCE), 0.05, 1.0))


def _heard(word: str, rate: float, others: Sequence[str], rng: np.random.Generator) -> str:
    if rng.random() >= rate:
        return word
    return str(rng.choice(others)) if len(others) and rng.random() < 0.5 else ""


def spoiled_picture(picture: Image, share: float, rng: np.random.Generator) -> Image:
    """A face crop (h, w, 3), small, blurred or dark; as it was but for a `share`."""
    from PIL import Image as Pillow
    from PIL import ImageFilter

    if rng.random() >= share:
        return picture
    made = Pillow.fromarray(np.ascontiguousarray(picture))
    kind = int(rng.integers(3))
    if kind == 0:
        side = int(rng.integers(SMALLEST, max(min(made.size), SMALLEST + 1)))
        made = made.resize((side, side), Pillow.Resampling.BOX)
    elif kind == 1:
        made = made.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.7, 3.0)) * min(made.size) / 48))
    pixels = np.asarray(made)
    if kind == 2:
        pixels = (pixels * rng.uniform(0.05, 0.5)).astype(np.uint8)
    return pixels
