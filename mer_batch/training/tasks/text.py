"""The text task: MELD (Poria et al., arXiv:1810.02508) and GoEmotions (Demszky et al., arXiv:2005.00547).

MELD is what the model is for, single spoken utterances; GoEmotions adds breadth. Every sentence is kept
with and without punctuation, because recognizers differ in what they write.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from mer_batch.errors import DataError, unknown_name
from mer_batch.labels import INDEX
from mer_batch.resources import data_dir
from mer_batch.text.tokens import PIECES, Tokenizer, spoken, words
from mer_batch.training.task import Examples, LabelledSet, Split, Task
from mer_batch.training.tasks.datasets import data_set, label_index

if TYPE_CHECKING:
    import torch
    from torch import Tensor

STRETCHED: Final = frozenset(
    ("approval", "caring", "confusion", "curiosity", "desire", "disapproval", "optimism", "realization")
)
"""GoEmotions' labels whose published grouping into seven is a stretch (curiosity is not surprise): left out."""
OPENINGS: Final = {"meld": "<film>", "goemotions": "<forum>"}
"""What each set tells the network of its kind of text; in use every sentence counts as spoken film dialogue."""
COPY: Final = 4
"""Words from which a shared sentence counts as a copy; shorter ones are everybody's."""
OPTIONS: Final[Mapping[str, Any]] = {
    "meld_repeats": 1,
    "goemotions": True,
    "unpunctuated": 0.4,
    "token_dropout": 0.3,
    "length": 48,
    "buckets": 65536,
    "validation": "text_validation.csv",
    "limit": 0,
}
"""`validation` names a frozen list in train/splits; empty = all of both dev parts. `limit` is per class, 0 = none."""


@dataclass(frozen=True, slots=True)
class Row:
    """One labelled sentence; `fine` are the source's own labels."""

    id: str
    text: str
    label: int | None
    fine: tuple[str, ...]
    set: str


def read_rows(name: str, split: str) -> list[Row]:
    """All rows of a split as distributed; those without one of our labels, or with a stretched one, have None."""
    with data_set("text", name, f"{split}.csv").open(encoding="utf-8", newline="") as file:
        return [
            Row(
                row["id"],
                row["text"],
                _index(row["label"], row["original_label"].split("|")),
                tuple(row["original_label"].split("|")) if row["original_label"] else (),
                name,
            )
            for row in csv.DictReader(file)
        ]


def _index(label: str, original: Sequence[str]) -> int | None:
    return label_index(label) if label and not STRETCHED.intersection(original) else None


def copy_key(text: str) -> str | None:
    """Letters and digits of a sentence of `COPY` words or more, which sees through spelling; else None."""
    if len(spoken(words(text))) < COPY:
        return None
    return "".join(letter for letter in text.lower() if letter.isalnum())


class TextTask(Task):
    """MELD and GoEmotions as hashed tokens: punctuated and unpunctuated side by side, (n, 2 * length * PIECES)."""

    modality = "text"
    licence = (
        "weights: Apache-2.0; training texts: MELD GPL-3.0 (dialogue of a TV series), GoEmotions CC BY 4.0 (Google)"
    )

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = options
        self._tokenizer = Tokenizer(length=int(options["length"]), buckets=int(options["buckets"]))
        tokenizer = self._tokenizer
        self.input = {
            "length": tokenizer.length,
            "buckets": tokenizer.buckets,
            "prefix": tokenizer.prefix,
            "suffix": tokenizer.suffix,
            "opening": tokenizer.opening,
            "languages": ["en"],
        }
        extra = " and GoEmotions training parts" if options["goemotions"] else " training part"
        self.data = (
            f"MELD{extra} without sentences that occur in their test or validation parts"
            f"{', and without the GoEmotions labels ' + ', '.join(sorted(STRETCHED)) if options['goemotions'] else ''}"
        )
        self.auxiliary = len(self._fine_names) if options["goemotions"] else 0

    @cached_property
    def _fine_names(self) -> list[str]:
        return sorted({name for row in read_rows("goemotions", "train") for name in row.fine})

    def train(self) -> Examples:
        """The training parts without copies of held-out sentences, MELD repeated as chosen."""
        held_out = self._held_out_keys()
        rows = read_rows("meld", "train") * int(self._options["meld_repeats"])
        if self._options["goemotions"]:
            rows += read_rows("goemotions", "train")
        kept = [row for row in rows if row.label is not None and copy_key(row.text) not in held_out]
        if limit := int(self._options["limit"]):
            kept = [row for label in INDEX.values() for row in _first(kept, label, limit)]
        return self._examples(kept, openings=OPENINGS)

    def _held_out_keys(self) -> set[str]:
        parts = [read_rows(name, split) for name in OPENINGS for split in ("dev", "test")]
        return {key for part in parts for row in part if (key := copy_key(row.text)) is not None}

    @cached_property
    def _validation_rows(self) -> list[Row]:
        """MELD dev and as much of GoEmotions dev, by the frozen list of ids."""
        found = [row for name in OPENINGS for row in read_rows(name, "dev") if row.label is not None]
        listed = str(self._options["validation"])
        if not listed:
            return found
        rows = {(row.set, row.id): row for row in found}
        with (data_dir("train") / "splits" / listed).open(encoding="utf-8", newline="") as file:
            chosen = [(row["set"], row["id"]) for row in csv.DictReader(file)]
        missing = [name for name in chosen if name not in rows]
        if missing:
            raise DataError(f"{listed} names {missing[0]}, which the data set lacks; take the published version")
        return [rows[name] for name in chosen]

    def validation(self) -> Examples:
        """The frozen validation list, read as in use."""
        return self._examples(self._validation_rows, openings={})

    def held_out(self, split: Split) -> LabelledSet:
        """The frozen validation list, or the MELD test part."""
        if split == "validation":
            rows, name = self._validation_rows, "MELD dev and GoEmotions dev"
        else:
            rows, name = [row for row in read_rows("meld", "test") if row.label is not None], "MELD test"
        return LabelledSet(name, [row.text for row in rows], _labels(rows), [f"{row.set}:{row.id}" for row in rows])

    def _examples(self, rows: Sequence[Row], openings: Mapping[str, str]) -> Examples:
        import torch

        tables = [self._encode(rows, openings, plain).astype(np.int32) for plain in (False, True)]
        return Examples(
            inputs=torch.from_numpy(np.concatenate(tables, axis=1)),
            labels=torch.tensor(_labels(rows)),
            ids=tuple(row.id for row in rows),
            soft=torch.from_numpy(self._fine(rows)) if self.auxiliary else None,
        )

    def _encode(self, rows: Sequence[Row], openings: Mapping[str, str], plain: bool) -> np.ndarray[Any, Any]:
        result = np.zeros((len(rows), self._tokenizer.length * PIECES), dtype=np.int64)
        for name in OPENINGS:
            chosen = [place for place, row in enumerate(rows) if row.set == name]
            tokenizer = replace(self._tokenizer, opening=openings.get(name, self._tokenizer.opening))
            sentences = [words(rows[place].text) for place in chosen]
            result[chosen] = tokenizer.encode([spoken(tokens) for tokens in sentences] if plain else sentences)
        return result

    def _fine(self, rows: Sequence[Row]) -> np.ndarray[Any, np.dtype[np.float32]]:
        """GoEmotions' own labels as distributions (n, auxiliary); zeros for other sets."""
        places = {name: place for place, name in enumerate(self._fine_names)}
        table = np.zeros((len(rows), len(places)), dtype=np.float32)
        for number, row in enumerate(rows):
            if row.set == "goemotions":
                for name in row.fine:
                    table[number, places[name]] = 1 / len(row.fine)
        return table

    def prepare(self, inputs: Tensor, train: bool, generator: torch.Generator) -> Tensor:
        """The punctuated half (n, length * PIECES); in training some rows lose punctuation, tokens and pieces."""
        import torch

        whole, plain = inputs.long().chunk(2, dim=1)
        if not train:
            return whole

        def chance(shape: tuple[int, ...], share: float) -> Tensor:
            return (torch.rand(shape, generator=generator) < share).to(inputs.device)

        n = len(inputs)
        table = torch.where(chance((n, 1), self._options["unpunctuated"]), plain, whole).view(n, -1, PIECES).clone()
        lost = chance((n, table.shape[1], 1), self._options["token_dropout"])
        lost = lost | chance(tuple(table.shape), self._options["token_dropout"])
        lost[:, 0] = False
        return table.masked_fill(lost, 0).view(n, -1)


def _first(rows: Iterable[Row], label: int, limit: int) -> list[Row]:
    return [row for row in rows if row.label == label][:limit]


def _labels(rows: Sequence[Row]) -> list[int]:
    return [row.label for row in rows if row.label is not None]


def task(options: Mapping[str, Any]) -> Task:
    """The text task for a recipe's `[data]` table."""
    for key in options:
        if key not in OPTIONS:
            raise unknown_name("[data] option", key, OPTIONS)
    return TextTask({**OPTIONS, **options})
