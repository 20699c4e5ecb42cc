"""voice-cnn: a small residual network over log-mel spectrograms with attentive statistics pooling.

Pooling after Okabe et al., "Attentive Statistics Pooling for Deep Speaker Embedding" (arXiv:1803.10963).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from mer_batch.nets import register

RATE: Final = 16_000
SPECTRUM: Final = 512
HOP: Final = 256
FLOOR_DB: Final = -50.0
"""Level, relative to the mean of the clip, under which sound counts as silence: hides quiet background."""


def mel_filters(bands: int, low: float = 60.0, high: float = 7600.0) -> Tensor:
    """Triangular filters on the mel scale, shape (SPECTRUM // 2 + 1, bands), each summing to one."""
    top, bottom = (2595 * math.log10(1 + hertz / 700) for hertz in (high, low))
    edges = 700 * (10 ** (torch.linspace(bottom, top, bands + 2, dtype=torch.float64) / 2595) - 1)
    bins = torch.linspace(0, RATE / 2, SPECTRUM // 2 + 1, dtype=torch.float64)[:, None]
    rise = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    fall = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    filters = torch.minimum(rise, fall).clamp(min=0)
    return (filters / filters.sum(dim=0, keepdim=True).clamp(min=1e-9)).float()


class LogMel(nn.Module):
    """Waveforms (n, samples) to log-mel pictures (n, 1, bands, frames) and a mask of frames with sound.

    Energy is taken relative to the clip's mean, so that recording level does not matter; silence and
    padding are exactly zero.
    """

    window: Tensor
    filters: Tensor

    def __init__(self, bands: int) -> None:
        super().__init__()
        self.register_buffer("window", torch.hann_window(SPECTRUM), persistent=False)
        self.register_buffer("filters", mel_filters(bands), persistent=False)

    def forward(self, waves: Tensor) -> tuple[Tensor, Tensor]:
        """(n, samples) to (n, 1, bands, frames) and (n, 1, 1, frames)."""
        if not len(waves):  # a transform of no rows is an error on some processors
            frames = 1 + (waves.shape[1] - SPECTRUM) // HOP
            return waves.new_zeros(0, 1, self.filters.shape[1], frames), waves.new_zeros(0, 1, 1, frames)
        spectrum = torch.stft(waves, SPECTRUM, HOP, window=self.window, center=False, return_complex=True)
        power = spectrum.real.square() + spectrum.imag.square()
        mel = (power.transpose(1, 2) @ self.filters).transpose(1, 2)
        sound = (mel.amax(dim=1, keepdim=True) > 0).to(mel)
        level = mel.sum(dim=(1, 2), keepdim=True) / (sound.sum(dim=(1, 2), keepdim=True) * mel.shape[1]).clamp(min=1)
        picture = torch.log1p(mel / level.clamp(min=1e-12) * 10 ** (-FLOOR_DB / 10)) / 4
        return picture[:, None], sound[:, None]


def spec_mask(
    pictures: Tensor, bands: int = 10, frames: int = 25, times: int = 2, generator: torch.Generator | None = None
) -> Tensor:
    """SpecAugment (Park et al., arXiv:1904.08779): blanks random bands and stretches of each picture.

    A `generator` draws on the CPU, so that every device masks alike; without one the device's own does.
    """
    n, _, height, width = pictures.shape
    device = pictures.device if generator is None else torch.device("cpu")
    for _ in range(times):
        for size, length, shape in ((height, bands, (1, height, 1)), (width, frames, (1, 1, width))):
            extent = torch.rand(n, 1, 1, 1, device=device, generator=generator).to(pictures.device) * length
            start = torch.rand(n, 1, 1, 1, device=device, generator=generator).to(pictures.device) * (size - extent)
            index = torch.arange(size, device=pictures.device).view(1, *shape)
            pictures = pictures * ((index < start) | (index >= start + extent))
    return pictures


class Block(nn.Module):
    """A strided convolution and a residual one."""

    def __init__(self, inputs: int, outputs: int, stride: tuple[int, int]) -> None:
        super().__init__()
        self.down = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(n, inputs, bands, frames) to (n, outputs, fewer bands, fewer frames)."""
        x = functional.relu(self.norm1(self.down(x)))
        return functional.relu(x + self.norm2(self.conv(x)))


class VoiceCnn(nn.Module):
    """Waveforms (n, samples) at 16 kHz to scores (n, classes); leading and trailing zeros are padding."""

    def __init__(self, classes: int, widths: Sequence[int], bands: int, dropout: float, masks: int) -> None:
        super().__init__()
        self.masks = masks
        self.front = LogMel(bands)
        self.stem = nn.Sequential(
            nn.Conv2d(1, widths[0], 5, 2, 2, bias=False), nn.BatchNorm2d(widths[0]), nn.ReLU(inplace=True)
        )
        strides = [(2, 2), (2, 2)] + [(2, 1)] * (len(widths) - 3)
        self.blocks = nn.ModuleList(
            Block(before, after, stride) for before, after, stride in zip(widths, widths[1:], strides, strict=False)
        )
        height = math.ceil(bands / 2 ** len(widths))
        self.join = nn.Sequential(
            nn.Conv1d(widths[-1] * height, widths[-1], 1, bias=False), nn.BatchNorm1d(widths[-1]), nn.ReLU()
        )
        self.attend = nn.Sequential(nn.Conv1d(widths[-1], 32, 1), nn.Tanh(), nn.Conv1d(32, widths[-1], 1))
        self.last = nn.Sequential(nn.BatchNorm1d(2 * widths[-1]), nn.Dropout(dropout))
        self.head = nn.Linear(2 * widths[-1], classes)

    def forward(self, waves: Tensor) -> Tensor:
        """(n, samples) to (n, classes)."""
        x, sound = self.front(waves)
        if self.training and self.masks:
            x = spec_mask(x, times=self.masks)
        x = self.stem(x)
        for block in self.blocks:
            x = block(x * _shrink(sound, x))
        sound = _shrink(sound, x)
        scores: Tensor = self.head(self.last(self._pool(self.join((x * sound).flatten(1, 2)), sound[:, 0])))
        return scores

    def _pool(self, x: Tensor, sound: Tensor) -> Tensor:
        """Weighted mean and spread over the frames with sound, (n, 2 * channels)."""
        weights = self.attend(x).masked_fill(sound == 0, -1e4).softmax(dim=2)
        mean = (weights * x).sum(dim=2)
        spread = ((weights * x.square()).sum(dim=2) - mean.square()).clamp(min=1e-5).sqrt()
        return torch.cat([mean, spread], dim=1)


def _shrink(sound: Tensor, x: Tensor) -> Tensor:
    """The mask (n, 1, 1, frames) at the time resolution of `x`."""
    return functional.adaptive_max_pool2d(sound, (1, x.shape[-1]))


@register("voice-cnn")
def voice_cnn(
    classes: int,
    widths: Sequence[int] = (16, 32, 64, 96),
    bands: int = 64,
    dropout: float = 0.3,
    masks: int = 2,
) -> nn.Module:
    """`widths` of the stages, mel `bands`, `dropout` before the last layer, SpecAugment `masks` when training."""
    return VoiceCnn(classes, widths, bands, dropout, masks)
