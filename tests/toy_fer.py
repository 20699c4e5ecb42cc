"""A tiny data set in FER2013's layout: stripes whose direction tells the class, with a known leak."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from mer_batch.labels import EMOTIONS

SPLITS = {"train": 8, "public_test": 3, "private_test": 3}
"""Pictures per class."""
VOTES = {
    "angry": "anger",
    "disgust": "disgust",
    "fear": "fear",
    "happy": "happiness",
    "neutral": "neutral",
    "sad": "sadness",
    "surprise": "surprise",
}
COLUMNS = [
    "neutral",
    "happiness",
    "surprise",
    "sadness",
    "anger",
    "disgust",
    "fear",
    "contempt",
    "unknown",
    "NF",
]


def stripes(kind: int, rng: np.random.Generator) -> np.ndarray:
    """A 48x48 grey picture whose stripes run in the direction of class `kind`."""
    y, x = np.mgrid[:48, :48]
    angle = kind * np.pi / len(EMOTIONS)
    wave = np.sin((x * np.cos(angle) + y * np.sin(angle)) / 3 + rng.uniform(0, 6))
    return np.clip(128 + 90 * wave + rng.normal(0, 12, (48, 48)), 0, 255).astype(np.uint8)


def make(root: Path) -> Path:
    """Write the data set under `root`/fer/fer2013; the first private picture is also a training picture,
    and the second public one has a near copy in train."""
    folder = root / "fer" / "fer2013"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    rows, votes, pictures = [], [], {}
    for split, count in SPLITS.items():
        for kind, name in enumerate(EMOTIONS):
            for number in range(count):
                pictures[f"{split}/{name}/{split}_{number}.jpg"] = stripes(kind, rng)
    pictures["train/angry/train_0.jpg"] = pictures["private_test/angry/private_test_0.jpg"]
    with zipfile.ZipFile(folder / "fer2013.zip", "w") as archive:
        for path, picture in pictures.items():
            split, name, _ = path.split("/")
            buffer = io.BytesIO()
            Image.fromarray(picture).save(buffer, "JPEG", quality=95)
            archive.writestr(path, buffer.getvalue())
            rows.append((path, split, name, hashlib.sha256(picture.tobytes()).hexdigest()))
            votes.append((path, *(10 if column == VOTES[name] else 0 for column in COLUMNS)))
    pd.DataFrame(rows, columns=["path", "split", "label", "pixel_sha256"]).to_csv(folder / "manifest.csv", index=False)
    pd.DataFrame(votes, columns=["path", *COLUMNS]).to_csv(folder / "ferplus.csv", index=False)
    near = [("public_test/sad/public_test_1.jpg", "train/sad/train_1.jpg", 120.0)]
    pd.DataFrame(near, columns=["test_path", "nearest_train_path", "score"]).to_csv(
        folder / "near_duplicates.csv", index=False
    )
    return root
