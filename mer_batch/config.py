"""The options of an analysis: each default stands here once, with a type, a sentence and a check."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mer_batch.errors import UsageError, unknown_name
from mer_batch.types import MODALITIES, Modality

SHORTEST_STEP = 0.02
"""Seconds; an hour in steps of a fiftieth is 180,000 segments a person."""
MOST_SPEAKERS = 50
"""More voices are a crowd, in which nobody is told from anybody."""
SPLIT = 5.0
"""Minutes of the pieces in which workers read a long film, unless said otherwise."""
IDENTITIES = ("faces", "appearance", "none")
"""What people may be told by."""
LEAST_SPLIT = 0.5
"""Minutes below which pieces would mostly overlap."""


@dataclass(frozen=True, slots=True)
class Options:
    """What `mer analyze` and `pipeline.analyze` can be told. Raises `UsageError` for what does not fit."""

    fps: float = 5.0
    """Pictures read per second of video."""
    start: float = 0.0
    """Seconds into the file at which to begin."""
    end: float | None = None
    """Seconds into the file at which to stop; None is its end."""
    modalities: tuple[Modality, ...] = MODALITIES
    """Which of face, voice and text to read."""
    transcript: Path | None = None
    """Words from a file: srt, vtt, Whisper JSON and other forms of captions."""
    subtitle_track: str | None = None
    """Which text subtitles to read: a number counted from 0, or a language; None takes the whole dialogue."""
    asr: str = "auto"
    """Speech recognition when no words are given: auto, none, whisper:NAME or faster-whisper:NAME."""
    language: str | None = None
    """Spoken language as a two-letter code; None detects it."""
    prompt: str | None = None
    """Text for the recognizer as it might come before: names and words to expect, in the spelling wanted."""
    speakers: str = "auto"
    """How many voices are told apart by their sound: auto, a number, or none for not at all (it is biometric)."""
    diarizer: str = "default"
    """What tells voices apart: default, or pyannote[:NAME], a pipeline of pyannote.audio by name or folder."""
    audio_track: int | None = None
    """Which audio stream to hear, counted from 0; None is the file's default."""
    device: str = "auto"
    """Where networks run: auto, cpu, cuda, cuda:N or mps."""
    face_model: str = "default"
    """Reader of faces: default, a shipped name, a model folder or hf:NAME."""
    voice_model: str = "default"
    """Reader of voices, as above."""
    text_model: str = "default"
    """Reader of words, as above."""
    fusion_model: str = "default"
    """What weighs the modalities: a gate by its folder or run, or "pool" (reliability and quality alone)."""
    identity: str = "faces"
    """What tells people from each other across cuts and absences: faces (biometric), appearance (head and clothes,
    within one shot only) or none."""
    gallery: Path | None = None
    """Folder with pictures of people by name, who get their names; None knows nobody."""
    names: str = ""
    """Names for people, as "Person 1=Anna,Voice A=Ben"."""
    context: int = 0
    """How many utterances before it each utterance is read with, where the reader of words can."""
    step: float = 0.5
    """Seconds per fused segment."""
    abstain: float = 0.4
    """A fused reading whose largest probability is lower is not named."""

    def __post_init__(self) -> None:
        _positive("fps", self.fps)
        _positive("step", self.step)
        if self.step < SHORTEST_STEP:
            raise UsageError(f"step must be at least {SHORTEST_STEP} s, got {self.step:g}; no evidence is as fine")
        # Asked the other way round, a start or end that is no number would pass.
        last = self.start + 1 if self.end is None else self.end
        if not 0 <= self.start < last < float("inf"):
            raise UsageError(f"the range {self.start} .. {self.end} is empty; --end must lie after --start")
        if self.speakers not in ("auto", "none") and not _is_count(self.speakers):
            raise UsageError(
                f"speakers must be auto, none or a number from 1 to {MOST_SPEAKERS}, got {self.speakers!r}"
            )
        if self.context < 0:
            raise UsageError(f"context must not be negative, got {self.context}")
        if not 0 <= self.abstain <= 1:
            raise UsageError(f"abstain must be between 0 and 1, got {self.abstain}")
        if not self.modalities:
            raise UsageError(f"nothing to read: choose some of {', '.join(MODALITIES)}")
        for name in self.modalities:
            if name not in MODALITIES:
                raise unknown_name("modality", str(name), MODALITIES)
        if self.identity not in IDENTITIES:
            raise unknown_name("--identity", self.identity, IDENTITIES)
        if self.gallery is not None and self.identity != "faces":
            raise UsageError(f"--gallery tells people by their faces, which --identity {self.identity} leaves out")
        if self.transcript is not None and not self.transcript.is_file():
            raise UsageError(f"there is no transcript at {self.transcript}")
        if self.transcript is not None and self.subtitle_track is not None:
            raise UsageError("words come from a transcript or from a subtitle track: give one of the two")


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and 1 <= int(text) <= MOST_SPEAKERS


def _positive(name: str, value: float) -> None:
    if not 0 < value < float("inf"):
        raise UsageError(f"{name} must be a positive number, got {value}")


DEFAULTS = Options()
