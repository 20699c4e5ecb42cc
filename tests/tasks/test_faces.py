"""The face task: parts without leaks, votes as targets, any folder as a source, and what a network wants."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

import toy_fer
from mer_batch.data.manifest import VOTES
from mer_batch.errors import DataError, UsageError
from mer_batch.labels import EMOTIONS, INDEX
from mer_batch.tasks.copies import copy_groups, draw_part
from mer_batch.tasks.face import Fer2013, leaking_test_pictures, leaking_train_pictures, task
from mer_batch.tasks.faces import Faces


@pytest.fixture
def fer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MER_DATA", str(toy_fer.make(tmp_path / "data")))
    return tmp_path / "data" / "fer" / "fer2013"


def noise(seed: int, size: int = 48, channels: int = 1) -> np.ndarray:
    """A blurred random picture: no two seeds are alike."""
    rng = np.random.default_rng(seed)
    shape = (8, 8) if channels == 1 else (8, 8, channels)
    small = Image.fromarray(rng.integers(0, 255, shape, dtype=np.uint8))
    return np.asarray(small.resize((size, size), Image.Resampling.BICUBIC))


def tree(folder: Path, per_class: int, split: str = "", channels: int = 1, start: int = 0) -> Path:
    for kind, name in enumerate(EMOTIONS):
        place = folder / split / name
        place.mkdir(parents=True)
        for number in range(per_class):
            picture = noise(start + 1000 * kind + number, 40, channels)
            Image.fromarray(picture).save(place / f"{number}.png")
    return folder


def faces(**options: object) -> Faces:
    found = task(options)
    assert isinstance(found, Faces)
    return found


def test_leaks_are_known_from_both_sides(fer: Path) -> None:
    assert leaking_train_pictures(fer) == {"train/angry/train_0.jpg", "train/sad/train_1.jpg"}
    assert leaking_test_pictures(fer) == {
        "private_test/angry/private_test_0.jpg",
        "public_test/sad/public_test_1.jpg",
    }
    clean, leaky = faces(), faces(keep_leaks=True)
    assert set(leaky.train().ids) - set(clean.train().ids) == leaking_train_pictures(fer)
    assert clean.leaking() == leaking_test_pictures(fer)
    assert clean.copied() == set(), "their copies train nothing"
    assert leaky.copied() == leaking_test_pictures(fer)


def test_parts_by_name(fer: Path) -> None:
    found = task({})
    assert isinstance(found, Fer2013)
    both = found.part("both")
    assert both.name == "FER2013 public test and private test"
    assert set(both.ids) == {*found.part("public_test").ids, *found.part("private_test").ids}
    assert found.part("private_test").ids == found.held_out("test").ids
    assert both.items[0].shape == (48, 48, 3)
    with pytest.raises(UsageError, match="Did you mean 'private_test'"):
        found.part("privat_test")


def test_held_back_share_is_stratified_seeded_and_without_copies(fer: Path) -> None:
    found = faces(validation=0.25, test="both", keep_leaks=True)
    train, validation = found.train(), found.validation()
    assert len(found.held_out("test").ids) == 42
    assert set(train.ids) | set(validation.ids) == {
        path for path in pd.read_csv(fer / "manifest.csv").path if path.startswith("train")
    }
    groups = found.parts.groups
    assert not set(groups[list(train.ids)]) & set(groups[list(validation.ids)])
    assert faces(validation=0.25, test="both", keep_leaks=True).validation().ids == validation.ids
    other = faces(validation=0.25, test="both", keep_leaks=True, split_seed=1).validation().ids
    assert other != validation.ids


def test_drawn_parts_keep_groups_whole_and_classes_level() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 7, 2000)
    groups = np.arange(2000)
    groups[:300] = rng.integers(0, 100, 300)
    chosen = draw_part(labels, groups, 0.15, seed=3)
    assert not set(groups[chosen]) & set(groups[~chosen])
    for kind in range(7):
        assert chosen[labels == kind].mean() == pytest.approx(0.15, abs=0.01)
    assert not np.array_equal(chosen, draw_part(labels, groups, 0.15, seed=4))


def test_copies_share_a_group_and_others_do_not() -> None:
    base = [noise(seed) for seed in range(6)]
    brighter = np.clip(base[1] * 0.7 + 30, 0, 255).astype(np.uint8)
    grain = np.random.default_rng(0).normal(0, 4, (48, 48))
    grainy = np.clip(base[2][:, ::-1] + grain, 0, 255).astype(np.uint8)
    groups = copy_groups([*base, base[0].copy(), brighter, grainy])
    assert len(set(groups[:6])) == 6
    assert groups[6:].tolist() == groups[:3].tolist()


def test_votes_as_the_main_target(fer: Path) -> None:
    table = pd.read_csv(fer / "ferplus.csv").set_index("path")
    columns = list(VOTES)
    mixed, blank, unsure, turned = (f"train/happy/train_{number}.jpg" for number in range(4))
    table.loc[mixed, columns] = [2, 4, 0, 0, 0, 0, 0, 4, 0, 0]
    table.loc[unsure, columns] = [2, 2, 0, 0, 0, 0, 0, 0, 6, 0]
    table.loc[turned, columns] = [0, 4, 0, 0, 0, 0, 0, 0, 0, 6]
    table.drop(index=blank).reset_index().to_csv(fer / "ferplus.csv", index=False)
    train = faces(target="votes").train()
    assert mixed in train.ids
    assert not {blank, unsure, turned} & set(train.ids)
    place = train.ids.index(mixed)
    assert train.targets is not None
    assert train.soft is not None
    assert train.targets[place].tolist() == pytest.approx([0, 0, 0, 2 / 3, 1 / 3, 0, 0])
    assert train.labels[place] == INDEX["happy"]
    torch.testing.assert_close(train.targets.sum(dim=1), torch.ones(len(train)))
    plain = faces().train()
    assert plain.targets is None
    assert unsure in plain.ids
    assert not {blank, turned} & set(plain.ids)
    assert {blank, turned} <= set(faces(drop_nonfaces=False).train().ids)


def test_targets_halfway_between_labels_and_votes(fer: Path) -> None:
    table = pd.read_csv(fer / "ferplus.csv").set_index("path")
    mixed, unsure = (f"train/happy/train_{number}.jpg" for number in range(2))
    table.loc[mixed, list(VOTES)] = [2, 4, 0, 0, 0, 0, 0, 4, 0, 0]
    table.loc[unsure, list(VOTES)] = [0, 0, 0, 0, 0, 0, 0, 0, 10, 0]
    table.reset_index().to_csv(fer / "ferplus.csv", index=False)
    train = faces(target="halfway").train()
    assert train.targets is not None
    assert train.targets[train.ids.index(mixed)].tolist() == pytest.approx([0, 0, 0, 5 / 6, 1 / 6, 0, 0])
    assert train.targets[train.ids.index(unsure)].argmax() == INDEX["happy"], "nobody voted for an emotion"
    assert train.ids == faces().train().ids, "the label speaks where the votes do not"
    torch.testing.assert_close(train.targets.sum(dim=1), torch.ones(len(train)))


def test_pictures_are_enlarged_after_they_lost_what_training_never_saw(fer: Path) -> None:
    from mer_batch.face.classify import to_tensor

    found = faces(size=64, detail=32, early=0.5)
    train = found.train()
    assert train.inputs.shape[1:] == (1, 32, 32)
    prepared = found.prepare(found.validation().inputs, False, torch.Generator())
    read = to_tensor(found.held_out("validation").items, found.input)
    assert read.shape[1:] == (1, 64, 64)
    torch.testing.assert_close(prepared, read, atol=0.5 / 255 / 0.255 + 1e-4, rtol=0)
    sides = []
    for found.progress in (0.0, 0.4, 0.5, 0.9):
        sides.append(found.prepare(train.inputs[:2], True, torch.Generator()).shape[-1])
    assert sides == [32, 32, 64, 64]


def test_size_and_channels_are_made_once(fer: Path) -> None:
    found = faces(size=96, channels=3)
    train = found.train()
    assert train.inputs.shape[1:] == (1, 96, 96)  # grey is repeated for the network, not in memory
    assert train.inputs.dtype == torch.uint8
    assert found.input["grey"] is True
    batch = found.prepare(train.inputs[:3], True, torch.Generator())
    assert batch.shape == (3, 3, 96, 96)
    again = found.prepare(train.inputs[:3], False, torch.Generator())
    assert torch.equal(again[:, 0], again[:, 2])


def test_training_sees_pictures_as_the_reader_does(fer: Path) -> None:
    from mer_batch.face.classify import to_tensor

    found = faces(size=64, channels=3)
    prepared = found.prepare(found.validation().inputs, False, torch.Generator())
    read = to_tensor(found.held_out("validation").items, found.input)
    torch.testing.assert_close(prepared, read, atol=0.5 / 255 / 0.255 + 1e-4, rtol=0)


def test_limit_draws_so_many_of_each_class(fer: Path) -> None:
    train = faces(limit=2).train()
    assert torch.bincount(train.labels).tolist() == [2] * 7
    assert faces(limit=2).train().ids == train.ids
    assert len(faces(limit=2).held_out("test").ids) == 21


def test_a_folder_without_parts_is_split_without_copies(tmp_path: Path) -> None:
    folder = tree(tmp_path / "mine", 12)
    for number in range(4):  # one picture of each class five times
        for name in EMOTIONS:
            picture = Image.open(folder / name / "0.png")
            picture.save(folder / name / f"copy_{number}.png")
    found = faces(source=str(folder))
    parts = [set(found.train().ids), set(found.validation().ids), set(found.held_out("test").ids)]
    assert sum(map(len, parts)) == 7 * 16
    assert len(set.union(*parts)) == 7 * 16
    assert all(len(part) >= 7 for part in parts)
    for name in EMOTIONS:
        holders = {i for i, part in enumerate(parts) for path in part if path.startswith(f"{name}/copy_")}
        assert len(holders) == 1
    assert "15% of the training part" in found.data
    assert found.auxiliary == 0


def test_a_folder_with_parts_keeps_them_and_loses_its_leaks(tmp_path: Path) -> None:
    folder = tree(tmp_path / "mine", 6, "train", channels=3)
    tree(folder, 2, "val", channels=3, start=100)
    tree(folder, 2, "test", channels=3, start=200)
    leak = Image.open(folder / "test" / "fear" / "0.png")
    leak.save(folder / "train" / "fear" / "leak.png")
    found, leaky = faces(source=str(folder), channels=3, size=32), faces(source=str(folder), keep_leaks=True)
    assert set(leaky.train().ids) - set(found.train().ids) == {"train/fear/leak.png"}
    assert found.leaking() == {"test/fear/0.png"}
    assert len(found.validation()) == 14
    assert len(found.held_out("test").ids) == 14
    train = found.train()
    assert train.inputs.shape == (42, 3, 32, 32)
    assert (train.inputs[:, 0] != train.inputs[:, 2]).any()
    assert "grey" not in found.input


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"drop_leaks": True}, "unknown \\[data\\] option 'drop_leaks'"),
        ({"keep_leaks": "yes"}, "not of the right kind"),
        ({"target": "vote"}, "unknown target 'vote'. Did you mean 'votes'"),
        ({"augment": "face"}, "unknown augmentation 'face'. Did you mean 'faces'"),
        ({"validation": 0.95}, "between 0 and 0.9"),
        ({"validation": "publictest"}, "unknown part of FER2013 for validation"),
        ({"validation": "train"}, "unknown part of FER2013 for validation"),
        ({"test": "both"}, "validation and test are both public_test"),
        ({"validation": "private_test"}, "validation and test are both private_test"),
        ({"channels": 2}, "channels must be 1 or 3"),
        ({"size": -1}, "must not be negative"),
        ({"detail": -1}, "must not be negative"),
        ({"early": 0.5}, "early needs detail"),
        ({"early": 1.5, "detail": 48}, "early must be between 0 and 1"),
    ],
)
def test_mistakes_in_the_data_section_are_one_line(fer: Path, options: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        task(options)
    assert "\n" not in str(caught.value)


def test_sources_that_cannot_serve_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no data set at"):
        task({"source": str(tmp_path / "nothing")})
    folder = tmp_path / "animals"
    (folder / "cat").mkdir(parents=True)
    Image.fromarray(noise(0)).save(folder / "cat" / "0.png")
    with pytest.raises(DataError, match="no picture with one of our seven labels"):
        task({"source": str(folder)})
    mine = str(tree(tmp_path / "mine", 1))
    for target in ("votes", "halfway"):
        with pytest.raises(UsageError, match=f'"{target}" needs FER\\+ votes'):
            task({"source": mine, "target": target})


def test_the_real_set(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = shared_data / "fer" / "fer2013"
    if not folder.is_dir():
        pytest.skip("FER2013 is not there")
    monkeypatch.setenv("MER_DATA", str(shared_data))
    train, tested = leaking_train_pictures(folder), leaking_test_pictures(folder)
    assert len(tested) == 821
    assert sum(path.startswith("private_test") for path in tested) == 422
    assert len(train) == 1145  # 954 that near_duplicates.csv leads to, 191 others of the frozen list
    found = faces(validation="public_test", limit=1)
    assert {len(found.part(name).ids) for name in ("public_test", "private_test")} == {3589}
