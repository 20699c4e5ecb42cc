"""`mer analyze --fusion-model`: a gate moves the weights, and is left aside where it cannot judge."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from mer_batch import nets
from mer_batch.cli import app
from mer_batch.nets.store import ModelCard, built_in, read_card, save_model
from mer_batch.timeline import io
from mer_batch.types import MODALITIES, Timeline

EXAMPLE = Path(__file__).resolve().parent.parent.parent / "examples" / "interview.mp4"
VOICE, TEXT = MODALITIES.index("voice"), MODALITIES.index("text")
SHIPPED = {name: read_card(built_in()[name]).sha256 for name in MODALITIES}


def gate(folder: Path, models: dict[str, str]) -> Path:
    """A gate for `models` that hears voices where it can."""
    net = nets.build("fusion-gate", classes=7)
    with torch.no_grad():
        net.judge[-1].bias[VOICE] = 6.0
    card = ModelCard("ears", "fusion", "fusion-gate", {}, {"level": "readings", "models": models}, "toys", "none")
    save_model(folder, net, card)
    return folder


def analyzed(folder: Path, *options: object) -> tuple[Timeline, str]:
    command = ["analyze", EXAMPLE, "--out", folder / "r.html", "--end", 5, "--modalities", "voice,text", *options]
    result = CliRunner().invoke(app, [str(part) for part in command])
    assert result.exit_code == 0, result.output
    return io.from_json((folder / "r.timeline.json").read_text()), result.output


def shares(timeline: Timeline) -> np.ndarray:
    """Weights (n, 3) of the segments that are heard and read."""
    rows = np.array([segment.weights for segment in timeline.segments if segment.probabilities is not None])
    return rows[(rows[:, VOICE] > 0) & (rows[:, TEXT] > 0)]


@pytest.fixture(scope="module")
def pooled(tmp_path_factory: pytest.TempPathFactory) -> Timeline:
    return analyzed(tmp_path_factory.mktemp("pool"), "--fusion-model", "pool")[0]


def test_a_gate_moves_the_weights_and_is_named_in_the_report(tmp_path: Path, pooled: Timeline) -> None:
    found, _ = analyzed(tmp_path, "--fusion-model", gate(tmp_path / "gate", SHIPPED))
    own, usual = shares(found), shares(pooled)
    assert len(own) == len(usual) > 0
    assert (own[:, VOICE] / own.sum(axis=1)).min() > 0.9 > (usual[:, VOICE] / usual.sum(axis=1)).max()
    assert [model.modality for model in found.provenance.models] == ["voice", "text", "fusion"]
    assert [model.modality for model in pooled.provenance.models] == ["voice", "text"]
    page = (tmp_path / "r.html").read_text()
    assert "their weights" in page
    assert found.provenance.models[-1].sha256 in page


def test_a_gate_for_other_models_is_left_aside_and_said_so(tmp_path: Path, pooled: Timeline) -> None:
    found, output = analyzed(
        tmp_path, "--fusion-model", gate(tmp_path / "gate", SHIPPED | {"text": "another checksum"})
    )
    assert shares(found) == pytest.approx(shares(pooled))
    assert any("has not learned from these text models" in notice for notice in found.notices)
    assert "has not learned from these text models" in output


def test_a_gate_that_is_none_stops_before_any_work(tmp_path: Path) -> None:
    for name in ("no-such-gate", built_in()["voice"]):
        result = CliRunner().invoke(
            app, ["analyze", str(EXAMPLE), "--out", str(tmp_path / "r.html"), "--fusion-model", str(name)]
        )
        assert result.exit_code == 2, result.output
        assert len(result.output.strip().splitlines()) == 1
    assert not (tmp_path / "r.html").exists()
