"""The encoder's file: verified, of any size, and a clear error where it is damaged."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from mer_batch.errors import ModelError
from mer_batch.people.encoder import CARD, WEIGHTS, load_encoder, mel_bands, verify_encoder
from toy_voices import make_encoder, voice


def test_vectors_have_unit_length_whatever_the_level(tmp_path: Path) -> None:
    import torch

    toy = load_encoder(make_encoder(tmp_path))
    mels = toy.mels(voice(0, 2.0))
    assert len(mels) == 198
    loud, quiet = toy.embed(torch.stack([mels[:160], mels[:160] * 1e-4]))
    assert np.linalg.norm(loud) == pytest.approx(1)
    assert loud == pytest.approx(quiet, abs=1e-5)
    assert toy.embed(torch.zeros(0, 160, 40)).shape == (0, 32)
    assert np.isfinite(toy.embed(torch.zeros(1, 160, 40))).all()


def test_mels_are_those_of_librosa() -> None:
    from librosa.filters import mel

    for rate, size, count in ((16000, 400, 40), (16000, 512, 80), (8000, 256, 20)):
        wanted = mel(sr=rate, n_fft=size, n_mels=count)
        assert mel_bands(rate, size, count) == pytest.approx(wanted, abs=1e-7)


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda f: (f / WEIGHTS).unlink(), "cannot read"),
        (lambda f: (f / WEIGHTS).write_bytes((f / WEIGHTS).read_bytes()[:-1]), "is not the file"),
        (lambda f: (f / CARD).unlink(), "cannot read"),
        (lambda f: (f / CARD).write_text("name = 1"), "malformed"),
        (lambda f: (f / CARD).write_text("= ["), "malformed"),
        (lambda f: (f / CARD).write_text((f / CARD).read_text().replace("64.0", "0.0")), "not positive"),
    ],
)
def test_damage_is_told_in_one_line(tmp_path: Path, damage, says: str) -> None:  # type: ignore[no-untyped-def]
    folder = make_encoder(tmp_path / "one")
    assert verify_encoder(folder).name == "toy"
    damage(folder)
    for use in (load_encoder, verify_encoder):
        with pytest.raises(ModelError, match=says):
            use(folder)
    shutil.rmtree(folder)
    with pytest.raises(ModelError, match="cannot read"):
        load_encoder(folder)


def test_other_tensors_are_no_encoder(tmp_path: Path) -> None:
    import hashlib

    import torch
    from safetensors.torch import save

    folder = make_encoder(tmp_path)
    data = save({"a": torch.zeros(1)})
    card = (folder / CARD).read_text().splitlines()
    card[3] = f'sha256 = "{hashlib.sha256(data).hexdigest()}"'
    (folder / WEIGHTS).write_bytes(data)
    (folder / CARD).write_text("\n".join(card))
    with pytest.raises(ModelError, match="holds no speaker encoder"):
        load_encoder(folder)
