"""What tells voices apart, behind one interface: our encoder, or a pipeline of pyannote.audio (an extra)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from mer_batch.errors import unknown_name
from mer_batch.people import encoder, pyannote_audio
from mer_batch.people.voices import VoiceTurn, tell_apart
from mer_batch.people.windows import Span, VoiceListener
from mer_batch.types import Samples

OURS: Final = "default"
PYANNOTE: Final = "pyannote"
FORMS: Final = (OURS, PYANNOTE, f"{PYANNOTE}:NAME")


class Diarizer(Protocol):
    """Hears the sound of a file once (see `voice.read.Listener`), then says which voice speaks when."""

    def feed(self, start: float, samples: Samples) -> None:
        """Take a block of mono sound (n,) at 16 kHz that starts at `start` seconds."""

    def follow(self, closed: Sequence[Span], growing: Span | None, settled: float) -> None:
        """Learn where speech is."""

    def turns(self, regions: Sequence[Span], count: int | None) -> tuple[VoiceTurn, ...]:
        """Sorted turns of voices, none over another, inside the `regions` of speech; `count` voices, if that is known.

        The sound has ended.
        """


class ByVectors(VoiceListener):
    """Ours: windows of speech to vectors, which are clustered."""

    def __init__(self) -> None:
        self._own = encoder.shared_encoder(encoder.encoder_folder())
        super().__init__(self._own)

    def turns(self, regions: Sequence[Span], count: int | None) -> tuple[VoiceTurn, ...]:
        """See `Diarizer.turns`."""
        return tell_apart(self.heard(), regions, self._own.plda, count)


def check_diarizer(spec: str) -> None:
    """Raise `UsageError` for a `spec` that names none, `ModelError` if its package is missing."""
    name = _pipeline(spec)
    if name is not None:
        pyannote_audio.check()


def load_diarizer(spec: str, device: str) -> Diarizer:
    """A fresh one by its name. Raises `ModelError` where it cannot be had."""
    name = _pipeline(spec)
    return ByVectors() if name is None else pyannote_audio.Pyannote(name, device)


def diarizer_sum(spec: str) -> str:
    """What its turns depend on, as far as that is on this machine. Raises `ModelError`."""
    name = _pipeline(spec)
    if name is None:
        return encoder.verify_encoder(encoder.encoder_folder()).sha256
    return f"{name or pyannote_audio.default()} {pyannote_audio.version()}"


def _pipeline(spec: str) -> str | None:
    """The pipeline of pyannote that a `spec` names, "" for its usual one; None for ours."""
    if spec == OURS:
        return None
    engine, colon, name = spec.partition(":")
    if engine != PYANNOTE or (colon and not name):
        raise unknown_name("--diarizer", spec, FORMS)
    return name
