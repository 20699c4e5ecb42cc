"""Pictures with known truth: smooth random ones that are all different, and what people do to copies."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image


def photograph(seed: int, side: int = 64, colour: bool = True) -> np.ndarray:
    """A random picture with detail at several scales, unlike that of any other seed."""
    rng = np.random.default_rng(seed)
    total = np.zeros((side, side, 3))
    for size, weight in ((4, 50), (8, 40), (16, 20)):
        small = Image.fromarray(rng.integers(0, 256, (size, size, 3), dtype=np.uint8))
        total += weight * np.asarray(small.resize((side, side), Image.Resampling.BICUBIC), dtype=float)
    total -= total.min()
    picture = (255 * total / total.max()).astype(np.uint8)
    return picture if colour else picture.mean(axis=2).astype(np.uint8)


def encode(picture: np.ndarray, kind: str = "PNG", **options: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, kind, **options)
    return buffer.getvalue()


def put(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def clean_tree(root: Path, per_label: int = 3) -> Path:
    """Two labels in train and test, no two pictures alike."""
    seed = 0
    for split in ("train", "test"):
        for label in ("happy", "sad"):
            for number in range(per_label):
                put(root / split / label / f"{split}_{number}.png", encode(photograph(seed)))
                seed += 1
    return root


def leaky_tree(root: Path) -> Path:
    """The clean tree with one exact and one mirrored and compressed copy of test pictures in train."""
    clean_tree(root)
    test = photograph(6)  # test/happy/test_0.png
    put(root / "train" / "happy" / "same pixels.bmp", encode(test, "BMP"))
    mirrored = Image.fromarray(photograph(9)[:, ::-1]).resize((80, 80))  # test/sad/test_0.png
    put(root / "train" / "happy" / "gespiegelt_ünïcödé_视频.jpg", encode(np.asarray(mirrored), "JPEG", quality=60))
    return root
