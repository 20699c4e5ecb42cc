"""Features by tensors are librosa's, whatever the sound; and they are kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from mer_batch.data.manifest import read_manifest
from mer_batch.errors import UsageError
from mer_batch.resources import cache_dir
from mer_batch.types import SAMPLE_RATE, Samples
from mer_batch.voice import features as module
from mer_batch.voice.by_librosa import reference
from mer_batch.voice.feature_options import FeatureOptions, rows
from mer_batch.voice.features import FEATURES, extract, features

NAMES = [name for name in FEATURES if name != "pitch"]
SIZES = [FeatureOptions(), FeatureOptions(rate=22_050, coefficients=40), FeatureOptions(16_000, 512, 256, 40, 13)]


def harmonics(hertz: float, seconds: float = 1.0) -> Samples:
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return (0.1 * sum(np.sin(2 * np.pi * hertz * k * time) / k for k in range(1, 9))).astype(np.float32)


def sounds() -> Iterator[Samples]:
    rng = np.random.default_rng(0)
    yield harmonics(140) + rng.normal(0, 1e-3, SAMPLE_RATE).astype(np.float32)
    yield rng.normal(0, 0.1, 20_000).astype(np.float32)
    yield np.pad(harmonics(220, 0.5), (3000, 30_000))
    yield np.zeros(8000, dtype=np.float32)


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("name", NAMES)
def test_tensors_compute_what_librosa_does(name: str, sizes: FeatureOptions) -> None:
    for sound in sounds():
        exact = sound.astype(np.float64)
        expected = reference(exact, [name], sizes)
        found = extract(torch.from_numpy(exact)[None], [name], sizes)[0].numpy()
        assert found.shape == expected.shape == (rows([name], sizes), sizes.frames(len(sound)))
        np.testing.assert_allclose(found, expected, atol=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_real_speech_in_single_precision(name: str, shared_data: Path) -> None:
    """A roll-off may land one bin further where the share is met within rounding: in few frames."""
    made = read_manifest(shared_data / "speech" / "ravdess")
    for path in made.rows["path"][::240]:
        sound = made.read_sound(path)
        expected, found = reference(sound, [name]), extract(torch.from_numpy(sound)[None], [name])[0].numpy()
        apart = np.abs(found - expected) / np.maximum(np.abs(expected), 1)
        if name == "rolloff":
            assert (apart > 1e-3).mean() < 0.02
            assert np.abs(found - expected).max() <= SAMPLE_RATE / 2048 + 1e-3
        else:
            assert apart.max() < 1e-3


def test_features_stand_side_by_side_and_clips_do_not_mix() -> None:
    waves = torch.from_numpy(np.stack([harmonics(130), harmonics(260) * 0.1]))
    together = extract(waves, ["rms", "mfcc", "zcr"])
    assert together.shape == (2, 1 + 20 + 1, 32)
    for place, wave in enumerate(waves):
        assert torch.allclose(together[place], extract(wave[None], ["rms", "mfcc", "zcr"])[0], atol=1e-4)
    assert torch.equal(together[:, -1:], extract(waves, ["zcr"]))


@pytest.mark.usefixtures("no_empty_transform")
@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("name", FEATURES)
def test_no_sounds_have_no_features(name: str, sizes: FeatureOptions) -> None:
    height, width = (
        extract(torch.zeros(1, 9000), [name], sizes).shape[1:] if name != "pitch" else (2, sizes.frames(9000))
    )
    assert extract(torch.zeros(0, 9000), [name], sizes).shape == (0, height, width)


@pytest.mark.parametrize("name", NAMES)
def test_a_sound_of_no_samples_is_a_frame_of_silence(name: str) -> None:
    nothing, silence = (features(np.zeros(n, np.float32), [name], keep=False) for n in (0, 100))
    np.testing.assert_allclose(nothing, silence)


def test_known_sounds_have_known_features() -> None:
    time = torch.arange(SAMPLE_RATE) / SAMPLE_RATE
    tone = (0.5 * torch.sin(2 * torch.pi * 1000 * time + 0.1))[None]
    rms, zcr, rolloff = extract(tone, ["rms", "zcr", "rolloff"])[0, :, 10]
    assert rms == pytest.approx(0.5 / 2**0.5, rel=1e-3)
    assert zcr == pytest.approx(2000 / SAMPLE_RATE, rel=0.01)
    assert rolloff == pytest.approx(1000, abs=40)
    mel = extract(tone, ["log-mel"])[0]
    assert mel.max() == 0
    assert mel.min() == -80


def test_pitch_follows_the_voice_and_says_where_there_is_none() -> None:
    rng = np.random.default_rng(0)
    sound = np.concatenate([harmonics(150), rng.normal(0, 0.05, SAMPLE_RATE).astype(np.float32)])
    hertz, voiced = features(sound, ["pitch"])
    assert voiced[4:26].mean() > 0.9
    assert np.median(hertz[4:26]) == pytest.approx(150, rel=0.03)
    assert voiced[36:].mean() < 0.3
    assert (hertz[voiced == 0] == 0).all()


def test_a_very_short_sound_has_derivatives() -> None:
    assert np.isfinite(features(harmonics(200, 0.1), ["mfcc-delta", "mfcc-delta2"])).all()


def test_features_are_kept_by_content_and_options(monkeypatch: pytest.MonkeyPatch) -> None:
    sound = harmonics(150)
    first = features(sound, ["rms", "zcr"])
    calls: list[int] = []
    monkeypatch.setattr(module, "extract", lambda *given: (calls.append(1), extract(*given))[1])
    assert np.array_equal(features(sound, ["rms", "zcr"]), first)
    assert calls == []
    features(sound * 0.5, ["rms", "zcr"])
    features(sound, ["zcr", "rms"])
    features(sound, ["rms", "zcr"], FeatureOptions(hop=256))
    assert len(calls) == 3
    features(sound, ["zcr"], keep=False)
    assert len(list(cache_dir("features").rglob("*.npy"))) == 4


def test_a_damaged_cache_is_made_again() -> None:
    first = features(harmonics(150), ["rms"])
    (kept,) = cache_dir("features").rglob("*.npy")
    kept.write_bytes(kept.read_bytes()[:40])
    assert np.array_equal(features(harmonics(150), ["rms"]), first)


def test_wrong_names_and_sizes_are_told() -> None:
    with pytest.raises(UsageError, match="mfcc-delta2"):
        features(harmonics(150), ["mcff"])
    with pytest.raises(UsageError, match="positive"):
        FeatureOptions(hop=0)
    with pytest.raises(UsageError, match="40 coefficients"):
        FeatureOptions(coefficients=40, bands=32)
