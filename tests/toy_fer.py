"""A tiny data set in FER2013's layout: stripes whose direction tells the class, with a known leak."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from mer_batch.data.importers.fer2013 import LABELS
from mer_batch.data.manifest import VOTES
from mer_batch.labels import EMOTIONS

SPLITS = {"train": 8, "public_test": 3, "private_test": 3}
"""Pictures per class."""
USAGE = {"train": "Training", "public_test": "PublicTest", "private_test": "PrivateTest"}
NAMES = {
    "angry": "anger",
    "disgust": "disgust",
    "fear": "fear",
    "happy": "happiness",
    "neutral": "neutral",
    "sad": "sadness",
    "surprise": "surprise",
}


def stripes(kind: int, rng: np.random.Generator) -> np.ndarray:
    """A 48x48 grey picture whose stripes run in the direction of class `kind`."""
    y, x = np.mgrid[:48, :48]
    angle = kind * np.pi / len(EMOTIONS)
    wave = np.sin((x * np.cos(angle) + y * np.sin(angle)) / 3 + rng.uniform(0, 6))
    return np.clip(128 + 90 * wave + rng.normal(0, 12, (48, 48)), 0, 255).astype(np.uint8)


def pictures_by_path() -> dict[str, np.ndarray]:
    """The pictures by `split/label/name`; the first private one is also a training picture."""
    rng = np.random.default_rng(0)
    pictures = {}
    for split, count in SPLITS.items():
        for kind, name in enumerate(EMOTIONS):
            for number in range(count):
                pictures[f"{split}/{name}/{split}_{number}.jpg"] = stripes(kind, rng)
    pictures["train/angry/train_0.jpg"] = pictures["private_test/angry/private_test_0.jpg"]
    return pictures


def contest_table() -> pd.DataFrame:
    """The set as the contest's CSV has it: a number, pixels, and the part."""
    rows = [
        (LABELS.index(path.split("/")[1]), " ".join(map(str, picture.ravel())), USAGE[path.split("/")[0]])
        for path, picture in pictures_by_path().items()
    ]
    return pd.DataFrame(rows, columns=["emotion", "pixels", "Usage"])


def kaggle_zip(place: Path, kind: str = "pictures") -> Path:
    """`archive.zip` as Kaggle ships the set: pictures in train/ and test/, the CSV, or the contest's files."""
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as archive:
        if kind == "pictures":
            for number, (path, picture) in enumerate(pictures_by_path().items()):
                split, name, _ = path.split("/")
                folder = "train" if split == "train" else "test"
                archive.writestr(f"{folder}/{name}/{USAGE[split]}_{number}.jpg", jpeg(picture))
        elif kind == "table":
            archive.writestr("fer2013.csv", contest_table().to_csv(index=False))
        else:
            table = contest_table()[["emotion", "Usage", "pixels"]].rename(columns=lambda name: f" {name}")
            archive.writestr("fer2013.tar.gz", b"the same again, packed")
            archive.writestr("icml_face_data.csv", table.rename(columns={" emotion": "emotion"}).to_csv(index=False))
            archive.writestr("train.csv", "emotion,pixels\n0,1 2 3\n")
    return place


def jpeg(picture: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


def make(root: Path) -> Path:
    """Write the data set under `root`/fer/fer2013; the first private picture is also a training picture,
    and the second public one has a near copy in train."""
    folder = root / "fer" / "fer2013"
    folder.mkdir(parents=True)
    rows, votes, pictures = [], [], pictures_by_path()
    with zipfile.ZipFile(folder / "fer2013.zip", "w") as archive:
        for path, picture in pictures.items():
            split, name, _ = path.split("/")
            archive.writestr(path, jpeg(picture))
            rows.append((path, split, name, hashlib.sha256(picture.tobytes()).hexdigest()))
            votes.append((path, *(10 if column == NAMES[name] else 0 for column in VOTES)))
    pd.DataFrame(rows, columns=["path", "split", "label", "pixel_sha256"]).to_csv(folder / "manifest.csv", index=False)
    pd.DataFrame(votes, columns=["path", *VOTES]).to_csv(folder / "ferplus.csv", index=False)
    near = [("public_test/sad/public_test_1.jpg", "train/sad/train_1.jpg", 120.0)]
    pd.DataFrame(near, columns=["test_path", "nearest_train_path", "score"]).to_csv(
        folder / "near_duplicates.csv", index=False
    )
    return root
