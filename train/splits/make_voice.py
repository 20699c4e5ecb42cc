"""Makes the frozen lists of the speech sets: python train/splits/make_voice.py FOLDER_OF_SPEECH_SETS [OUT].

Left out: exact copies (the first stays), copies with different labels (all), and what a set has too little of.
One list a set, with its place under every kind of split, and `voice.csv`, by which the shipped model is trained: whole
speakers of every set are held out. TESS has two, so one trains, with half of her words to keep the sets in balance,
and the other is the test, with words that the first does not say in training.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

from mer_batch.data.manifest import clip_ids
from mer_batch.tasks.voice_splits import TWICE, make_list

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

HELD_OUT = {
    "validation": {"ravdess_15", "ravdess_16", "ravdess_17", "ravdess_18", "emovo_m3", "emodb_12", "emodb_14"},
    "test": {*(f"ravdess_{actor}" for actor in range(19, 25)), "emovo_f3", "emodb_15", "emodb_16"},
}
"""Speakers that the shipped model does not train on, beside TESS."""
TESS_PARTS = {("tess_OAF", "train"): {"0", "1", "2"}, ("tess_YAF", "test"): {"3"}}
"""Folds of words that each speaker of TESS says for a part of `voice.csv`."""


def rows_of(name: str, folder: Path) -> pd.DataFrame:
    """The rows of one set that its list names."""
    rows = pd.read_csv(folder / TABLES[name], dtype=str).rename(columns=NAMES)
    rows["label"] = rows["label"].replace("calm", "neutral")
    rows["id"] = [clip.removeprefix(f"{name}/") for clip in clip_ids(name, rows["path"])]
    conflicting = rows.groupby("sha256")["label"].transform("nunique") > 1
    rows = rows[~conflicting].drop_duplicates("sha256")
    rows = rows[~rows["id"].isin(LEFT_OUT.get(name, set()))]
    return rows[~rows["label"].isin(INCOMPLETE.get(name, set()))]


def shipped(name: str, rows: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """The part of every clip of one set for the shipped model, (id, split)."""
    rows = rows.set_index("id").loc[table.index]
    part = pd.Series("train", index=rows.index)
    for split, speakers in HELD_OUT.items():
        part[rows["speaker"].isin(speakers)] = split
    if name == TWICE:
        part[:] = ""
        for (speaker, split), words in TESS_PARTS.items():
            part[(rows["speaker"] == speaker) & table["sentence"].isin(words)] = split
    part.index = f"{name}/" + part.index
    return part[part != ""].rename("split").rename_axis("id").reset_index()


def write_lists(folder: Path, out: Path) -> None:
    """Write NAME.csv of every set, and `voice.csv`, to `out`."""
    parts = []
    for name in TABLES:
        rows = rows_of(name, folder)
        table = make_list(rows, thirds=name == TWICE, twice=name == TWICE)
        table.to_csv(out / f"{name}.csv", lineterminator="\n")
        if name != "cremad":
            parts.append(shipped(name, rows, table))
    pd.concat(parts).to_csv(out / "voice.csv", index=False, lineterminator="\n")


if __name__ == "__main__":
    write_lists(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else Path(__file__).parent)
