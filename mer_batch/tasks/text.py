"""The text task: what the emotion of a sentence is, alone or after what was said before it.

MELD is what the model is for, spoken utterances; other sets add breadth, each marked by its kind of text, since
their labels mean not quite the same. Training sentences are also seen as recognizers write them.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from mer_batch.data.sets import require
from mer_batch.data.texts import TRAIN
from mer_batch.errors import DataError, UsageError, unknown_name
from mer_batch.labels import EMOTIONS
from mer_batch.nets.wordpiece import (
    PADDING,
    SEPARATOR,
    UNKNOWN,
    USUAL,
    VOCABULARY,
    Line,
    WordPiece,
    bare,
    find_vocabulary,
    padded,
)
from mer_batch.resources import data_dir
from mer_batch.tasks.options import section
from mer_batch.tasks.sentences import SETS, Row, held_out_keys, held_out_rows, read_rows, training_rows
from mer_batch.tasks.spelling import heard
from mer_batch.tasks.task import Examples, LabelledSet, Split, Task

if TYPE_CHECKING:
    import torch
    from torch import Tensor

MAIN: Final = "meld"
"""The set that calibrates and whose scores head a card: spoken utterances."""
UNPUNCTUATED: Final = "meld unpunctuated"
CONTEXT: Final = "meld in context"
_SPELLINGS: Final = ("written", "bare", "heard")


@dataclass(frozen=True)
class TextOptions:
    """`[data]`: the sentences, and how they are changed while a network learns."""

    sets: tuple[str, ...] = ("meld", "goemotions")
    """Sets to train on: meld, goemotions, dailydialog, carer."""
    tests: tuple[str, ...] = ("meld", "goemotions", "dailydialog")
    """Sets whose test parts are scored, each apart; none of their held-out sentences trains."""
    validation: str = "text_validation.csv"
    """A frozen list in train/splits; "" = the whole validation parts of MELD and GoEmotions."""
    repeats: int = 1
    """How often an epoch shows each sentence of MELD."""
    neutral: float = 0.0
    """Most neutral sentences of a set for each other one; 0 = all."""
    limit: int = 0
    """Most sentences of a set in each class; 0 = all."""
    context: int = 0
    """Sentences before it that are read with a sentence."""
    around: int = 48
    """Most word pieces of these."""
    alone: float = 0.5
    """Share of training sentences that are shown without what was said before."""
    bare: float = 0.2
    """Share of training sentences in lower case without punctuation."""
    heard: float = 0.2
    """Share that moreover has fillers, repeated and lost words."""
    token_dropout: float = 0.0
    """Share of word pieces that are hidden in training."""
    unmarked: float = 0.0
    """Share of training sentences of other kinds that are shown as the kind that users' words are read as."""
    length: int = 64
    """Most word pieces of a sentence."""

    def __post_init__(self) -> None:
        for name in (*self.sets, *self.tests):
            if name not in SETS:
                raise unknown_name("text set", name, SETS)
        if MAIN not in self.tests:
            raise UsageError(f"[data] tests must name {MAIN}, whose scores head the card")
        shares = (self.alone, self.bare, self.heard, self.bare + self.heard, self.token_dropout, self.unmarked)
        if not all(0 <= share <= 1 for share in shares):
            raise UsageError("[data] alone, bare + heard, token_dropout and unmarked are shares")


class TextTask(Task):
    """Sentences as numbers of word pieces, in three spellings side by side, each (n, width)."""

    modality = "text"
    blends = False
    main = MAIN
    twins: Mapping[str, str] = {UNPUNCTUATED: MAIN, CONTEXT: MAIN}

    def __init__(self, options: TextOptions) -> None:
        require(dict.fromkeys((*options.sets, *options.tests)), TRAIN)
        self._options = options
        self._pieces: WordPiece | None = None
        self._vocabulary = b""
        self.input = {"languages": ["en"]}
        self.data = _sentence(options)
        self.licence = "weights: the strictest of their data, which are " + ", ".join(
            f"{SETS[name].title} {SETS[name].licence}" for name in options.sets
        )
        self.auxiliary = len(self._fine_names) if "goemotions" in options.sets else 0

    def adapt(self, wanted: Mapping[str, Any]) -> None:
        """Word pieces of the vocabulary that the network was made for."""
        if wanted.get("tokenizer") != "wordpiece" or not wanted.get("vocabulary"):
            raise UsageError("the text task makes word pieces: name a [net] that reads them, and its vocabulary")
        options = self._options
        self._vocabulary = find_vocabulary(str(wanted["vocabulary"])).read_bytes()
        self._pieces = WordPiece(
            self._vocabulary.decode("utf-8").splitlines(), options.length, options.context, options.around
        )
        self.input = {"tokenizer": "wordpiece", **self._pieces.card(), "languages": ["en"]}

    def files(self) -> Mapping[str, bytes]:
        """The vocabulary."""
        return {VOCABULARY: self._vocabulary}

    @cached_property
    def _fine_names(self) -> list[str]:
        return sorted({name for row in read_rows("goemotions", "train") for name in row.fine})

    def train(self) -> Examples:
        """The training parts without copies of held-out sentences, MELD repeated as chosen."""
        import torch

        rows = self._training_rows()
        spelt = self._spelt(rows)
        width = max(len(row) for table in spelt for row in table)
        tables = [padded(table, width).astype(np.int32) for table in spelt]
        return Examples(
            inputs=torch.from_numpy(np.concatenate(tables, axis=1)),
            labels=torch.tensor(_labels(rows)),
            ids=tuple(f"{row.set}:{row.id}" for row in rows),
            soft=torch.from_numpy(self._fine(rows)) if self.auxiliary else None,
        )

    def _training_rows(self) -> list[Row]:
        options = self._options
        held_out = held_out_keys(dict.fromkeys((*options.sets, *options.tests)))
        rows = []
        for name in options.sets:
            kept = _limited(training_rows(name, held_out), options)
            rows += kept * (options.repeats if name == MAIN else 1)
        return rows

    def _spelt(self, rows: Sequence[Row]) -> list[list[list[int]]]:
        """Numbers of the rows in each of `_SPELLINGS`, with what was said before, spelt likewise."""
        rng = random.Random(0)
        lines = [row.line(SETS[row.set].kind, context=True) for row in rows]
        return [
            self._numbers(lines),
            self._numbers([_respelt(line, bare) for line in lines]),
            self._numbers([_respelt(line, lambda text: heard(text, rng)) for line in lines]),
        ]

    def _numbers(self, lines: Sequence[Line]) -> list[list[int]]:
        if self._pieces is None:
            raise UsageError("the text task was not told which network it is for (Task.adapt)")
        return self._pieces.rows(lines)

    def _fine(self, rows: Sequence[Row]) -> np.ndarray[Any, np.dtype[np.float32]]:
        """GoEmotions' own labels as distributions (n, auxiliary); zeros for other sets."""
        places = {name: place for place, name in enumerate(self._fine_names)}
        table = np.zeros((len(rows), len(places)), dtype=np.float32)
        for number, row in enumerate(rows):
            if row.set == "goemotions":
                for name in row.fine:
                    table[number, places[name]] = 1 / len(row.fine)
        return table

    def validation(self) -> Examples:
        """The frozen validation list, each sentence alone, as written."""
        import torch

        rows = self._validation_rows
        numbers = self._numbers([row.line(SETS[row.set].kind) for row in rows])
        ids = tuple(f"{row.set}:{row.id}" for row in rows)
        return Examples(torch.from_numpy(padded(numbers).astype(np.int32)), torch.tensor(_labels(rows)), ids)

    @cached_property
    def _validation_rows(self) -> list[Row]:
        """MELD's validation part and as much of GoEmotions', by the frozen list of ids."""
        found = [row for name in ("meld", "goemotions") for row in held_out_rows(name, "validation")]
        if not self._options.validation:
            return found
        rows = {(row.set, row.id): row for row in found}
        listed = data_dir("train") / "splits" / self._options.validation
        with listed.open(encoding="utf-8", newline="") as file:
            chosen = [(row["set"], row["id"]) for row in csv.DictReader(file)]
        missing = [name for name in chosen if name not in rows]
        if missing:
            raise DataError(f"{listed.name} names {missing[0]}, which the data set lacks; take the published version")
        return [rows[name] for name in chosen]

    def held_out(self, split: Split) -> LabelledSet:
        """The frozen validation list or the test parts, set by set, and MELD's sentences in two other guises.

        These are: in lower case without punctuation, and, where the recipe has context, after what was said before.
        """
        rows = self._validation_rows
        if split == "test":
            rows = [row for name in self._options.tests for row in held_out_rows(name, "test")]
        own = [row for row in rows if row.set == MAIN]
        kind = SETS[MAIN].kind
        parts = [(row.set, row.line(SETS[row.set].kind), row) for row in rows]
        parts += [(UNPUNCTUATED, Line(bare(row.text), (), kind), row) for row in own]
        if self._options.context:
            parts += [(CONTEXT, row.line(kind, context=True), row) for row in own]
        return LabelledSet(
            f"MELD {'dev' if split == 'validation' else 'test'}",
            [line for _, line, _ in parts],
            _labels([row for _, _, row in parts]),
            [f"{name}:{row.id}" for name, _, row in parts],
            {"set": [name for name, _, _ in parts], "dialogue": [row.dialogue for _, _, row in parts]},
        )

    def prepare(self, inputs: Tensor, train: bool, generator: torch.Generator) -> Tensor:
        """Numbers (n, width) without columns that are empty in every row; in training one spelling a row by chance."""
        table = inputs.long()
        if train:
            table = self._changed(table, generator)
        return table[:, : max(1, int((table != PADDING).any(dim=0).nonzero().max()) + 1)]

    def _changed(self, inputs: Tensor, generator: torch.Generator) -> Tensor:
        import torch

        options, n = self._options, len(inputs)

        def chance(*shape: int) -> Tensor:
            return torch.rand(shape, generator=generator).to(inputs.device)

        draw = chance(n)
        spelling = (draw < options.bare + options.heard).long() + (draw < options.heard).long()
        table = inputs.view(n, len(_SPELLINGS), -1)[torch.arange(n, device=inputs.device), spelling]
        if options.context:
            ends = table == SEPARATOR
            before = ends.cumsum(dim=1) - ends.long() > 0
            table = table.masked_fill(before & (chance(n, 1) < options.alone), PADDING)
        if options.token_dropout:
            hidden = (chance(*table.shape) < options.token_dropout) & (table > UNKNOWN)
            hidden[:, 0] = False
            table = table.masked_fill(hidden, UNKNOWN)
        if options.unmarked:
            table = table.clone()
            table[chance(n) < options.unmarked, 0] = USUAL
        return table


def _respelt(line: Line, spelling: Any) -> Line:
    return Line(spelling(line), [spelling(earlier) for earlier in line.before], line.kind)


def _limited(rows: Sequence[Row], options: TextOptions) -> list[Row]:
    """At most `limit` rows a class, and of neutral ones at most `neutral` times the others, drawn evenly."""
    found = []
    others = sum(row.label != EMOTIONS.index("neutral") for row in rows)
    for label in range(len(EMOTIONS)):
        own = [row for row in rows if row.label == label]
        most = options.limit or len(own)
        if options.neutral and EMOTIONS[label] == "neutral":
            most = min(most, round(options.neutral * others))
        found += random.Random(label).sample(own, most) if most < len(own) else own
    return found


def _labels(rows: Sequence[Row]) -> list[int]:
    return [row.label for row in rows if row.label is not None]


def _sentence(options: TextOptions) -> str:
    """The card's sentence on the training data."""
    titles = " and ".join(SETS[name].title for name in options.sets)
    return f"the training parts of {titles} without sentences that occur in the held-out parts of any set tested"


def task(options: Mapping[str, Any]) -> Task:
    """The text task for a recipe's `[data]` table."""
    return TextTask(section(TextOptions, "data", options))  # type: ignore[type-var]
