"""Speech sets and which of their clips train, validate and test."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Final

import pandas as pd

from mer_batch.data.importers import known
from mer_batch.data.manifest import TABLE, Manifest, clip_ids, read_manifest
from mer_batch.data.sets import data_set, label_index, require
from mer_batch.errors import DataError, UsageError, unknown_name
from mer_batch.resources import data_dir
from mer_batch.tasks import voice_splits
from mer_batch.types import Samples

SETS: Final = ("ravdess", "tess", "emovo", "emodb")
"""Sets that the default network is trained on."""


class Corpora:
    """Speech sets under one split. Raises `UsageError` for unknown names and `DataError` for sets not at hand."""

    def __init__(
        self, sets: Sequence[str], test: Sequence[str], *, split: str, fold: int, partial: bool, limit: int
    ) -> None:
        self.split, self._fold, self._partial, self._limit = split, fold, partial, limit
        self._listed = None if split in voice_splits.KINDS else _split_file(split)
        names = list(dict.fromkeys((*sets, *test)))
        try:
            found = {name: source(name) for name in names}
        except DataError:
            require([name for name in names if name in known() and not _is_folder(name)], TABLE)  # tells of all
            raise
        self.sources = dict(found.values())
        self.named = {name: spec for spec, (name, _) in found.items()}
        """The sets as they were asked for (name or folder), by name."""
        self.tested = [found[name][0] for name in test]
        if split == "corpus" and not 0 < len(self.tested) < len(self.sources):
            raise UsageError('split = "corpus" needs test = [...], the sets to test on, and others to train on')

    @property
    def trained(self) -> list[str]:
        """The names of the sets that train."""
        return [name for name in self.sources if self.split != "corpus" or name not in self.tested]

    @property
    def kind(self) -> str:
        """What a split holds out of training, in words: speakers, or clips under a kind of split."""
        if self._listed is not None:
            return "speakers"
        fold = "" if self.split in ("random", "doubled", "corpus") else f", fold {self._fold}"
        return f"clips (split by {self.split}{fold})"

    @cached_property
    def folds(self) -> int:
        """How many folds the split has: the most of any set that is tested."""
        if self._listed is not None:
            return 1
        tables = [self._table(name, self._own_rows(name)) for name in self.tested or self.sources]
        return max(voice_splits.fold_count(table, self.split) for table in tables)

    @cached_property
    def rows(self) -> pd.DataFrame:
        """All clips that the split uses: id, path, label, emotion, set, split, and what is known beside."""
        rows = pd.concat([self._set_rows(name) for name in self.sources], ignore_index=True)
        if self._listed is None:
            voice_splits.check(rows, self.split)
        return rows

    def part(self, split: str) -> pd.DataFrame:
        """The rows of a part. Raises `DataError` when there are none."""
        rows = self.rows[self.rows["split"] == split]
        if self._limit:
            rows = rows.groupby("emotion", group_keys=False).head(self._limit)
        if split == "test" and self.tested:
            rows = rows[rows["set"].isin(self.tested)]
        if rows.empty:
            raise DataError(f"the split {self.split!r} leaves no clip for {split}; check sets and test")
        return rows

    def manifests(self) -> list[tuple[Manifest, list[str]]]:
        """Every set with the parts of its clips, and the columns that the split promises to keep apart.

        A split at random, or by a list of one's own, promises what every honest test keeps apart: speakers.
        """
        kinds: list[str] = [name for name in ("speaker", "sentence") if name in self.split.split("+")] or ["speaker"]
        found = []
        for name, made in self.sources.items():
            rows = self.rows[self.rows["set"] == name].drop(columns=["set", "clip", "emotion", "id"])
            rows = rows[rows["split"] != ""].reset_index(drop=True)
            found.append((replace(made, rows=rows), [column for column in kinds if column in rows.columns]))
        return found

    def clips(self, rows: pd.DataFrame) -> Iterator[tuple[Samples, int, str]]:
        """Sound, label and id of every row."""
        for name, path, emotion, clip in zip(rows["set"], rows["path"], rows["emotion"], rows["id"], strict=True):
            yield _sound(self.sources[name].read_bytes(path), path), int(emotion), str(clip)

    def _own_rows(self, name: str) -> pd.DataFrame:
        rows = self.sources[name].rows.rename(columns={"sentence_or_word": "sentence"}).assign(set=name)
        rows["clip"] = clip_ids(name, list(rows["path"]))
        return rows

    def _table(self, name: str, rows: pd.DataFrame) -> pd.DataFrame:
        found = voice_splits.frozen(name)
        return voice_splits.make_list(rows.rename(columns={"clip": "id"})) if found is None else found

    def _set_rows(self, name: str) -> pd.DataFrame:
        rows = self._own_rows(name)
        parts = self._parts(name, rows).rename("split").rename_axis("id").reset_index()
        parts["clip"] = parts["id"].str.removesuffix(voice_splits.COPY)
        missing = set(parts["clip"]) - set(rows["clip"])
        if missing and not self._partial:
            raise DataError(
                f"{name} lacks {len(missing)} of the {parts['clip'].nunique()} clips of its split, such as "
                f"{min(missing)}; take the published set, or set partial = true under [data]"
            )
        rows = rows.drop(columns="split", errors="ignore").merge(parts, on="clip", sort=False)
        rows["emotion"] = [label_index(label) for label in rows["label"]]
        return rows

    def _parts(self, name: str, rows: pd.DataFrame) -> pd.Series[str]:
        if self._listed is not None:
            parts = voice_splits.read_list(self._listed)
            return parts[parts.index.str.startswith(f"{name}/")]
        return voice_splits.parts(self._table(name, rows), self.split, self._fold, name not in self.tested)


def source(name: str) -> tuple[str, Manifest]:
    """A set by its name or folder: what lists call it, and its clips with one of our labels.

    Raises `UsageError` for a name that is neither known nor that of an imported set, `DataError` for an absent set.
    """
    folder = Path(name)
    if not _is_folder(name):
        try:
            folder = data_set(name, TABLE)
        except DataError:
            spoken = [kind for kind, importer in known().items() if importer.modality == "voice"]
            if name in spoken:
                raise
            raise unknown_name("voice data set", name, spoken) from None
    made = read_manifest(folder).emotions()
    return (made.name if voice_splits.frozen(made.kind) is None else made.kind), made


def _is_folder(name: str) -> bool:
    return (Path(name) / TABLE).is_file()


@lru_cache(maxsize=8192)
def _sound(data: bytes, name: str) -> Samples:
    """A clip, kept: the folds of a split read the same ones again."""
    from mer_batch.data.sounds import decode_mono

    return decode_mono(data, name)


def _split_file(name: str) -> Path:
    """The list of parts in `train/splits`, or a CSV file of one's own."""
    shipped = {path.stem: path for path in (data_dir("train") / "splits").glob("voice*.csv")}
    if name not in shipped and not Path(name).is_file():
        raise unknown_name("voice split", name, [*shipped, *voice_splits.KINDS])
    return shipped.get(name) or Path(name)
