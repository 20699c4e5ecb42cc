"""What a labelled set of the user's own lists, before anything is read: a folder tree, a table, or an imported set."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from mer_batch.data.files import Files, find_file, is_junk
from mer_batch.data.manifest import Manifest, our_split
from mer_batch.errors import DataError
from mer_batch.labels import INDEX, canonical, no_counterpart
from mer_batch.tables import Row, Table, lines_of, read_csv, seconds
from mer_batch.tasks.tally import Tally
from mer_batch.types import Modality

LABEL: Final = ("label", "emotion")
"""Columns that hold the label; the first that a table has counts."""
Span = tuple[float, float | None]


@dataclass(frozen=True)
class Entry:
    """One labelled thing: a text, a file, or a member of an archive, maybe a part of it in seconds."""

    id: str
    label: int
    text: str | None = None
    path: Path | None = None
    files: Files | None = None
    span: Span | None = None

    def read_bytes(self) -> bytes:
        """The file's content. Raises `DataError`."""
        if self.files is not None:
            return self.files.read(self.id)
        assert self.path is not None
        try:
            return self.path.read_bytes()
        except (OSError, ValueError) as error:
            raise DataError(f"cannot read {self.id}: {getattr(error, 'strerror', None) or error}") from error


@dataclass
class Listed:
    """The entries of a set that have one of our labels, and the tally of all that was found."""

    entries: list[Entry] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)

    def take(self, item: str, label: str) -> int | None:
        """Count an item; the index of its label, or None where it is left out for having no counterpart."""
        self.tally.found += 1
        emotion = canonical(label)
        if emotion is None:
            self.tally.left_out.append((item, no_counterpart(label)))
            return None
        return INDEX[emotion]

    def skip(self, item: str, reason: str) -> None:
        """Count an item that is left out."""
        self.tally.found += 1
        self.tally.left_out.append((item, reason))


def no_split(source: Path, split: str, known: Iterable[str]) -> DataError:
    """The message for a part that a set does not have."""
    names = ", ".join(sorted({name for name in known if name})) or "none"
    return DataError(f"{source} has no part {split!r}; it has {names}; leave --split out for the whole set")


def list_folder(folder: Path, split: str | None) -> Listed:
    """All files `.../LABEL/FILE` below a folder, whatever their names end with; a part is a folder above the label."""
    listed, parts, chosen = Listed(), set[str](), False
    for path, problem in _walk(folder):
        name = path.relative_to(folder).as_posix()
        above = path.relative_to(folder).parts[:-2]
        parts.update(above)
        if split is not None and split not in above:
            continue
        chosen = True
        if is_junk(name):
            listed.tally.ignored.append(name)
        elif problem:
            listed.skip(name, problem)
        else:
            label = listed.take(name, path.parent.name or path.parent.resolve().name)
            if label is not None:
                listed.entries.append(Entry(name, label, path=path))
    if split is not None and not chosen:
        raise no_split(folder, split, parts)
    return listed


def _walk(folder: Path) -> Iterator[tuple[Path, str]]:
    """Files in order, each with the reason why it is none; links to folders are followed, each folder once."""
    seen: set[str] = set()
    denied: list[tuple[Path, str]] = []

    def note(error: OSError) -> None:
        denied.append((Path(str(error.filename)), f"the folder cannot be read: {error.strerror}"))

    for place, folders, names in os.walk(folder, followlinks=True, onerror=note):
        folders.sort()
        real = os.path.realpath(place)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        yield from ((Path(place) / name, "") for name in sorted(names))
        if not names and not folders and Path(place).suffix:
            yield Path(place), "it is a folder"
    yield from denied


def list_table(modality: Modality, source: Path, split: str | None) -> Listed:
    """The rows of a CSV with `path` or `text` (the modality decides which of both), a label, and maybe `split`,
    `start` and `end`.

    Raises `DataError` for a table without these columns, and for a path with two labels.
    """
    table = read_csv(source)
    value = table.column("text", "path") if modality == "text" else table.column("path")
    if value is None and table.column("text"):
        raise DataError(f"{source} has texts, but {modality} needs a path column")
    if value is None or table.column(*LABEL) is None:
        raise table.lacks(f"{'path or text' if modality == 'text' else 'path'}, and label")
    rows = _part(table, split)
    listed = Listed()
    for line, reason in table.left_out:
        listed.skip(f"line {line}", reason)
    listed.tally.assumed += [("", note) for note in table.notes]
    if value == "text":
        _list_texts(rows, table, listed)
    else:
        _list_paths(rows, table, listed)
    return listed


def _part(table: Table, split: str | None) -> list[Row]:
    if split is None:
        return list(table.rows)
    if table.column("split") is None:
        raise no_split(table.path, split, ())
    rows = [row for row in table.rows if split in (row["split"], our_split(row["split"]))]
    if not rows:
        raise no_split(table.path, split, (row["split"] for row in table.rows))
    return rows


def _list_texts(rows: list[Row], table: Table, listed: Listed) -> None:
    column = table.needed(*LABEL)
    for row in rows:
        place = f"line {row.line}"
        if not row["text"]:
            listed.skip(place, "it has no text")
            continue
        label = listed.take(place, row[column])
        if label is not None:
            listed.entries.append(Entry(str(len(listed.entries)), label, text=row["text"]))


def _list_paths(rows: list[Row], table: Table, listed: Listed) -> None:
    column = table.needed(*LABEL)
    timed = {name for name in ("start", "end") if table.column(name)}
    first: dict[tuple[Path, Span | None], Row] = {}
    clashes: list[tuple[Row, Row]] = []
    for row in rows:
        place = f"line {row.line}"
        try:
            span = _span(row, timed)
            path = find_file(table.path.parent, row["path"])
        except ValueError as error:
            listed.skip(f"{place} ({row['path']})" if row["path"] else place, str(error))
            continue
        before = first.setdefault((path, span), row)
        if before is row:
            _add_path(row, row[column], path, span, listed)
        elif _same(before[column], row[column]):
            listed.skip(place, f"it repeats line {before.line}")
        else:
            clashes.append((before, row))
    if clashes:
        raise _clash(table, column, clashes)
    if not listed.entries and rows and all("no such file" in reason for _, reason in listed.tally.left_out):
        raise DataError(
            f"none of the {len(rows):,} files that {table.path} lists is there, such as {rows[0]['path']!r}; "
            f"paths count from {table.path.parent.resolve()}"
        )


def _add_path(row: Row, name: str, path: Path, span: Span | None, listed: Listed) -> None:
    # Names as they are written: predictions of several models on one table are joined by them.
    part = "" if span is None else f"#{span[0]:g}-{'' if span[1] is None else format(span[1], 'g')}"
    label = listed.take(f"line {row.line} ({row['path']})", name)
    if label is not None:
        listed.entries.append(Entry(f"{row['path']}{part}", label, path=path, span=span))


def _same(one: str, other: str) -> bool:
    return (canonical(one) or one.casefold()) == (canonical(other) or other.casefold())


def _clash(table: Table, column: str, clashes: list[tuple[Row, Row]]) -> DataError:
    one, other = clashes[0]
    more = f"; {len(clashes) - 1:,} more paths likewise" if len(clashes) > 1 else ""
    return DataError(
        f"{table.path}: {lines_of([one.line, other.line])} give {one['path']!r} two labels, {one[column]!r} and "
        f"{other[column]!r}; keep one of them, or tell parts of it apart by start and end{more}"
    )


def _span(row: Row, timed: set[str]) -> Span | None:
    """The part of the file that a row is about. Raises `ValueError` for times that are none."""
    given = {name: row[name] for name in sorted(timed) if row[name]}
    if not given:
        return None
    start = seconds(given["start"]) if "start" in given else 0.0
    end = seconds(given["end"]) if "end" in given else None
    if start < 0 or (end is not None and end <= start):
        raise ValueError(f"a part needs 0 <= start < end, got {' and '.join(given.values())}")
    return start, end


def list_manifest(manifest: Manifest, split: str | None) -> Listed:
    """The rows of an imported set, or of the files in an archive."""
    rows = manifest.rows if split is None else manifest.part(our_split(split)).rows
    if rows.empty:
        raise no_split(manifest.files.place, str(split), manifest.splits)
    listed = Listed()
    for reason, count in manifest.skipped.items():
        for _ in range(count if split is None else 0):
            listed.skip("", reason)
    for path, name in zip(rows["path"], rows["label"], strict=True):
        label = listed.take(path, name)
        if label is not None:
            listed.entries.append(Entry(path, label, files=manifest.files))
    return listed


def list_sentences(manifest: Manifest, split: str | None) -> Listed:
    """The sentences of an imported set of texts."""
    rows = manifest.rows if split is None else manifest.part(our_split(split)).rows
    if rows.empty:
        raise no_split(manifest.files.place, str(split), manifest.splits)
    listed = Listed()
    for name, text, label in zip(rows["path"], rows["text"], rows["label"], strict=True):
        place = listed.take(name, label)
        if place is not None:
            listed.entries.append(Entry(name, place, text=text))
    return listed
