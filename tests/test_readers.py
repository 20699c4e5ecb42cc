from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from mer_batch.errors import ModelError
from mer_batch.nets.store import read_card, verify_model
from mer_batch.readers import fingerprint, shared_classifier
from mer_batch.resources import data_dir


def test_files_of_a_batch_share_a_reader_until_its_model_changes(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(data_dir("models") / "text", folder)
    first = shared_classifier("text", str(folder), "cpu")
    assert shared_classifier("text", str(folder), "cpu") is first
    before = fingerprint("text", str(folder))
    card = folder / "model.toml"
    card.write_text(card.read_text().replace("temperature = ", "temperature = 2.5 # "))
    assert read_card(folder).temperature == 2.5
    assert fingerprint("text", str(folder)) != before, "it is calibrated otherwise"
    second = shared_classifier("text", str(folder), "cpu")
    assert second is not first
    assert second.card.temperature == 2.5


def test_damage_is_seen_however_often_the_model_was_whole(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(data_dir("models") / "text", folder)
    verify_model(folder, "text")
    data = bytearray((folder / "weights.safetensors").read_bytes())
    data[-1] ^= 1
    (folder / "weights.safetensors").write_bytes(data)
    with pytest.raises(ModelError, match="not the file that its card describes"):
        verify_model(folder, "text")
    with pytest.raises(ModelError, match="not the file that its card describes"):
        shared_classifier("text", str(folder), "cpu")
