"""Sound above full scale is scaled, not clipped; damage and clicks are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import clips
from channels import heard, on, voice, wav
from mer_batch.media.scaling import CELL, scaled
from mer_batch.types import SAMPLE_RATE, Samples


@pytest.fixture(scope="module")
def full() -> Samples:
    """Speech whose loudest sample is full scale."""
    sound = voice()
    return sound / np.abs(sound).max()


def whole(sound: Samples, exact: bool = True, told: list[str] | None = None) -> Samples:
    told = [] if told is None else told
    return np.concatenate([samples for _, samples in scaled([(0, sound)], exact, told.append)])


@pytest.mark.parametrize("peak", [1.2, 4.0, 50.0, 32_767.0, 1e30])
@pytest.mark.parametrize("channels", [1, 2])
def test_loud_floating_point_is_scaled(tmp_path: Path, full: Samples, peak: float, channels: int) -> None:
    told: list[str] = []
    loud = on(full, channels, *((at, peak) for at in range(channels)))
    result = heard(wav(tmp_path / "a.wav", loud, kind="f32"), told)
    assert np.allclose(result, full, atol=1e-5)
    assert told == [f"the sound reaches {peak:.3g} times full scale; it is scaled down, not clipped"]


@pytest.mark.parametrize("suffix", ["wv", "opus"])
def test_a_coded_file_can_be_loud_as_well(tmp_path: Path, full: Samples, suffix: str) -> None:
    source = wav(tmp_path / "a.wav", 4 * full, kind="f32")
    result = heard(clips.make(tmp_path / f"b.{suffix}", "-i", f"{source}"))
    assert np.mean(np.abs(result) >= 0.999) < 1e-4
    assert np.corrcoef(result[: len(full)], full[: len(result)])[0, 1] > 0.99


@pytest.mark.parametrize("level", [1.0, 0.5, 10 ** (-45 / 20), 1e-4])
def test_all_else_is_left_as_it_was(full: Samples, level: float) -> None:
    told: list[str] = []
    assert np.array_equal(whole(full * np.float32(level), told=told), full * np.float32(level))
    assert told == []


def test_what_coders_add_is_clipped(full: Samples) -> None:
    told: list[str] = []
    assert np.array_equal(whole(1.5 * full, exact=False, told=told), np.clip(1.5 * full, -1, 1))
    assert told == []


def test_clicks_and_damage_do_not_make_a_voice_faint(full: Samples) -> None:
    sound = 0.3 * full
    sound[20_000:20_003] = 9
    told: list[str] = []
    assert np.array_equal(whole(sound, told=told), np.clip(sound, -1, 1))
    sound[30_000:32_000] = 1e6 * np.random.default_rng(0).standard_normal(2000)
    assert np.array_equal(whole(sound, told=told), np.clip(sound, -1, 1))
    assert told == []


def test_a_loud_stretch_is_scaled_with_what_is_near_it_and_no_more() -> None:
    time = np.arange(120 * SAMPLE_RATE) / SAMPLE_RATE
    tone = (0.5 * np.sin(2 * np.pi * 200 * time)).astype(np.float32)
    loud = np.where((time > 60) & (time < 62), 8 * tone, tone).astype(np.float32)
    pieces = [(start, loud[start : start + 100_000]) for start in range(0, len(loud), 100_000)]
    result = np.concatenate([samples for _, samples in scaled(pieces, True)])
    assert np.abs(result).max() <= 1
    assert np.allclose(
        result[60 * SAMPLE_RATE : 62 * SAMPLE_RATE], loud[60 * SAMPLE_RATE : 62 * SAMPLE_RATE] / 4, atol=1e-3
    )
    assert np.array_equal(result[: 40 * SAMPLE_RATE], tone[: 40 * SAMPLE_RATE])
    assert np.array_equal(result[-40 * SAMPLE_RATE :], tone[-40 * SAMPLE_RATE :])
    gain = result[np.abs(loud) > 0.01] / loud[np.abs(loud) > 0.01]
    assert np.abs(np.diff(gain)).max() < 4 / CELL
    assert np.array_equal(result, whole(loud))


@pytest.mark.parametrize("channels", [1, 2])
def test_numbers_that_are_none_are_silence(tmp_path: Path, full: Samples, channels: int) -> None:
    broken = 0.5 * full
    broken[10_000:10_003], broken[40_000] = np.nan, np.inf
    table = on(broken, channels, *((at, 1) for at in range(channels)))
    table[:, -1] = broken
    told: list[str] = []
    result = heard(wav(tmp_path / "a.wav", table, kind="f32"), told)
    good = np.isfinite(broken)
    assert np.allclose(result[good], broken[good], atol=1e-6)
    assert not result[~good].any()
    assert told == ["4 samples of the audio are not numbers and taken for silence"]


FORMS = {
    "u8": ("-c:a", "pcm_u8"),
    "s8": ("-c:a", "pcm_s8", "-f", "aiff"),
    "s16": ("-c:a", "pcm_s16be", "-f", "aiff"),
    "s24": ("-c:a", "pcm_s24le"),
    "s32": ("-c:a", "pcm_s32le"),
    "f32": ("-c:a", "pcm_f32le"),
    "f64": ("-c:a", "pcm_f64le"),
    "alaw": ("-c:a", "pcm_alaw"),
    "mulaw": ("-c:a", "pcm_mulaw"),
    "8 kHz": ("-c:a", "pcm_s16le", "-ar", "8000"),
    "44.1 kHz": ("-c:a", "pcm_s16le", "-ar", "44100"),
    "192 kHz": ("-c:a", "pcm_s24le", "-ar", "192000"),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_samples_gives_the_same_sound(tmp_path: Path, full: Samples, form: str) -> None:
    source = wav(tmp_path / "a.wav", 0.5 * full)
    inverted = ("-af", "pan=stereo|c0=c0|c1=-1*c0")
    path = clips.make(tmp_path / "b.wav", "-i", f"{source}", *inverted, *FORMS[form])
    result = heard(path)
    count = min(len(result), len(full))
    assert abs(len(result) - len(full)) < 20
    assert abs(np.corrcoef(result[:count], full[:count])[0, 1]) > (0.95 if form in ("8 kHz", "s8", "u8") else 0.999)


def test_an_offset_does_not_hide_that_channels_cancel(tmp_path: Path, full: Samples) -> None:
    table = on(0.4 * full, 2, (0, 1), (1, -1)) + np.float32(0.3)
    result = heard(wav(tmp_path / "a.wav", table))
    assert np.allclose(result, 0.4 * full + 0.3, atol=1e-3)
