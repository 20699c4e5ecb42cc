from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from mer_batch import nets
from mer_batch.errors import ModelError
from mer_batch.nets.store import ModelCard, save_model
from mer_batch.nets.voice_cnn import LogMel, mel_filters, spec_mask
from mer_batch.readers import load_classifier
from mer_batch.types import AudioWindow
from mer_batch.voice.inputs import fit

INPUT = {"sample_rate": 16_000, "seconds": 3.0}


@pytest.fixture
def net() -> torch.nn.Module:
    torch.manual_seed(0)
    return nets.build("voice-cnn", classes=7).eval()


def voice(seconds: float = 1.6, seed: int = 0) -> torch.Tensor:
    time = torch.arange(round(seconds * 16_000)) / 16_000
    pitch = 140 + 30 * torch.sin(2 * torch.pi * 1.3 * time + seed)
    wave = sum(torch.sin(h * 2 * torch.pi * torch.cumsum(pitch, 0) / 16_000) / h for h in range(1, 12))
    return 0.1 * wave + 0.002 * torch.randn(len(time), generator=torch.Generator().manual_seed(seed))  # type: ignore[operator]


def test_the_recording_level_does_not_matter(net: torch.nn.Module) -> None:
    wave = voice()[None]
    with torch.inference_mode():
        assert torch.allclose(net(wave), net(wave * 0.01), atol=1e-4)


def test_padding_does_not_matter(net: torch.nn.Module) -> None:
    """Frames shift by less than a hop, and no padding is pooled: small beside noise in place of the voice."""
    wave = voice()[None]
    with torch.inference_mode():
        plain, other = net(wave), net(torch.randn(1, 25_600, generator=torch.Generator().manual_seed(0)))
        padded = net(functional.pad(wave, (10_240, 12_000)))
        shifted = net(functional.pad(wave, (10_300, 0)))
    apart = (plain - other).abs().max()
    assert (plain - padded).abs().max() < 0.15 * apart
    assert (plain - shifted).abs().max() < 0.3 * apart


def test_one_clip_does_not_change_another(net: torch.nn.Module) -> None:
    first, second = fit(voice().numpy(), 48_000), fit(voice(2.5, 3).numpy(), 48_000)
    with torch.inference_mode():
        together = net(torch.from_numpy(np.stack([first, second])))
        alone = net(torch.from_numpy(first)[None])
    assert torch.allclose(together[:1], alone, atol=1e-4)


def test_silence_has_finite_scores(net: torch.nn.Module) -> None:
    with torch.inference_mode():
        assert torch.isfinite(net(torch.zeros(1, 48_000))).all()


@pytest.mark.usefixtures("no_empty_transform")
def test_no_clips_have_no_scores(net: torch.nn.Module) -> None:
    pictures, sound = LogMel(64)(torch.zeros(0, 48_000))
    assert (pictures.shape[1:], sound.shape[1:]) == tuple(part.shape[1:] for part in LogMel(64)(torch.zeros(1, 48_000)))
    with torch.inference_mode():
        assert net(torch.zeros(0, 48_000)).shape == (0, 7)


def test_filters_cover_speech_evenly() -> None:
    filters = mel_filters(64)
    assert filters.shape == (257, 64)
    assert torch.allclose(filters.sum(dim=0), torch.ones(64))
    centres = filters.argmax(dim=0)
    assert (centres.diff() >= 0).all()
    assert 60 < centres[0] * 31.25 + 62.5 < 200
    assert 6500 < centres[-1] * 31.25 < 7800


def test_a_tone_lights_its_band() -> None:
    wave = 0.1 * torch.sin(2 * torch.pi * 1000 * torch.arange(16_000) / 16_000)
    picture, sound = LogMel(64)(wave[None])
    band = int(picture[0, 0].mean(dim=1).argmax())
    filters = mel_filters(64)
    assert filters[32, band] == filters[32].max()
    assert sound.min() == 1
    assert LogMel(64)(torch.zeros(1, 16_000))[0].abs().max() == 0


def test_masks_blank_something_and_keep_most() -> None:
    torch.manual_seed(0)
    pictures = torch.ones(32, 1, 64, 186)
    kept = spec_mask(pictures).mean(dim=(1, 2, 3))
    assert kept.min() > 0.4
    assert kept.max() < 1
    assert kept.std() > 0.02


@pytest.mark.parametrize("length", [10, 48_000, 47_999, 80_001])
def test_fit_centres(length: int) -> None:
    samples = np.arange(1, length + 1, dtype=np.float32)
    fitted = fit(samples, 48_000)
    assert fitted.shape == (48_000,)
    inside = fitted[fitted != 0]
    assert np.array_equal(inside, samples[samples.searchsorted(inside[0]) :][: len(inside)])
    before, after = np.flatnonzero(fitted)[[0, -1]]
    assert abs(before - (48_000 - 1 - after)) <= 1


def test_a_model_folder_reads_windows_of_any_length(net: torch.nn.Module, tmp_path: Path) -> None:
    save_model(tmp_path, net, ModelCard("v", "voice", "voice-cnn", {}, INPUT, "nothing", "none"))
    assert (tmp_path / "weights.safetensors").stat().st_size < 10_000_000
    reader = load_classifier("voice", str(tmp_path), "cpu")
    windows = [AudioWindow(0, s, voice(s).numpy(), 1.0, -20, None) for s in (0.8, 3.0, 4.2)]
    rows = reader.predict(windows)
    assert rows.shape == (3, 7)
    assert rows.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert rows[1:2] == pytest.approx(reader.predict(windows[1:2]), abs=1e-4)


def test_a_card_without_its_input_is_refused(net: torch.nn.Module, tmp_path: Path) -> None:
    save_model(tmp_path, net, ModelCard("v", "voice", "voice-cnn", {}, {"sample_rate": 8000}, "nothing", "none"))
    with pytest.raises(ModelError, match="sample_rate"):
        load_classifier("voice", str(tmp_path), "cpu")
