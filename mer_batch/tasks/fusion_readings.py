"""Readings of finished models, for a gate that weighs them by what they say and how good their evidence is.

The models read data that they were not trained on: what their own recipes hold out for validation trains the gate and
chooses its epoch (by speakers apart from each other), what they hold out for the test tests it. Which evidence belongs
together is told in `pairs`, how it is spoiled in `spoiling`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mer_batch.classifier import Classifier
from mer_batch.errors import DataError, UsageError, unknown_name
from mer_batch.fusion.learned import table
from mer_batch.fusion.pool import Reading
from mer_batch.readers import load_classifier
from mer_batch.tasks import evidence, spoiling, voice
from mer_batch.tasks.options import section
from mer_batch.tasks.pairs import KINDS, Pair, Pool, matched_pairs, parts_of, spoken_pairs
from mer_batch.tasks.task import Examples, LabelledSet, Split, Task, load_task
from mer_batch.tasks.transcripts import by_design, read_transcripts
from mer_batch.types import MODALITIES, Floats, Modality

if TYPE_CHECKING:
    import torch
    from torch import Tensor

HELD: Final = 0.25
"""Share of the validation data's speakers, sentences and faces that chooses the gate's epoch and trains nothing."""
PARTS: Final = ("train", "validation", "test")


@dataclass(frozen=True)
class ReadingOptions:
    """The `[data]` table of a gate. `voice`, `text` and `face` name models as `mer analyze` does."""

    voice: str = "default"
    text: str = "default"
    face: str = "default"
    """Empty leaves faces out; they are part of matched pairs only."""
    pairs: tuple[str, ...] = KINDS
    """spoken, matched, or both."""
    versions: int = 6
    """Versions of each clip, each spoiled in its own way; the test has one."""
    spoiled: float = 0.67
    """Share of sounds, words and faces that are spoiled."""
    dropout: float = 0.25
    """Share of the modalities that are hidden from the gate in training; one always stays."""
    transcripts: str = ""
    """JSON file of texts by clip; empty = the words that the set lets its speakers say."""
    limit: int = 0
    """Clips per class in each part; 0 = all."""

    def __post_init__(self) -> None:
        for name in self.pairs:
            if name not in KINDS:
                raise unknown_name("kind of pairs", name, KINDS)
        if not self.pairs or self.versions < 1 or self.limit < 0:
            raise UsageError("[data] needs one kind of pairs and one version at least, and no negative limit")
        for name, share in (("spoiled", self.spoiled), ("dropout", self.dropout)):
            if not 0 <= share < 1:
                raise UsageError(f"[data] {name} must be at least 0 and under 1, got {share}")


@dataclass(frozen=True)
class Part:
    """Clips of one part with the sentences and faces that they may be matched with."""

    name: str
    rows: pd.DataFrame
    texts: Pool | None
    faces: Pool | None
    versions: int


class ReadPairs(Task):
    """Tables (3, 9) of what finished models say of pairs; see `learned.table`."""

    modality = "fusion"
    blends = False

    def __init__(self, options: ReadingOptions) -> None:
        self._options = options
        self._names: dict[Modality, str] = {"voice": options.voice, "text": options.text}
        if options.face and "matched" in options.pairs:
            self._names["face"] = options.face
        self._sets: dict[str, LabelledSet] = {}
        cards = {name: reader.card for name, reader in self.readers.items()}
        self.input = {
            "level": "readings",
            "models": {name: card.sha256 or self._names[name] for name, card in cards.items()},
            "reliabilities": {name: card.reliability for name, card in cards.items()},
        }
        self.data = (
            f"what the {', '.join(sorted(cards))} models say of {' and '.join(options.pairs)} pairs of evidence "
            "that they hold out"
        )
        self.licence = f"weights: as those of the {', '.join(sorted(cards))} models, whose held-out data trained it"

    @cached_property
    def readers(self) -> dict[Modality, Classifier[Any]]:
        """The models behind the gate."""
        return {name: load_classifier(name, spec) for name, spec in self._names.items()}

    @cached_property
    def reliabilities(self) -> dict[Modality, float]:
        """The weights of the models in the pool, from their cards."""
        return {name: reader.card.reliability for name, reader in self.readers.items()}

    @cached_property
    def _tasks(self) -> dict[Modality, Task]:
        """The tasks of the models, which know what was held out from them."""
        from mer_batch.tasks.recipe import recipe_of

        recipes = {name: recipe_of(name, spec) for name, spec in self._names.items()}
        return {name: load_task(recipe.task, recipe.data) for name, recipe in recipes.items()}

    def train(self) -> Examples:
        """Pairs of three quarters of the validation data."""
        return self._examples("train")

    def validation(self) -> Examples:
        """Pairs of the other quarter, by other speakers."""
        return self._examples("validation")

    def held_out(self, split: Split) -> LabelledSet:
        """Tables of pairs; those of the test are one a clip and kind, so that they are independent but for speakers."""
        return self._known(split)

    def _known(self, name: str) -> LabelledSet:
        if name not in self._sets:
            self._sets[name] = self._labelled(name)
        return self._sets[name]

    def _examples(self, name: str) -> Examples:
        import torch

        found = self._known(name)
        return Examples(torch.from_numpy(np.stack(found.items)), torch.tensor(found.labels), tuple(found.ids))

    def prepare(self, inputs: Tensor, train: bool, generator: torch.Generator) -> Tensor:
        """Tables (n, 3, 9), in training with some modalities hidden."""
        import torch

        if not (train and self._options.dropout):
            return inputs
        n = len(inputs)
        hidden = torch.rand((n, len(MODALITIES)), generator=generator) < self._options.dropout
        there = inputs[..., -1].cpu() > 0
        spared = torch.where(there, torch.rand((n, len(MODALITIES)), generator=generator), -1.0).argmax(dim=1)
        hidden[torch.arange(n), spared] = False
        return inputs.masked_fill(hidden.to(inputs.device)[..., None], 0.0)

    def _labelled(self, name: str) -> LabelledSet:
        part = self._part(name)
        # One stream of chance a part, so that no part changes what another one draws.
        rng = np.random.default_rng([PARTS.index(name), spoiling.VERSION])
        pairs = list(self._pairs(part, rng))
        tables = self._read(part, pairs)
        kept = [place for place, rows in enumerate(tables) if (rows[:, -1] > 0).any()]
        if not kept:
            raise DataError(f"no model can read any of the {name} pairs")
        rows = part.rows.iloc[[pairs[place].clip for place in kept]]
        kinds = [pairs[place].kind for place in kept]
        sets = [f"{kind} {name}" if kind == "spoken" else kind for kind, name in zip(kinds, rows["set"], strict=True)]
        groups = {"set": sets, "clip": rows["id"].tolist()}
        return LabelledSet(
            f"{part.name} pairs of held-out evidence",
            [tables[place] for place in kept],
            [pairs[place].label for place in kept],
            [pairs[place].id for place in kept],
            groups | (_people(rows) if "speaker" in rows else {}),
        )

    def _pairs(self, part: Part, rng: np.random.Generator) -> list[Pair]:
        options, found = self._options, []
        if "spoken" in options.pairs:
            found += list(spoken_pairs(part.rows, part.versions, options.spoiled, self._said(), rng))
        if "matched" in options.pairs:
            assert part.texts is not None
            found += list(matched_pairs(part.rows, part.versions, options.spoiled, part.texts, part.faces, rng))
        if not found:
            raise DataError(f"no words are known of the {part.name} clips; use matched pairs, or data.transcripts=FILE")
        return found

    def _said(self) -> dict[str, str]:
        """Texts by clip: what a recognizer heard, or what the sets in a language of the text model let people say."""
        if self._options.transcripts:
            return read_transcripts(Path(self._options.transcripts))
        return by_design(self._clips.sets, self.readers["text"].card.input.get("languages"))

    @property
    def _clips(self) -> voice.ActedSpeech:
        heard = self._tasks["voice"]
        assert isinstance(heard, voice.ActedSpeech)
        return heard

    def _part(self, name: str) -> Part:
        """Clips, sentences and faces of a part: those held out for the test, or a part of those for validation."""
        split: Split = "test" if name == "test" else "validation"
        rows = self._clips.sets.part(split).reset_index(drop=True)
        if name != "test":
            held = _held_speakers(rows)
            rows = rows[held if name == "validation" else ~held].reset_index(drop=True)
        if self._options.limit:
            rows = rows.groupby("emotion", group_keys=False).head(self._options.limit).reset_index(drop=True)
        if rows.empty:
            raise DataError(f"the voice model holds out too few speakers for a {name} part of the gate")
        matched = "matched" in self._options.pairs
        texts = self._pool("text", name, split) if matched else None
        faces = self._pool("face", name, split) if matched and "face" in self._names else None
        return Part(name, rows, texts, faces, 1 if name == "test" else self._options.versions)

    def _pool(self, modality: Modality, name: str, split: Split) -> Pool:
        task = self._tasks[modality]
        found, leaking = task.held_out(split), task.leaking()
        sets = found.groups.get("set", [task.main] * len(found.ids))
        own = [place for place, one in enumerate(sets) if not task.main or one == task.main]
        clean = [place for place in own if found.ids[place] not in leaking]
        if name == "test":
            return Pool.of(found, clean)
        first, second = parts_of([int(found.labels[place]) for place in clean], HELD, seed=0)
        return Pool.of(found, [clean[place] for place in (second if name == "validation" else first)])

    def _read(self, part: Part, pairs: Sequence[Pair]) -> list[Floats]:
        """The tables (3, 9) of pairs."""
        sounds = self._sounds(part)
        said = {place: pair.words for place, pair in enumerate(pairs) if pair.words is not None}
        seen = {place: pair.face for place, pair in enumerate(pairs) if pair.face is not None}
        words = dict(zip(said, evidence.sentences(list(said.values()), self.readers["text"]), strict=True))
        faces: dict[int, Reading | None] = {}
        if seen:
            faces = dict(zip(seen, evidence.pictures(list(seen.values()), self.readers["face"]), strict=True))
        tables = []
        for place, pair in enumerate(pairs):
            readings: dict[Modality, Reading | None] = {
                "face": faces.get(place), "voice": sounds[pair.version][pair.clip], "text": words.get(place)
            }  # fmt: skip
            known = {name: reading for name, reading in readings.items() if reading is not None}
            tables.append(table(known, self.reliabilities))
        return tables

    def _sounds(self, part: Part) -> list[list[Reading | None]]:
        """What the voice model says of every version of every clip."""
        seed = PARTS.index(part.name)
        return evidence.kept_voices(
            tuple(part.rows["id"]),
            lambda: [clip for clip, _, _ in self._clips.sets.clips(part.rows)],
            lambda clips: spoiling.versions_of(clips, part.versions, self._options.spoiled, seed),
            self.readers["voice"],
            (self._names["voice"], part.versions, self._options.spoiled, seed, spoiling.VERSION),
        )


def _people(rows: pd.DataFrame) -> dict[str, list[str]]:
    """The speaker of each clip, and a name that no speaker of another set has."""
    speakers = rows["speaker"].fillna("").astype(str).tolist()
    named = [f"{name} {one}" if one else "" for name, one in zip(rows["set"], speakers, strict=True)]
    return {"speaker": speakers, "person": named}


def _held_speakers(rows: pd.DataFrame) -> NDArray[np.bool_]:
    """Which clips are by the last quarter of the speakers of each set that has several."""
    held = np.zeros(len(rows), dtype=bool)
    speakers = rows["speaker"].fillna("").astype(str) if "speaker" in rows else rows["id"]
    for name in rows["set"].unique():
        own = rows["set"] == name
        known = sorted(set(speakers[own]))
        last = known[len(known) - round(HELD * len(known) + 0.25) :] if len(known) > 1 else []
        held |= (own & speakers.isin(last)).to_numpy()
    return held


def task(options: Mapping[str, Any]) -> ReadPairs:
    """The task for a recipe's `[data]` table."""
    return ReadPairs(section(ReadingOptions, "data", options))  # type: ignore[type-var]
