"""What a network can be shown of a voice frame by frame: classic features, alone or side by side.

| name | rows | what |
|---|---|---|
| rms | 1 | energy: root mean square of the samples |
| zcr | 1 | zero-crossing rate |
| rolloff | 1 | frequency in Hz under which 85 % of the spectrum lies |
| log-mel | `bands` | mel power in dB under the loudest band of the clip, 80 dB deep |
| mfcc | `coefficients` | mel-frequency cepstral coefficients |
| mfcc-mean | 1 | mean of the MFCC of a frame |
| mfcc-delta, mfcc-delta2 | `coefficients` | their first and second derivatives over nine frames |
| pitch | 2 | pitch in Hz by pYIN (0 where unvoiced), and 1 where voiced |

The definitions are librosa's (McFee et al., doi:10.25080/Majora-7b98e3ed-003), and so are the frames: their centres
are `hop` samples apart, 1 + samples // hop of them, with zeros beyond the ends. `by_librosa` asks librosa itself;
`extract` computes the same for whole batches on any device, except for pitch, which has no tensor version.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import astuple
from functools import cached_property, lru_cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from mer_batch.errors import UsageError
from mer_batch.types import Samples
from mer_batch.voice.feature_options import DEPTH, SHARE, SPAN, FeatureOptions, Table, rows

if TYPE_CHECKING:
    from torch import Tensor

FLOOR: Final = 1e-10
"""Power that counts as silence."""
VERSION: Final = 1
"""Counts changes of the definitions, so that older caches are not taken for the new ones."""


def features(samples: Samples, names: Sequence[str], options: FeatureOptions | None = None, keep: bool = True) -> Table:
    """Features of one sound, (rows, frames); if `keep`, stored under the hashes of the sound and the options."""
    import torch

    options = options or FeatureOptions()
    path = _place(samples, names, options) if keep else None
    if path is not None and (found := _recall(path)) is not None:
        return found
    table: Table = extract(torch.from_numpy(np.asarray(samples, np.float32))[None], names, options)[0].numpy()
    if path is not None:
        _remember(path, table)
    return table


def _place(samples: Samples, names: Sequence[str], options: FeatureOptions) -> Path:
    from mer_batch.resources import cache_dir

    rows(names, options)
    facts = repr((VERSION, tuple(names), astuple(options))).encode()
    sound = np.ascontiguousarray(samples, dtype=np.float32).tobytes()
    return cache_dir("features", sha256(facts).hexdigest()[:16]) / f"{sha256(sound).hexdigest()}.npy"


def _recall(path: Path) -> Table | None:
    try:
        table: Table = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return table


def _remember(path: Path, table: Table) -> None:
    """Keep a table; a cache that cannot be written is not an error."""
    from mer_batch.files import whole_file

    try:
        with whole_file(path) as partial:
            np.save(partial, table)
    except (OSError, UsageError):
        return


def extract(waves: Tensor, names: Sequence[str], options: FeatureOptions | None = None) -> Tensor:
    """Features of sounds of equal length (n, samples) side by side, (n, rows, frames), on the device of `waves`."""
    import torch

    options = options or FeatureOptions()
    height = rows(names, options)
    if not len(waves):  # a transform of no rows is an error on some processors
        return waves.new_zeros(0, height, options.frames(waves.shape[1]))
    batch = _Batch(waves, options)
    return torch.cat([FEATURES[name](batch) for name in names], dim=1)


class _Batch:
    """What the features of a batch share, computed once and only when asked for."""

    def __init__(self, waves: Tensor, options: FeatureOptions) -> None:
        self.waves, self.options = waves, options

    @cached_property
    def magnitude(self) -> Tensor:
        import torch

        window = torch.hann_window(self.options.window, dtype=self.waves.dtype, device=self.waves.device)
        size, hop = self.options.window, self.options.hop
        return torch.stft(self.waves, size, hop, window=window, pad_mode="constant", return_complex=True).abs()

    @cached_property
    def mel(self) -> Tensor:
        """Mel power, (n, bands, frames)."""
        result: Tensor = self._matrix(_mel_filters(self.options)) @ self.magnitude.square()
        return result

    @cached_property
    def mfcc(self) -> Tensor:
        level = _decibel(self.mel)
        result: Tensor = self._matrix(_cosines(self.options)) @ _cut(level)
        return result

    def padded(self, mode: str) -> Tensor:
        """The waves with half a window more on both sides."""
        from torch.nn import functional

        half = self.options.window // 2
        return functional.pad(self.waves[:, None], (half, half), mode=mode)[:, 0]

    def _matrix(self, values: NDArray[np.float64]) -> Tensor:
        import torch

        return torch.from_numpy(values).to(self.waves)


def _decibel(power: Tensor) -> Tensor:
    result: Tensor = 10 * power.clamp(min=FLOOR).log10()
    return result


def _cut(level: Tensor) -> Tensor:
    """Levels no deeper than `DEPTH` under the loudest of their clip."""
    return level.maximum(level.amax(dim=(1, 2), keepdim=True) - DEPTH)


@lru_cache(maxsize=8)
def _mel_filters(options: FeatureOptions) -> NDArray[np.float64]:
    from librosa.filters import mel

    made = mel(sr=options.rate, n_fft=options.window, n_mels=options.bands, dtype=np.float64)
    return np.asarray(made)


@lru_cache(maxsize=8)
def _cosines(options: FeatureOptions) -> NDArray[np.float64]:
    from scipy.fft import dct

    return np.asarray(dct(np.eye(options.bands), axis=0, norm="ortho")[: options.coefficients])


def _rms(batch: _Batch) -> Tensor:
    from torch.nn import functional

    power = functional.avg_pool1d(batch.padded("constant").square()[:, None], batch.options.window, batch.options.hop)
    return power.sqrt()


def _zcr(batch: _Batch) -> Tensor:
    from torch.nn import functional

    waves = batch.padded("replicate" if batch.waves.shape[1] else "constant")
    negative = waves < -FLOOR
    crossings = functional.pad((negative[:, 1:] != negative[:, :-1]).cumsum(dim=1), (1, 0))
    size, hop = batch.options.window, batch.options.hop
    first = crossings[:, : crossings.shape[1] - size + 1 : hop]
    count = crossings[:, size - 1 :: hop] - first
    return (count / size).to(waves)[:, None]


def _rolloff(batch: _Batch) -> Tensor:
    total = batch.magnitude.cumsum(dim=1)
    under = (total < SHARE * total[:, -1:]).sum(dim=1, keepdim=True)
    return under.to(batch.waves) * (batch.options.rate / batch.options.window)


def _log_mel(batch: _Batch) -> Tensor:
    level = _decibel(batch.mel)
    return _cut(level - level.amax(dim=(1, 2), keepdim=True))


def _delta(batch: _Batch, order: int) -> Tensor:
    """A derivative: the slope or curvature of the polynomial through `SPAN` frames (Savitzky & Golay 1964)."""
    import torch
    from scipy.signal import savgol_coeffs
    from torch.nn import functional

    table, half = batch.mfcc, SPAN // 2
    if short := max(SPAN - table.shape[2], 0):
        table = functional.pad(table, (0, short), mode="replicate")
    kernel = torch.from_numpy(savgol_coeffs(SPAN, order, deriv=order, use="dot")).to(table)
    inner = functional.conv1d(table.flatten(0, 1)[:, None], kernel[None, None]).view(*table.shape[:2], -1)
    # At the ends the polynomial of the nearest full span goes on; its highest derivative is constant.
    return functional.pad(inner, (half, half), mode="replicate")[:, :, : batch.mfcc.shape[2]]


def _pitch(batch: _Batch) -> Tensor:
    import torch

    from mer_batch.voice.by_librosa import reference

    tables = [reference(wave.cpu().numpy(), ["pitch"], batch.options) for wave in batch.waves]
    return torch.from_numpy(np.stack(tables)).to(batch.waves)


FEATURES: Final[dict[str, Callable[[_Batch], Tensor]]] = {
    "rms": _rms,
    "zcr": _zcr,
    "rolloff": _rolloff,
    "log-mel": _log_mel,
    "mfcc": lambda batch: batch.mfcc,
    "mfcc-mean": lambda batch: batch.mfcc.mean(dim=1, keepdim=True),
    "mfcc-delta": lambda batch: _delta(batch, 1),
    "mfcc-delta2": lambda batch: _delta(batch, 2),
    "pitch": _pitch,
}
