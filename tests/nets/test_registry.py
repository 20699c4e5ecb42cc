"""Architectures: names, options, shapes; models on disk: round trip and refusal."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from mer_batch import nets
from mer_batch.errors import ModelError, UsageError
from mer_batch.labels import EMOTIONS
from mer_batch.nets import store
from mer_batch.nets.device import pick_device


def card(**changes: object) -> store.ModelCard:
    base = store.ModelCard(
        name="toy",
        modality="face",
        net="face-resnet",
        net_options={"widths": [4, 8], "depths": [1, 1]},
        input={"size": 48, "channels": 1},
        data="nothing",
        licence="none",
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def toy_net() -> torch.nn.Module:
    torch.manual_seed(0)
    return nets.build("face-resnet", classes=7, widths=[4, 8], depths=[1, 1]).eval()


def test_face_resnet_gives_one_row_of_logits_per_picture() -> None:
    assert toy_net()(torch.randn(3, 1, 48, 48)).shape == (3, 7)


def test_unknown_architecture_lists_the_known() -> None:
    with pytest.raises(UsageError, match=r"'face-resnt'.*Did you mean 'face-resnet'"):
        nets.build("face-resnt", classes=7)


def test_unknown_option_lists_the_options() -> None:
    with pytest.raises(UsageError, match="no option 'depth'; it has channels, widths"):
        nets.build("face-resnet", classes=7, depth=3)


def test_model_survives_saving_and_loading(tmp_path: Path) -> None:
    net = toy_net()
    written = store.save_model(tmp_path, net, card(), half=False)
    loaded, read = store.load_net(tmp_path, torch.device("cpu"))
    picture = torch.randn(2, 1, 48, 48)
    torch.testing.assert_close(loaded(picture), net(picture))
    assert read == written
    assert read.labels == EMOTIONS
    assert len(read.sha256) == 64


def test_half_precision_changes_little(tmp_path: Path) -> None:
    net = toy_net()
    store.save_model(tmp_path, net, card())
    loaded, _ = store.load_net(tmp_path, torch.device("cpu"))
    picture = torch.randn(2, 1, 48, 48)
    torch.testing.assert_close(loaded(picture), net(picture), atol=5e-3, rtol=5e-2)


def test_tampered_weights_are_refused(tmp_path: Path) -> None:
    store.save_model(tmp_path, toy_net(), card())
    weights = tmp_path / store.WEIGHTS
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    with pytest.raises(ModelError, match="not the file that its card describes"):
        store.load_net(tmp_path, torch.device("cpu"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"temperature": 0.0}, "temperature"), ({"labels": ("happy",)}, "labels"), ({"modality": "smell"}, "smell")],
)
def test_impossible_cards_are_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises((ModelError, UsageError), match=message):
        card(**changes)


def test_missing_card_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot read the model card"):
        store.read_card(tmp_path)


def test_unknown_model_lists_the_shipped() -> None:
    with pytest.raises(UsageError, match="unknown model 'fase'"):
        store.find_model("face", "fase")


@pytest.mark.parametrize("name", ["gpu", "cuda:x", "cuda:99"])
def test_impossible_devices_are_refused(name: str) -> None:
    with pytest.raises(UsageError, match="device"):
        pick_device(name)
