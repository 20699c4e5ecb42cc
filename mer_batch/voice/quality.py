"""How readable a window of speech is.

The score follows what windows of the validation speakers lost when they were spoiled on purpose: the share
of the labels' entropy that the shipped model still removed, relative to whole clean clips (RAVDESS, 240 clips):
0.6 s of speech 0.2, 0.9 s 0.4, 1.2 s 0.7, 1.6 s 0.9; white noise at 0 dB 0.6, 5 dB 0.9, 10 dB 1.0. Down to
-70 dBFS, and with 3 % of samples clipped, nothing was lost: these are flagged, not marked down.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from mer_batch.types import AudioWindow

TOO_QUIET: Final = -75.0
"""Speech below this level (dBFS) is not read: too few steps of 16-bit sound are left of it."""
QUIET: Final = -48.0
NOISY: Final = 8.0
"""Signal-to-noise ratio in dB under which a window is flagged."""
UNKNOWN: Final = 5.0
"""Signal-to-noise ratio in dB assumed where there is no pause to measure the background in."""
SHORT: Final = 1.2
"""Seconds of speech under which a window is flagged."""
CLIPPED: Final = 0.002
"""Share of samples at full scale over which a window is flagged."""


@dataclass(frozen=True, slots=True)
class VoiceQuality:
    """A `score` in [0, 1] that scales the weight in fusion, and what is wrong: quiet, noisy, clipped, short."""

    score: float
    flags: tuple[str, ...]


def assess(window: AudioWindow) -> VoiceQuality:
    """The quality of a window."""
    speech = window.speech_share * (window.end - window.start)
    wrong = {
        "quiet": window.level_db < QUIET,
        "noisy": window.snr_db is not None and window.snr_db < NOISY,
        "clipped": len(window.samples) > 0 and bool(np.mean(np.abs(window.samples) >= 0.999) > CLIPPED),
        "short": speech < SHORT,
    }
    score = _ramp(speech, 0.6, 1.8) * _ramp(UNKNOWN if window.snr_db is None else window.snr_db, -8.0, 8.0)
    return VoiceQuality(score, tuple(name for name, is_wrong in wrong.items() if is_wrong))


def _ramp(value: float, low: float, high: float) -> float:
    """From 0.25 at `low` and below to 1 at `high` and above: a weak window weighs less, never nothing."""
    return 0.25 + 0.75 * min(max((value - low) / (high - low), 0.0), 1.0)
