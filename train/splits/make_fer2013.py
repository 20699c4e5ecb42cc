"""Makes the frozen list of the near copies that near_duplicates.csv leaves out.

    python train/splits/make_fer2013.py FOLDER [OUT]

FOLDER is FER2013 with `manifest.csv`, `near_duplicates.csv` and `fer2013.zip`. `near_duplicates.csv` names the nearest
training picture of each test picture; here are all other training pictures that correlate with a test picture by
0.94 or more (`mer_batch.tasks.copies`). 24 of them were looked at: all the same photograph.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from mer_batch.data.manifest import read_manifest
from mer_batch.tasks.copies import copy_pairs
from mer_batch.tasks.face import NEAR_COPY


def other_copies(folder: Path) -> list[str]:
    """Paths of training pictures that nearly copy a test picture and that no published list has."""
    manifest = read_manifest(folder)
    rows = manifest.rows
    exact, pairs = copy_pairs(manifest.read_picture(path) for path in rows.path)
    train = (rows.split == "train").to_numpy()
    test = np.unique(exact[~train])
    left, right = pairs
    near = np.isin(exact, np.concatenate([left[np.isin(right, test)], right[np.isin(left, test)]]))
    published = pd.read_csv(folder / "near_duplicates.csv")
    known = rows.path.isin(published[published.score < NEAR_COPY].nearest_train_path).to_numpy()
    return sorted(rows.path[train & near & ~np.isin(exact, test) & ~np.isin(exact, exact[known])])


if __name__ == "__main__":
    out = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(__file__).with_name("fer2013_copies.csv")
    pd.DataFrame({"path": other_copies(Path(sys.argv[1]))}).to_csv(out, index=False)
