"""torchvision's operator without torchvision: the same answers, to the bit."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
import torchvision
from torch import Tensor

from mer_batch.errors import ModelError
from mer_batch.face import operators


def boxes(count: int) -> tuple[Tensor, Tensor, Tensor]:
    """Boxes, scores (many of them equal) and groups."""
    generator = torch.Generator().manual_seed(count)
    corner = torch.rand(count, 2, generator=generator) * 100
    size = torch.rand(count, 2, generator=generator) * 40 + 1
    scores = torch.rand(count, generator=generator).mul(50).round() / 50
    return torch.cat([corner, corner + size], 1), scores, torch.randint(0, 5, (count,), generator=generator)


@pytest.mark.parametrize("count", [0, 1, 2, 300, 1000, 1001, 3000])  # above 1000 boxes are looked at group by group
def test_the_same_boxes_are_kept_in_the_same_order(count: int) -> None:
    found = operators.batched_nms(*boxes(count), 0.5)
    assert torch.equal(found, torchvision.ops.batched_nms(*boxes(count), 0.5))
    assert found.dtype == torch.int64


@pytest.fixture
def unloaded() -> Iterator[None]:
    operators._operators.cache_clear()
    yield
    operators._operators.cache_clear()


@pytest.mark.usefixtures("unloaded")
def test_a_library_of_another_name_comes_with_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operators, "_LIBRARIES", ("_of_a_version_to_come",))
    assert len(operators.batched_nms(*boxes(9), 0.5)) > 0


@pytest.mark.usefixtures("unloaded")
def test_without_torchvision_the_command_that_brings_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operators, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match="pip install torchvision"):
        operators.batched_nms(*boxes(3), 0.5)


@pytest.mark.usefixtures("unloaded")
def test_a_library_that_does_not_fit_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def load_library(path: str) -> None:
        raise OSError(f"{path}: undefined symbol")

    monkeypatch.setattr(torch.ops, "load_library", load_library)
    with pytest.raises(ModelError, match="torchvision does not fit torch"):
        operators.batched_nms(*boxes(3), 0.5)
