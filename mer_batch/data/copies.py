"""Copies in a set, exact and near, and which of them leak from one split into another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from mer_batch.data import duplicates, landmarks
from mer_batch.data.duplicates import Pairs
from mer_batch.data.manifest import Manifest
from mer_batch.data.scan import OnProgress, Scan

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mer_batch.data.duplicates import Numbers

NEAR_PICTURE: Final = 0.94
"""Least correlation of two thumbnails that is the same photograph.

The same limit as a mean squared difference of 300 between pictures of standard deviation 50, under which all
80 pairs of FER2013 that were looked at are the same photograph.
"""
NEAR_SOUND: Final = 0.8
"""Least correlation of two waveforms that is the same recording.

24 clips of TESS and EMOVO coded again at 12 or 24 kbit/s, cut or padded have 0.91 or more with the original; pairs of
different clips that share landmarks have 0.53 or less.
"""
CANDIDATE: Final = 0.9
"""Least correlation of the low frequencies of two thumbnails that is looked at closer."""
RANKS: Final = {"train": 0, "validation": 2, "public_test": 2, "test": 3, "private_test": 3}
"""Of two copies in different splits, the one in the split of lower rank is the one to leave out."""
UNKNOWN_RANK: Final = 1


def rank(split: str) -> tuple[int, str]:
    """How much a split is protected; splits of the same rank go by their names."""
    return RANKS.get(split, UNKNOWN_RANK), split


def find_copies(manifest: Manifest, scanned: Scan, on_progress: OnProgress) -> tuple[pd.DataFrame, bool]:
    """Pairs of copies (first_path, second_path, kind, score, mirrored, and both labels and splits), and whether
    that is all of them. In a pair across splits, the second is the one in the split that is protected more.
    """
    rows = scanned.rows
    groups = [np.asarray(group) for group in rows.groupby("_content", sort=False).indices.values()]
    near = _near(manifest, scanned, np.array([group[0] for group in groups]), on_progress)
    table = pd.DataFrame(
        _exact(groups, rows) + _spread(near, groups), columns=["first", "second", "kind", "score", "mirrored"]
    )
    return _described(table, rows), near.complete


def _exact(groups: list[NDArray[np.int64]], rows: pd.DataFrame) -> list[tuple[int, int, str, float, bool]]:
    """Every member of a group of equal items with the one that is protected most."""
    splits, pairs = rows["split"].to_numpy(), []
    for group in groups:
        anchor = max(group, key=lambda item: (rank(splits[item]), -item))
        pairs += [(int(item), int(anchor), "exact", 1.0, False) for item in group if item != anchor]
    return pairs


def _spread(near: Pairs, groups: list[NDArray[np.int64]]) -> list[tuple[int, int, str, float, bool]]:
    """Near pairs of groups as pairs of their members."""
    return [
        (int(first), int(second), "near", float(score), bool(mirrored))
        for left, right, score, mirrored in zip(near.first, near.second, near.score, near.mirrored, strict=True)
        for first in groups[left]
        for second in groups[right]
    ]


def _near(manifest: Manifest, scanned: Scan, chosen: NDArray[np.int64], on_progress: OnProgress) -> Pairs:
    """Near pairs among the chosen items, one of each group of equal ones."""
    on_progress("comparing", 0.0)
    marks = [scanned.marks[item] for item in chosen]
    if manifest.modality == "face":
        maps = np.stack(marks)
        found = duplicates.verified(maps, duplicates.candidates(maps, CANDIDATE), NEAR_PICTURE)
    else:
        found = _same_take(manifest, scanned.rows["path"].to_numpy()[chosen], landmarks.candidates(marks), on_progress)
    on_progress("comparing", 1.0)
    return found


def _same_take(
    manifest: Manifest, paths: NDArray[np.object_], found: tuple[Numbers, Numbers], on_progress: OnProgress
) -> Pairs:
    """The candidates whose waveforms are the same where they overlap."""
    from mer_batch.data.sounds import alike, low_band

    used = np.unique(np.concatenate(found))
    sounds = {int(item): low_band(manifest.read_sound(paths[item])) for item in used}
    score = np.zeros(len(found[0]), dtype=np.float32)
    for position, (first, second) in enumerate(zip(*found, strict=True)):
        score[position] = alike(sounds[int(first)], sounds[int(second)])
        on_progress("comparing", position / len(score))
    return Pairs(*found, score, np.zeros(len(score), dtype=bool)).take(score >= NEAR_SOUND)


def _described(table: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Positions as paths, labels and splits, the less protected first."""
    first, second = table["first"].to_numpy(dtype=int), table["second"].to_numpy(dtype=int)
    splits = rows["split"].to_numpy()
    swap = np.array([rank(splits[a]) > rank(splits[b]) for a, b in zip(first, second, strict=True)], dtype=bool)
    first, second = np.where(swap, second, first), np.where(swap, first, second)
    result = pd.DataFrame({"kind": table["kind"], "score": table["score"].round(4), "mirrored": table["mirrored"]})
    for name, items in (("first", first), ("second", second)):
        for column in ("path", "split", "label"):
            result[f"{name}_{column}"] = rows[column].to_numpy()[items]
    return result


@dataclass(frozen=True)
class Leak:
    """Copies between two splits: the items of the protected one (`high`) that have an exact or only a near copy
    in the other, and the items of that other (`low`) to leave out.
    """

    low: str
    high: str
    exact: list[str]
    near: list[str]
    drop: set[str]


def leaks(rows: pd.DataFrame, pairs: pd.DataFrame) -> list[Leak]:
    """All leaks of copies between the splits of a set; `rows` as scanned, `pairs` as found."""
    splits = sorted((str(name) for name in rows["split"].unique() if name), key=rank)
    found = [_leak(rows, pairs, low, high) for at, low in enumerate(splits) for high in splits[at + 1 :]]
    return [leak for leak in found if leak.drop]


def _leak(rows: pd.DataFrame, pairs: pd.DataFrame, low: str, high: str) -> Leak:
    below, above = rows[rows["split"] == low], rows[rows["split"] == high]
    exact = above.loc[above["_content"].isin(below["_content"]), "path"]
    drop = below.loc[below["_content"].isin(above["_content"]), "path"]
    near = pairs[(pairs["kind"] == "near") & (pairs["first_split"] == low) & (pairs["second_split"] == high)]
    only_near = set(near["second_path"]) - set(exact)
    return Leak(low, high, list(exact), sorted(only_near), set(drop) | set(near["first_path"]))


def shared_values(rows: pd.DataFrame, column: str) -> dict[tuple[str, str], set[str]]:
    """The values of a column that lie in two splits, by the pair of splits, the less protected first."""
    values = {split: set(part[column].astype(str)) - {""} for split, part in rows.groupby("split") if split}
    splits = sorted(values, key=rank)
    pairs = [(low, high) for at, low in enumerate(splits) for high in splits[at + 1 :]]
    return {pair: both for pair in pairs if (both := values[pair[0]] & values[pair[1]])}


def with_shared(rows: pd.DataFrame, column: str, shared: Mapping[tuple[str, str], set[str]]) -> set[str]:
    """The paths in the less protected splits that have a shared value."""
    return {
        path
        for (low, _), values in shared.items()
        for path in rows.loc[(rows["split"] == low) & rows[column].astype(str).isin(values), "path"]
    }
