"""A toy FER2013 and a recipe for it, with the current folder empty but for it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import toy_fer
from mer_batch.pages.run import page as run_page
from sharing import Once
from toy_training import mer

RECIPE = """
task = "face"

[net]
name = "face-resnet"
widths = [8, 16]
depths = [1, 1]
dropout = 0.0

[train]
epochs = 8
batch_size = 16
optimizer = "adamw"
lr = 0.02
ema = 0.5
auxiliary = 0.3
mixup = 0.2
"""


@pytest.fixture(scope="session")
def toy_data(once: Once) -> Path:
    """The folder of data sets with the toy FER2013, which tests only read."""
    return once("toy-fer", toy_fer.make)


@pytest.fixture
def recipe(toy_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MER_DATA", str(toy_data))
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "toy.toml"
    path.write_text(RECIPE)
    return path


@pytest.fixture(scope="session")
def _made(toy_data: Path, once: Once) -> Path:
    """A folder with the recipe and a finished run of one epoch, `run`."""

    def make(folder: Path) -> None:
        (folder / "toy.toml").write_text(RECIPE)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("MER_DATA", str(toy_data))
            patch.chdir(folder)
            code, output = mer("train", "toy.toml", "--out", "run", "--epochs", 1, "--device", "cpu")
        assert code == 0, output

    return once("face-run", make)


@pytest.fixture
def finished(_made: Path, toy_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The recipe, with a copy of the finished run in the current folder."""
    shutil.copytree(_made, tmp_path, dirs_exist_ok=True)
    monkeypatch.setenv("MER_DATA", str(toy_data))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "toy.toml"


@pytest.fixture
def unreported(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs end with their model; drawing the report is tested elsewhere and takes longer than the training."""
    monkeypatch.setattr(run_page, "write_run_report", lambda *_: None)
