"""Test-time augmentation: the same item seen in several ways, readings averaged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from mer_batch.errors import UsageError, unknown_name
from mer_batch.tasks.reading import Views
from mer_batch.types import SAMPLE_RATE, AudioWindow, Image, TaskName

INSET: Final = 0.08
"""Share of the side that a corner view leaves out."""
R1_SEED: Final = 42
R1_DEGREES: Final = 10.0
R1_LIGHT: Final = 0.2
"""Spread of rotation (degrees) and of brightness and contrast (share) in the drawn views of `r1`."""
SHIFTS: Final = (0.05, 0.1)
"""Seconds by which a sound is moved."""
MOST: Final = 0.125
"""Share of a sound that a shift may push out."""


def five_crops(pictures: Sequence[Image]) -> list[Sequence[Image]]:
    """The whole picture and its four corner crops; with the reader's own mirroring this is ten-crop.

    Source: Krizhevsky, Sutskever & Hinton (2012), "ImageNet classification with deep CNNs", section 4.1.
    """
    return [list(pictures), *([_corner(picture, down, right) for picture in pictures] for down, right in _CORNERS)]


def ten_crops(pictures: Sequence[Image]) -> list[Sequence[Image]]:
    """The five crops and their mirror images, for readers that do not mirror by themselves."""
    crops = five_crops(pictures)
    return [*crops, *([_mirrored(picture) for picture in view] for view in crops)]


def drawn_views(pictures: Sequence[Image]) -> list[Sequence[Image]]:
    """The picture and four drawn as in training: mirrored or not, turned, brighter or darker, more or less contrast.

    This is the "five augmented versions averaged" of the ResNet-18 report, which says no more than that; its
    erasing is left out, since it hides parts of the face. The four draws are the same for every picture.
    """
    rng = np.random.default_rng(R1_SEED)
    draws = [
        (bool(rng.random() < 0.5), rng.uniform(-R1_DEGREES, R1_DEGREES), *rng.uniform(1 - R1_LIGHT, 1 + R1_LIGHT, 2))
        for _ in range(4)
    ]
    return [list(pictures), *([_drawn(picture, *draw) for picture in pictures] for draw in draws)]


def shifted(windows: Sequence[AudioWindow]) -> list[Sequence[AudioWindow]]:
    """The sound, and the same moved later and earlier by `SHIFTS` seconds; zeros stand where nothing is left."""
    moves = [sign * seconds for seconds in SHIFTS for sign in (1, -1)]
    return [list(windows), *([_moved(window, move) for window in windows] for move in moves)]


VIEWS: Final[Mapping[TaskName, Mapping[str, Views]]] = {
    "face": {"five": five_crops, "ten": ten_crops, "r1": drawn_views},
    "voice": {"shifts": shifted},
}
"""Views by name; the first of a modality is its default."""
_CORNERS: Final = ((False, False), (False, True), (True, False), (True, True))


def _corner(picture: Image, down: bool, right: bool) -> Image:
    height, width = picture.shape[:2]
    rows, columns = round(height * INSET), round(width * INSET)
    top, left = rows * down, columns * right
    return np.ascontiguousarray(picture[top : height - rows + top, left : width - columns + left])


def _moved(window: AudioWindow, seconds: float) -> AudioWindow:
    samples, length = window.samples, len(window.samples)
    away = min(round(abs(seconds) * SAMPLE_RATE), int(MOST * length))
    kept = samples[: length - away] if seconds > 0 else samples[away:]
    return replace(window, samples=np.pad(kept, (away, 0) if seconds > 0 else (0, away)))


def _mirrored(picture: Image) -> Image:
    return np.ascontiguousarray(picture[:, ::-1])


def _drawn(picture: Image, mirror: bool, degrees: float, brightness: float, contrast: float) -> Image:
    from PIL import Image as Pillow

    turned = _mirrored(picture) if mirror else picture
    # Turning leaves empty corners: the border is continued outwards first, then cut off again.
    height, width = picture.shape[:2]
    border = int(np.ceil(max(height, width) * np.sin(np.radians(R1_DEGREES)))) + 1
    padded = np.pad(turned, ((border, border), (border, border), *[(0, 0)] * (picture.ndim - 2)), mode="edge")
    turned = np.asarray(Pillow.fromarray(padded).rotate(degrees, Pillow.Resampling.BILINEAR))
    pixels = turned[border : border + height, border : border + width].astype(np.float32)
    light = (pixels - pixels.mean()) * contrast + pixels.mean() * brightness
    result: Image = np.clip(np.rint(light), 0, 255).astype(np.uint8)
    return result


def views_name(modality: TaskName, wanted: bool | str) -> str:
    """The name of the views to use: "" for none, the default for True. Raises `UsageError` where none make sense."""
    if not wanted:
        return ""
    known = VIEWS.get(modality)
    if known is None:
        raise UsageError(f"--tta has no views for {modality}; leave it out")
    name = next(iter(known)) if wanted is True else wanted
    if name not in known:
        raise unknown_name(f"{modality} views", name, known)
    return name


def views_for(modality: TaskName, wanted: bool | str = True) -> Views | None:
    """The views of a modality by name, the default for True, None for False. Raises like `views_name`."""
    return VIEWS.get(modality, {}).get(views_name(modality, wanted))
