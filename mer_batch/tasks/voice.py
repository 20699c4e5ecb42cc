"""The voice task: acted speech, by default of four public sets with whole speakers held out.

RAVDESS (Livingstone & Russo 2018, doi:10.1371/journal.pone.0196391), TESS (Pichora-Fuller & Dupuis 2020,
doi:10.5683/SP2/E8H2MF), EMOVO (Costantini et al. 2014) and EMO-DB (Burkhardt et al. 2005), and any other set that
`mer data import` made. Which clip belongs to which part is frozen in `train/splits/`, see `voice_splits`; RAVDESS
"calm" counts as neutral.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from mer_batch.errors import UsageError, unknown_name
from mer_batch.tasks.corpora import SETS, Corpora
from mer_batch.tasks.options import section
from mer_batch.tasks.parallel import ordered
from mer_batch.tasks.speech import Speech
from mer_batch.tasks.task import Examples, LabelledSet, Split, Task
from mer_batch.types import SAMPLE_RATE, AudioWindow, Samples
from mer_batch.voice.inputs import SIZES, VoiceInput, fit
from mer_batch.voice.windows import level_db

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from mer_batch.data.manifest import Manifest

TERMS: Final = {
    "ravdess": "RAVDESS CC BY-NC-SA 4.0",
    "tess": "TESS CC BY-NC-ND 4.0 (as usually quoted)",
    "emovo": "EMOVO CC BY-NC-SA 4.0 (as usually quoted)",
    "emodb": "EMO-DB CC BY 4.0 (as usually quoted)",
    "cremad": "CREMA-D ODbL 1.0",
}
"""Terms of the sets; those "as usually quoted" could not be read on their authors' pages."""
GROUPS: Final = ("set", "speaker", "sentence")
"""What is told of every held-out clip, where it is known."""
AUGMENTATIONS: Final = ("recordings", "audiomentations", "none")
READINGS: Final = ("windows", "clips")
SPARE: Final = 1.0
"""Seconds of sound kept per training example beyond what the network sees, to play a random stretch faster."""
MARGIN: Final = 0.15
"""Seconds kept before and after the speech of a clip."""
SPAN: Final = 35.0
"""How many dB under a clip's loud frames its speech begins and ends."""


@dataclass(frozen=True)
class VoiceOptions:
    """The `[data]` table of a voice recipe, beside the keys of `VoiceInput` and of the sizes of its features."""

    sets: tuple[str, ...] = SETS
    """Speech sets: names in the folder of data sets, or folders that `mer data import` made."""
    test: tuple[str, ...] = ()
    """The sets whose held-out clips are the test; none = all."""
    split: str = "voice"
    """A kind of split (`voice_splits.KINDS`), a list in `train/splits`, or a CSV of id and split."""
    fold: int = 0
    """Which fold is the test, for kinds that have folds."""
    partial: bool = False
    """Whether a set may lack clips of its list."""
    reading: str = "windows"
    """What is read: windows over speech, as `mer analyze` reads it, or clips as a whole."""
    augment: str = "recordings"
    """recordings (whole batches: other voices, rooms, microphones, noise), audiomentations, or none."""
    telephoned: float = 0.0
    """Share of training clips sent over a telephone line (recordings only)."""
    coded_copies: int = 0
    """Copies of each training clip after low-bitrate coding, made once at the start."""
    masks: int = 0
    """Bands and stretches blanked in training features (SpecAugment); networks with a front end have their own."""
    limit: int = 0
    """Clips per class in each part; 0 = all."""

    def __post_init__(self) -> None:
        for name, value, known in (
            ("augmentation", self.augment, AUGMENTATIONS),
            ("reading", self.reading, READINGS),
        ):
            if value not in known:
                raise unknown_name(name, str(value), known)
        if self.fold < 0:
            raise UsageError(f"fold counts from 0, got {self.fold}")


def spoken(samples: Samples) -> Samples:
    """A clip without the silence before and after its speech."""
    frame = SAMPLE_RATE // 50
    whole = len(samples) // frame
    if not whole:
        return samples
    power = np.square(samples[: whole * frame].reshape(whole, frame)).mean(axis=1)
    loud = np.flatnonzero(power > np.percentile(power, 95) * 10 ** (-SPAN / 10))
    if not len(loud):
        return samples
    margin = round(MARGIN * SAMPLE_RATE)
    return samples[max(loud[0] * frame - margin, 0) : (loud[-1] + 1) * frame + margin]


def pieces(samples: Samples, length: int) -> Iterator[Samples]:
    """Stretches of `length` samples of a longer clip, every three quarters of that."""
    for start in range(0, max(len(samples) - length // 4, 1), length * 3 // 4):
        yield samples[start : start + length]


class ActedSpeech(Task):
    """Clips in memory: int16 sound around their speech, or features where nothing changes the sound."""

    modality = "voice"

    def __init__(self, corpora: Corpora, form: VoiceInput, options: VoiceOptions) -> None:
        self._corpora, self._form, self._options = corpora, form, options
        self._held_out: dict[Split, LabelledSet] = {}
        self._stored = form.samples + round(SPARE * SAMPLE_RATE)
        self._ready = bool(form.features) and options.augment == "none"
        if form.features and not (self._ready or form.level):
            raise UsageError("augmented sound has no level of its own: features of it need level = true under [data]")
        self.input = form.card()
        self.data = _sentence(corpora)
        terms = [TERMS.get(name, f"{name} {corpora.sources[name].licence}") for name in corpora.trained]
        self.licence = f"weights: the strictest of their data, which are {', '.join(terms)}"

    @property
    def sets(self) -> Corpora:
        """The sets and what their split makes of them."""
        return self._corpora

    @property
    def form(self) -> VoiceInput:
        """How sound enters the network."""
        return self._form

    def adapt(self, wanted: Mapping[str, Any]) -> None:
        """Sound as the network wants it: what asks for a sample rate takes waves, never features."""
        super().adapt(wanted)
        if "sample_rate" in wanted and self._form.features:
            raise UsageError("this network takes the sound itself; leave features out of [data]")

    def train(self) -> Examples:
        """The training clips."""
        examples = self._examples("train", self._options.coded_copies)
        speakers = self._speakers()
        return replace(examples, shares=self._shares(examples), people=tuple(speakers[name] for name in examples.ids))

    def _speakers(self) -> dict[str, str]:
        """Whose each clip is by its id; a set without speakers counts as one."""
        rows = self._corpora.rows
        known = rows["speaker"].fillna("").astype(str) if "speaker" in rows else [""] * len(rows)
        return {
            name: f"{origin}/{speaker}" for name, origin, speaker in zip(rows["id"], rows["set"], known, strict=True)
        }

    def _shares(self, examples: Examples) -> Tensor:
        """How often each example is drawn so that every class of every set comes equally often."""
        import torch

        origin = dict(zip(self._corpora.rows["id"], self._corpora.rows["set"], strict=True))
        kinds = [(origin[name], label) for name, label in zip(examples.ids, examples.labels.tolist(), strict=True)]
        counts = Counter(kinds)
        return torch.tensor([1 / counts[kind] for kind in kinds], dtype=torch.float64)

    def validation(self) -> Examples:
        """The validation clips."""
        return self._examples("validation")

    def _examples(self, split: str, copies: int = 0) -> Examples:
        import torch

        generator = torch.Generator().manual_seed(0)
        inputs, labels, ids = [], [], []
        for clip, emotion, name in self._corpora.clips(self._corpora.part(split)):
            for piece in self._pieces(clip, copies, generator):
                inputs.append(self._form(piece, keep=True) if self._ready else _compact(fit(piece, self._stored)))
                labels.append(emotion)
                ids.append(name)
        return Examples(torch.from_numpy(np.stack(inputs)), torch.tensor(labels), tuple(ids))

    def _pieces(self, clip: Samples, copies: int, generator: torch.Generator) -> Iterator[Samples]:
        from mer_batch.tasks.augmentation.codec import recoded

        for version in [clip, *(recoded(clip, generator) for _ in range(copies))]:
            if self._ready:
                yield version
            elif self._options.reading == "clips":
                yield self._form.cut(version)
            else:
                yield from pieces(spoken(version), self._stored)

    def held_out(self, split: Split) -> LabelledSet:
        """What is read of the held-out clips: the windows that `mer analyze` would read, or the clips."""
        if split not in self._held_out:  # calibration, scores and the page of a run all ask for them
            self._held_out[split] = self._labelled(split)
        return self._held_out[split]

    def _labelled(self, split: Split) -> LabelledSet:
        rows = self._corpora.part(split)
        items: list[AudioWindow] = []
        places: list[int] = []
        with Speech() as speech:
            for place, windows in enumerate(
                ordered(lambda clip: self._read(clip[0], speech), self._corpora.clips(rows))
            ):
                items += windows
                places += [place] * len(windows)
                self.on_progress("hearing", (place + 1) / len(rows))
        known = rows.iloc[places]
        return LabelledSet(
            f"{split} {self._corpora.kind} of {', '.join(sorted(set(rows['set'])))}",
            items,
            known["emotion"].tolist(),
            known["id"].tolist(),
            {name: known[name].fillna("").tolist() for name in GROUPS if name in known},
        )

    def _read(self, clip: Samples, speech: Speech) -> list[AudioWindow]:
        return [_whole(clip)] if self._options.reading == "clips" else speech.windows(clip, self._form.seconds)

    def folds(self) -> Mapping[str, Mapping[str, Any]]:
        """The folds of a split by speaker, sentence or both."""
        count = self._corpora.folds
        return {f"fold-{fold}": {"data.fold": fold} for fold in range(count)} if count > 1 else {}

    def corpora(self) -> Mapping[str, Mapping[str, Any]]:
        """Each set against all others."""
        named = self._corpora.named
        return {
            name: {
                "data.split": "corpus",
                "data.sets": [spec],
                "data.test": [other for other in named.values() if other != spec],
            }
            for name, spec in named.items()
        }

    def left_out(self) -> Mapping[str, Mapping[str, Any]]:
        """All sets but one, tested on that one."""
        named = self._corpora.named
        return {
            name: {
                "data.split": "corpus",
                "data.sets": [other for other in named.values() if other != spec],
                "data.test": [spec],
            }
            for name, spec in named.items()
        }

    def leaking(self) -> Set[str]:
        """The held-out ids whose recording is also a training clip, as when every clip is listed twice."""
        rows = self._corpora.rows
        heard = set(rows.loc[rows["split"] == "train", "clip"])
        return set(rows.loc[(rows["split"] != "train") & rows["clip"].isin(heard), "id"])

    def manifests(self) -> Sequence[tuple[Manifest, Sequence[str]]]:
        """The sets under the split."""
        return self._corpora.manifests()

    def prepare(self, inputs: Tensor, train: bool, generator: torch.Generator) -> Tensor:
        """Waves (n, samples) at equal level or features (n, rows, frames), augmented when training."""
        from mer_batch.nets.voice_cnn import spec_mask
        from mer_batch.voice.features import extract

        table = inputs
        if not self._ready:
            waves = self._waves(inputs.float() / 32768, train, generator)
            if not self._form.features:
                return waves
            table = extract(waves, self._form.features, self._form.sizes)
            if self._form.pad == "frames":
                table = table * (extract(waves, ["rms"], self._form.sizes) > 0)
        masks = self._options.masks if train else 0
        return spec_mask(table[:, None], times=masks, generator=generator)[:, 0] if masks else table

    def _waves(self, waves: Tensor, train: bool, generator: torch.Generator) -> Tensor:
        from mer_batch.tasks.augmentation import classic, sound

        options, length = self._options, self._form.samples
        if train and options.augment == "recordings":
            waves = sound.sound(waves, length, generator, self.strength, telephoned=options.telephoned)
        elif train and options.augment == "audiomentations":
            waves = sound.level(classic.classic(waves, length, generator, self.strength))
        else:
            spare = waves.shape[1] - length
            waves = sound.level(waves[:, spare // 2 : spare // 2 + length])
        return waves if self._form.pad == "around" else sound.flush(waves)


def _compact(samples: Samples) -> NDArray[np.int16]:
    return (samples * 32767).clip(-32768, 32767).astype(np.int16)


def _whole(clip: Samples) -> AudioWindow:
    level = level_db(float(np.square(clip, dtype=np.float64).mean()))
    return AudioWindow(0.0, len(clip) / SAMPLE_RATE, clip, 1.0, level, None)


HEARD: Final = {
    "random": "drawn at random: speakers and sentences of the test were heard",
    "doubled": "every clip twice, drawn at random: most clips of the test were heard",
    "sentence": "by speakers of the test, but other sentences",
    "speaker+sentence": "by speakers and of sentences other than those of the test",
    "corpus": "none of it of the corpora of the test",
}
"""What a kind of split means for a test, for the card."""


def _sentence(corpora: Corpora) -> str:
    """The card's sentence on the training data."""
    how = HEARD.get(corpora.split, "by speakers other than those of the test")
    return f"acted speech of {', '.join(corpora.trained)} {how}"


def task(options: Mapping[str, Any]) -> ActedSpeech:
    """The voice task for a recipe's `[data]` table."""
    own, entry = ([field.name for field in fields(kind)] for kind in (VoiceOptions, VoiceInput))
    known = [*own, *(name for name in entry if name != "sizes"), *SIZES]
    for key in options:
        if key not in known:
            raise unknown_name("[data] option", key, known)
    table = {key: value for key, value in options.items() if key in own}
    chosen = section(VoiceOptions, "data", table)  # type: ignore[type-var]
    corpora = Corpora(
        chosen.sets,
        chosen.test,
        split=chosen.split,
        fold=chosen.fold,
        partial=chosen.partial,
        limit=chosen.limit,
    )
    return ActedSpeech(corpora, VoiceInput.read({"seconds": 3.0, **options}), chosen)
