"""The face task: FER2013 (Goodfellow et al., arXiv:1307.0414) without the copies of its test pictures.

The official training part trains, the public test part is validation, the private part is the test.
FER+ votes (Barsoum et al., arXiv:1608.01041) for the same pictures are an auxiliary target.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mer_batch.errors import unknown_name
from mer_batch.training import augment
from mer_batch.training.datasets import data_set, label_index
from mer_batch.training.task import Examples, LabelledSet, Split, Task
from mer_batch.types import Image

if TYPE_CHECKING:
    import torch
    from torch import Tensor

VOTES = ["neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt", "unknown", "NF"]
NEAR_COPY = 300
"""Largest score of `near_duplicates.csv` that is the same photograph (its README: 80 pairs looked at)."""
INPUT = {
    "size": 48,
    "channels": 1,
    "mean": [0.508],
    "std": [0.255],
    "flip": True,
    # FER2013's framing relative to the detector's box: medians over 1,719 of its pictures (quartiles of the
    # margin -0.07 and 0.03, of the shift -0.04 and 0.02, which the augmentation covers).
    "margin": -0.026,
    "shift": -0.009,
    "square": True,
    "align": False,
}
OPTIONS = {"source": "fer2013", "drop_leaks": True, "drop_nonfaces": True, "limit": 0}


class Fer2013(Task):
    """FER2013 in memory as grey uint8 pictures of 48x48."""

    modality = "face"
    auxiliary = len(VOTES)
    licence = (
        "weights: Apache-2.0; training pictures: FER2013, gathered by image search for research use; FER+ votes: MIT"
    )

    def __init__(self, folder: Path, drop_leaks: bool, drop_nonfaces: bool, limit: int) -> None:
        self._folder, self._drop_leaks, self._drop_nonfaces, self._limit = folder, drop_leaks, drop_nonfaces, limit
        self.input = INPUT
        kept = "without the pictures that copy a test picture" if drop_leaks else "with its copies of test pictures"
        self.data = f"FER2013 training part {kept}; FER+ votes as auxiliary target; chosen on the public test part"

    @cached_property
    def _rows(self) -> pd.DataFrame:
        rows = pd.read_csv(self._folder / "manifest.csv")
        votes = pd.read_csv(self._folder / "ferplus.csv").set_index("path")[VOTES]
        return rows.join(votes, on="path")

    def _leaking(self) -> set[str]:
        rows = self._rows
        test_pixels = set(rows.loc[rows.split != "train", "pixel_sha256"])
        exact = set(rows.loc[(rows.split == "train") & rows.pixel_sha256.isin(test_pixels), "path"])
        near = pd.read_csv(self._folder / "near_duplicates.csv")
        copies = exact | set(near.loc[near.score < NEAR_COPY, "nearest_train_path"])
        pixels = set(rows.loc[rows.path.isin(copies), "pixel_sha256"])
        return set(rows.loc[(rows.split == "train") & rows.pixel_sha256.isin(pixels), "path"])

    def _pictures(self, paths: list[str]) -> np.ndarray[Any, np.dtype[np.uint8]]:
        from PIL import Image as Pillow

        with zipfile.ZipFile(self._folder / "fer2013.zip") as archive:
            return np.stack([np.asarray(Pillow.open(io.BytesIO(archive.read(path))).convert("L")) for path in paths])

    def _examples(self, rows: pd.DataFrame) -> Examples:
        import torch

        if self._limit:
            rows = rows.groupby("label", group_keys=False).head(self._limit)
        votes = rows[VOTES].fillna(0).to_numpy(np.float32)
        soft = votes / np.maximum(votes.sum(axis=1, keepdims=True), 1)
        return Examples(
            inputs=torch.from_numpy(self._pictures(list(rows.path)))[:, None],
            labels=torch.tensor([label_index(name) for name in rows.label]),
            ids=tuple(rows.path),
            soft=torch.from_numpy(soft),
        )

    def train(self) -> Examples:
        """The official training part, less leaks and non-faces as chosen."""
        rows = self._rows[self._rows.split == "train"]
        if self._drop_leaks:
            rows = rows[~rows.path.isin(self._leaking())]
        if self._drop_nonfaces:
            rows = rows[~(rows.NF > 5)]
        return self._examples(rows)

    def validation(self) -> Examples:
        """The public test part (3,589 pictures)."""
        return self._examples(self._rows[self._rows.split == "public_test"])

    def held_out(self, split: Split) -> LabelledSet:
        """The public (validation) or private (test) part, 3,589 pictures each, as RGB crops."""
        part = {"validation": "public_test", "test": "private_test"}[split]
        rows = self._rows[self._rows.split == part]
        pictures = self._pictures(list(rows.path))
        items: list[Image] = [np.repeat(picture[:, :, None], 3, axis=2) for picture in pictures]
        return LabelledSet(
            f"FER2013 {part.replace('_', ' ')}", items, [label_index(name) for name in rows.label], list(rows.path)
        )

    def prepare(self, inputs: Tensor, train: bool, generator: torch.Generator) -> Tensor:
        """Standardised (n, 1, 48, 48), augmented when training."""
        pictures = inputs.float() / 255
        if train:
            pictures = augment.pictures(pictures, generator, self.strength)
        result: Tensor = (pictures - self.input["mean"][0]) / self.input["std"][0]
        return result


def task(options: Mapping[str, Any]) -> Task:
    """The face task for a recipe's `[data]` table."""
    for key in options:
        if key not in OPTIONS:
            raise unknown_name("[data] option", key, OPTIONS)
    chosen = OPTIONS | dict(options)
    if chosen["source"] != "fer2013":
        raise unknown_name("face data set", str(chosen["source"]), ["fer2013"])
    return Fer2013(
        data_set("fer", "fer2013"), bool(chosen["drop_leaks"]), bool(chosen["drop_nonfaces"]), int(str(chosen["limit"]))
    )
