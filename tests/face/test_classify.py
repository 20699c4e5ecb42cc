"""The face classifier: preprocessing is exactly what the card says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from mer_batch import nets
from mer_batch.errors import ModelError
from mer_batch.face.classify import FaceClassifier, load, to_tensor
from mer_batch.nets.store import ModelCard, save_model
from mer_batch.readers import load_classifier

GREY = {"size": 12, "channels": 1, "mean": 0.5, "std": 0.25}


class TinyFace(nn.Module):
    """Scores are weighted sums over the left and the right half of the crop."""

    def __init__(self, classes: int, channels: int) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d((1, 2))
        self.head = nn.Linear(2 * channels, classes)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return self.head(self.pool(pixels).flatten(1))


@pytest.fixture(autouse=True)
def tiny_net(monkeypatch: pytest.MonkeyPatch) -> None:
    nets.names()
    builders = {**nets._BUILDERS, "tiny-face": lambda classes, channels=1: TinyFace(classes, channels)}
    monkeypatch.setattr(nets, "_BUILDERS", builders)


def _card(card_input: dict[str, object], **more: object) -> ModelCard:
    options = {"channels": card_input.get("channels", 1)}
    return ModelCard("tiny", "face", "tiny-face", options, card_input, data="none", licence="none", **more)  # type: ignore[arg-type]


def _saved(folder: Path, card_input: dict[str, object]) -> Path:
    torch.manual_seed(0)
    card = _card(card_input)
    save_model(folder, nets.build("tiny-face", 7, **card.net_options), card, half=False)
    return folder


def test_grey_is_bt601_luma_normalised() -> None:
    crop = np.zeros((12, 12, 3), np.uint8)
    crop[:] = (200, 100, 50)
    expected = ((0.299 * 200 + 0.587 * 100 + 0.114 * 50) / 255 - 0.5) / 0.25
    pixels = to_tensor([crop], GREY)
    assert pixels.shape == (1, 1, 12, 12)
    assert pixels.dtype == torch.float32
    assert pixels.numpy() == pytest.approx(expected, abs=1e-5)


def test_grey_crops_in_any_layout_are_alike() -> None:
    grey = np.random.default_rng(0).integers(0, 256, (12, 12), dtype=np.uint8)
    rgb = np.repeat(grey[..., None], 3, 2)
    flat, single, colour = to_tensor([grey, grey[..., None], rgb], GREY)
    assert torch.allclose(flat, single)
    assert torch.allclose(flat, colour, atol=1e-5)


def test_three_channels_have_their_own_mean_and_std() -> None:
    card_input = {"size": 4, "channels": 3, "mean": [0.0, 0.5, 1.0], "std": [1.0, 0.5, 0.25]}
    crop = np.full((4, 4, 3), 255, np.uint8)
    assert to_tensor([crop], card_input)[0, :, 0, 0].tolist() == pytest.approx([1, 1, 0])
    grey = to_tensor([crop[..., 0]], card_input)
    assert grey.shape == (1, 3, 4, 4)


def test_crops_of_mixed_sizes_keep_their_order() -> None:
    crops = [np.full((size, size, 3), value, np.uint8) for size, value in ((30, 10), (12, 60), (5, 110), (30, 160))]
    pixels = to_tensor(crops, GREY)
    assert (pixels.mean((1, 2, 3)) * 0.25 + 0.5).mul(255).tolist() == pytest.approx([10, 60, 110, 160], abs=0.1)


def test_shrinking_averages() -> None:
    checks = (np.indices((48, 48)).sum(0) % 2 * 255).astype(np.uint8)
    assert to_tensor([checks], GREY).abs().max() < 0.01


def test_detail_that_training_never_saw_is_taken_out() -> None:
    checks = (np.indices((48, 48)).sum(0) % 2 * 255).astype(np.uint8)
    plain, coarse = (to_tensor([checks], {**GREY, "size": 48, **more}) for more in ({}, {"detail": 24}))
    assert plain.shape == coarse.shape == (1, 1, 48, 48)
    assert plain.abs().max() > 1.9
    assert coarse.abs().max() < 0.01


def test_a_saved_model_reads_faces(tmp_path: Path) -> None:
    reader = load(_saved(tmp_path / "m", GREY), "cpu")
    crops = [np.random.default_rng(i).integers(0, 256, (20 + i, 20 + i, 3), dtype=np.uint8) for i in range(70)]
    everything = reader.predict(crops)
    assert everything.shape == (70, 7)
    assert everything.sum(1) == pytest.approx(1, abs=1e-5)
    assert everything[[3, 66]] == pytest.approx(reader.predict([crops[3], crops[66]]), abs=1e-6)
    assert reader.predict([]).shape == (0, 7)


def test_the_registry_finds_it_by_folder(tmp_path: Path) -> None:
    folder = _saved(tmp_path / "m", GREY)
    assert isinstance(load_classifier("face", str(folder), "cpu"), FaceClassifier)


def test_flip_averages_the_mirrored_crop(tmp_path: Path) -> None:
    crop = np.zeros((12, 12, 3), np.uint8)
    crop[:, :6] = 220
    plain = load(_saved(tmp_path / "plain", GREY), "cpu")
    flipping = load(_saved(tmp_path / "flip", {**GREY, "flip": True}), "cpu")
    one, mirrored = plain.logits([crop]), plain.logits([crop[:, ::-1]])
    assert np.abs(one - mirrored).max() > 0.1
    assert flipping.logits([crop]) == pytest.approx((one + mirrored) / 2, abs=1e-5)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"channels": 2}, "channels = 1 or 3"),
        ({"size": None}, "positive size"),
        ({"detail": "48"}, "detail"),
        ({"detail": -1}, "detail"),
        ({"mean": [0.1, 0.2]}, r"1 value\(s\) for mean"),
        ({"std": None}, "needs std"),
        ({"std": 0.0}, "positive std"),
    ],
)
def test_a_card_without_its_input_is_refused(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        FaceClassifier(nn.Identity(), _card({**GREY, **wrong}), torch.device("cpu"))


def test_a_card_of_another_modality_is_refused() -> None:
    card = ModelCard("ears", "voice", "none", {}, GREY, data="none", licence="none")
    with pytest.raises(ModelError, match="reads voice, not faces"):
        FaceClassifier(nn.Identity(), card, torch.device("cpu"))
