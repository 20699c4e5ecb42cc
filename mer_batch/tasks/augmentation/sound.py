"""Whole-batch augmentation of sound on tensors, on any device, driven by one generator.

Studio clips become what real recordings are: other voices (speed and pitch by resampling), rooms,
microphones and telephones (filters), noise and other people in the background, cut-off sentences.
Waves are (n, samples) float32 at 16 kHz with zeros around the sound.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from mer_batch.tasks.augmentation.pictures import uniform, unless_empty
from mer_batch.voice.inputs import LEVEL

if TYPE_CHECKING:
    import torch
    from torch import Tensor

RATE: Final = 16_000


def _chance(n: int, share: float, generator: torch.Generator, like: Tensor) -> Tensor:
    return uniform((n, 1), 0, 1, generator, like) < share


@unless_empty
def level(waves: Tensor, target: float = LEVEL) -> Tensor:
    """Every wave at the same root mean square over its non-zero samples."""
    import torch

    count = torch.count_nonzero(waves, dim=1).clamp(min=1)
    rms = torch.linalg.vector_norm(waves, dim=1) / count.sqrt()
    result: Tensor = waves * (target / rms.clamp(min=1e-7))[:, None]
    return result


def extent(waves: Tensor) -> tuple[Tensor, Tensor]:
    """Where the sound between the zeros begins and ends: indices (n, 1)."""
    import torch

    sound = (waves != 0).view(torch.uint8)
    first = sound.argmax(dim=1, keepdim=True)
    last = waves.shape[1] - sound.flip(1).argmax(dim=1, keepdim=True)
    return first.to(waves), last.to(waves)


def resample(waves: Tensor, length: int, generator: torch.Generator, amount: float = 0.14) -> Tensor:
    """A stretch of `length` samples at a random place, played 1 - `amount` to 1 + `amount` times as fast."""
    import torch
    from torch.nn import functional

    n = len(waves)
    if not n:
        return waves.new_zeros(0, length)
    size = (length * uniform((n, 1), 1 - amount, 1 + amount, generator, waves)).round()
    first, last = extent(waves)
    spare = last - size
    place = torch.minimum(first, spare) + (spare - first).abs() * uniform((n, 1), 0, 1, generator, waves)
    begins, ends = place.long().flatten(), (place.long() + size.long()).flatten()
    parts = [
        functional.interpolate(_stretch(wave, begin, end)[None, None], size=length, mode="linear", align_corners=False)
        for wave, begin, end in zip(waves, begins.tolist(), ends.tolist(), strict=True)
    ]
    return torch.cat(parts)[:, 0]


def _stretch(wave: Tensor, begin: int, end: int) -> Tensor:
    """Samples `begin` to `end` of a wave, with zeros where it has none."""
    from torch.nn import functional

    return functional.pad(wave[max(begin, 0) : max(end, 0)], (max(-begin, 0), max(end - len(wave), 0)))


@unless_empty
def shorten(waves: Tensor, generator: torch.Generator, share: float = 0.3, least: float = 0.45) -> Tensor:
    """Only a part of the sound, at least `least` of it, for some waves."""
    n = len(waves)
    first, last = extent(waves)
    kept = (last - first) * uniform((n, 1), least, 1, generator, waves)
    start = first + (last - first - kept) * uniform((n, 1), 0, 1, generator, waves)
    chosen = _chance(n, share, generator, waves).flatten().tolist()
    result = waves.clone()
    for row, begin, end in zip(
        result, start.long().flatten().tolist(), (start + kept).long().flatten().tolist(), strict=True
    ):
        if chosen.pop(0):
            row[:begin] = 0
            row[end:] = 0
    return result


def response(n: int, bins: int, generator: torch.Generator, like: Tensor, amount: float = 8.0) -> Tensor:
    """Random microphone and line responses (n, bins): smooth within `amount` dB, some cut low or high."""
    import torch
    from torch.nn import functional

    knots = uniform((n, 1, 7), -amount, amount, generator, like)
    hertz = torch.linspace(0, RATE / 2, bins).to(like)
    octave = (hertz.clamp(min=60) / 60).log2() / math.log2(RATE / 2 / 60)
    curve = functional.interpolate(knots, size=256, mode="linear", align_corners=True)[:, 0]
    decibel = curve[:, (octave * 255).long()]
    low = torch.where(_chance(n, 0.3, generator, like), uniform((n, 1), 80, 350, generator, like), 20.0)
    high = torch.where(_chance(n, 0.3, generator, like), uniform((n, 1), 3200, 7000, generator, like), 9000.0)
    decibel = decibel - 18 * (low / hertz.clamp(min=10)).log2().clamp(min=0)
    decibel = decibel - 60 * (hertz / high).log2().clamp(min=0)
    result: Tensor = 10 ** (decibel / 20)
    return result


def room(n: int, length: int, generator: torch.Generator, like: Tensor) -> Tensor:
    """Random room responses (n, length): the direct sound and an exponentially decaying tail."""
    import torch

    decay = uniform((n, 1), 0.1, 0.6, generator, like)
    time = torch.arange(length).to(like) / RATE
    tail = torch.randn((n, length), generator=generator).to(like) * torch.exp(-6.9 * time / decay)
    tail = tail / tail.square().sum(dim=1, keepdim=True).sqrt() * uniform((n, 1), 0.1, 0.8, generator, like)
    tail[:, 0] = 1
    return tail


@unless_empty
def noise(waves: Tensor, generator: torch.Generator) -> Tensor:
    """Background (n, samples) at the same level as the sound: coloured noise, or a mixture of other waves."""
    import torch

    n, length = waves.shape
    bins = length // 2 + 1
    slope = uniform((n, 1), 0, 2, generator, waves) / 2
    colour = torch.arange(1, bins + 1).to(waves) ** -slope
    phases = torch.randn((n, bins, 2), generator=generator).to(waves)
    coloured = torch.fft.irfft(torch.view_as_complex(phases) * colour, n=length)
    others = waves.roll(1, 0) + waves.roll(2, 0) + waves.roll(3, 0).roll(length // 3, 1)
    return level(torch.where(_chance(n, 0.3, generator, waves), others, coloured))


@unless_empty
def colour(waves: Tensor, generator: torch.Generator) -> Tensor:
    """Waves as another microphone hears them, some of them in a room."""
    import torch

    n, length = waves.shape
    rooms = torch.fft.rfft(room(n, RATE // 2, generator, waves), n=length)
    rooms = torch.where(_chance(n, 0.35, generator, waves), rooms, 1.0 + 0j)
    filters = response(n, length // 2 + 1, generator, waves)
    result: Tensor = torch.fft.irfft(torch.fft.rfft(waves) * filters * rooms, n=length)
    return result


@unless_empty
def telephone(waves: Tensor, generator: torch.Generator) -> Tensor:
    """Waves as a telephone passes them on: a narrow band, and 8 bits a sample on a logarithmic scale (ITU-T G.711)."""
    import torch

    n, length = waves.shape
    hertz = torch.fft.rfftfreq(length, 1 / RATE).to(waves)
    low, high = (uniform((n, 1), *span, generator, waves) for span in ((150.0, 350.0), (2800.0, 3700.0)))
    band = torch.sigmoid((hertz - low) / 20) * torch.sigmoid((high - hertz) / 60)
    narrow = torch.fft.irfft(torch.fft.rfft(waves) * band, n=length)
    # The line is driven to an ordinary level first: the steps are finer where it is quiet.
    driven = (narrow / narrow.abs().amax(dim=1, keepdim=True).clamp(min=1e-7)).clamp(-1, 1)
    curve = torch.sign(driven) * torch.log1p(255 * driven.abs()) / math.log(256)
    steps = torch.round(curve * 127) / 127
    result: Tensor = torch.sign(steps) * torch.expm1(steps.abs() * math.log(256)) / 255
    return result


def sound(
    waves: Tensor,
    length: int,
    generator: torch.Generator,
    strength: float = 1.0,
    *,
    coloured: float = 0.6,
    noisy: float = 0.5,
    telephoned: float = 0.0,
) -> Tensor:
    """All of the above for a batch; returns (n, length). The shares of waves touched shrink with `strength`."""
    moved = resample(waves, length, generator, 0.14 * strength)
    waves = level(shorten(moved, generator, 0.3 * strength))
    silent = waves == 0
    chosen = _chance(len(waves), coloured * strength, generator, waves)[:, 0]
    waves[chosen] = level(colour(waves[chosen], generator).masked_fill(silent[chosen], 0.0))
    chosen = _chance(len(waves), noisy * strength, generator, waves)[:, 0]
    background = noise(waves[chosen], generator)
    loudness = 10 ** (-uniform((len(background), 1), 5, 35, generator, waves) / 20)
    waves[chosen] = waves[chosen] + background * loudness
    if telephoned:
        chosen = _chance(len(waves), telephoned * strength, generator, waves)[:, 0]
        waves[chosen] = level(telephone(waves[chosen], generator).masked_fill(silent[chosen], 0.0))
    return level(waves.masked_fill(silent, 0.0))


@unless_empty
def flush(waves: Tensor) -> Tensor:
    """Waves whose sound begins with the first sample, the zeros after it."""
    import torch

    first, _ = extent(waves)
    places = torch.arange(waves.shape[1], device=waves.device)[None] + first.long()
    return waves.gather(1, places % waves.shape[1])
