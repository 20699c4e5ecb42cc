"""The features of `mer_batch.voice.features` by librosa: what they are defined by, and where pitch comes from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mer_batch.voice.feature_options import DEPTH, PITCHES, SHARE, SPAN, FeatureOptions, Table, rows


def reference(samples: NDArray[Any], names: Sequence[str], options: FeatureOptions | None = None) -> Table:
    """Features of one sound by librosa, (rows, frames)."""
    options = options or FeatureOptions()
    rows(names, options)
    return np.concatenate([_by_librosa(samples, name, options) for name in names]).astype(np.float32)


def _by_librosa(y: NDArray[Any], name: str, options: FeatureOptions) -> NDArray[Any]:
    import librosa

    size, hop, rate = options.window, options.hop, options.rate
    frame = {"frame_length": size, "hop_length": hop}
    spectrum = {"sr": rate, "n_fft": size, "hop_length": hop}
    if name == "rms":
        return np.asarray(librosa.feature.rms(y=y, **frame))
    if name == "zcr":
        return np.asarray(librosa.feature.zero_crossing_rate(y, **frame))
    if name == "rolloff":
        return np.asarray(librosa.feature.spectral_rolloff(y=y, roll_percent=SHARE, **spectrum))
    if name == "log-mel":
        power = librosa.feature.melspectrogram(y=y, n_mels=options.bands, **spectrum)
        return np.asarray(librosa.power_to_db(power, ref=np.max, top_db=DEPTH))
    if name == "pitch":
        hertz, voiced, _ = librosa.pyin(y, fmin=PITCHES[0], fmax=PITCHES[1], sr=rate, **frame)
        return np.stack([np.nan_to_num(hertz), voiced])
    mfcc = librosa.feature.mfcc(y=y, n_mfcc=options.coefficients, n_mels=options.bands, **spectrum)
    if name == "mfcc-mean":
        return np.asarray(mfcc.mean(axis=0, keepdims=True))
    order = {"mfcc-delta": 1, "mfcc-delta2": 2}.get(name)
    return np.asarray(librosa.feature.delta(mfcc, width=SPAN, order=order) if order else mfcc)
