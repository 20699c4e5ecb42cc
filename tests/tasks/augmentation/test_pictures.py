"""Augmentation of whole batches: reproducible, in range, and doing what it says."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from mer_batch.tasks.augmentation import pictures as augment

STEPS = {
    **augment.POLICIES,
    "affine": augment.affine,
    "light": augment.light,
    "colour": augment.colour,
    "degrade": augment.degrade,
    "blur": augment.blur,
    "compress": augment.compress,
    "erase": augment.erase,
}


def drawn(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def batch(channels: int = 3, size: int = 32, n: int = 48) -> Tensor:
    return torch.rand((n, channels, size, size), generator=drawn(9))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", STEPS)
def test_the_generator_decides_and_values_stay_in_range(name: str, channels: int) -> None:
    step: Callable[..., Tensor] = STEPS[name]
    pictures = batch(channels)
    before = pictures.clone()
    first, again, other = step(pictures, drawn(1)), step(pictures, drawn(1)), step(pictures, drawn(2))
    assert torch.equal(pictures, before)
    assert torch.equal(first, again)
    assert first.shape == pictures.shape
    assert first.dtype == pictures.dtype
    assert first.min() >= 0
    assert first.max() <= 1
    if name != "none" and not (name == "colour" and channels == 1):
        assert not torch.equal(first, other)


@pytest.mark.usefixtures("no_empty_transform")
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", STEPS)
def test_a_batch_of_no_pictures_stays_one(name: str, channels: int) -> None:
    assert STEPS[name](batch(channels, n=0), drawn()).shape == (0, channels, 32, 32)


@pytest.mark.parametrize("name", augment.POLICIES)
def test_no_policy_touches_the_global_generator(name: str) -> None:
    torch.manual_seed(3)
    wanted = torch.rand(4)
    torch.manual_seed(3)
    augment.POLICIES[name](batch(), drawn(), 1.0)
    assert torch.equal(torch.rand(4), wanted)


@pytest.mark.parametrize("name", ["faces", "wild", "r1"])
def test_little_strength_changes_little(name: str) -> None:
    smooth = torch.nn.functional.interpolate(torch.rand((32, 1, 4, 4), generator=drawn()), size=32, mode="bicubic")
    smooth = smooth.clamp(0.2, 0.8)

    def change(strength: float) -> float:
        changed = augment.POLICIES[name](smooth, drawn(4), strength)
        mirrored = (changed - smooth.flip(3)).abs().mean(dim=(1, 2, 3))  # mirroring has no strength
        return float(torch.minimum((changed - smooth).abs().mean(dim=(1, 2, 3)), mirrored).mean())

    assert change(0.05) < 0.25 * change(1.0)


def test_compression_costs_high_frequencies_more_than_low_ones() -> None:
    pictures = batch(1, size=64)
    changed = augment.compress(pictures, drawn(), share=1.0)
    loss = (torch.fft.rfft2(changed) - torch.fft.rfft2(pictures)).abs().mean(dim=(0, 1))
    down, across = torch.fft.fftfreq(64).abs()[:, None], torch.fft.rfftfreq(64)[None]
    radius = torch.hypot(down, across)
    assert loss[radius > 0.4].mean() > 1.5 * loss[(radius > 0) & (radius < 0.1)].mean()
    assert (changed - pictures).abs().mean() > 0.005


def test_blurring_costs_high_frequencies_and_no_light() -> None:
    pictures = batch(1, size=64)
    changed = augment.blur(pictures, drawn(), share=1.0)
    kept = torch.fft.rfft2(changed).abs().mean(dim=(0, 1)) / torch.fft.rfft2(pictures).abs().mean(dim=(0, 1))
    assert kept[32, 32] < 0.3
    assert kept[0, 0] == pytest.approx(1, abs=0.02)
    spared = (augment.blur(batch(1, n=200), drawn(), share=0.3) == batch(1, n=200)).all(dim=(1, 2, 3)).float().mean()
    assert 0.55 < spared < 0.85


def test_turned_pictures_have_black_corners_only_where_asked_for() -> None:
    bright = torch.full((64, 1, 32, 32), 0.8)
    assert augment.affine(bright, drawn()).min() > 0.79
    assert augment.affine(bright, drawn(), border="zeros").min() < 0.01
    darkest = [float(augment.wild(bright.clone(), drawn(seed)).min()) for seed in range(40)]
    assert 2 <= sum(value < 0.01 for value in darkest) <= 20


def test_erasing_leaves_one_rectangle_of_the_mean() -> None:
    pictures = batch(1)
    changed = augment.erase(pictures, drawn(), share=1.0)
    for before, after in zip(pictures[:, 0], changed[:, 0], strict=True):
        hole = (after != before).nonzero()
        top, left = hole.min(dim=0).values
        bottom, right = hole.max(dim=0).values + 1
        assert len(hole) == (bottom - top) * (right - left)
        torch.testing.assert_close(after[top:bottom, left:right], before.mean().expand(bottom - top, right - left))
        assert 0.01 < len(hole) / before.numel() < 0.2


def test_colour_changes_colour_and_sometimes_takes_it_out() -> None:
    pictures = batch(3, n=256)
    gains_off = augment.colour(pictures, drawn(), amount=0.0, grey_share=0.5)
    colourless = (gains_off.amax(dim=1) - gains_off.amin(dim=1)).amax(dim=(1, 2)) < 1e-5
    assert 0.35 < colourless.float().mean() < 0.65
    torch.testing.assert_close(gains_off[~colourless], pictures[~colourless])
    grey = torch.full((64, 3, 8, 8), 0.5)
    tinted = augment.colour(grey, drawn(), amount=0.3, grey_share=0.0)
    assert (tinted.amax(dim=1) - tinted.amin(dim=1)).mean() > 0.05


def test_erasing_and_wear_spare_some_pictures() -> None:
    pictures = batch(1, n=200)
    kept = (augment.erase(pictures, drawn(), share=0.3) == pictures).all(dim=(1, 2, 3)).float().mean()
    assert 0.55 < kept < 0.85
