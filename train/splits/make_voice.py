"""Makes the frozen lists of the speech sets: python train/splits/make_voice.py FOLDER_OF_SPEECH_SETS [OUT].

Left out: exact copies (the first stays), copies with different labels (all), and what a set has too little of.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

from mer_batch.training.tasks.voice_splits import TWICE, clip_ids, make_list

TABLES = {
    "ravdess": "ravdess/manifest.csv",
    "tess": "tess/manifest.csv",
    "emovo": "emovo/manifest.csv",
    "emodb": "emodb/manifest.csv",
    "cremad": "cremad/official_audiowav_sha256.csv",
}
NAMES = {"file": "path", "sentence_or_word": "sentence", "source_sha256": "sha256"}
LEFT_OUT = {
    # The same take as tri-f3-n1, cut otherwise, under the name of another sentence.
    "emovo": {"tri-f3-n2"},
    # Has no sound, says its README.
    "cremad": {"1076_MTI_SAD_XX"},
}
INCOMPLETE = {"emodb": {"fear", "disgust"}}


def rows_of(name: str, folder: Path) -> pd.DataFrame:
    """The rows of one set that its list names."""
    rows = pd.read_csv(folder / TABLES[name], dtype=str).rename(columns=NAMES)
    rows["label"] = rows["label"].replace("calm", "neutral")
    rows["id"] = [clip.removeprefix(f"{name}/") for clip in clip_ids(name, rows["path"])]
    conflicting = rows.groupby("sha256")["label"].transform("nunique") > 1
    rows = rows[~conflicting].drop_duplicates("sha256")
    rows = rows[~rows["id"].isin(LEFT_OUT.get(name, set()))]
    return rows[~rows["label"].isin(INCOMPLETE.get(name, set()))]


def write_lists(folder: Path, out: Path) -> None:
    """Write NAME.csv of every set to `out`."""
    for name in TABLES:
        table = make_list(rows_of(name, folder), thirds=name == TWICE, twice=name == TWICE)
        table.to_csv(out / f"{name}.csv", lineterminator="\n")


if __name__ == "__main__":
    write_lists(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else Path(__file__).parent)
