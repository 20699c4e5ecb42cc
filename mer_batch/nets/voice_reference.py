"""Small convolutional networks that were published for CREMA-D, over features instead of sound.

The one-dimensional ones read features one after the other as a single long row (rms, then zcr, ...), as their
authors joined them; that is why a second feature costs a longer dense layer and no filter. The two-dimensional ones
read a spectrogram as a picture; one of them follows Singh & Fang (arXiv:2006.08129). Convolutions are not padded and
weights start as in Keras, where these networks come from. They know no mask: the silence after a short clip is part
of what they see, and the input has a fixed length (157 frames are 5.005 s at 16 kHz and a hop of 512).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor, nn

from mer_batch.nets import register


def _like_keras(net: nn.Module) -> nn.Module:
    """Glorot weights, no bias, slow running means."""
    for module in net.modules():
        if isinstance(module, (nn.Conv1d, nn.Conv2d, nn.Linear)):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)) and module.affine:
            module.eps, module.momentum = 1e-3, 0.01
    return net


class RowCnn(nn.Module):
    """Features (n, features, frames) to scores (n, classes) by convolutions along one long row."""

    def __init__(
        self,
        classes: int,
        features: int,
        frames: int,
        widths: Sequence[int],
        kernels: Sequence[int],
        dropout: float,
        norm: bool,
        scale: bool,
    ) -> None:
        super().__init__()
        # Energy and crossings vary by less than the usual epsilon.
        self.scale = nn.BatchNorm1d(features, affine=False, eps=1e-9) if scale else nn.Identity()
        layers: list[nn.Module] = []
        length, before = features * frames, 1
        for width, kernel in zip(widths, kernels, strict=True):
            layers += [nn.Conv1d(before, width, kernel), nn.ReLU(), nn.MaxPool1d(2)]
            length, before = (length - kernel + 1) // 2, width
        self.filters = nn.Sequential(*layers, nn.Flatten())
        self.dense = nn.Sequential(nn.Linear(before * length, 64), nn.ReLU(), nn.Dropout(dropout))
        self.norm = nn.BatchNorm1d(64) if norm else nn.Identity()
        self.head = nn.Linear(64, classes)

    def forward(self, table: Tensor) -> Tensor:
        """(n, features, frames) to (n, classes)."""
        row = self.scale(table).flatten(1)[:, None]
        scores: Tensor = self.head(self.norm(self.dense(self.filters(row))))
        return scores


class PictureCnn(nn.Module):
    """Spectrograms (n, bands, frames) to scores (n, classes); no pooling after the last convolution."""

    def __init__(
        self,
        classes: int,
        bands: int,
        frames: int,
        widths: Sequence[int],
        kernels: Sequence[Sequence[int]],
        dropout: float,
        norm: bool,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        size, before = (bands, frames), 1
        for width, kernel in zip(widths, kernels, strict=True):
            if layers:
                layers += [nn.MaxPool2d(2), *([nn.BatchNorm2d(before)] if norm else [])]
                size = (size[0] // 2, size[1] // 2)
            layers += [nn.Conv2d(before, width, (kernel[0], kernel[1])), nn.ReLU()]
            size, before = (size[0] - kernel[0] + 1, size[1] - kernel[1] + 1), width
        self.filters = nn.Sequential(*layers, nn.Flatten())
        self.dense = nn.Sequential(nn.Linear(before * math.prod(size), 64), nn.ReLU())
        self.last = nn.Sequential(*([nn.BatchNorm1d(64)] if norm else []), nn.Dropout(dropout))
        self.head = nn.Linear(64, classes)

    def forward(self, table: Tensor) -> Tensor:
        """(n, bands, frames) to (n, classes)."""
        scores: Tensor = self.head(self.last(self.dense(self.filters(table[:, None]))))
        return scores


def parameters(net: nn.Module) -> int:
    """Parameters as Keras counts them: with the running means and variances of batch norm."""
    running = sum(value.numel() for name, value in net.named_buffers() if name.endswith(("mean", "var")))
    return running + sum(value.numel() for value in net.parameters())


@register("cremad-row")
def cremad_row(
    classes: int,
    features: int = 1,
    frames: int = 157,
    widths: Sequence[int] = (16, 24, 24),
    kernels: Sequence[int] = (12, 8, 5),
    dropout: float = 0.2,
    norm: bool = False,
    scale: bool = False,
) -> nn.Module:
    """Rows of `features` and `frames`; `norm` before the scores; `scale` brings every feature to mean 0, spread 1."""
    return _like_keras(RowCnn(classes, features, frames, widths, kernels, dropout, norm, scale))


@register("cremad-picture")
def cremad_picture(
    classes: int,
    bands: int = 128,
    frames: int = 157,
    widths: Sequence[int] = (16, 24, 24),
    kernels: Sequence[Sequence[int]] = ((7, 7), (7, 7), (7, 7)),
    dropout: float = 0.2,
    norm: bool = True,
) -> nn.Module:
    """Mel `bands` by `frames`; `kernels` as (bands, frames); batch `norm` after pooling and before the scores."""
    return _like_keras(PictureCnn(classes, bands, frames, widths, kernels, dropout, norm))
