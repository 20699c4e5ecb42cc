"""Any labelled set a user has: a folder tree `.../<label>/<file>`, a CSV with `path` or `text`, and `label`, or
what `mer data import` made. Parts are folders of the tree or the values of a column `split`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, overload

import numpy as np
import pandas as pd

from mer_batch.data import files
from mer_batch.data.manifest import TABLE, our_split, read_manifest
from mer_batch.errors import DataError
from mer_batch.labels import INDEX, canonical
from mer_batch.tasks.task import LabelledSet
from mer_batch.types import Image, Modality

SUFFIXES = {**files.SUFFIXES, "text": frozenset((".txt",))}


class LazyItems(Sequence[Any]):
    """Files that are read when they are asked for, so that a large set needs no large memory."""

    def __init__(self, paths: Sequence[Path], read: Callable[[Path], Any]) -> None:
        self._paths, self._read = paths, read

    def __len__(self) -> int:
        return len(self._paths)

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> list[Any]: ...
    def __getitem__(self, index: int | slice) -> Any:
        """One item, or a list of them for a slice."""
        if isinstance(index, slice):
            return [self._read(path) for path in self._paths[index]]
        return self._read(self._paths[index])


@dataclass(frozen=True)
class Rows:
    """What a set lists: a text or a path a row, its label, and the labels that have no counterpart."""

    values: list[str]
    labels: list[int]
    skipped: Counter[str]


def load_set(
    modality: Modality, source: Path, card_input: Mapping[str, Any], device: str = "auto", split: str | None = None
) -> tuple[LabelledSet, Counter[str]]:
    """The set at `source` for a modality, or its part `split`, and how many rows had a label outside ours.

    `card_input` is the input section of the model that will read it: faces are framed for it.

    Raises `DataError` when there is nothing to read or a row is malformed.
    """
    if modality == "face" and source.is_dir() and (source / TABLE).is_file():
        return _manifest_set(source, card_input, device, split)
    if source.is_dir():
        rows, is_text = _folder_rows(modality, source, split), False
    elif source.is_file():
        rows, is_text = _table_rows(source, split)
    else:
        raise DataError(f"there is no labelled set at {source}; give a folder or a CSV file")
    if not rows.values:
        outside = ", ".join(sorted(rows.skipped)) or "none"
        raise DataError(f"{source} has no usable {modality} example (labels outside ours: {outside})")
    if is_text and modality != "text":
        raise DataError(f"{source} has texts, but {modality} needs a path column")
    return _items(modality, source, rows, is_text, lambda: _face_reader(device, card_input)), rows.skipped


def _items(
    modality: Modality, source: Path, rows: Rows, is_text: bool, face_reader: Callable[[], Callable[[Path], Any]]
) -> LabelledSet:
    if is_text:
        return LabelledSet(str(source.name), rows.values, rows.labels, [str(i) for i in range(len(rows.values))])
    base = source if source.is_dir() else source.parent
    paths = [base / value for value in rows.values]
    for path in paths:
        if not path.is_file():
            raise DataError(f"{source}: the file {path} does not exist")
    if modality == "voice":
        return _voice_set(source, paths, rows.labels)
    read = _read_text if modality == "text" else face_reader()
    return LabelledSet(source.name, LazyItems(paths, read), rows.labels, rows.values)


def _manifest_set(
    source: Path, card_input: Mapping[str, Any], device: str, split: str | None
) -> tuple[LabelledSet, Counter[str]]:
    """Pictures of a set with a manifest.csv, also those inside an archive."""
    from mer_batch.face.stills import StillReader

    whole = read_manifest(source)
    manifest = whole
    if split is not None:
        manifest = whole.part(our_split(split))
        if manifest.rows.empty:
            raise _no_split(source, split, whole.splits)
    rows = _mapped(list(zip(manifest.rows["path"], manifest.rows["label"], strict=True)))
    if not rows.values:
        raise DataError(f"{source} has no usable face example (labels outside ours: {', '.join(sorted(rows.skipped))})")
    stills = StillReader(device, card_input)

    def read(path: Path) -> Any:
        return stills.frame(_coloured(manifest.read_picture(path.as_posix())))

    items = LazyItems([Path(value) for value in rows.values], read)
    return LabelledSet(whole.name, items, rows.labels, rows.values), rows.skipped


def _coloured(picture: Image) -> Image:
    return np.repeat(picture[:, :, None], 3, axis=2) if picture.ndim == 2 else picture


def _no_split(source: Path, split: str, known: Iterable[str]) -> DataError:
    names = ", ".join(sorted(set(known))) or "none"
    return DataError(f"{source} has no part {split!r}; it has {names}; leave --split out for the whole set")


def _folder_rows(modality: Modality, folder: Path, split: str | None) -> Rows:
    paths = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in SUFFIXES[modality]]
    chosen = [path for path in paths if split is None or split in path.relative_to(folder).parts[:-2]]
    if paths and not chosen:
        raise _no_split(folder, str(split), (name for path in paths for name in path.relative_to(folder).parts[:-2]))
    return _mapped([(str(path.relative_to(folder)), path.parent.name) for path in chosen])


def _table_rows(source: Path, split: str | None) -> tuple[Rows, bool]:
    try:
        table = pd.read_csv(source, dtype=str, keep_default_na=False)
    except (ValueError, UnicodeDecodeError, OSError) as error:
        raise DataError(f"cannot read {source}: {str(error).splitlines()[0]}") from error
    value = next((name for name in ("path", "text") if name in table.columns), None)
    if value is None or "label" not in table.columns:
        raise DataError(f"{source} needs the columns path or text, and label; it has {', '.join(table.columns)}")
    if split is not None:
        known = table["split"] if "split" in table.columns else pd.Series([], dtype=str)
        if split not in set(known):
            raise _no_split(source, split, known)
        table = table[known == split]
    return _mapped(list(zip(table[value], table["label"], strict=True))), value == "text"


def _mapped(pairs: list[tuple[str, str]]) -> Rows:
    rows = Rows([], [], Counter())
    for value, name in pairs:
        emotion = canonical(name)
        if emotion is None:
            rows.skipped[name or "(empty)"] += 1
        else:
            rows.values.append(value)
            rows.labels.append(INDEX[emotion])
    return rows


def _read_text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace").strip()


def _face_reader(device: str, card_input: Mapping[str, Any]) -> Callable[[Path], Any]:
    from mer_batch.face.stills import StillReader

    return StillReader(device, card_input).read


def _voice_set(source: Path, paths: Sequence[Path], labels: Sequence[int]) -> LabelledSet:
    pairs = [(window, position) for position, path in enumerate(paths) for window in _windows(path)]
    return LabelledSet(
        source.name, [window for window, _ in pairs], [labels[at] for _, at in pairs], [str(at) for _, at in pairs]
    )


def _windows(path: Path) -> Iterator[Any]:
    from mer_batch import media
    from mer_batch.voice.windows import clip_windows

    clip = media.probe(path)
    return iter(clip_windows(media.load_audio(clip, 0.0, clip.duration)))
