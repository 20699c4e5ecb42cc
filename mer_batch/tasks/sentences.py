"""The text sets as distributed: their rows, what was said before each, and which of them may train.

MELD (Poria et al., arXiv:1810.02508), GoEmotions (Demszky et al., arXiv:2005.00547), DailyDialog (Li et al.,
arXiv:1710.03957), CARER (Saravia et al., 2018).
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from mer_batch.data.manifest import CARD
from mer_batch.data.sets import data_set, label_index
from mer_batch.errors import unknown_name
from mer_batch.nets.tokens import spoken, words
from mer_batch.nets.wordpiece import Line
from mer_batch.tables_out import plain

COPY: Final = 4
"""Words from which a shared sentence counts as a copy; shorter ones are everybody's."""
REACH: Final = 4
"""Sentences of a dialogue that are kept before each of its sentences."""


@dataclass(frozen=True)
class TextSet:
    """A set: its `title`, the `kind` of text it is, its `licence`, and the names of its two held-out parts."""

    title: str
    kind: str
    licence: str
    validation: str = "dev"
    test: str = "test"


SETS: Final[Mapping[str, TextSet]] = {
    "meld": TextSet("MELD", "film", "GPL-3.0 (dialogue of a TV series)"),
    "goemotions": TextSet("GoEmotions", "forum", "CC BY 4.0 (Google)"),
    "dailydialog": TextSet("DailyDialog", "chat", "CC BY-NC-SA 4.0", validation="validation"),
    "carer": TextSet("CARER", "post", "for education and research", validation="val"),
}
"""What can be trained on. EmoryNLP is not among them: it repeats MELD."""
_FLAGS: Final = ("text_in_train", "dialogue_in_train", "in_isear")
"""Columns that mark rows which must not count: copies of training text, and stories of ISEAR, an outside test."""


@dataclass(frozen=True, slots=True)
class Row:
    """One sentence with its label, None where ours has no counterpart.

    `fine` are the source's own labels, `before` what was said before it in its dialogue, the latest last;
    `flagged` says that it copies another part of the set, or an outside test.
    """

    id: str
    text: str
    label: int | None
    fine: tuple[str, ...]
    set: str
    before: tuple[str, ...] = ()
    flagged: bool = False
    dialogue: str = ""
    """The dialogue that it is from; empty where a sentence stands alone."""

    def line(self, kind: str, context: bool = False) -> Line:
        """The sentence as a reader takes it."""
        return Line(self.text, self.before if context else (), kind)


def read_rows(name: str, split: str) -> tuple[Row, ...]:
    """All rows of a split in their order. A row of GoEmotions has a label where all of its own fall in one group."""
    if name not in SETS:
        raise unknown_name("text set", name, SETS)
    return _read(name, data_set(name, f"{split}.csv") / f"{split}.csv")


@lru_cache(maxsize=32)
def _read(name: str, path: Path) -> tuple[Row, ...]:
    with path.open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    if (path.parent / CARD).is_file():  # an import of ours
        table = [{key: str(plain(value)) for key, value in row.items()} for row in table]
    said: dict[str, list[str]] = {}
    rows = []
    for row in table:
        dialogue = said.setdefault(row.get("dialogue_id") or row["id"], [])
        rows.append(_row(name, row, dialogue[-REACH:]))
        dialogue.append(row["text"])
    return tuple(rows)


def _row(name: str, row: Mapping[str, str], before: Sequence[str]) -> Row:
    return Row(
        row["id"],
        row["text"],
        label_index(row["label"]) if row["label"] else None,
        tuple(row["original_label"].split("|")) if row["original_label"] else (),
        name,
        tuple(before),
        any(row.get(flag) == "1" for flag in _FLAGS),
        row.get("dialogue_id") or "",
    )


def held_out_rows(name: str, part: str) -> list[Row]:
    """The labelled, unflagged rows of a set's "validation" or "test" part."""
    rows = read_rows(name, getattr(SETS[name], part))
    return [row for row in rows if row.label is not None and not row.flagged]


def training_rows(name: str, held_out: Collection[str]) -> list[Row]:
    """The labelled, unflagged training rows of a set without copies of sentences whose keys are `held_out`."""
    rows = [row for row in read_rows(name, "train") if row.label is not None and not row.flagged]
    return [row for row in rows if copy_key(row.text) not in held_out]


def held_out_keys(names: Iterable[str]) -> set[str]:
    """What `copy_key` says of all sentences in the held-out parts of these sets."""
    parts = [read_rows(name, part) for name in names for part in (SETS[name].validation, SETS[name].test)]
    return {key for part in parts for row in part if (key := copy_key(row.text)) is not None}


def copy_key(text: str) -> str | None:
    """Letters and digits of a sentence of `COPY` words or more, which sees through spelling; else None."""
    if len(spoken(words(text))) < COPY:
        return None
    return "".join(letter for letter in text.lower() if letter.isalnum())
