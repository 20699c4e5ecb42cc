"""Which clip of a speech set trains, validates and tests, by frozen lists of ids.

`train/splits/NAME.csv` lists the clips of a set once, with their place under every kind of split:

- `random`: a letter, r (train), v (validation) or t (test): stratified by label, speakers and sentences on all sides.
  TESS 70/15/15, the others 70/30 with 5 % of the 70 for validation, seed 42, as published systems had it;
- `doubled` (TESS only): two letters, for a list that holds every clip twice, split 70/15/15 as if they were two;
- `speaker`, `sentence`: the number of the fold to which the clip's speaker and sentence (TESS: word) belong.

Fold k of a split by speaker tests on the speakers of fold k and validates on those of fold k + 1. Where there are too
few (TESS has two speakers, RAVDESS two sentences) it validates on the other property: sentences that the training
lacks, or speakers that it lacks. `speaker+sentence` tests on clips of which both are new, with fold = speaker fold +
speaker folds x sentence fold; clips of which only one is new are not used. `corpus` tests on whole sets and trains on
the others. A set without a list gets folds by the same rules from the columns of its manifest.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mer_batch.errors import DataError, UsageError, unknown_name
from mer_batch.resources import data_dir
from mer_batch.tables import read_csv

KINDS: Final = ("random", "doubled", "speaker", "sentence", "speaker+sentence", "corpus")
LETTERS: Final = {"r": "train", "v": "validation", "t": "test"}
FOLDS: Final = 6
"""Folds of speakers and of sentences, where there are as many."""
SEED: Final = 42
TWICE: Final = "tess"
"""The set that was published with every clip twice."""
COPY: Final = "#2"
"""Ends the id of the second copy of a clip."""


def read_list(path: Path) -> pd.Series[str]:
    """A list of parts by id from a CSV with `id` and `split`; ids may carry file endings. Raises `DataError`."""
    table = _read(path, ("id", "split"))
    table["id"] = [PurePosixPath(name).with_suffix("").as_posix() for name in table["id"]]
    if table["id"].duplicated().any():
        raise DataError(f"{path} lists {table.loc[table['id'].duplicated(), 'id'].iloc[0]} twice")
    parts: pd.Series[str] = table.set_index("id")["split"]
    return parts


def _read(path: Path, needed: Sequence[str]) -> pd.DataFrame:
    table = read_csv(path).whole()
    if not all(table.column(name) for name in needed):
        raise table.lacks(", ".join(needed))
    return pd.DataFrame({name: [row[name] for row in table.rows] for name in table.columns})


def frozen(name: str) -> pd.DataFrame | None:
    """The frozen list of set `name` by id, or None."""
    path = data_dir("train") / "splits" / f"{name}.csv"
    if not path.is_file():
        return None
    table = _read(path, ("id", "random", "speaker", "sentence")).set_index("id")
    table.index = f"{name}/" + table.index
    return table


def make_list(rows: pd.DataFrame, thirds: bool = False, twice: bool = False) -> pd.DataFrame:
    """The list of one set, by id, from its rows (id, label, speaker, sentence, sex); missing columns count as empty.

    `thirds` splits at random into 70/15/15 instead of 70/30 with 5 % of the 70; `twice` adds `doubled`.
    """
    rows = rows.sort_values("id").set_index("id")
    known = rows.reindex(columns=["speaker", "sentence", "sex"], fill_value="").fillna("").astype(str)
    table = pd.DataFrame(index=rows.index)
    table["random"] = _random(rows["label"].to_numpy(), thirds)
    if twice:
        letters = _random(np.tile(rows["label"].to_numpy(), 2), thirds).reshape(2, -1)
        table["doubled"] = ["".join(pair) for pair in letters.T]
    table["speaker"] = _dealt(known["sex"] + known["speaker"])
    table["sentence"] = _dealt(known["sentence"])
    return table.astype(str)


def _random(labels: NDArray[Any], thirds: bool) -> NDArray[np.str_]:
    """Letters of a stratified split, by scikit-learn as the published systems did it."""
    from sklearn.model_selection import train_test_split

    letters = np.full(len(labels), "r")
    places = np.arange(len(labels))
    train, test = _cut(train_test_split, places, labels, 0.3)
    letters[test] = "t"
    source, share = (test, 0.5) if thirds else (train, 0.05)
    letters[_cut(train_test_split, source, labels, share)[1]] = "v"
    return letters


def _cut(split: Any, places: NDArray[Any], labels: NDArray[Any], share: float) -> list[NDArray[Any]]:
    # A small set may have labels that are too rare to be on both sides.
    rare = np.unique(labels[places], return_counts=True)[1].min(initial=2) < 2
    few = min(round(share * len(places)), len(places)) < len(np.unique(labels[places]))
    stratify = None if rare or few else labels[places]
    parts: list[NDArray[Any]] = split(places, test_size=share, random_state=SEED, stratify=stratify)
    return parts


def _dealt(names: pd.Series[str]) -> list[int]:
    """Names in alphabetical order, dealt in turn to at most `FOLDS` folds."""
    order = {name: place for place, name in enumerate(sorted(set(names)))}
    return [order[name] % min(FOLDS, len(order)) for name in names]


def folds(table: pd.DataFrame, column: str) -> int:
    """How many folds of speakers or sentences a list has."""
    return int(table[column].astype(int).max()) + 1


def fold_count(table: pd.DataFrame, kind: str) -> int:
    """How many folds a kind of split has on one set; 1 where it has none."""
    columns = [name for name in ("speaker", "sentence") if name in kind.split("+")]
    return int(np.prod([folds(table, name) for name in columns], initial=1))


def parts(table: pd.DataFrame, kind: str, fold: int = 0, seen: bool = True) -> pd.Series[str]:
    """The part of every clip of one set under a split; clips that it does not use are left out.

    `seen` is false for a set that the split by corpus tests on. A set with fewer folds than `fold` counts round.
    Raises `UsageError` for a split that the set cannot have.
    """
    if kind not in KINDS:
        raise unknown_name("split", kind, KINDS)
    if kind == "random":
        return table["random"].map(LETTERS)
    if kind == "doubled":
        return _doubled(table)
    if kind == "corpus" and not seen:
        return pd.Series("test", index=table.index)
    speakers, sentences = table["speaker"].astype(int), table["sentence"].astype(int)
    some, many = folds(table, "speaker"), folds(table, "sentence")
    if kind == "speaker":
        return _by_fold(speakers, sentences, fold)
    if kind == "sentence":
        return _by_fold(sentences, speakers, fold)
    if kind == "corpus":
        held = _by_fold(speakers, sentences, some - 1)
        return held.where(held != "test", "train")
    return _both(speakers, sentences, fold % some, fold // some % many)


def _doubled(table: pd.DataFrame) -> pd.Series[str]:
    if "doubled" not in table.columns:
        raise UsageError(f'split = "doubled" is frozen for {TWICE} only; use split = "random"')
    first, second = table["doubled"].str[0], table["doubled"].str[1]
    second.index = second.index + COPY
    return pd.concat([first, second]).map(LETTERS)


def _by_fold(own: pd.Series[int], other: pd.Series[int], fold: int) -> pd.Series[str]:
    """Fold `fold` of `own` is the test; the next one is the validation, or fold 0 of `other` where there is none."""
    count = int(own.max()) + 1
    if count < 2:
        raise UsageError("this set has one speaker or one sentence only, or does not name them; choose another split")
    test = own == fold % count
    held = own == (fold + 1) % count if count > 2 else (other == 0) & ~test
    return _named(test, held, ~test & ~held)


def _both(speakers: pd.Series[int], sentences: pd.Series[int], speaker: int, sentence: int) -> pd.Series[str]:
    some, many = int(speakers.max()) + 1, int(sentences.max()) + 1
    if some < 2 or many < 2:
        raise UsageError("this set has one speaker or one sentence only, or does not name them; choose another split")
    if max(some, many) < 3:
        raise UsageError("two speakers and two sentences leave nothing to validate on; choose another split")
    known = (speakers != speaker) & (sentences != sentence)
    held = known.copy()
    if some > 2:
        held &= speakers == (speaker + 1) % some
    if many > 2:
        held &= sentences == (sentence + 1) % many
    train = known & ~held
    if some > 2 and many > 2:
        train = known & (speakers != (speaker + 1) % some) & (sentences != (sentence + 1) % many)
    return _named((speakers == speaker) & (sentences == sentence), held, train)


def _named(test: pd.Series[bool], held: pd.Series[bool], train: pd.Series[bool]) -> pd.Series[str]:
    result = pd.Series("", index=test.index).mask(train, "train").mask(held, "validation").mask(test, "test")
    return result[result != ""]


def check(rows: pd.DataFrame, kind: str) -> None:
    """Raises `DataError` when rows (set, speaker, sentence, split) test on what the kind holds out of training."""
    for column in ("speaker", "sentence"):
        if column not in kind.split("+") or column not in rows.columns:
            continue
        names = rows["set"] + " " + rows[column].astype(str)
        crossing = set(names[rows["split"] == "test"]) & set(names[rows["split"] != "test"])
        if crossing:
            raise DataError(f"the split by {kind} has {column} {min(crossing)} on both sides; its list is damaged")
    copies = rows[rows["id"].duplicated()]
    if len(copies):
        raise DataError(f"the split lists {copies['id'].iloc[0]} twice")
