"""What was asked of one analysis: the recording, the options and the readers that all stages share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from mer_batch.classifier import Classifier
from mer_batch.config import Options
from mer_batch.deferred import deferred
from mer_batch.keep import Keep
from mer_batch.people.edits import Edits
from mer_batch.readers import fingerprint
from mer_batch.readers import shared_classifier as load_classifier
from mer_batch.types import Media, Modality

OnProgress = Callable[[str, float], None]
OnNotice = Callable[[str], None]
LOADING = "loading"
STAGES: dict[Modality, str] = {"face": "faces", "voice": "voice", "text": "words"}
"""What progress calls the stages; after them comes "fusion", before them `LOADING`."""


@dataclass
class Asked:
    """One analysis as it was asked for; `ready` are the readers that are loaded already."""

    media: Media
    options: Options
    on_progress: OnProgress
    ready: dict[Modality, Classifier[Any]]
    keep: Keep
    split: float = 0.0
    """Minutes of the pieces that a long film is read in; 0 = one."""
    edits: Edits = field(default_factory=Edits)
    """What people said of who is in it."""
    pictures: bool = True
    """Whether small pictures of the recording are shown."""
    used: set[Modality] = field(default_factory=set)
    """Whose reader somebody asked for."""
    whole: str = ""
    """Why a film that should have been split was not."""

    @property
    def span(self) -> tuple[float, float | None]:
        """The range of the options, in seconds."""
        return self.options.start, self.options.end

    @property
    def end(self) -> float:
        """Where the analysed range stops, in seconds."""
        return min(self.options.end or self.media.duration, self.media.duration)

    def wants(self, modality: Modality) -> bool:
        """Whether a modality is to be read."""
        return modality in self.options.modalities

    @property
    def hears(self) -> bool:
        """Whether the sound has a use."""
        return bool(self.media.audio) and (self.wants("voice") or self.wants("text"))

    def reader(self, modality: Modality) -> Classifier[Any]:
        """The reader of a modality, its network not loaded before it has something to read."""
        if modality not in self.ready:
            spec = getattr(self.options, f"{modality}_model")
            self.ready[modality] = deferred(load_classifier, modality, spec, self.options.device)
        self.used.add(modality)
        return self.ready[modality]

    def model_hash(self, modality: Modality) -> str:
        """What tells a model from others."""
        spec = str(getattr(self.options, f"{modality}_model"))
        if not spec.startswith("hf:"):  # whose card comes with its network
            self.reader(modality)
        return fingerprint(modality, spec)

    @contextmanager
    def told(self, modality: Modality) -> Iterator[Callable[[float], None]]:
        """Progress of a stage that has something to read: a function that is told the time reached, in seconds."""
        stage, start = STAGES[modality], self.options.start
        length = max(self.end - start, 1e-6)
        self.on_progress(stage, 0.0)
        yield lambda reached: self.on_progress(stage, min((reached - start) / length, 0.999))
        self.on_progress(stage, 1.0)
