"""What flows between the stages: frozen values, checked where they are made.

Times are seconds from the start of the presentation (the earliest stream starts at 0).
Boxes are fractions of the upright picture: (left, top, right, bottom) in [0, 1].
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from mer_batch.labels import EMOTIONS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Modality: TypeAlias = Literal["face", "voice", "text"]
MODALITIES: Final[tuple[Modality, ...]] = ("face", "voice", "text")
TaskName: TypeAlias = Literal["face", "voice", "text", "fusion"]
TASKS: Final[tuple[TaskName, ...]] = (*MODALITIES, "fusion")
"""What a model can be trained for: one modality, or what several say together."""

Image: TypeAlias = "NDArray[np.uint8]"
"""RGB picture, shape (height, width, 3)."""
Samples: TypeAlias = "NDArray[np.float32]"
"""Mono audio at `SAMPLE_RATE`, shape (n,), in [-1, 1]."""
Floats: TypeAlias = "NDArray[np.float32]"
Box: TypeAlias = tuple[float, float, float, float]
Probabilities: TypeAlias = tuple[float, ...]
"""Seven numbers in the order of `labels.EMOTIONS`, summing to one."""

SAMPLE_RATE: Final = 16_000


def _check_span(start: float, end: float) -> None:
    if not 0 <= start <= end:
        raise ValueError(f"a span needs 0 <= start <= end, got {start} .. {end}")


def check_probabilities(values: Probabilities) -> None:
    """Raise ValueError unless `values` are seven non-negative numbers that sum to one (1e-3)."""
    if len(values) != len(EMOTIONS):
        raise ValueError(f"expected {len(EMOTIONS)} probabilities, got {len(values)}")
    if min(values) < 0 or not abs(sum(values) - 1) <= 1e-3:
        raise ValueError(f"probabilities must be non-negative and sum to 1, got {values}")


@dataclass(frozen=True, slots=True)
class VideoStream:
    """A video stream; width and height are those of the upright picture with square pixels.

    `rotation` is the turn in degrees (counter-clockwise, -179..180) that makes the stored picture upright.
    """

    index: int
    codec: str
    width: int
    height: int
    fps: float | None
    rotation: int
    start: float
    duration: float | None
    interlaced: bool = False


@dataclass(frozen=True, slots=True)
class AudioStream:
    """An audio stream; `index` counts all streams of the file, as ffmpeg does."""

    index: int
    codec: str
    rate: int
    channels: int
    language: str | None
    start: float
    duration: float | None
    default: bool = False


@dataclass(frozen=True, slots=True)
class SubtitleStream:
    """A text subtitle stream; `index` counts all streams of the file.

    `dispositions` say what it is for, in ffmpeg's words: default, forced, hearing_impaired, comment and the like.
    """

    index: int
    codec: str
    language: str | None
    title: str | None = None
    dispositions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Media:
    """What a file holds. `origin` is the container time that counts as 0; `notes` say what is odd.

    `parts` are the recordings that were joined in one file, each with a clock of its own, and `joins` the bytes
    at which the second and further ones begin; both are empty where one clock runs through. `extent` is (first
    byte, byte after the last) of such a part, None for a whole file. `untimed` says that the file holds no time
    stamps: pictures are counted at `video.fps`. `aspects` are the seconds from which on pixels have another shape
    (width : height), empty where they keep one.
    """

    path: Path
    sha256: str
    size: int
    container: str
    duration: float
    origin: float
    video: VideoStream | None
    audio: tuple[AudioStream, ...]
    subtitles: tuple[SubtitleStream, ...]
    notes: tuple[str, ...] = ()
    extent: tuple[int, int] | None = None
    joins: tuple[int, ...] = ()
    parts: tuple[Part, ...] = ()
    untimed: bool = False
    aspects: tuple[tuple[float, Fraction], ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """One of the recordings joined in a file: its time plus `shift` is the file's time.

    What it holds outside [start, end), in the file's time, belongs to its neighbours.
    """

    media: Media
    shift: float
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Frame:
    """One decoded picture, upright, with its true presentation time.

    `damage` is the share of it that the decoder had to make up, 0 to 1; at 1 nothing in it can be trusted.
    """

    time: float
    image: Image
    damage: float = 0.0


@dataclass(frozen=True, slots=True)
class AudioWindow:
    """A stretch of audio to be read by a voice model, with how much of it is speech."""

    start: float
    end: float
    samples: Samples
    speech_share: float
    level_db: float
    snr_db: float | None

    def __post_init__(self) -> None:
        _check_span(self.start, self.end)


@dataclass(frozen=True, slots=True)
class Utterance:
    """Words spoken between two times. `source` says where they came from."""

    start: float
    end: float
    text: str
    language: str | None = None
    confidence: float | None = None
    person: str | None = None
    source: str = ""

    def __post_init__(self) -> None:
        _check_span(self.start, self.end)


@dataclass(frozen=True, slots=True)
class FaceQuality:
    """How readable a face is, with a `score` in [0, 1] and flags for what is wrong.

    `size` in pixels (shorter side of the box), `sharpness` (variance of the Laplacian on a
    48-pixel grey crop), yaw, pitch and roll in degrees estimated from the five landmarks.
    """

    size: float
    sharpness: float
    yaw: float
    pitch: float
    roll: float
    score: float
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """What an observation rests on: where the face was, or which words were said."""

    box: Box | None = None
    words: str | None = None


@dataclass(frozen=True, slots=True)
class Observation:
    """One calibrated reading of one modality. `quality` in [0, 1] scales its weight in fusion."""

    modality: Modality
    start: float
    end: float
    person: str | None
    probabilities: Probabilities
    quality: float
    flags: tuple[str, ...] = ()
    evidence: Evidence = Evidence()

    def __post_init__(self) -> None:
        _check_span(self.start, self.end)
        check_probabilities(self.probabilities)
        if not 0 <= self.quality <= 1:
            raise ValueError(f"quality must be in [0, 1], got {self.quality}")

    @property
    def label(self) -> str:
        """The most probable emotion."""
        return EMOTIONS[max(range(len(EMOTIONS)), key=self.probabilities.__getitem__)]

    @property
    def confidence(self) -> float:
        """The probability of the most probable emotion."""
        return max(self.probabilities)


@dataclass(frozen=True, slots=True)
class Gap:
    """Missing evidence of one modality, and why. Never "neutral", never interpolated."""

    modality: Modality
    start: float
    end: float
    reason: str
    person: str | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """The fused reading of one person in one step of the time grid.

    `probabilities` is None where there is no evidence; `label` is None there and where the fused
    reading is too weak to name (abstention); `reason` says which. `spread` holds half-widths of 95 %
    intervals. `weights` are the shares of (face, voice, text) in the reading. `disagreement` is the
    generalized Jensen-Shannon divergence between the modalities, 0..1, None with fewer than two.
    """

    start: float
    end: float
    person: str | None
    probabilities: Probabilities | None
    spread: Probabilities | None
    label: str | None
    weights: tuple[float, float, float]
    disagreement: float | None
    reason: str = ""

    def __post_init__(self) -> None:
        _check_span(self.start, self.end)
        if self.probabilities is not None:
            check_probabilities(self.probabilities)
        if self.label is not None and self.probabilities is None:
            raise ValueError("a label needs probabilities")

    @property
    def confidence(self) -> float | None:
        """The largest probability, or None in a gap."""
        return None if self.probabilities is None else max(self.probabilities)


EventKind: TypeAlias = Literal["cut", "enter", "leave", "onset", "change", "peak", "disagreement"]


@dataclass(frozen=True, slots=True)
class Event:
    """Something worth a click. `strength` is comparable within a kind; `thumbnail` is a base64 JPEG."""

    kind: EventKind
    time: float
    person: str | None
    emotion: str | None
    detail: str
    strength: float = 0.0
    thumbnail: str | None = None


@dataclass(frozen=True, slots=True)
class Shot:
    """The stretch between two cuts."""

    start: float
    end: float
    thumbnail: str | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody followed through the file. `spans` are the times in view (or heard, for voices).

    `colour` is one that somebody chose, like #c2185b.
    """

    name: str
    spans: tuple[tuple[float, float], ...]
    thumbnail: str | None = None
    colour: str | None = None


@dataclass(frozen=True, slots=True)
class ModelUse:
    """A model that took part, with what its card says of it. `confusion` is rows = truth, counts.

    `reliability` is its weight in fusion; None in timelines of before. One for "fusion" is the gate that weighed the
    others.
    """

    modality: TaskName
    name: str
    sha256: str
    net: str
    data: str
    licence: str
    scores: Mapping[str, float]
    confusion: tuple[tuple[int, ...], ...] | None = None
    confusion_source: str = ""
    reliability: float | None = None


@dataclass(frozen=True, slots=True)
class Provenance:
    """What made a timeline: options as given, versions, models, seconds spent per stage."""

    created: str
    version: str
    options: Mapping[str, object]
    packages: Mapping[str, str]
    models: tuple[ModelUse, ...]
    seconds: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Timeline:
    """Everything a report, a table or a caption file is made from."""

    media: Media
    provenance: Provenance
    people: tuple[Person, ...]
    shots: tuple[Shot, ...]
    speech: tuple[tuple[float, float], ...]
    loudness: tuple[tuple[float, float], ...]
    """(time, dBFS) about twice a second."""
    utterances: tuple[Utterance, ...]
    observations: tuple[Observation, ...]
    gaps: tuple[Gap, ...]
    segments: tuple[Segment, ...]
    events: tuple[Event, ...]
    notices: tuple[str, ...] = ()
    """One sentence each: what is missing or odd and the option that would help."""
    lost: tuple[Modality, ...] = ()
    """Modalities lost to an error (exit code 4), not to absent evidence."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A number with its 95 % interval; `low` and `high` are None where the data are too few for one.

    The value is NaN where it is undefined, such as an accuracy without a single answer.
    """

    value: float
    low: float | None
    high: float | None

    def __str__(self) -> str:
        if self.low is None or self.high is None:
            return f"{self.value:.2f}"
        return f"{self.value:.2f} [{self.low:.2f}, {self.high:.2f}]"
