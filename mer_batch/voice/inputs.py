"""How sound enters a network: the one code that trainer and reader share, steered by the model's card.

Sound that is exactly zero is not there. A network that takes sound finds the zeros around it; one that takes
features finds frames of zeros. So batches are plain tensors, mixing and masking stay sums and products, and no
lengths travel beside them. `pad` says where the zeros of a short clip go:

- `around`: equally before and after its sound (our own networks, which mask them);
- `end`: after its sound, whose features are then computed with it, so that silence shows as what it is;
- `frames`: frames of zeros after the features of the sound alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final

import numpy as np

from mer_batch.errors import UsageError, unknown_name
from mer_batch.types import SAMPLE_RATE, Samples
from mer_batch.voice.feature_options import FeatureOptions, Table, rows
from mer_batch.voice.features import features

LEVEL: Final = 0.05
"""Root mean square of levelled sound, digital silence aside."""
PADS: Final = ("around", "end", "frames")
SIZES: Final = tuple(size.name for size in fields(FeatureOptions))


def fit(samples: Samples, length: int) -> Samples:
    """The middle `length` samples, or all of them between equal zeros."""
    spare = len(samples) - length
    if spare >= 0:
        return samples[spare // 2 : spare // 2 + length]
    return np.pad(samples, (-spare // 2, -spare - -spare // 2))


@dataclass(frozen=True)
class VoiceInput:
    """The input section of a voice card. Raises `UsageError` for what does not fit together."""

    seconds: float
    """Length of sound a network sees; longer clips are cut."""
    features: tuple[str, ...] = ()
    """Names of `mer_batch.voice.features`; none = the sound itself."""
    pad: str = "around"
    """Where a short clip's zeros go: around, end or frames."""
    trim_db: float = 0.0
    """Silence this many dB under the loudest frame is cut off both ends; 0 = kept."""
    level: bool = False
    """Whether every clip is brought to one level (root mean square `LEVEL`); else it enters as recorded."""
    sizes: FeatureOptions = field(default_factory=FeatureOptions)
    """Sizes of the features."""

    def __post_init__(self) -> None:
        if not self.seconds > 0:
            raise UsageError(f"seconds must be positive, got {self.seconds}")
        if self.pad not in PADS:
            raise unknown_name("pad", self.pad, PADS)
        if self.pad == "frames" and not self.features:
            raise UsageError('pad = "frames" needs features; for sound use around or end')
        rows(self.features, self.sizes)

    @classmethod
    def read(cls, table: Mapping[str, Any]) -> VoiceInput:
        """From a card's input section, or a recipe's `[data]` table with more beside."""
        names = table.get("features", ())
        if isinstance(names, str):
            raise UsageError(f"features must be a list of names, got {names!r}")
        try:
            return cls(
                seconds=float(table["seconds"]),
                features=tuple(names),
                pad=str(table.get("pad", "around")),
                trim_db=float(table.get("trim_db", 0.0)),
                level=bool(table.get("level", False)),
                sizes=FeatureOptions(**{name: int(table[name]) for name in SIZES if name in table}),
            )
        except (TypeError, ValueError) as error:
            raise UsageError(f"the input of a voice network does not fit: {error}") from error

    def card(self) -> dict[str, Any]:
        """The input section for a card: only the seconds for sound that enters as it is."""
        shape = {"pad": self.pad, "trim_db": self.trim_db, "level": self.level}
        plain = not self.features and (self.pad, self.trim_db, self.level) == ("around", 0.0, False)
        table: dict[str, Any] = {"sample_rate": SAMPLE_RATE, "seconds": self.seconds} | ({} if plain else shape)
        return table | ({"features": list(self.features)} | asdict(self.sizes) if self.features else {})

    @property
    def samples(self) -> int:
        """Length of sound in samples."""
        return round(self.seconds * SAMPLE_RATE)

    @property
    def frames(self) -> int:
        """Frames of features."""
        return self.sizes.frames(self.samples)

    def cut(self, clip: Samples) -> Samples:
        """The clip trimmed, cut to at most `samples` and levelled; padded only where zeros go around it."""
        clip = trimmed(clip, self.trim_db) if self.trim_db else clip
        clip = fit(clip, self.samples) if self.pad == "around" else clip[: self.samples]
        return levelled(clip) if self.level else clip

    def __call__(self, clip: Samples, keep: bool = False) -> Samples | Table:
        """What the network takes of a clip (n,): sound (samples,) or features (rows, frames), kept on disk if told."""
        clip = self.cut(clip)
        if self.pad != "frames":
            clip = np.pad(clip, (0, self.samples - len(clip)))
            return features(clip, self.features, self.sizes, keep) if self.features else clip
        table = features(clip, self.features, self.sizes, keep)[:, : self.frames]
        return np.pad(table, ((0, 0), (0, self.frames - table.shape[1])))

    def batch(self, clips: Sequence[Samples]) -> Table:
        """The network's input for clips of any length, (n, samples) or (n, rows, frames)."""
        if not clips:
            shape = (rows(self.features, self.sizes), self.frames) if self.features else (self.samples,)
            return np.zeros((0, *shape), np.float32)
        return np.stack([self(clip) for clip in clips]).astype(np.float32, copy=False)


def trimmed(clip: Samples, decibel: float) -> Samples:
    """A clip without the ends that are `decibel` under its loudest frame, as `librosa.effects.trim` cuts them."""
    from librosa.effects import trim

    result: Samples = trim(clip, top_db=decibel)[0]
    return result if len(result) else clip


def levelled(clip: Samples) -> Samples:
    """A clip at root mean square `LEVEL` over its non-zero samples."""
    rms = float(np.linalg.norm(clip)) / max(float(np.count_nonzero(clip)), 1.0) ** 0.5
    return clip * np.float32(LEVEL / max(rms, 1e-7))
