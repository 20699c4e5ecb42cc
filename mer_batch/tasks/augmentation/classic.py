"""Augmentation of sound by audiomentations, clip by clip: what published speech systems use.

Noise, time stretch, pitch shift, shift and gain at that library's own ranges. About four times slower than the
whole-batch version in `sound.py`, which is the default; needs the extra `audio`.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from mer_batch.errors import UsageError
from mer_batch.tasks.augmentation.sound import RATE, extent
from mer_batch.voice.inputs import fit

if TYPE_CHECKING:
    import torch
    from torch import Tensor


def chain(share: float) -> Any:
    """The five transforms, each applied to a `share` of the clips. Raises `UsageError` without the library."""
    try:
        from audiomentations import AddGaussianNoise, Compose, Gain, PitchShift, Shift, TimeStretch
    except ImportError as error:
        raise UsageError("augmentation by audiomentations needs: pip install 'mer-batch[audio]'") from error
    stretch = TimeStretch(p=share, leave_length_unchanged=False)
    return Compose([AddGaussianNoise(p=share), stretch, PitchShift(p=share), Shift(p=share), Gain(p=share)])


@contextmanager
def seeded(generator: torch.Generator) -> Iterator[None]:
    """Python's and NumPy's global random numbers, which the library draws, from `generator`; then as they were."""
    import torch

    before, states = random.getstate(), np.random.get_state()
    seed = int(torch.randint(2**31, (1,), generator=generator))
    random.seed(seed)
    np.random.seed(seed)
    try:
        yield
    finally:
        random.setstate(before)
        np.random.set_state(states)


def classic(waves: Tensor, length: int, generator: torch.Generator, strength: float = 1.0) -> Tensor:
    """The transforms on the sound between the zeros of waves (n, samples); returns (n, length)."""
    import torch

    transforms = chain(0.5 * strength)
    if not len(waves):
        return waves.new_zeros(0, length)
    first, last = (edge.long().flatten().tolist() for edge in extent(waves))
    rows = []
    with seeded(generator):
        for wave, begin, end in zip(waves.cpu().numpy(), first, last, strict=True):
            rows.append(fit(transforms(samples=wave[begin:end].copy(), sample_rate=RATE), length))
    return torch.from_numpy(np.stack(rows).astype(np.float32)).to(waves.device)
