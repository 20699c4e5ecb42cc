"""The recipe that a model came from: known, the task's own, or an error; never a guess."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from mer_batch.errors import DataError
from mer_batch.nets.store import CARD, built_in
from mer_batch.tasks.recipe import read_recipe, recipe_of
from toy_training import mer


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A finished run, as far as its recipe is asked for."""
    (tmp_path / "run" / "model").mkdir(parents=True)
    shutil.copy(built_in()["face"] / CARD, tmp_path / "run" / "model" / CARD)
    return tmp_path / "run"


def test_a_run_tells_its_own_data(run: Path) -> None:
    (run / "run.json").write_text(json.dumps({"options": {"task": "face", "data": {"validation": 0.25}}}))
    for spec in (run, run / "model"):
        assert recipe_of("face", str(spec)).data == {"validation": 0.25}


def test_only_where_there_is_no_run_json_the_tasks_own_holds(run: Path) -> None:
    own = read_recipe("fer").data
    assert recipe_of("face", str(run / "model")).data == own
    assert recipe_of("face", "default").data == own
    assert recipe_of("face", "hf:anything").data == own


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe", b"[]", b"3", b"null", b"{}", b'{"options": 3}', b'{"options": {"task": "face"}}',
     b'{"options": {"task": "face", "data": 3}}', b'{"options": {"task": "face", "data": null}}',
     b'{"options": ' + b"[" * 100_000],
)  # fmt: skip
def test_a_damaged_run_json_is_an_error(content: bytes, run: Path) -> None:
    (run / "run.json").write_bytes(content)
    with pytest.raises(DataError, match="damaged, so that nobody knows what the model was trained on"):
        recipe_of("face", str(run))
    code, output = mer("evaluate", "face", "--model", run)
    assert code == 1
    assert len(output.strip().splitlines()) == 1


def test_a_run_json_that_cannot_be_opened_is_an_error(run: Path) -> None:
    (run / "run.json").mkdir()
    with pytest.raises(DataError, match="it tells what the model was trained on"):
        recipe_of("face", str(run))
