"""What layers represent, and maps of it: true neighbours stay neighbours, and alike is alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from mer_batch.classifier import Classifier
from mer_batch.errors import DataError
from mer_batch.nets.store import ModelCard
from mer_batch.scores import plots
from mer_batch.tasks.task import LabelledSet
from mer_batch.training import representations
from mer_batch.training.representations import Map, Maps, maps, outputs, purity, tsne
from mer_batch.types import Floats


class Layers(nn.Module):
    """Two layers: one that doubles its input and one that forgets it."""

    represents: Mapping[str, str] = {"twice": "twice", "nothing": "nothing"}

    def __init__(self) -> None:
        super().__init__()
        self.twice, self.nothing = nn.Linear(4, 4, bias=False), nn.Linear(4, 3)
        with torch.no_grad():
            self.twice.weight.copy_(2 * torch.eye(4))
            self.nothing.weight.zero_()

    def forward(self, inputs: Tensor) -> Tensor:
        self.nothing(inputs)
        return torch.nn.functional.pad(self.twice(inputs), (0, 3))


class Reader(Classifier[Floats]):
    def __init__(self) -> None:
        self.card = ModelCard("toy", "face", "none", {}, {}, "toys", "none")
        self.net = Layers()

    def logits(self, items: Sequence[Floats]) -> Floats:
        with torch.inference_mode():
            return self.net(torch.from_numpy(np.stack(items))).numpy()  # type: ignore[no-any-return]


def clouds(n: int = 70) -> LabelledSet:
    rng = np.random.default_rng(0)
    labels = [place % 7 for place in range(n)]
    centres = 10 * rng.normal(size=(7, 4))
    items = [(centres[label] + rng.normal(0, 0.1, 4)).astype(np.float32) for label in labels]
    return LabelledSet("clouds", items, labels, [f"item-{place}" for place in range(n)])


def test_outputs_are_those_of_the_named_layers_in_the_order_of_the_items() -> None:
    found = clouds(300)
    ids, labels, vectors = outputs(Reader(), found)
    assert ids == list(found.ids)
    assert labels.tolist() == list(found.labels)
    assert vectors["twice"] == pytest.approx(2 * np.stack(found.items), abs=1e-5)
    assert vectors["nothing"].shape == (300, 3)


def test_parts_of_one_item_are_averaged() -> None:
    found = clouds(4)
    twice = LabelledSet("twice", found.items, [1, 1, 2, 2], ["a", "a", "b", "b"])
    ids, labels, vectors = outputs(Reader(), twice)
    assert (ids, labels.tolist()) == (["a", "b"], [1, 2])
    assert vectors["twice"][0] == pytest.approx(np.stack(found.items[:2]).sum(axis=0), abs=1e-5)


def test_a_map_keeps_neighbours_and_a_layer_that_tells_nothing_has_none(tmp_path: Path) -> None:
    found = maps(Reader(), clouds())
    twice, nothing = found.layers
    assert twice.purity > 0.85 > twice.chance == pytest.approx(9 / 69)
    assert nothing.places is None
    assert nothing.purity == nothing.chance
    labels = np.arange(70) % 7
    assert twice.places is not None
    assert purity(twice.places, labels) > 0.8, "clouds stay together in the plane"
    representations.write(tmp_path, found)
    again = representations.read(tmp_path)
    assert again is not None
    assert again.ids == found.ids
    assert again.layers[0].places == pytest.approx(twice.places)
    assert again.layers[1] == nothing


def test_maps_repeat_with_their_seed() -> None:
    rows = np.random.default_rng(0).normal(size=(40, 5))
    assert np.array_equal(tsne(rows, 3), tsne(rows, 3))


def test_large_sets_are_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(representations, "MOST", 20)
    found = maps(Reader(), clouds())
    assert len(found.ids) == len(set(found.ids)) == 20
    assert found.layers[0].places is not None
    assert len(found.layers[0].places) == 20


def test_a_folder_without_maps_and_one_with_a_damaged_file(tmp_path: Path) -> None:
    assert representations.read(tmp_path) is None
    (tmp_path / representations.NAME).write_bytes(b"no parquet")
    with pytest.raises(DataError, match="damaged"):
        representations.read(tmp_path)


def test_readers_without_named_layers_are_not_mapped() -> None:
    class Plain(Reader):
        def __init__(self) -> None:
            super().__init__()
            self.net = nn.Linear(4, 7)  # type: ignore[assignment]

    assert representations.can_map(Reader())
    assert not representations.can_map(Plain())


def test_maps_are_drawn(tmp_path: Path) -> None:
    found = maps(Reader(), clouds())
    places = found.layers[0].places
    assert places is not None
    plots.maps_png(tmp_path / "a.png", [("twice", places), ("again", places)], np.arange(70) % 7)
    plots.maps_png(tmp_path / "b.png", [("twice", places)], np.arange(70) % 7)
    first = (tmp_path / "a.png").read_bytes()
    assert first[:4] == b"\x89PNG"
    plots.maps_png(tmp_path / "a.png", [("twice", places), ("again", places)], np.arange(70) % 7)
    assert (tmp_path / "a.png").read_bytes() == first


def test_maps_of_nothing_are_written_too(tmp_path: Path) -> None:
    representations.write(tmp_path, Maps(("a", "b"), (Map("one", None, 0.5, 0.5),)))
    assert representations.read(tmp_path) == Maps(("a", "b"), (Map("one", None, 0.5, 0.5),))
