"""A gate trained on what toy readers say of pairs of toy evidence."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import toy_fusion
from mer_batch.classifier import Classifier
from mer_batch.errors import DataError, UsageError
from mer_batch.fusion.learned import load_gate
from mer_batch.labels import EMOTIONS
from mer_batch.nets.store import read_card
from mer_batch.pages.run.items import described
from mer_batch.scores import predictions
from mer_batch.tasks import fusion
from mer_batch.tasks.pairs import Pool, parts_of
from mer_batch.tasks.recipe import shipped_recipes
from mer_batch.tasks.task import Task
from toy_training import mer, run_of

FACE, VOICE, TEXT = range(3)


@pytest.fixture(scope="module")
def voices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_fusion.make_voices(tmp_path_factory.mktemp("voices") / "toys")


@pytest.fixture
def readers(voices: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Classifier[Any]]:
    return toy_fusion.use(voices, monkeypatch)


def made(options: Mapping[str, Any] | None = None) -> Task:
    return fusion.task({"level": "readings", "versions": 2, **(options or {})})


def test_who_trains_a_gate_neither_chooses_its_epoch_nor_tests_it(readers: dict[str, Classifier[Any]]) -> None:
    pairs = made()
    parts = {name: {clip.split("/")[1].split("-")[0] for clip in ids} for name, ids in _ids(pairs).items()}
    assert {name: len(speakers) for name, speakers in parts.items()} == {"train": 1, "validation": 1, "test": 2}
    assert not parts["train"] & parts["validation"]
    assert not (parts["train"] | parts["validation"]) & parts["test"]


def _ids(pairs: Task) -> dict[str, tuple[str, ...]]:
    return {"train": pairs.train().ids, "validation": pairs.validation().ids, "test": pairs.held_out("test").ids}  # type: ignore[dict-item]


def test_pairs_hold_what_their_kind_says(readers: dict[str, Classifier[Any]]) -> None:
    found = made({"spoiled": 0.0}).held_out("test")
    tables, labels, kinds = np.stack(found.items), np.array(found.labels), np.array(found.groups["set"])
    assert len(set(found.ids)) == len(found.ids) == 2 * 2 * 7, "one a clip and kind"
    there = tables[..., -1] > 0
    assert there[kinds == "spoken toys"].tolist() == [[False, True, True]] * 14
    assert there[kinds == "matched"].all()
    reading = tables[..., :7].argmax(axis=2)
    for place in (FACE, VOICE, TEXT):
        assert (reading[kinds == "matched", place] == labels[kinds == "matched"]).all(), "of one emotion"
    flat = tables[kinds == "spoken toys", TEXT, :7]
    assert np.ptp(flat) < 1e-6, "the door tells no emotion"
    assert tables[:, VOICE, -1] == pytest.approx(0.5 * tables[:, VOICE, -2])
    assert described(found.items[0]).startswith("voice: angry")


def test_spoiling_is_seen_in_the_quality_and_in_the_readings(readers: dict[str, Classifier[Any]]) -> None:
    clean, spoiled = (made({"spoiled": share, "versions": 6}).train() for share in (0.0, 0.9))
    for place in (FACE, TEXT):
        quality = [_known(examples.inputs, place)[:, -2].mean() for examples in (clean, spoiled)]
        assert quality[1] < quality[0] - 0.05, place
    for place in (VOICE, TEXT):
        right = [
            (examples.inputs[:, place, :7].argmax(dim=1) == examples.labels).float().mean()
            for examples in (clean, spoiled)
        ]
        assert right[1] < right[0] - 0.05, place


def _known(inputs: torch.Tensor, place: int) -> torch.Tensor:
    rows = inputs[:, place]
    return rows[rows[:, -1] > 0]


def test_voices_are_heard_once(readers: dict[str, Classifier[Any]]) -> None:
    voice: Any = readers["voice"]
    first = made().train()
    count = voice.heard
    assert count > 0
    again = made().train()
    assert voice.heard == count
    assert torch.equal(first.inputs, again.inputs)
    assert first.ids == again.ids
    made({"versions": 3}).train()
    assert voice.heard > count


def test_hidden_modalities_come_back_and_one_always_stays(readers: dict[str, Classifier[Any]]) -> None:
    pairs = made({"dropout": 0.6})
    inputs = pairs.train().inputs
    there = inputs[..., -1] > 0
    hidden = pairs.prepare(inputs, True, torch.Generator().manual_seed(0))
    left = hidden[..., -1] > 0
    assert (left & ~there).sum() == 0
    assert left.any(dim=1).all()
    assert 0.2 < 1 - left.sum() / there.sum() < 0.6
    assert torch.equal(hidden[left], inputs[left])
    assert torch.equal(pairs.prepare(inputs, False, torch.Generator()), inputs)


def test_leaking_sentences_and_faces_are_not_drawn() -> None:
    found = toy_fusion.Drawn("text").held_out("test")
    leaks = toy_fusion.Drawn("text").leaking()
    pool = Pool.of(found, [place for place, name in enumerate(found.ids) if name not in leaks])
    rng = np.random.default_rng(0)
    drawn = pool.draw([3] * 5, rng)
    assert len(set(drawn)) == 5, "none twice before all have come"
    assert not any("number 0" in text for text in drawn)
    assert set(pool.draw([3] * 6, rng)) == set(drawn)
    with pytest.raises(DataError, match="matched pairs"):
        Pool.of(found, []).draw([0], rng)


def test_parts_by_chance_are_apart_and_whole() -> None:
    labels = [0] * 80 + [1] * 18 + [2] * 2
    first, second = parts_of(labels, 0.25, seed=0)
    assert sorted([*first, *second]) == list(range(100))
    assert [sum(labels[place] == label for place in second) for label in range(3)] == [20, 4, 1]


def test_a_gate_trains_weighs_and_is_judged(readers: dict[str, Classifier[Any]], tmp_path: Path) -> None:
    recipe = shipped_recipes()["fusion"].read_text().replace("epochs = 40", "epochs = 4")
    assert "epochs = 4\n" in recipe
    path = tmp_path / "fusion.toml"
    path.write_text(recipe.replace("versions = 6", "versions = 3"))
    folder = run_of(path, tmp_path / "run")
    card = read_card(folder / "model")
    assert (card.modality, card.net, card.input["level"]) == ("fusion", "fusion-gate", "readings")
    assert card.input["reliabilities"] == toy_fusion.RELIABLE
    assert {"test", "test, spoken toys", "test, matched"} <= set(card.evaluations)
    gate = load_gate(str(folder), "cpu")
    assert gate is not None
    page = (folder / "report.html").read_text()
    assert "voice: " in page
    assert "quality" in page

    out, scores = tmp_path / "out", tmp_path / "scores.json"
    code, output = mer("evaluate", "fusion", "--model", folder, "--out", out, "--json", scores, "--device", "cpu")
    assert code == 0, output
    for name in ("face alone", "voice alone", "words alone", "pooled", "gated", "t test over", "Holm"):
        assert name in output
    told = json.loads(scores.read_text())
    assert set(told["parts"]) == {"spoken toys", "matched"}
    readers_told = told["parts"]["matched"]["readers"]
    assert readers_told["gated"]["n"] == readers_told["face alone"]["n"] == 14
    assert "face alone" not in told["parts"]["spoken toys"]["readers"]
    stored = predictions.read(out / "predictions" / "matched-gated.parquet")
    assert stored.probabilities.argmax(axis=1).tolist() == _gated(folder, stored.ids)
    files = [out / "predictions" / f"matched-{name}.parquet" for name in ("voice-alone", "gated")]
    assert mer("compare", *files)[0] == 0


def _gated(folder: Path, ids: tuple[str, ...]) -> list[int]:
    """The gate's readings, computed anew from the tables."""
    gate = load_gate(str(folder), "cpu")
    assert gate is not None
    found = made({"pairs": ["spoken", "matched"], "versions": 3}).held_out("test")
    tables = dict(zip(found.ids, found.items, strict=True))
    return gate.logs(np.stack([tables[name] for name in ids])).argmax(axis=1).tolist()  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"pairs": ["made"]}, "spoken"),
        ({"pairs": []}, "one kind of pairs"),
        ({"versions": 0}, "one version"),
        ({"spoiled": 1.0}, "spoiled"),
        ({"dropout": -0.1}, "dropout"),
        ({"text": 3}, "a text"),
        ({"voices": "default"}, "voice"),
    ],
)
def test_wrong_options_are_told(readers: dict[str, Classifier[Any]], wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        made(wrong)


def test_faces_can_be_left_out(readers: dict[str, Classifier[Any]]) -> None:
    pairs = made({"face": "", "pairs": ["matched"]})
    assert "face" not in pairs.input["models"]
    tables = np.stack(pairs.held_out("test").items)
    assert (tables[:, FACE] == 0).all()
    assert set(EMOTIONS) == {EMOTIONS[label] for label in pairs.held_out("test").labels}
