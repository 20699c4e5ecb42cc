"""voice-encoder: the first blocks of Whisper's encoder, and attentive statistics pooling over what they hear.

Encoder after Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision" (arXiv:2212.04356), pooling
after Okabe et al., "Attentive Statistics Pooling for Deep Speaker Embedding" (arXiv:1803.10963).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from mer_batch.errors import UsageError
from mer_batch.nets import register
from mer_batch.nets.voice_cnn import spec_mask
from mer_batch.nets.whisper_start import encoder_weights

RATE: Final = 16_000
SPECTRUM: Final = 400
HOP: Final = 160
BANDS: Final = 80
DEPTH: Final = 8.0
"""Powers of ten under the loudest band of a window at which levels are cut."""
POSITIONS: Final = 1500
"""Positions of Whisper's encoder: 30 s, of which a window takes the first."""

PLANE: Final = 96
"""Directions in which training data vary that count as known."""


def slaney_filters(bands: int = BANDS) -> Tensor:
    """Triangular filters (SPECTRUM // 2 + 1, bands) on Slaney's mel scale with equal areas, as Whisper and librosa."""
    top = 15 + math.log(RATE / 2 / 1000) / (math.log(6.4) / 27)
    mels = torch.linspace(0, top, bands + 2, dtype=torch.float64)
    edges = torch.where(mels < 15, mels * 200 / 3, 1000 * torch.exp((mels - 15) * math.log(6.4) / 27))
    bins = torch.linspace(0, RATE / 2, SPECTRUM // 2 + 1, dtype=torch.float64)[:, None]
    rise = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    fall = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    return (torch.minimum(rise, fall).clamp(min=0) * 2 / (edges[2:] - edges[:-2])).float()


class WhisperMel(nn.Module):
    """Waveforms (n, samples) to Whisper's log-mel pictures (n, 80, samples // 160) and which frames hold sound.

    Frames of zeros are zero here too, as beyond the edges of a picture, so that padding changes nothing.
    """

    window: Tensor
    filters: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("window", torch.hann_window(SPECTRUM), persistent=False)
        self.register_buffer("filters", slaney_filters(), persistent=False)

    def forward(self, waves: Tensor) -> tuple[Tensor, Tensor]:
        """(n, samples) to (n, 80, frames) and (n, frames)."""
        if not len(waves):  # a transform of no rows is an error on some processors
            frames = waves.shape[1] // HOP
            return waves.new_zeros(0, BANDS, frames), torch.zeros(0, frames, dtype=torch.bool, device=waves.device)
        spectrum = torch.stft(waves, SPECTRUM, HOP, window=self.window, return_complex=True)[..., :-1]
        power = spectrum.real.square() + spectrum.imag.square()
        mel = (power.transpose(1, 2) @ self.filters).transpose(1, 2)
        levels = mel.clamp(min=1e-10).log10()
        levels = torch.maximum(levels, levels.amax(dim=(1, 2), keepdim=True) - DEPTH)
        sound = mel.amax(dim=1) > 0
        return (levels + 4) / 4 * sound[:, None], sound


def positions(count: int, width: int) -> Tensor:
    """Whisper's sinusoids (count, width): sines, then cosines, of 1 to 10,000 positions a radian."""
    scales = torch.exp(-math.log(10000) / (width // 2 - 1) * torch.arange(width // 2))
    angles = torch.arange(count)[:, None] * scales[None]
    return torch.cat([angles.sin(), angles.cos()], dim=1)


class Attention(nn.Module):
    """Attention of a sequence to itself; names and shapes are those of OpenAI's checkpoints."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width)
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """(n, positions, width), with the positions to attend to (n, 1, 1, positions)."""
        query, key, value = (
            layer(x).unflatten(2, (self.heads, -1)).transpose(1, 2) for layer in (self.query, self.key, self.value)
        )
        seen = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        result: Tensor = self.out(seen.transpose(1, 2).flatten(2))
        return result


class Block(nn.Module):
    """Attention and a layer of its own for every position, each added to what comes in."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.attn = Attention(width, heads)
        self.attn_ln = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.mlp_ln = nn.LayerNorm(width)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """(n, positions, width) to the same."""
        x = x + self.attn(self.attn_ln(x), mask)
        result: Tensor = x + self.mlp(self.mlp_ln(x))
        return result


class Encoder(nn.Module):
    """The first `blocks` of Whisper's encoder over a short window, whose first position is its first sound."""

    places: Tensor

    def __init__(self, width: int, heads: int, blocks: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(BANDS, width, 3, padding=1)
        self.conv2 = nn.Conv1d(width, width, 3, stride=2, padding=1)
        self.register_buffer("places", positions(POSITIONS, width), persistent=False)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(blocks))

    def embed(self, mel: Tensor, sound: Tensor) -> tuple[Tensor, Tensor]:
        """(n, 80, frames) and (n, frames) to what the first block takes (n, positions, width), and where sound is."""
        x = functional.gelu(self.conv1(mel)) * sound[:, None]
        x = functional.gelu(self.conv2(x)).transpose(1, 2)
        heard = functional.max_pool1d(sound[:, None].to(x), 2, ceil_mode=True)[:, 0] > 0
        return x + self.places[: x.shape[1]], heard

    def forward(self, mel: Tensor, sound: Tensor) -> tuple[list[Tensor], Tensor]:
        """What every block makes of it, (n, positions, width) each, and which positions hold sound (n, positions)."""
        x, heard = self.embed(mel, sound)
        # A row without any sound attends to its silence, so that its scores are numbers.
        mask = (heard | ~heard.any(dim=1, keepdim=True))[:, None, None]
        found = []
        for block in self.blocks:
            x = block(x, mask)
            found.append(x)
        return found, mask[:, 0, 0]


def _flush(waves: Tensor) -> Tensor:
    """Waves (n, samples) whose sound begins with the first sample, the zeros after it."""
    if not waves.numel():
        return waves
    first = (waves != 0).view(torch.uint8).argmax(dim=1, keepdim=True)
    places = torch.arange(waves.shape[1], device=waves.device)[None] + first
    return waves.gather(1, places % waves.shape[1])


class VoiceEncoder(nn.Module):
    """Waveforms (n, samples) at 16 kHz to scores (n, classes); leading and trailing zeros are padding.

    What the blocks `taps` (from 1) put out is averaged over the positions with sound (and its spread over them joined,
    if `spread`), brought to one scale and read by a small network. The first `frozen` blocks and the convolutions are
    not trained; where all blocks are frozen, `embed` gives what they hear once and for all, and what is trained takes
    that in place of sound.

    Scores of sound that is unlike all training data are smaller, so that it is read with less certainty: they are
    divided by the distance from the plane of the training data, in units of its usual size, to the power `doubt`.
    """

    stored = "int8"
    plane: Tensor
    usual: Tensor

    def __init__(
        self,
        classes: int,
        encoder: Encoder,
        taps: Sequence[int],
        *,
        spread: bool,
        hidden: int,
        dropout: float,
        masks: int,
        frozen: int,
        doubt: float,
    ) -> None:
        super().__init__()
        width = encoder.conv1.out_channels * len(taps) * (1 + spread)
        self.taps, self.spread, self.masks = tuple(taps), spread, masks
        self.front = WhisperMel()
        self.encoder = encoder
        self.scale = nn.BatchNorm1d(width, affine=False)
        inner = [nn.Dropout(0.6 * dropout), nn.Linear(width, hidden), nn.GELU()] if hidden else []
        self.inner = nn.Sequential(*inner, nn.Dropout(dropout))
        self.head = nn.Linear(hidden or width, classes)
        self.doubt = doubt
        self.register_buffer("plane", torch.zeros(min(PLANE, width), width))
        self.register_buffer("usual", torch.ones(1))
        self.fixed = frozen >= len(encoder.blocks)
        """Whether nothing before `scale` is trained."""
        for part in [encoder.conv1, encoder.conv2, *encoder.blocks[:frozen]] if frozen else []:
            part.requires_grad_(False)

    def train(self, mode: bool = True) -> VoiceEncoder:
        """As every network; the scale of what a fixed encoder hears is set once by `settle`."""
        super().train(mode)
        if self.fixed:
            self.scale.eval()
        return self

    @torch.no_grad()
    def settle(self, heard: Tensor, others: Tensor) -> None:
        """Take scale and plane from what `embed` made of the training data (n, 1, width), the usual distance from
        that of `others` (m, 1, width), whose speakers are new.
        """
        mean, spread = heard[:, 0].float().mean(dim=0), heard[:, 0].float().var(dim=0)
        for own, value in ((self.scale.running_mean, mean), (self.scale.running_var, spread)):
            assert own is not None
            own.copy_(value)
        table = self.scale(heard.float()[:, 0])
        values, directions = torch.linalg.eigh(table.T @ table / len(table))
        self.plane.copy_(directions[:, values.argsort(descending=True)[: len(self.plane)]].T)
        self.usual.copy_(self.distance(self.scale(others.float()[:, 0])).median()[None].clamp(min=1e-6))

    def distance(self, vectors: Tensor) -> Tensor:
        """Mean square (n,) of what of the vectors (n, width) lies off the plane of the training data."""
        result: Tensor = (vectors - vectors @ self.plane.T @ self.plane).square().mean(dim=1)
        return result

    def forward(self, inputs: Tensor) -> Tensor:
        """Sound (n, samples), or what `embed` made of it (n, 1, width), to (n, classes)."""
        vectors = self.vectors(inputs)
        scores: Tensor = self.head(self.inner(vectors))
        if self.training or not self.doubt:
            return scores
        times = (self.distance(vectors) / self.usual).clamp(min=1)
        result: Tensor = scores / times[:, None] ** self.doubt
        return result

    def vectors(self, inputs: Tensor) -> Tensor:
        """What the small network reads, (n, width): on training data each value has mean 0 and spread 1."""
        result: Tensor = self.scale(inputs[:, 0] if inputs.ndim == 3 else self.embed(inputs)[:, 0])
        return result

    def embed(self, waves: Tensor) -> Tensor:
        """Sound (n, samples) to means, and spreads, over the positions with sound, (n, 1, width)."""
        mel, sound = self.front(_flush(waves))
        if self.training and self.masks:
            mel = spec_mask(mel[:, None], bands=12, times=self.masks)[:, 0]
        # Only positions that hold sound in some row are computed; the others change nothing.
        last = int((torch.arange(1, sound.shape[1] + 1, device=sound.device) * sound).max()) if sound.numel() else 0
        frames = max(2, last + last % 2)
        blocks, heard = self.encoder(mel[..., :frames], sound[:, :frames])
        x = torch.cat([blocks[tap - 1] for tap in self.taps], dim=2)
        weights = heard[..., None] / heard.sum(dim=1).clamp(min=1)[:, None, None]
        mean: Tensor = (weights * x).sum(dim=1)
        if not self.spread:
            return mean[:, None]
        spread = (weights * (x - mean[:, None]).square()).sum(dim=1).clamp(min=1e-8).sqrt()
        return torch.cat([mean, spread], dim=1)[:, None]

    @property
    def card_options(self) -> dict[str, Any]:
        """What `build` needs to make this network without what it started from."""
        return {"start": "", "width": self.encoder.conv1.out_channels, "blocks": len(self.encoder.blocks)}


@register("voice-encoder")
def voice_encoder(
    classes: int,
    start: str = "",
    blocks: int = 3,
    taps: Sequence[int] = (1, 2, 3),
    spread: bool = False,
    hidden: int = 128,
    dropout: float = 0.5,
    masks: int = 0,
    frozen: int = 0,
    doubt: float = 0.0,
    width: int = 384,
    heads: int = 6,
) -> nn.Module:
    """`blocks` of an encoder, of which the `taps` are read; the first `frozen` of them stay as they are.

    `start` names a published model whose first blocks it takes over (a package such as whisper-tiny.en, or a folder).
    "" starts at random. SpecAugment `masks` when training. `doubt` says how much less sure readings become far from
    the training data.
    """
    if not taps or not set(taps) <= set(range(1, blocks + 1)):
        raise UsageError(f"taps of a voice-encoder name some of its blocks 1 to {blocks}, got {list(taps)}")
    if doubt < 0 or (doubt and frozen < blocks):
        raise UsageError(f"doubt of a voice-encoder needs all blocks frozen and may not be negative, got {doubt}")
    encoder = Encoder(width, heads, blocks)
    if start:
        _fill(encoder, start)
    return VoiceEncoder(
        classes, encoder, taps, spread=spread, hidden=hidden, dropout=dropout, masks=masks, frozen=frozen, doubt=doubt
    )


def _fill(encoder: Encoder, start: str) -> None:
    """Put the first blocks of a published encoder into `encoder`. Raises `UsageError` where they do not fit."""
    known = encoder_weights(start)
    wanted = encoder.state_dict()
    wanted.update({name: known[name] for name in wanted if name in known})
    try:
        if missing := [name for name in wanted if name not in known]:
            raise UsageError(f"the encoder to start from has no {missing[0]}; ask for fewer blocks")
        encoder.load_state_dict(wanted)
    except RuntimeError as error:
        raise UsageError(f"the encoder {start} is of other sizes; leave out width and heads") from error
