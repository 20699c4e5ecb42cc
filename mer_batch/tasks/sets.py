"""Any labelled set a user has: a folder tree `.../<label>/<file>`, a CSV with `path` or `text`, and `label`, or
what `mer data import` made. Parts are folders of the tree or the values of a column `split`.

Files are read as they are needed, several at a time; one that cannot be read is left out and counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from mer_batch.data.files import ARCHIVES
from mer_batch.data.manifest import CARD, TABLE, read_manifest
from mer_batch.data.texts import is_texts, read_texts
from mer_batch.errors import DataError, MerError
from mer_batch.tasks.listing import Entry, Listed, list_folder, list_manifest, list_sentences, list_table
from mer_batch.tasks.opening import Opened, Opener, opener
from mer_batch.tasks.parallel import ordered
from mer_batch.tasks.tally import Tally
from mer_batch.tasks.task import LabelledSet, OnProgress
from mer_batch.types import Modality

Attempt: TypeAlias = "tuple[Entry, Opened | MerError]"


@dataclass(frozen=True)
class FileSet(LabelledSet):
    """A set whose `items` are entries that are opened one after the other; an entry may hold several parts."""

    items: Sequence[Entry]
    opener: Opener | None = None
    tally: Tally = field(default_factory=Tally)

    def chunks(self, size: int, on_progress: OnProgress) -> Iterator[tuple[Sequence[Any], Sequence[int]]]:
        """What the entries hold, with the place of each. Raises `DataError` where none can be read."""
        assert self.opener is not None
        held: list[Any] = []
        places: list[int] = []
        with self.opener, closing(ordered(self._attempt, self.items)) as attempts:
            for place, (entry, result) in enumerate(attempts):
                parts = self._parts(entry, result)
                held += parts
                places += [place] * len(parts)
                on_progress("reading", (place + 1) / len(self.items))
                while len(held) >= size:
                    yield held[:size], places[:size]
                    held, places = held[size:], places[size:]
        if held:
            yield held, places
        elif not self.tally.read:
            item, reason = self.tally.left_out[-1]
            raise DataError(f"nothing in {self.name} can be read; {item}: {reason}")

    def _attempt(self, entry: Entry) -> Attempt:
        assert self.opener is not None
        try:
            return entry, self.opener.open(entry)
        except MerError as error:
            return entry, error
        except OSError as error:  # a link that leads nowhere, a share that is gone
            return entry, DataError(error.strerror or str(error))

    def _parts(self, entry: Entry, result: Opened | MerError) -> list[Any]:
        assert self.opener is not None
        try:
            if isinstance(result, MerError):
                raise result
            parts = self.opener.finish(result)
        except MerError as error:
            self.tally.left_out.append((entry.id, str(error)))
            return []
        self.tally.assumed += [(entry.id, note) for note in result.notes]
        return parts


def load_set(
    modality: Modality, source: Path, card_input: Mapping[str, Any], device: str = "auto", split: str | None = None
) -> FileSet:
    """The set at `source` for a modality, or its part `split`; its tally says what is left out, and why.

    `card_input` is the input section of the model that will read it: faces are framed for it.

    Raises `DataError` when there is nothing to read or a table cannot be used.
    """
    listed = _list(modality, source, split)
    if not listed.entries:
        notes = "; ".join(listed.tally.notes()) or "it holds no files"
        raise DataError(f"{source} has no usable {modality} example: {notes}")
    return FileSet(
        source.name or source.resolve().name,
        listed.entries,
        [entry.label for entry in listed.entries],
        [entry.id for entry in listed.entries],
        opener=opener(modality, card_input, device),
        tally=listed.tally,
    )


def _list(modality: Modality, source: Path, split: str | None) -> Listed:
    if source.is_dir():
        if modality == "text" and is_texts(source):
            return list_sentences(read_texts(source), split)
        if modality != "text" and _has_archive(source):
            return list_manifest(read_manifest(source), split)
        if (source / TABLE).is_file():
            return list_table(modality, source / TABLE, split)
        return list_folder(source, split)
    if not source.is_file():
        raise DataError(f"there is no labelled set at {source}; give a folder or a CSV file")
    if source.suffix.lower() in ARCHIVES:
        return list_manifest(read_manifest(source), split)
    return list_table(modality, source, split)


def _has_archive(folder: Path) -> bool:
    """Whether a folder was imported, or holds its files in one archive beside the table."""
    if (folder / CARD).is_file():
        return True
    archives = [path for path in folder.iterdir() if path.suffix.lower() in ARCHIVES]
    return (folder / TABLE).is_file() and len(archives) == 1
