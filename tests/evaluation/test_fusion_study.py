"""Whether fusion helps, on tables whose truth is known: who is right is decided by the quality, or by nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mer_batch import nets
from mer_batch.errors import UsageError
from mer_batch.evaluation import fusion, fusion_text
from mer_batch.fusion.learned import Gate
from mer_batch.labels import EMOTIONS
from mer_batch.nets.store import ModelCard, save_model
from mer_batch.tasks.task import LabelledSet
from mer_batch.types import Floats

VOICE, TEXT = 1, 2


def row(kind: int, quality: float, weight: float, top: float = 0.8) -> Floats:
    shares = np.full(7, (1 - top) / 6)
    shares[kind] = top
    return np.array([*np.log(shares), quality, weight], np.float32)


def tables(seed: int, n: int = 300, useful: bool = True, weighed: bool = True) -> LabelledSet:
    """The voice is right where its quality is high, and guesses elsewhere; the words are right there, or guess always.

    With `weighed` the pool's weights follow the quality.
    """
    rng = np.random.default_rng(seed)
    items, labels = [], []
    for _ in range(n):
        label, guess, other = (int(kind) for kind in rng.integers(0, 7, 3))
        good = bool(rng.random() < 0.6)
        found = np.zeros((3, 9), np.float32)
        found[VOICE] = row(label if good else guess, 0.9 if good else 0.2, (0.9 if good else 0.2) if weighed else 0.5)
        found[TEXT] = row(label if not good and useful else other, 0.5, 0.5)
        items.append(found)
        labels.append(label)
    speakers = [f"s{place % 5}" for place in range(n)]
    return LabelledSet(
        "toys", items, labels, [str(place) for place in range(n)], {"set": ["spoken"] * n, "speaker": speakers}
    )


class Tables:
    """Stands for the task of a gate."""

    def __init__(self, **options: Any) -> None:
        self.input: dict[str, Any] = {"level": "readings", "models": {"voice": "v1", "text": "t1"}}
        self._options = options

    def held_out(self, split: str) -> LabelledSet:
        return tables({"validation": 0, "test": 1}[split], **self._options)


def study(monkeypatch: pytest.MonkeyPatch, spec: str = "pool", **options: Any) -> fusion.Study:
    monkeypatch.setattr(fusion, "load_task", lambda _name, _data: Tables(**options))
    return fusion.study(spec, device="cpu")


def rows(part: fusion.Part) -> dict[str, float]:
    return {found.name: found.scores.values["accuracy"] for found in part.rows}


def test_fusion_that_helps_is_said_to_help(monkeypatch: pytest.MonkeyPatch) -> None:
    found = study(monkeypatch)
    (part,) = found.parts
    assert part.best_single == "voice alone"
    scores = rows(part)
    assert scores["voice alone"] == pytest.approx(0.6 + 0.4 / 7, abs=0.07)
    assert scores["pooled"] == 1.0, "the pool follows the quality"
    test, _ = part.tests
    assert [(test.first, test.second) for test in part.tests] == [("voice alone", "pooled"), ("words alone", "pooled")]
    assert test.comparison.test.only_first == 0
    assert test.p < 0.001
    assert test.speakers == (5, 0)
    text = fusion_text.as_text(found)
    gain = f"{100 * (1 - scores['voice alone']):.1f} points above voice alone"
    told = f"Fusion helps: pooled readings are better than every single modality, {gain} (p < 0.001)."
    assert fusion_text.verdict(part) == told
    assert all(len(line) <= 120 for line in text.splitlines())


def test_words_that_tell_nothing_are_said_to_harm_or_not_to_help(monkeypatch: pytest.MonkeyPatch) -> None:
    (harmed,) = study(monkeypatch, useful=False, weighed=False).parts
    # Equal weights: a tie goes to the first of two, so that guesses cost right readings.
    assert rows(harmed)["pooled"] < rows(harmed)["voice alone"]
    assert "Fusion harms" in fusion_text.verdict(harmed)
    (same,) = study(monkeypatch, useful=False).parts
    gain = same.tests[0].comparison.gains["accuracy"].value
    assert abs(gain) < 0.1
    assert "cannot be shown" in fusion_text.verdict(same)


def gate_at(folder: Path, models: dict[str, str]) -> Path:
    """A gate that has learned to believe the words where the voice is poor."""
    torch.manual_seed(0)
    net = nets.build("fusion-gate", classes=7, hidden=1, opinions=False)
    with torch.no_grad():
        for value in net.parameters():
            value.zero_()
        # Seen of a modality: seven zeros, sureness, quality, presence; the voice's quality is the 19th.
        net.judge[0].weight[0, 10 + 8] = 20.0
        net.judge[0].bias[0] = -10.0
        net.judge[-1].weight[VOICE, 0] = 4.0
        net.judge[-1].weight[TEXT, 0] = -4.0
    card = ModelCard(
        "gate", "fusion", "fusion-gate", {"hidden": 1, "opinions": False}, {"level": "readings", "models": models},
        "toys", "none",
    )  # fmt: skip
    save_model(folder, net, card)
    return folder


def test_a_gate_is_tested_against_the_pool_and_every_single(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("mer_batch.tasks.recipe.recipe_of", lambda *_: Named())
    folder = gate_at(tmp_path / "gate", {"voice": "v1", "text": "other"})
    found = study(monkeypatch, str(folder), weighed=False)
    (part,) = found.parts
    scores = rows(part)
    assert scores["gated"] == 1.0
    assert scores["pooled"] < 0.95
    assert [(test.first, test.second) for test in part.tests] == [
        ("voice alone", "pooled"),
        ("words alone", "pooled"),
        ("voice alone", "gated"),
        ("words alone", "gated"),
        ("pooled", "gated"),
    ]
    assert part.tests[4].p < 0.001
    assert part.voice_share["gated"][0] > 0.9 > 0.1 > part.voice_share["gated"][1]
    assert part.voice_share["pooled"] == pytest.approx((0.5, 0.5))
    assert "The gate is better than the pool by" in fusion_text.verdict(part)
    assert found.notes[0] == "the gate has learned from other text models than these; train it again"
    assert [note.split(", this")[0] for note in found.notes[1:]] == ["toys was read once"]
    told = fusion_text.as_json(found)
    assert told["parts"]["spoken"]["tests"][4]["p_holm"] == part.tests[4].p
    fusion.write_predictions(found, tmp_path / "out")
    assert len(list((tmp_path / "out" / "predictions").glob("*.parquet"))) == 4


class Named:
    """Stands for a recipe."""

    def __init__(self) -> None:
        self.data: dict[str, Any] = {}


def test_p_values_are_adjusted_for_all_tests_of_a_kind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("mer_batch.tasks.recipe.recipe_of", lambda *_: Named())
    (part,) = study(monkeypatch, str(gate_at(tmp_path / "gate", {})), n=40).parts
    raw = sorted(test.comparison.p for test in part.tests)
    adjusted = sorted(test.p for test in part.tests)
    assert adjusted[0] == pytest.approx(min(5 * raw[0], 1.0))
    assert all(high >= low for high, low in zip(adjusted, raw, strict=True))


def test_without_a_reading_the_frequent_label_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    learned = tables(0)
    found = tables(1, n=50)
    for item in found.items[:20]:
        item[VOICE] = 0.0
    prior = fusion._prior(learned.labels)
    readers = fusion._readers(np.stack(found.items), prior, None)
    read, shares = readers["voice alone"]
    assert read == 30
    assert shares[:20] == pytest.approx(np.tile(prior, (20, 1)), abs=1e-6)
    assert readers["pooled"][1][:20] == pytest.approx(
        fusion.calibrated(np.stack(found.items)[:20, TEXT, :7]), abs=1e-6
    ), "one modality alone stays as it is"


def test_fusion_helps_only_where_it_beats_every_single_modality(monkeypatch: pytest.MonkeyPatch) -> None:
    """Words that are always right beside a voice that is not: the pool beats the voice and cannot beat the words."""
    right = tables(1)
    for item, label in zip(right.items, right.labels, strict=True):
        item[TEXT] = row(label, 0.5, 0.5)
    monkeypatch.setattr(Tables, "held_out", lambda *_: right)
    (part,) = study(monkeypatch).parts
    assert part.best_single == "words alone"
    gains = [test.comparison.gains["accuracy"].value for test in part.tests]
    assert gains[0] > 0.2
    assert gains[1] == 0.0
    assert fusion_text.verdict(part) == (
        "That pooled readings are better than the best single modality (words alone), or worse, "
        "cannot be shown here (p = 1.00)."
    )


def test_validation_pairs_are_told_to_be_optimistic(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fusion, "load_task", lambda *_: Tables())
    assert any("optimistic" in note for note in fusion.study("pool", "validation", "cpu").notes)


def test_only_gates_are_studied(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert fusion.weighs("default")
    assert fusion.weighs("pool")
    net = nets.build("tess-words", classes=7, words=4)
    section = {"level": "features", "words": {"length": 3, "vocabulary": ["a"]}}
    save_model(tmp_path / "m", net, ModelCard("m", "fusion", "tess-words", {"words": 4}, section, "toys", "none"))
    assert not fusion.weighs(str(tmp_path / "m"))
    features = Tables()
    features.input = {"level": "features"}
    monkeypatch.setattr(fusion, "load_task", lambda *_: features)
    with pytest.raises(UsageError, match="joins features"):
        fusion.study("pool", device="cpu")


def test_a_gate_reads_what_the_pool_reads_of_one_modality() -> None:
    net = nets.build("fusion-gate", classes=7).eval()
    gate = Gate(net, ModelCard("g", "fusion", "fusion-gate", {}, {"level": "readings"}, "toys", "none"))
    alone = np.zeros((1, 3, 9), np.float32)
    alone[0, VOICE] = row(EMOTIONS.index("sad"), 0.5, 0.3)
    assert np.exp(gate.logs(alone))[0] == pytest.approx(np.exp(alone[0, VOICE, :7]), abs=1e-5)
    assert fusion.pooled(alone)[0] == pytest.approx(np.exp(alone[0, VOICE, :7]), abs=1e-5)
