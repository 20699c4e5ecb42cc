"""Clips with their words, read by one network: words alone, or speech features and words.

The clips, their split and their features are those of the voice task, so that a network of speech alone and one that
also reads words are trained and tested on the same items. The vocabulary is that of the training clips.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

from mer_batch.errors import UsageError, unknown_name
from mer_batch.fusion.spoken import LENGTH, UNKNOWN, Spoken, Vocabulary
from mer_batch.tasks import voice
from mer_batch.tasks.options import section
from mer_batch.tasks.task import Examples, LabelledSet, Split, Task
from mer_batch.tasks.transcripts import words_of
from mer_batch.tasks.voice_splits import COPY

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from mer_batch.data.manifest import Manifest

INPUTS: Final = ("words", "speech and words")


@dataclass(frozen=True)
class ClipOptions:
    """What `[data]` says beside the options of the voice task."""

    inputs: str = "speech and words"
    """words, or speech and words."""
    transcripts: str = ""
    """JSON file of texts by clip; empty = the words that the set lets its speakers say."""
    length: int = LENGTH
    """Words of a clip that are read."""
    word_dropout: float = 0.0
    """Share of words that count as unknown in training, as new words do in a test."""

    def __post_init__(self) -> None:
        if self.inputs not in INPUTS:
            raise unknown_name("[data] inputs", self.inputs, INPUTS)
        if self.length < 1:
            raise UsageError(f"[data] length must be positive, got {self.length}")
        if not 0 <= self.word_dropout < 1:
            raise UsageError(f"[data] word_dropout must be between 0 and 1, got {self.word_dropout}")


class SpokenClips(Task):
    """Clips of acted speech with what is said in them."""

    modality = "fusion"
    blends = False

    def __init__(self, clips: voice.ActedSpeech, options: ClipOptions) -> None:
        self._clips, self._options = clips, options
        self._with_speech = options.inputs != "words"
        self._vocabulary = Vocabulary((), options.length)
        self.input = {"level": "features"}
        self.data = f"{clips.data}, with their words"
        self.licence = clips.licence
        frames = clips.form.frames
        if self._with_speech and not (clips.form.features and frames >= options.length):
            raise UsageError(f"speech beside words needs features of {options.length} frames or more under [data]")

    def adapt(self, wanted: Mapping[str, Any]) -> None:
        """Number as many words of the training clips as the network knows."""
        wishes = dict(wanted)
        if "words" not in wishes:
            raise UsageError("fusion of features needs a network with a vocabulary, such as tess-fusion")
        self._vocabulary = Vocabulary.of(self._texts("train"), int(wishes.pop("words")), self._options.length)
        speech = {"speech": dict(self._clips.input)} if self._with_speech else {}
        self.input = {"level": "features", "words": self._vocabulary.card(), **speech}
        super().adapt(wishes)

    def _texts(self, split: str) -> list[str]:
        clips = list(self._clips.sets.part(split)["clip"])
        known = words_of(self._clips.sets, clips, self._options.transcripts)
        return [known[clip] for clip in clips]

    def train(self) -> Examples:
        """The training clips."""
        return self._examples("train", self._clips.train)

    def validation(self) -> Examples:
        """The validation clips."""
        return self._examples("validation", self._clips.validation)

    def _examples(self, split: str, read: Callable[[], Examples]) -> Examples:
        """Word numbers (n, length), after the flat speech inputs of each clip where speech is read."""
        import torch

        rows = self._clips.sets.part(split)
        numbers = torch.from_numpy(self._vocabulary.encode(self._texts(split)))
        if not self._with_speech:
            return Examples(numbers.int(), torch.tensor(rows["emotion"].tolist()), tuple(rows["id"]))
        speech = read()
        places = {name: place for place, name in enumerate(rows["id"])}
        own = numbers[[places[name] for name in speech.ids]]
        self._shape = tuple(speech.inputs.shape[1:])
        return Examples(
            torch.cat([speech.inputs.flatten(1), own.to(speech.inputs.dtype)], dim=1), speech.labels, speech.ids
        )

    def held_out(self, split: Split) -> LabelledSet:
        """The held-out clips with their words."""
        found = self._clips.held_out(split)
        clips = [name.removesuffix(COPY) for name in found.ids]
        known = words_of(self._clips.sets, clips, self._options.transcripts)
        items = [Spoken(window, known[clip]) for window, clip in zip(found.items, clips, strict=True)]
        return LabelledSet(found.name, items, found.labels, found.ids, found.groups)

    def leaking(self) -> Set[str]:
        """The held-out ids whose recording is also a training clip."""
        return self._clips.leaking()

    def manifests(self) -> Sequence[tuple[Manifest, Sequence[str]]]:
        """The sets under the split."""
        return self._clips.manifests()

    def folds(self) -> Mapping[str, Mapping[str, Any]]:
        """The folds of a split by speaker, sentence or both."""
        return self._clips.folds()

    def prepare(self, inputs: Tensor, train: bool, generator: torch.Generator) -> Tensor:
        """Word numbers (n, length), or features with the words as a last row (n, rows + 1, frames)."""
        from mer_batch.nets.tess_reference import pack

        length = self._options.length
        numbers = inputs[:, -length:].long()
        if train and self._options.word_dropout:
            numbers = _forgotten(numbers, self._options.word_dropout, generator)
        if not self._with_speech:
            return numbers
        speech = inputs[:, :-length].reshape(len(inputs), *self._shape)
        return pack(self._clips.prepare(speech, train, generator), numbers)


def _forgotten(numbers: Tensor, share: float, generator: torch.Generator) -> Tensor:
    import torch

    lost = torch.rand(numbers.shape, generator=generator).to(numbers.device) < share
    return numbers.masked_fill(lost & (numbers > 0), UNKNOWN)


def task(options: Mapping[str, Any]) -> SpokenClips:
    """The task for a recipe's `[data]` table."""
    own = [field.name for field in fields(ClipOptions)]
    chosen = section(ClipOptions, "data", {key: value for key, value in options.items() if key in own})  # type: ignore[type-var]
    heard = {key: value for key, value in options.items() if key not in own}
    if heard.get("reading", "clips") != "clips":
        raise UsageError('the words of a clip belong to all of it; fusion needs reading = "clips" under [data]')
    return SpokenClips(voice.task({"reading": "clips", **heard}), chosen)
