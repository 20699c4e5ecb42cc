"""Clips in memory are decoded as files are: what a voice is trained on is what it will hear."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import clips
from channels import heard, on, voice, wav
from mer_batch.data.sounds import decode_mono, decode_sound
from mer_batch.errors import DataError
from mer_batch.types import Samples

KINDS = {
    "mono": (1, ((0, 1),)),
    "stereo": (2, ((0, 1), (1, 1))),
    "inverted": (2, ((0, 1), (1, -1))),
    "right only": (2, ((1, 1),)),
    "one of three": (3, ((2, 1),)),
    "one of eleven": (11, ((4, -1),)),
}


@pytest.fixture(scope="module")
def spoken() -> Samples:
    return voice(0, 3)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("loud", [0.9, 4.0])
def test_a_clip_is_heard_as_the_file(tmp_path: Path, spoken: Samples, kind: str, loud: float) -> None:
    channels, places = KINDS[kind]
    scale = loud / np.abs(spoken).max()
    path = wav(tmp_path / "a.wav", on(scale * spoken, channels, *places), kind="f32")
    clip = decode_mono(path.read_bytes(), "a clip")
    assert np.allclose(clip, heard(path), atol=1e-6)
    assert np.allclose(np.abs(clip), np.abs(spoken) * scale / max(loud, 1), atol=1e-5)


@pytest.mark.parametrize("suffix", ["m4a", "mp3", "ogg", "flac"])
def test_a_coded_stereo_clip_is_not_louder_than_its_file(tmp_path: Path, spoken: Samples, suffix: str) -> None:
    source = wav(tmp_path / "a.wav", on(spoken, 2, (0, 1), (1, 1)), rate=44_100)
    path = clips.make(tmp_path / f"b.{suffix}", "-i", f"{source}")
    clip, file = decode_mono(path.read_bytes(), "a clip"), heard(path)
    count = min(len(clip), len(file))
    assert np.corrcoef(clip[:count], file[:count])[0, 1] > 0.99
    assert np.abs(clip).max() == pytest.approx(np.abs(file).max(), rel=0.02)


def test_the_native_samples_stay_what_they_were(tmp_path: Path, spoken: Samples) -> None:
    table = on(spoken, 2, (0, 1), (1, -1))
    sound = decode_sound(wav(tmp_path / "a.wav", table).read_bytes(), "a clip")
    assert sound.native.shape == (2, len(spoken))
    assert sound.rate == 16_000


def test_what_cannot_be_decoded_is_said() -> None:
    with pytest.raises(DataError, match="cannot read the sound a clip"):
        decode_mono(b"RIFF and nothing more", "a clip")
