"""Which features of sound there are, and their sizes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mer_batch.errors import UsageError, unknown_name
from mer_batch.types import SAMPLE_RATE

NAMES: Final = ("rms", "zcr", "rolloff", "log-mel", "mfcc", "mfcc-mean", "mfcc-delta", "mfcc-delta2", "pitch")
Table = NDArray[np.float32]
DEPTH: Final = 80.0
"""dB under the loudest band at which levels are cut."""
SHARE: Final = 0.85
"""Part of the spectrum under the roll-off."""
SPAN: Final = 9
"""Frames that a derivative looks at."""
PITCHES: Final = (60.0, 600.0)
"""Lowest and highest pitch looked for, in Hz."""


@dataclass(frozen=True)
class FeatureOptions:
    """Sizes of features. Raises `UsageError` for those that cannot be."""

    rate: int = SAMPLE_RATE
    """Sample rate that filters and frequencies assume; another than the true one scales them."""
    window: int = 2048
    """Samples a frame."""
    hop: int = 512
    """Samples from frame to frame."""
    bands: int = 128
    """Mel bands."""
    coefficients: int = 20
    """MFCC kept."""

    def __post_init__(self) -> None:
        if min(astuple(self)) < 1:
            raise UsageError(f"sizes of features must be positive, got {self}")
        if self.coefficients > self.bands:
            raise UsageError(f"{self.coefficients} coefficients cannot come from {self.bands} mel bands")

    def frames(self, samples: int) -> int:
        """How many frames a sound of `samples` has."""
        return 1 + samples // self.hop


def rows(names: Sequence[str], options: FeatureOptions) -> int:
    """The height of features side by side. Raises `UsageError` for an unknown name."""
    bands, coefficients = options.bands, options.coefficients
    height = dict.fromkeys(NAMES, 1) | {"log-mel": bands, "pitch": 2}
    height |= dict.fromkeys(("mfcc", "mfcc-delta", "mfcc-delta2"), coefficients)
    for name in names:
        if name not in height:
            raise unknown_name("feature", name, NAMES)
    return sum(height[name] for name in names)
