"""How readable a window of speech is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from mer_batch.types import AudioWindow

TOO_QUIET: Final = -65.0
"""Speech below this level (dBFS) is not read: too few steps of 16-bit sound are left of it."""
QUIET: Final = -48.0
NOISY: Final = 10.0
"""Signal-to-noise ratio in dB under which a window is flagged."""
SHORT: Final = 1.5
"""Seconds of speech under which a window is flagged."""
CLIPPED: Final = 0.002
"""Share of samples at full scale over which a window is flagged."""


@dataclass(frozen=True, slots=True)
class VoiceQuality:
    """A `score` in [0, 1] that scales the weight in fusion, and what is wrong: quiet, noisy, clipped, short."""

    score: float
    flags: tuple[str, ...]


def assess(window: AudioWindow) -> VoiceQuality:
    """The quality of a window; an unknown signal-to-noise ratio counts as a middling one."""
    speech = window.speech_share * (window.end - window.start)
    clipped = float(np.mean(np.abs(window.samples) >= 0.999)) if len(window.samples) else 0.0
    snr = 15.0 if window.snr_db is None else window.snr_db
    wrong = {
        "quiet": window.level_db < QUIET,
        "noisy": snr < NOISY,
        "clipped": clipped > CLIPPED,
        "short": speech < SHORT,
    }
    score = _ramp(speech, 0.5, 2.5) * _ramp(snr, -5.0, 20.0) * _ramp(window.level_db, TOO_QUIET, QUIET)
    score *= 0.7 if wrong["clipped"] else 1.0
    return VoiceQuality(score, tuple(name for name, is_wrong in wrong.items() if is_wrong))


def _ramp(value: float, low: float, high: float) -> float:
    """From 0.25 at `low` and below to 1 at `high` and above: a weak window weighs less, never nothing."""
    share = (value - low) / (high - low)
    return 0.25 + 0.75 * min(max(share, 0.0), 1.0)
