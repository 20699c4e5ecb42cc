"""The gate: it starts as the pool, sees quality, and puts its shares in the place of the pool's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from mer_batch import nets
from mer_batch.errors import UsageError
from mer_batch.fusion import fuse, pool
from mer_batch.fusion.align import Share
from mer_batch.fusion.classify import load
from mer_batch.fusion.learned import TABLE, Gate, load_gate, table
from mer_batch.labels import EMOTIONS, INDEX
from mer_batch.nets.store import ModelCard, save_model
from mer_batch.types import Modality, Observation, Person

RELIABLE: dict[Modality, float] = {"face": 0.5, "voice": 0.4, "text": 0.25}


def peaked(emotion: str, top: float = 0.7) -> tuple[float, ...]:
    return tuple(top if name == emotion else (1 - top) / 6 for name in EMOTIONS)


def step(**said: tuple[str, float]) -> dict[Modality, pool.Reading]:
    """Readings of one step: by modality an emotion and a quality."""
    observations = [
        Observation(name, 0.0, 1.0, "P", peaked(emotion), quality)  # type: ignore[arg-type]
        for name, (emotion, quality) in said.items()
    ]
    return pool.read_step([Share(observation, 1.0) for observation in observations])


def card(**more: object) -> ModelCard:
    section = {"level": "readings", "models": {}} | more
    return ModelCard("toy", "fusion", "fusion-gate", {"dropout": 0.0}, section, "toys", "none")


def gate(seed: int = 0, **options: object) -> torch.nn.Module:
    torch.manual_seed(seed)
    return nets.build("fusion-gate", classes=7, **options).eval()


STEPS = [
    step(face=("happy", 0.9), voice=("sad", 0.5), text=("neutral", 0.8)),
    step(face=("happy", 0.9), voice=("sad", 0.05)),
    step(text=("fear", 0.4)),
]


def tables() -> np.ndarray:
    return np.stack([table(readings, RELIABLE) for readings in STEPS])


def test_a_table_holds_opinions_quality_and_the_weight_in_the_pool() -> None:
    rows = table(STEPS[1], RELIABLE)
    assert rows.shape == TABLE
    assert rows[0, :7] == pytest.approx(np.log(peaked("happy")), rel=1e-5)
    assert rows[0, 7:] == pytest.approx([0.9, 0.5 * 0.9])
    assert rows[1, 7:] == pytest.approx([0.05, 0.4 * 0.05])
    assert (rows[2] == 0).all(), "nothing was said"


@torch.inference_mode()
def test_an_untrained_gate_is_the_pool() -> None:
    net = gate()
    weights = pool.weights(STEPS, RELIABLE)
    shares = net.weights(torch.from_numpy(tables())).numpy()
    assert shares == pytest.approx(weights / weights.sum(axis=1, keepdims=True), abs=1e-6)
    pooled = net(torch.from_numpy(tables())).exp().numpy()
    for row, readings in zip(pooled, STEPS, strict=True):
        own = [reading.probabilities for reading in readings.values()]
        assert row == pytest.approx(
            pool.log_pool(own, pool.raw_weights(readings, RELIABLE)[_places(readings)]), abs=1e-6
        )


def _places(readings: dict[Modality, pool.Reading]) -> list[int]:
    return [("face", "voice", "text").index(name) for name in readings]


@torch.inference_mode()
def test_what_is_missing_has_no_share_whatever_the_gate_has_learned() -> None:
    net = gate()
    torch.nn.init.normal_(net.judge[-1].weight, std=3.0)
    shares = net.weights(torch.from_numpy(tables())).numpy()
    assert shares.sum(axis=1) == pytest.approx(1, abs=1e-6)
    assert shares[1, 2] == 0
    assert shares[2].tolist() == [0, 0, 1]


@torch.inference_mode()
def test_a_gate_without_opinions_does_not_see_which_emotion_is_named() -> None:
    first = torch.from_numpy(tables())[:1]
    other = torch.from_numpy(table(step(face=("fear", 0.9), voice=("angry", 0.5), text=("happy", 0.8)), RELIABLE))[None]
    for opinions in (True, False):
        net = gate(opinions=opinions)
        torch.nn.init.normal_(net.judge[-1].weight, std=3.0)
        alike = torch.allclose(net.weights(first), net.weights(other), atol=1e-4)
        assert alike != opinions


def test_a_gate_learns_to_trust_the_voice_only_where_its_quality_is_high() -> None:
    """The face is always half right; the voice is right where its quality is above a half, else it misleads."""
    rng = np.random.default_rng(0)
    rows, labels = [], []
    for _ in range(400):
        label, other = rng.choice(7, 2, replace=False)
        quality = float(rng.uniform(0.1, 0.9))
        voice = EMOTIONS[label if quality > 0.5 else other]
        face = EMOTIONS[label if rng.random() < 0.7 else int(rng.integers(7))]
        rows.append(table(step(face=(face, 0.9), voice=(voice, quality)), {"face": 0.5, "voice": 0.5}))
        labels.append(int(label))
    inputs, truth = torch.from_numpy(np.stack(rows)), torch.tensor(labels)
    net = gate(opinions=False, dropout=0.0)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.03)
    before = functional.nll_loss(net(inputs), truth).item()
    for _ in range(150):
        optimizer.zero_grad()
        functional.nll_loss(net(inputs), truth).backward()
        optimizer.step()
    assert functional.nll_loss(net(inputs), truth).item() < before - 0.1
    with torch.inference_mode():
        shares = net.weights(inputs)[:, 1].numpy()
    good = inputs[:, 1, -2].numpy() > 0.5
    pools = 0.5 * inputs[:, 1, -2].numpy() / (0.45 + 0.5 * inputs[:, 1, -2].numpy())
    assert shares[good].mean() > pools[good].mean() + 0.1
    assert shares[~good].mean() < pools[~good].mean() - 0.1


def test_a_gate_in_fusion_moves_shares_and_keeps_the_width_of_intervals() -> None:
    net = gate()
    with torch.no_grad():
        net.judge[-1].bias.copy_(torch.tensor([0.0, 2.0, 0.0]))
    chosen = Gate(net, card())
    weights = chosen.weights([*STEPS, {}], RELIABLE)
    plain = pool.weights([*STEPS, {}], RELIABLE)
    assert weights.sum(axis=1) == pytest.approx(plain.sum(axis=1))
    assert weights[0, 1] > 2 * plain[0, 1]
    assert (weights[3] == 0).all()
    observations = [
        Observation("face", 0.0, 1.0, "P", peaked("happy"), 0.9),
        Observation("voice", 0.0, 1.0, "P", peaked("sad"), 0.5),
    ]
    options = {"duration": 1.0, "people": (Person("P", ((0.0, 1.0),)),), "cuts": (), "reliabilities": RELIABLE}
    without = fuse(observations, (), step=1.0, **options).segments[0]
    with_gate = fuse(observations, (), step=1.0, weigh=chosen.weights, **options).segments[0]
    assert without.probabilities is not None
    assert with_gate.probabilities is not None
    assert with_gate.weights[1] > without.weights[1] + 0.3
    assert with_gate.probabilities[INDEX["sad"]] > without.probabilities[INDEX["sad"]] + 0.3


def test_a_gate_is_found_by_its_folder_and_none_means_the_pool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_model(tmp_path / "gate", gate(), card())
    found = load_gate(str(tmp_path / "gate"), "cpu")
    assert found is not None
    assert found.shares(tables()) == pytest.approx(Gate(gate(), card()).shares(tables()), abs=1e-3)
    reader = load(tmp_path / "gate", "cpu")
    probabilities = reader.predict(list(tables()))
    assert probabilities == pytest.approx(np.exp(found.logs(tables())), abs=1e-3)
    assert load_gate("pool") is None
    monkeypatch.setattr("mer_batch.fusion.learned.built_in", dict)
    assert load_gate("default") is None


def test_only_a_gate_can_weigh(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="joins features"):
        Gate(gate(), card(level="features"))
    with pytest.raises(UsageError, match="unknown model"):
        load_gate("no-such-gate")
