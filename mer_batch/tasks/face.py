"""The face task: by default FER2013 without the copies of its test pictures, or any labelled set of faces.

FER2013 (Goodfellow et al., arXiv:1307.0414): the training part trains, the public test part is validation, the
private part is the test. FER+ votes (Barsoum et al., arXiv:1608.01041) are an auxiliary or the main target.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pandas as pd

from mer_batch.data.manifest import TABLE, read_manifest
from mer_batch.data.sets import data_set, find_set
from mer_batch.resources import data_dir
from mer_batch.tasks.face_options import FaceOptions, read_options
from mer_batch.tasks.faces import Faces
from mer_batch.tasks.task import Task

FER2013: Final = "fer2013"
"""The name of the set that is trained on where a recipe names none."""
NEAR: Final = "near_duplicates.csv"
"""The published list of near copies; where it is absent, as in every import, copies are searched."""
NEAR_COPY: Final = 300
"""Largest score of `near_duplicates.csv` that is the same photograph (its README: 80 pairs looked at)."""


def leaking_train_pictures(folder: Path) -> set[str]:
    """Paths of the training pictures that copy a public or private test picture, exactly or nearly.

    `folder` is FER2013 with the tables `manifest.csv` and `near_duplicates.csv`. The latter has
    the nearest training picture only; `train/splits/fer2013_copies.csv` lists the others.
    """
    rows, near = _listed(folder)
    others = pd.read_csv(data_dir("train") / "splits" / "fer2013_copies.csv").path
    train = rows.split == "train"
    test_pixels = set(rows.loc[~train, "pixel_sha256"])
    listed = rows.path.isin(near.nearest_train_path) | rows.path.isin(others)
    copies = rows.pixel_sha256.isin(test_pixels) | listed
    pixels = set(rows.loc[train & copies, "pixel_sha256"])
    return set(rows.loc[train & rows.pixel_sha256.isin(pixels), "path"])


def leaking_test_pictures(folder: Path) -> set[str]:
    """Paths of the public and private test pictures that have an exact or near copy in the training part."""
    rows, near = _listed(folder)
    test = rows.split != "train"
    train_pixels = set(rows.loc[~test, "pixel_sha256"])
    copies = rows.pixel_sha256.isin(train_pixels) | rows.path.isin(near.test_path)
    pixels = set(rows.loc[test & copies, "pixel_sha256"])
    return set(rows.loc[test & rows.pixel_sha256.isin(pixels), "path"])


def _listed(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    near = pd.read_csv(folder / NEAR)
    return pd.read_csv(folder / "manifest.csv"), near[near.score < NEAR_COPY]


class Fer2013(Faces):
    """FER2013 beside its published lists of copies."""

    def __init__(self, folder: Path, options: FaceOptions) -> None:
        copies = leaking_train_pictures(folder), leaking_test_pictures(folder)
        super().__init__(read_manifest(folder), "FER2013", options, copies)
        self.licence = (
            "weights: Apache-2.0; training pictures: FER2013, gathered by image search for research use; "
            "FER+ votes: MIT"
        )

    @property
    def grey(self) -> bool:
        """FER2013 has no colour."""
        return True


def task(options: Mapping[str, Any]) -> Task:
    """The face task for a recipe's `[data]` table."""
    chosen = read_options(options)
    folder = data_set(FER2013, TABLE) if chosen.source == FER2013 else find_set(chosen.source)
    if (folder / NEAR).is_file():
        return Fer2013(folder, chosen)
    manifest = read_manifest(folder)
    return Faces(manifest, "FER2013" if manifest.kind == FER2013 else manifest.name, chosen)
