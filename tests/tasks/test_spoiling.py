"""Spoiled evidence: as bad as drawn, measured as such, and untouched where it is not spoiled."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import toy_voice
from mer_batch.tasks import spoiling
from mer_batch.tasks.spoiling import misheard, spoiled_picture, spoiled_sounds, versions_of
from mer_batch.types import SAMPLE_RATE, Samples

TEXT = "Well, I did not know that you would come so early!"


def clips(count: int = 8, seconds: float = 1.5) -> list[Samples]:
    rng = np.random.default_rng(0)
    return [toy_voice.tone(place % 7, seconds, rng) for place in range(count)]


def spoil(sounds: list[Samples], kind: int, monkeypatch: pytest.MonkeyPatch) -> list[Samples]:
    """All sounds spoiled in one way: 0 noise, 1 telephone, 2 both, 3 cut off."""

    class Drawn(np.random.Generator):
        def integers(self, low: int, high: int | None = None, size: object = None, **rest: object) -> object:  # type: ignore[override]
            if (low, high) == (0, 4):
                return np.full(size, kind)  # type: ignore[arg-type]
            return super().integers(low, high, size, **rest)  # type: ignore[arg-type, call-overload]

    rng = Drawn(np.random.PCG64(0))
    return spoiled_sounds(sounds, 0.999999, rng, torch.Generator().manual_seed(0))


def test_what_is_not_spoiled_stays_as_it_is() -> None:
    sounds = clips()
    same = spoiled_sounds(sounds, 0.0, np.random.default_rng(0), torch.Generator().manual_seed(0))
    for before, after in zip(sounds, same, strict=True):
        assert np.array_equal(before, after)
    assert misheard(TEXT, 0.0, ["x"], np.random.default_rng(0)) == (TEXT, None)
    picture = np.full((48, 48, 3), 100, np.uint8)
    assert spoiled_picture(picture, 0.0, np.random.default_rng(0)) is picture


def test_noise_lies_as_far_under_the_speech_as_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spoiling, "NOISE", (10.0, 10.0))
    sounds = clips(16)
    noisy = spoil(sounds, 0, monkeypatch)
    for before, after in zip(sounds, noisy, strict=True):
        assert len(before) == len(after)
        speech = before[8000:-8000]
        ratio = np.square(speech).mean() / np.square(after - before).mean()
        assert 10 * np.log10(ratio) == pytest.approx(10.0, abs=1.5)
        assert np.square(after[:8000]).mean() > 100 * np.square(before[:8000]).mean(), "pauses are noisy too"


def test_a_telephone_passes_a_narrow_band_at_the_same_level(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    sounds = [rng.normal(0, 0.05, SAMPLE_RATE).astype(np.float32) for _ in range(4)]
    for before, after in zip(sounds, spoil(sounds, 1, monkeypatch), strict=True):
        assert np.square(after).mean() == pytest.approx(np.square(before).mean(), rel=0.05)
        power = np.abs(np.fft.rfft(after)) ** 2
        hertz = np.fft.rfftfreq(len(after), 1 / SAMPLE_RATE)
        assert power[(hertz > 400) & (hertz < 2500)].mean() > 30 * power[hertz > 5000].mean()


def test_a_cut_leaves_a_part_of_the_speech_between_its_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    sounds = clips(6, 2.0)
    for before, after in zip(sounds, spoil(sounds, 3, monkeypatch), strict=True):
        lost = (len(before) - len(after)) / SAMPLE_RATE
        assert 0.3 * 2.0 < lost < 0.9 * 2.3
        assert np.array_equal(before[:4000], after[:4000])
        assert np.array_equal(before[-4000:], after[-4000:])


@pytest.mark.usefixtures("no_empty_transform")
def test_no_clips_are_no_clips() -> None:
    assert spoiled_sounds([], 1.0, np.random.default_rng(0), torch.Generator()) == []
    assert list(versions_of([], 2, 0.9, seed=3)) == [[], []]


def test_a_silent_clip_stays_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in (0, 1, 2):
        (after,) = spoil([np.zeros(SAMPLE_RATE, np.float32)], kind, monkeypatch)
        assert (after == 0).all()


def test_versions_differ_and_repeat_with_their_seed() -> None:
    sounds = clips(5)
    first, second = versions_of(sounds, 2, 0.9, seed=3)
    again, _ = versions_of(sounds, 2, 0.9, seed=3)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert any(len(a) != len(b) or not np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert all(np.abs(sound).max() <= 1 for sound in (*first, *second))


def test_misheard_words_are_fewer_and_the_confidence_knows() -> None:
    rng = np.random.default_rng(0)
    words = TEXT.lower().replace(",", "").replace("!", "").split()
    shares, confidences = [], []
    for _ in range(300):
        text, confidence = misheard(TEXT, 0.999999, ["other", "words"], rng)
        assert confidence is not None
        assert text == text.lower()
        assert "," not in text
        shares.append(sum(word in words for word in text.split()) / len(words))
        confidences.append(confidence)
    assert np.corrcoef(shares, confidences)[0, 1] > 0.6
    assert 0.5 < np.mean(shares) < 0.85


def test_pictures_get_small_blurred_or_dark() -> None:
    rng = np.random.default_rng(0)
    picture = np.random.default_rng(1).integers(0, 255, (48, 48, 3), dtype=np.uint8)
    made = [spoiled_picture(picture, 0.999999, rng) for _ in range(60)]
    assert all(one.dtype == np.uint8 and one.shape[2] == 3 for one in made)
    small = [one for one in made if one.shape[0] < 48]
    dark = [one for one in made if one.shape[0] == 48 and one.mean() < 0.6 * picture.mean()]
    blurred = [one for one in made if one.shape[0] == 48 and one.std() < 0.8 * picture.std() and one.mean() > 100]
    assert len(small) + len(dark) + len(blurred) == 60
    assert min(len(small), len(dark), len(blurred)) > 10
    assert min(one.shape[0] for one in small) >= spoiling.SMALLEST
