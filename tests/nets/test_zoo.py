"""Networks of others by name: torchvision's, the reference ResNet-18, their heads, channels and weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from mer_batch import nets
from mer_batch.errors import ModelError, UsageError
from mer_batch.nets.heads import last_layer, trim_head
from mer_batch.nets.store import ModelCard, load_net, save_model

SMALL = ["mobilenet_v3_small", "squeezenet1_1", "shufflenet_v2_x0_5", "mnasnet0_5", "regnet_y_400mf"]


@pytest.fixture
def weights_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty place for downloaded weights, with the network out of reach."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))

    def offline(*_arguments: object, **_options: object) -> None:
        raise OSError("no network in tests")

    monkeypatch.setattr(torch.hub, "download_url_to_file", offline)
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


def store_original(folder: Path, name: str) -> nn.Module:
    """Put random "pretrained" weights for `name` where torchvision looks for them."""
    from torchvision import models

    torch.manual_seed(5)
    original: nn.Module = models.get_model(name, weights=None)
    url = models.get_model_weights(name).DEFAULT.url
    torch.save(original.state_dict(), folder / Path(url).name)
    return original


def test_the_reference_network_has_its_number_of_parameters() -> None:
    net = nets.build("fer-resnet18", classes=7)
    assert sum(parameter.numel() for parameter in net.parameters()) == 11_310_151
    assert net.eval()(torch.randn(2, 3, 48, 48)).shape == (2, 7)
    assert nets.input_of("fer-resnet18") == {"channels": 3}


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("channels", [1, 3])
def test_heads_of_every_shape_give_our_classes_and_can_be_trimmed(name: str, channels: int) -> None:
    net = nets.build(f"torchvision:{name}", classes=17, channels=channels).eval()
    pictures = torch.randn(2, channels, 64, 64)
    whole = net(pictures)
    assert whole.shape == (2, 17)
    trimmed = trim_head(net, 7)
    torch.testing.assert_close(trimmed(pictures), whole[:, :7])


@pytest.mark.parametrize("name", ["googlenet", "inception_v3"])
def test_side_outputs_are_cut_off(name: str) -> None:
    net = nets.build(f"torchvision:{name}", classes=7)
    scores = net.train()(torch.randn(2, 3, 96, 96))
    assert isinstance(scores, torch.Tensor)
    assert scores.shape == (2, 7)


def test_transformers_take_one_size_which_the_input_says() -> None:
    assert nets.input_of("torchvision:vit_b_16", image_size=48) == {"channels": 3, "size": 48}
    assert nets.input_of("torchvision:vit_b_16")["size"] == 224
    assert "size" not in nets.input_of("torchvision:resnet18")
    with torch.device("meta"):
        net = nets.build("torchvision:vit_b_16", classes=7, image_size=48, channels=1)
        assert net(torch.empty(2, 1, 48, 48)).shape == (2, 7)


def test_pretrained_kernels_read_grey_as_three_equal_channels(weights_folder: Path) -> None:
    original = store_original(weights_folder, "squeezenet1_1").eval()
    grey = nets.build("torchvision:squeezenet1_1", classes=7, weights="default", channels=1).eval()
    features = grey.get_submodule("features"), original.get_submodule("features")
    picture = torch.rand(2, 1, 64, 64)
    torch.testing.assert_close(features[0](picture), features[1](picture.expand(-1, 3, -1, -1)))
    assert nets.input_of("torchvision:squeezenet1_1", weights="default", channels=1) == {
        "channels": 1,
        "mean": [0.449],
        "std": [0.226],
    }


def test_a_trained_copy_of_pretrained_weights_loads_without_them(weights_folder: Path, tmp_path: Path) -> None:
    store_original(weights_folder, "mobilenet_v3_small")
    options = {"weights": "default", "channels": 1}
    net = nets.build("torchvision:mobilenet_v3_small", classes=7, **options).eval()
    for path in weights_folder.iterdir():
        path.unlink()
    name = "torchvision:mobilenet_v3_small"
    save_model(tmp_path / "m", net, ModelCard("m", "face", name, options, {}, "nothing", "none"), half=False)
    loaded, card = load_net(tmp_path / "m", torch.device("cpu"))
    assert card.net_options == {"weights": "none", "channels": 1}
    picture = torch.rand(2, 1, 48, 48)
    torch.testing.assert_close(loaded(picture), net(picture))


@pytest.mark.parametrize("name", ["fer-resnet18", "torchvision:resnet18"])
def test_weights_that_cannot_be_had_are_one_line(weights_folder: Path, name: str) -> None:
    with pytest.raises(ModelError, match='set weights = "none"') as caught:
        nets.build(name, classes=7, weights="default")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("torchvision:efficientnet_bo", {}, "it has efficientnet_b"),
        ("torchvision:fasterrcnn_resnet50_fpn", {}, "no classification network"),
        ("torchvision:resnet18", {"speed": 2}, "cannot be built so: .*speed"),
        ("torchvision:resnet18", {"image_size": 48}, r"set size in \[data\]"),
        ("torchvision:resnet18", {"weights": "best"}, "unknown weights 'best'"),
        ("timm:resnet18", {}, "unknown family of networks 'timm'"),
    ],
)
def test_mistakes_are_one_line(name: str, options: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        nets.build(name, classes=7, **options)
    assert "\n" not in str(caught.value)


def test_only_grey_and_colour_are_channels() -> None:
    with pytest.raises(ModelError, match="1 or 3"):
        nets.build("torchvision:resnet18", classes=7, channels=2)


def test_the_last_layer_is_found_without_a_name_for_it() -> None:
    net = nn.Sequential(nn.Linear(4, 9), nn.Sequential(nn.ReLU(), nn.Linear(9, 12, bias=False)))
    assert last_layer(net)[0] == "1.1"
    inputs = torch.randn(3, 4)
    whole = net(inputs)
    torch.testing.assert_close(trim_head(net, 7)(inputs), whole[:, :7])
    assert trim_head(net, 7)[1][1].out_features == 7
    with pytest.raises(ModelError, match="no linear layer"):
        last_layer(nn.ReLU())
