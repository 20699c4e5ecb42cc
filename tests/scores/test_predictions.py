"""Predictions come back from disk as they were written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mer_batch.errors import DataError
from mer_batch.labels import EMOTIONS
from mer_batch.scores import predictions


def test_round_trip_is_exact(tmp_path: Path) -> None:
    shares = np.random.default_rng(0).dirichlet(np.ones(7), 20)
    labels = np.arange(20) % 7
    path = predictions.write(tmp_path / "deep" / "x.parquet", [f"ü/{n}" for n in range(20)], labels, shares, set="toy")
    found = predictions.read(path)
    assert found.ids == tuple(f"ü/{n}" for n in range(20))
    assert np.array_equal(found.labels, labels)
    assert np.array_equal(found.probabilities, shares)
    assert found.meta == {"set": "toy"}
    table = pd.read_parquet(path)
    assert list(table.columns) == ["id", "label", *EMOTIONS]
    assert table["label"][3] == "happy"


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "text.parquet").write_text("no table")
    pd.DataFrame({"id": ["a"], "label": ["sad"]}).to_parquet(tmp_path / "short.parquet")
    row = {"id": ["a"], "label": ["bored"]} | {name: [0.0] for name in EMOTIONS}
    pd.DataFrame(row).to_parquet(tmp_path / "label.parquet")
    messages = {"missing": "cannot read", "text": "cannot read", "short": "lacks the columns angry", "label": "'bored'"}
    for name, message in messages.items():
        with pytest.raises(DataError, match=message):
            predictions.read(tmp_path / f"{name}.parquet")
