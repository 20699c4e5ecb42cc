"""Whole-batch augmentation of sound on tensors, on any device, driven by one generator.

Studio clips become what real recordings are: other voices (speed and pitch by resampling), rooms,
microphones and telephones (filters), noise and other people in the background, cut-off sentences.
Waves are (n, samples) float32 at 16 kHz with zeros around the sound.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import torch
    from torch import Tensor

RATE: Final = 16_000


def _uniform(shape: tuple[int, ...], low: float, high: float, generator: torch.Generator, like: Tensor) -> Tensor:
    import torch

    return (torch.rand(shape, generator=generator) * (high - low) + low).to(like)


def _chance(n: int, share: float, generator: torch.Generator, like: Tensor) -> Tensor:
    return _uniform((n, 1), 0, 1, generator, like) < share


def level(waves: Tensor, target: float = 0.05) -> Tensor:
    """Every wave at the same root mean square over its non-zero samples."""
    count = (waves != 0).sum(dim=1, keepdim=True).clamp(min=1)
    rms = (waves.square().sum(dim=1, keepdim=True) / count).sqrt()
    return waves * (target / rms.clamp(min=1e-7))


def extent(waves: Tensor) -> tuple[Tensor, Tensor]:
    """First and last-but-one index (n, 1) of the sound between the zeros."""
    sound = (waves != 0).to(waves.dtype)
    first = sound.argmax(dim=1, keepdim=True)
    last = waves.shape[1] - sound.flip(1).argmax(dim=1, keepdim=True)
    return first.to(waves), last.to(waves)


def resample(waves: Tensor, length: int, generator: torch.Generator, amount: float = 0.14) -> Tensor:
    """A stretch of `length` samples at a random place, played 1 - `amount` to 1 + `amount` times as fast."""
    import torch

    n = len(waves)
    speed = _uniform((n, 1), 1 - amount, 1 + amount, generator, waves)
    first, last = extent(waves)
    spare = last - speed * length
    place = torch.minimum(first, spare) + (spare - first).abs() * _uniform((n, 1), 0, 1, generator, waves)
    source = place + speed * torch.arange(length).to(waves)
    whole = source.floor()
    inside = (whole >= 0) & (whole < waves.shape[1] - 1)
    index = whole.clamp(0, waves.shape[1] - 2).long()
    left, right = waves.gather(1, index), waves.gather(1, index + 1)
    return torch.where(inside, left + (right - left) * (source - whole), 0.0)


def shorten(waves: Tensor, generator: torch.Generator, share: float = 0.3, least: float = 0.45) -> Tensor:
    """Only a part of the sound, at least `least` of it, for some waves."""
    import torch

    n = len(waves)
    first, last = extent(waves)
    kept = (last - first) * _uniform((n, 1), least, 1, generator, waves)
    start = first + (last - first - kept) * _uniform((n, 1), 0, 1, generator, waves)
    index = torch.arange(waves.shape[1]).to(waves)
    inside = (index >= start) & (index < start + kept)
    return torch.where(inside | ~_chance(n, share, generator, waves), waves, 0.0)


def response(n: int, bins: int, generator: torch.Generator, like: Tensor, amount: float = 8.0) -> Tensor:
    """Random microphone and line responses (n, bins): smooth within `amount` dB, some cut low or high."""
    import torch
    from torch.nn import functional

    knots = _uniform((n, 1, 7), -amount, amount, generator, like)
    hertz = torch.linspace(0, RATE / 2, bins).to(like)
    octave = (hertz.clamp(min=60) / 60).log2() / math.log2(RATE / 2 / 60)
    curve = functional.interpolate(knots, size=256, mode="linear", align_corners=True)[:, 0]
    decibel = curve[:, (octave * 255).long()]
    low = torch.where(_chance(n, 0.3, generator, like), _uniform((n, 1), 80, 350, generator, like), 20.0)
    high = torch.where(_chance(n, 0.3, generator, like), _uniform((n, 1), 3200, 7000, generator, like), 9000.0)
    decibel = decibel - 18 * (low / hertz.clamp(min=10)).log2().clamp(min=0)
    decibel = decibel - 60 * (hertz / high).log2().clamp(min=0)
    result: Tensor = 10 ** (decibel / 20)
    return result


def room(n: int, length: int, generator: torch.Generator, like: Tensor) -> Tensor:
    """Random room responses (n, length): the direct sound and an exponentially decaying tail."""
    import torch

    decay = _uniform((n, 1), 0.1, 0.6, generator, like)
    time = torch.arange(length).to(like) / RATE
    tail = torch.randn((n, length), generator=generator).to(like) * torch.exp(-6.9 * time / decay)
    tail = tail / tail.square().sum(dim=1, keepdim=True).sqrt() * _uniform((n, 1), 0.1, 0.8, generator, like)
    tail[:, 0] = 1
    return tail


def noise(waves: Tensor, generator: torch.Generator) -> Tensor:
    """Background (n, samples) at the same level as the sound: coloured noise, or a mixture of other waves."""
    import torch

    n, length = waves.shape
    bins = length // 2 + 1
    slope = _uniform((n, 1), 0, 2, generator, waves) / 2
    colour = torch.arange(1, bins + 1).to(waves) ** -slope
    phases = torch.randn((n, bins, 2), generator=generator).to(waves)
    coloured = torch.fft.irfft(torch.view_as_complex(phases) * colour, n=length)
    others = waves.roll(1, 0) + waves.roll(2, 0) + waves.roll(3, 0).roll(length // 3, 1)
    return level(torch.where(_chance(n, 0.3, generator, waves), others, coloured))


def sound(waves: Tensor, length: int, generator: torch.Generator) -> Tensor:
    """All of the above for a batch; returns (n, length)."""
    import torch

    waves = level(shorten(resample(waves, length, generator), generator))
    n, silent = len(waves), waves == 0
    filters = torch.where(_chance(n, 0.7, generator, waves), response(n, length // 2 + 1, generator, waves), 1.0)
    rooms = torch.fft.rfft(room(n, RATE // 2, generator, waves), n=length)
    rooms = torch.where(_chance(n, 0.3, generator, waves), rooms, 1.0 + 0j)
    waves = level(torch.fft.irfft(torch.fft.rfft(waves) * filters * rooms, n=length).masked_fill(silent, 0.0))
    loudness = 10 ** (-_uniform((n, 1), 3, 35, generator, waves) / 20) * _chance(n, 0.6, generator, waves)
    return level((waves + noise(waves, generator) * loudness).masked_fill(silent, 0.0))
