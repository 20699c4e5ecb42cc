"""The encoder of voices: 1.6 s of mel spectrogram to a vector that says who speaks, whatever is said.

The architecture is that of Wan et al. 2018, "Generalized End-to-End Loss for Speaker Verification": three layers of
LSTM over linear mel power, a projection, a ReLU, unit length. Behind it stands the model of what differs between
people and within one (PLDA: Ioffe 2006): vectors less their mean, turned so that the spread within a person is 1 in
every direction and the spread between people is `between`.

A voice is biometric: vectors live in memory while a file is read and are neither kept nor written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mer_batch.errors import ModelError
from mer_batch.nets.sealed import check_sealed, read_sealed, read_table
from mer_batch.resources import data_dir

if TYPE_CHECKING:
    from torch import Tensor, nn

Vectors: TypeAlias = NDArray[np.float64]
FOLDER: Final = "speaker"
WEIGHTS: Final = "encoder.safetensors"
CARD: Final = "encoder.toml"
_BATCH: Final = 64


@dataclass(frozen=True)
class SpeakerCard:
    """What `encoder.toml` says: where the weights come from, and what they take.

    Sound at `sample_rate` becomes mel power by an FFT of `n_fft` samples every `hop` samples in `mels` bands;
    `frames` of them are one window, scaled so that all of its power adds up to `level`.
    """

    name: str
    data: str
    licence: str
    sha256: str
    sample_rate: int = 16_000
    n_fft: int = 400
    hop: int = 160
    mels: int = 40
    frames: int = 160
    level: float = 64.0

    def __post_init__(self) -> None:
        counts = (self.sample_rate, self.n_fft, self.hop, self.mels, self.frames)
        if any(type(count) is not int or count < 1 for count in counts) or not 0 < self.level < float("inf"):
            raise ModelError(f"the card of the speaker encoder {self.name} has input constants that are not positive")


@dataclass(frozen=True, eq=False)
class Plda:
    """What differs between voices: `mean` (d,), `transform` (d, k) and the variances `between` people (k,).

    Behind the transform the variance within one person is 1 in every direction.
    """

    mean: Vectors
    transform: Vectors
    between: Vectors

    def __post_init__(self) -> None:
        shapes = self.mean.shape + self.between.shape
        finite = all(np.isfinite(part).all() for part in (self.mean, self.transform, self.between))
        if len(shapes) != 2 or self.transform.shape != shapes or not finite or (self.between < 0).any():
            raise ModelError("the speaker encoder's plda.mean, plda.transform and plda.between do not fit together")

    def apply(self, vectors: Vectors) -> Vectors:
        """Vectors (n, d) of the encoder as (n, k)."""
        found: Vectors = (vectors - self.mean) @ self.transform
        return found


class Encoder:
    """A loaded encoder; use `load_encoder`."""

    def __init__(self, card: SpeakerCard, net: nn.Module, plda: Plda) -> None:
        import torch

        self.card, self.plda, self._net = card, plda, net.eval()
        self._bands = torch.from_numpy(mel_bands(card.sample_rate, card.n_fft, card.mels).astype(np.float32))
        self._hann = torch.hann_window(card.n_fft)

    @property
    def frame_seconds(self) -> float:
        """Seconds from one frame to the next."""
        return self.card.hop / self.card.sample_rate

    def mels(self, samples: NDArray[np.float32]) -> Tensor:
        """Mel power (n, bands) of sound (m,), a frame per `hop` whose middle is its time; nothing is padded."""
        import torch

        if len(samples) < self.card.n_fft:
            return torch.zeros(0, self.card.mels)
        size, step = self.card.n_fft, self.card.hop
        sound = torch.from_numpy(np.ascontiguousarray(samples, dtype=np.float32))
        with torch.inference_mode():
            spectrum = torch.stft(sound, size, step, size, self._hann, center=False, return_complex=True)
            found: Tensor = (self._bands @ spectrum.abs().square()).T
        return found

    def embed(self, windows: Tensor) -> Vectors:
        """Vectors (n, d) of unit length of windows (n, frames, bands) of mel power, each at its own level."""
        import torch

        found = []
        with torch.inference_mode():
            for part in windows.split(_BATCH):
                power = part.sum((1, 2), keepdim=True).clamp_min(1e-9)
                found.append(self._net(part * (self.card.level / power)))
        vectors: Vectors = torch.cat(found).double().numpy() if found else np.zeros((0, len(self.plda.mean)))
        return vectors


def mel_bands(rate: int, size: int, count: int) -> Vectors:
    """The triangles (count, size // 2 + 1) of equal area that librosa calls mel, in the scale of Slaney's toolbox.

    Made here because librosa takes a second to import, for these lines alone; a test holds them against it.
    """
    # Linear up to 1 kHz (15 mel), then 27 mel for a factor of 6.4: Slaney 1998, "Auditory Toolbox", version 2.
    top = 15 + np.log(rate / 2 / 1000) * 27 / np.log(6.4)
    mels = np.linspace(0, top, count + 2)
    edges = np.where(mels < 15, mels * 200 / 3, 1000 * np.exp((mels - 15) * np.log(6.4) / 27))
    slopes = edges[:, None] - np.linspace(0, rate / 2, size // 2 + 1)
    widths = np.diff(edges)[:, None]
    triangles = np.minimum(-slopes[:-2] / widths[:-1], slopes[2:] / widths[1:]).clip(0)
    found: Vectors = triangles * 2 / (edges[2:] - edges[:-2])[:, None]
    return found


def encoder_folder() -> Path:
    """Where the shipped encoder lies, if there is one."""
    return data_dir("models") / FOLDER


def read_card(folder: Path) -> SpeakerCard:
    """The card of the encoder in `folder`. Raises `ModelError` where it is absent or malformed."""
    table = read_table(folder / CARD, _WHAT)
    try:
        constants = {name: value for name, value in table.get("input", {}).items() if name in _CONSTANTS}
        return SpeakerCard(table["name"], table["data"], table["licence"], table["sha256"], **constants)
    except (TypeError, KeyError, AttributeError) as error:
        raise ModelError(f"the {_WHAT} {folder / CARD} is malformed: {error}") from error


_WHAT: Final = "card of the speaker encoder"
_CONSTANTS: Final = frozenset({"sample_rate", "n_fft", "hop", "mels", "frames", "level"})


def verify_encoder(folder: Path) -> SpeakerCard:
    """The card of an encoder whose weights are whole; no network is built. Raises `ModelError`."""
    card = read_card(folder)
    check_sealed(folder / WEIGHTS, card.sha256)
    return card


def load_encoder(folder: Path) -> Encoder:
    """The encoder in `folder`, verified against its card. Raises `ModelError` where it is absent or damaged."""
    from safetensors import SafetensorError
    from safetensors.torch import load

    card = read_card(folder)
    data = read_sealed(folder / WEIGHTS, card.sha256)
    try:
        tensors = {name: tensor.float() for name, tensor in load(data).items()}
        parts = [tensors.pop(f"plda.{name}").double().numpy() for name in ("mean", "transform", "between")]
        return Encoder(card, build_net(tensors, card.mels), Plda(*parts))
    except (SafetensorError, KeyError, RuntimeError, ValueError) as error:
        raise ModelError(f"{folder / WEIGHTS} holds no speaker encoder: {error}") from error


@lru_cache(maxsize=1)
def shared_encoder(folder: Path) -> Encoder:
    """As `load_encoder`, once a process."""
    return load_encoder(folder)


def build_net(tensors: Mapping[str, Any], mels: int) -> nn.Module:
    """The network that the weights (by name, as `torch.nn` names them) are for, of any width and depth."""
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self, hidden: int, layers: int, size: int) -> None:
            super().__init__()
            self.lstm = nn.LSTM(mels, hidden, layers, batch_first=True)
            self.linear = nn.Linear(hidden, size)

        def forward(self, windows: Tensor) -> Tensor:
            _, (last, _) = self.lstm(windows)
            found = torch.relu(self.linear(last[-1]))
            unit: Tensor = found / found.norm(dim=1, keepdim=True).clamp_min(1e-6)
            return unit

    size, hidden = tensors["linear.weight"].shape
    net = Net(hidden, sum(name.startswith("lstm.weight_ih_l") for name in tensors), size)
    net.load_state_dict(tensors)
    return net
