"""The published voice networks: their exact sizes, and that padding is what they say it is."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from mer_batch import nets
from mer_batch.nets.tess_reference import pack, unpack
from mer_batch.nets.voice_reference import parameters

WIDE = {"features": 2, "widths": [256, 128, 64], "dropout": 0.5, "norm": True}
PAPER = {"kernels": [[12, 6], [8, 12], [5, 7]], "norm": False}


@pytest.mark.parametrize(
    ("name", "options", "count", "shape"),
    [
        ("cremad-row", {}, 28_166, (1, 157)),
        ("cremad-row", {"features": 2}, 58_886, (2, 157)),
        ("cremad-row", {"features": 3}, 88_070, (3, 157)),
        ("cremad-row", WIDE, 446_598, (2, 157)),
        ("cremad-picture", {}, 951_926, (128, 157)),
        ("cremad-picture", PAPER, 897_350, (128, 157)),
    ],
)
def test_cremad_networks_have_the_published_size(
    name: str, options: dict[str, object], count: int, shape: tuple[int, int]
) -> None:
    net = nets.build(name, classes=6, **options)
    assert parameters(net) == count
    assert net.train()(torch.randn(3, *shape)).shape == (3, 6)


def test_scaling_a_feature_adds_no_parameter_and_takes_its_unit_away() -> None:
    torch.manual_seed(0)
    net = nets.build("cremad-row", classes=6, features=2, scale=True)
    assert sum(value.numel() for value in net.parameters()) == 58_886
    table = torch.rand(8, 2, 157)
    seconds = net.train()(table)
    torch.manual_seed(1)
    first = net(table)
    torch.manual_seed(1)
    assert torch.allclose(first, net(table * torch.tensor([1.0, 4000.0])[:, None]), atol=1e-3)
    assert seconds.shape == (8, 6)


@pytest.mark.parametrize(
    ("name", "count"), [("tess-speech", 718_600), ("tess-words", 684_488), ("tess-fusion", 1_501_129)]
)
def test_tess_networks_have_the_published_size(name: str, count: int) -> None:
    net = nets.build(name, classes=7)
    assert sum(value.numel() for value in net.parameters()) == count


def _speech(frames: int) -> torch.Tensor:
    return torch.randn(1, 120, frames, generator=torch.Generator().manual_seed(frames))


def _words(*numbers: int) -> torch.Tensor:
    return torch.tensor([[*numbers, *[0] * (20 - len(numbers))]])


@torch.inference_mode()
def test_a_masked_row_is_read_as_if_it_came_alone() -> None:
    torch.manual_seed(0)
    net = nets.build("tess-speech", classes=7, masked=True).eval()
    short, long = _speech(50), _speech(90)
    together = net(torch.cat([functional.pad(short, (0, 150)), functional.pad(long, (0, 110))]))
    assert torch.allclose(together, torch.cat([net(short), net(long)]), atol=1e-6)


@torch.inference_mode()
def test_the_published_speech_network_sees_its_padding() -> None:
    torch.manual_seed(0)
    net = nets.build("tess-speech", classes=7).eval()
    assert not torch.allclose(net(_speech(50)), net(functional.pad(_speech(50), (0, 150))), atol=1e-4)


@torch.inference_mode()
def test_words_after_the_last_are_not_read() -> None:
    torch.manual_seed(0)
    net = nets.build("tess-words", classes=7).eval()
    padded, bare = net(_words(3, 4, 5)), net(torch.tensor([[3, 4, 5]]))
    assert torch.allclose(padded, bare, atol=1e-6)
    assert not torch.allclose(padded, net(_words(3, 4, 6)), atol=1e-4)
    assert torch.isfinite(net(_words())).all()


@torch.inference_mode()
def test_fusion_joins_what_its_branches_represent() -> None:
    torch.manual_seed(0)
    net = nets.build("tess-fusion", classes=7).eval()
    table, numbers = functional.pad(_speech(50), (0, 150)), _words(3, 4, 5)
    plain = net(pack(table, numbers))
    assert not torch.allclose(plain, net(pack(table * 0.5, numbers)), atol=1e-4)
    assert not torch.allclose(plain, net(pack(table, _words(7))), atol=1e-4)
    joined = net.join(torch.cat([net.speech(table), net.words(numbers)], dim=1))
    assert torch.allclose(plain, net.head(net.hidden(joined)), atol=1e-6)


def test_features_and_words_travel_as_one_batch() -> None:
    table, numbers = torch.randn(2, 120, 30), torch.randint(0, 363, (2, 20))
    features, words = unpack(pack(table, numbers))
    assert torch.equal(features, table)
    assert torch.equal(words, functional.pad(numbers, (0, 10)))
    with pytest.raises(ValueError, match="20 words"):
        pack(table[:, :, :10], numbers)


@pytest.mark.parametrize(
    ("name", "layers"),
    [
        ("tess-speech", {"speech": "represent"}),
        ("tess-words", {"words": "represent"}),
        ("tess-fusion", {"speech": "speech", "words": "words", "speech and words": "join"}),
    ],
)
def test_tess_networks_name_the_layers_that_represent(name: str, layers: dict[str, str]) -> None:
    net = nets.build(name, classes=7)
    assert net.represents == layers
    assert all(isinstance(net.get_submodule(layer), torch.nn.Module) for layer in layers.values())


@torch.inference_mode()
def test_silence_is_finite() -> None:
    for masked in (False, True):
        assert torch.isfinite(nets.build("tess-speech", classes=7, masked=masked).eval()(torch.zeros(2, 120, 9))).all()
