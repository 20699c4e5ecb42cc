"""Augmentation of sound: what each kind does to a known clip, and that a generator repeats it."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch

from mer_batch.errors import UsageError
from mer_batch.nets.voice_cnn import spec_mask
from mer_batch.tasks.augmentation import classic, codec, sound
from mer_batch.types import SAMPLE_RATE


def share_above(wave: torch.Tensor, hertz: float) -> float:
    power = torch.fft.rfft(wave).abs().square()
    above = torch.fft.rfftfreq(wave.shape[-1], 1 / SAMPLE_RATE) > hertz
    return float(power[..., above].sum() / power.sum())


@pytest.fixture
def voice() -> torch.Tensor:
    """A buzz of 150 Hz up to 8 kHz between zeros, (4, 48000)."""
    time = torch.arange(24_000) / SAMPLE_RATE
    buzz = sum(torch.sin(2 * torch.pi * 150 * k * time + k * k) for k in range(1, 50)) * 0.02
    buzz = buzz + 0.003 * torch.randn(24_000, generator=torch.Generator().manual_seed(0))
    return torch.nn.functional.pad(buzz.repeat(4, 1), (10_000, 14_000))


def test_a_telephone_has_a_narrow_band_and_few_levels(voice: torch.Tensor) -> None:
    out = sound.telephone(voice, torch.Generator().manual_seed(0))
    assert out.shape == voice.shape
    assert share_above(voice, 4500) > 0.2
    assert share_above(out, 4500) < 0.01
    assert max(len(row.unique()) for row in out) <= 255
    assert torch.equal(out, sound.telephone(voice, torch.Generator().manual_seed(0)))


@pytest.mark.usefixtures("no_empty_transform")
def test_strength_zero_only_cuts_to_length(voice: torch.Tensor) -> None:
    out = sound.sound(voice, 40_000, torch.Generator().manual_seed(0), strength=0.0, telephoned=1.0)
    for row, wave in zip(out, voice, strict=True):
        first, last = (int(edge) for edge in sound.extent(row[None]))
        begin, _ = (int(edge) for edge in sound.extent(wave[None]))
        inside = wave[begin : begin + last - first]
        assert torch.nn.functional.cosine_similarity(row[first:last], inside, dim=0) > 0.99


CHANGES = {
    **{change.__name__: change for change in (sound.shorten, sound.noise, sound.colour, sound.telephone)},
    "level": lambda waves, _generator: sound.level(waves),
    "flush": lambda waves, _generator: sound.flush(waves),
}
CUTS = {"resample": sound.resample, "sound": sound.sound}


@pytest.mark.usefixtures("no_empty_transform")
@pytest.mark.parametrize("name", [*CHANGES, *CUTS])
def test_a_batch_of_no_rows_stays_one(name: str) -> None:
    waves, generator = torch.zeros(0, 48_000), torch.Generator()
    out = CHANGES[name](waves, generator) if name in CHANGES else CUTS[name](waves, 40_000, generator)
    assert out.shape == (0, 48_000 if name in CHANGES else 40_000)


def test_audiomentations_of_no_rows() -> None:
    pytest.importorskip("audiomentations")
    assert classic.classic(torch.zeros(0, 48_000), 40_000, torch.Generator()).shape == (0, 40_000)


@pytest.mark.usefixtures("no_empty_transform")
def test_shares_of_few_rows_may_be_no_row(voice: torch.Tensor) -> None:
    """One row, many draws: often no row is coloured, made noisy or sent over a telephone."""
    for seed in range(12):
        generator = torch.Generator().manual_seed(seed)
        out = sound.sound(voice[:1], 40_000, generator, coloured=0.3, noisy=0.3, telephoned=0.3)
        assert out.shape == (1, 40_000)
        assert torch.isfinite(out).all()


def test_telephones_are_part_of_the_chain_when_asked(voice: torch.Tensor) -> None:
    def high(telephoned: float) -> float:
        generator = torch.Generator().manual_seed(1)
        return share_above(sound.sound(voice, 40_000, generator, telephoned=telephoned), 4500)

    assert high(1.0) < 0.05 < high(0.0)


def test_flush_sound_begins_at_once(voice: torch.Tensor) -> None:
    out = sound.flush(voice)
    assert torch.equal(out[:, :24_000], voice[:, 10_000:34_000])
    assert (out[:, 24_000:] == 0).all()


def test_audiomentations_repeat_and_leave_global_numbers_alone(voice: torch.Tensor) -> None:
    pytest.importorskip("audiomentations")
    random.seed(5)
    np.random.seed(5)
    expected = random.random(), np.random.rand()
    random.seed(5)
    np.random.seed(5)
    first, again, other = (classic.classic(voice, 40_000, torch.Generator().manual_seed(s)) for s in (1, 1, 2))
    assert (random.random(), np.random.rand()) == expected
    assert first.shape == (4, 40_000)
    assert torch.equal(first, again)
    assert not torch.allclose(first, other)
    plain = classic.classic(voice, 40_000, torch.Generator().manual_seed(1), strength=0.0)
    assert torch.equal(plain[:, 8_000:32_000], voice[:, 10_000:34_000])
    assert (plain[:, 32_000:] == 0).all()


@pytest.mark.parametrize("coding", codec.available(), ids=lambda coding: f"{coding.encoder}-{coding.bits}")
def test_a_coding_keeps_length_and_loses_detail(coding: codec.Coding, voice: torch.Tensor) -> None:
    clip = voice[0].numpy()
    out = codec.recode(clip, coding)
    assert out.shape == clip.shape
    loudness = [np.sqrt(np.square(wave).mean()) for wave in (clip, out)]
    assert 0.3 < loudness[1] / loudness[0] < 1.5, "half of this buzz lies above what some codings keep"
    assert not np.allclose(out, clip, atol=1e-4)
    if coding.rate == 8000:
        assert share_above(torch.from_numpy(out), 4100) < 0.01


@pytest.mark.parametrize("coding", codec.available(), ids=lambda coding: f"{coding.encoder}-{coding.bits}")
def test_a_coding_of_no_samples_has_none(coding: codec.Coding) -> None:
    assert codec.recode(np.zeros(0, np.float32), coding).shape == (0,)


def test_copies_are_chosen_by_the_generator(voice: torch.Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = voice[0].numpy()
    first, again = (codec.recoded(clip, torch.Generator().manual_seed(3)) for _ in range(2))
    assert np.array_equal(first, again)
    monkeypatch.setattr(codec, "available", lambda: ())
    with pytest.raises(UsageError, match="coded_copies = 0"):
        codec.recoded(clip, torch.Generator())


def test_spectral_masks_repeat_by_their_generator() -> None:
    pictures = torch.ones(8, 1, 64, 150)
    first, again, other = (spec_mask(pictures, generator=torch.Generator().manual_seed(s)) for s in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
