"""A new user's first training: a download, an import, a training; no variable, no folder named."""

from __future__ import annotations

from pathlib import Path

import pytest

import toy_fer
from mer_batch.nets.store import read_card
from mer_batch.resources import data_home
from mer_batch.tasks.face import task
from mer_batch.tasks.faces import Faces
from toy_training import mer

RECIPE = """
task = "face"

[net]
name = "face-resnet"
widths = [8]
depths = [1]

[train]
epochs = 1
batch_size = 32
"""


@pytest.mark.usefixtures("unreported")
def test_what_kaggle_ships_is_trained_on_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    toy_fer.kaggle_zip(tmp_path / "archive.zip")
    code, output = mer("data", "import", "fer2013", "archive.zip", "-q")
    assert code == 0, output
    place = data_home() / "fer" / "fer2013"
    assert f"{place}: 98 files (train 56, " in output
    assert "archive.zip, which must stay there; --copy keeps a copy" in output
    Path("tiny.toml").write_text(RECIPE)
    code, output = mer("train", "tiny.toml", "--tta", "--device", "cpu")
    assert code == 0, output
    (run,) = Path("runs").iterdir()
    card = read_card(run / "model")
    assert card.scores["n"] == 21
    assert "FER2013" in card.data
    code, output = mer("data", "list")
    assert output.startswith(f"Data sets live in data and {data_home()}")
    assert f"{place}  (fer2013, face)" in output


@pytest.mark.parametrize("kind", ["pictures", "table", "contest"])
def test_every_download_has_the_same_parts_and_leaks(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, output = mer("data", "import", "fer2013", toy_fer.kaggle_zip(tmp_path / "archive.zip", kind), "-q")
    assert code == 0, output
    clean, leaky = task({}), task({"keep_leaks": True})
    assert isinstance(clean, Faces)
    sizes = [len(clean.held_out("validation").items), len(clean.held_out("test").items)]
    assert sizes == [21, 21]
    assert len(set(leaky.train().ids) - set(clean.train().ids)) >= 1, "the copy of a test picture does not train"
    assert clean.leaking()


def test_a_copied_set_needs_its_archive_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    source = toy_fer.kaggle_zip(tmp_path / "archive.zip")
    code, output = mer("data", "import", "fer2013", source, "--copy", "-q")
    assert code == 0
    assert "must stay" not in output
    source.unlink()
    assert len(task({}).held_out("test").items) == 21


def test_mer_data_still_decides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MER_DATA", str(tmp_path / "mine"))
    source = toy_fer.kaggle_zip(tmp_path / "archive.zip")
    assert mer("data", "import", "fer2013", source, "-q")[0] == 0
    assert (tmp_path / "mine" / "fer" / "fer2013" / "dataset.toml").is_file()
    assert not data_home().exists()
    assert len(task({}).held_out("test").items) == 21


@pytest.mark.parametrize(
    ("command", "kind", "words"),
    [
        (("train", "fer"), "fer2013", ("Kaggle", "research use")),
        (("evaluate", "face"), "fer2013", ("Kaggle", "research use")),
        (("train", "voice"), "ravdess", ("Zenodo", "CC BY-NC-SA", "absent too: tess, emovo, emodb")),
        (("train", "text"), "meld", ("MELD repository on GitHub", "GPL-3.0", "absent too: goemotions, dailydialog")),
        (("train", "fusion"), "ravdess", ("Zenodo", "CC BY-NC-SA")),
        (("train", "reference/cremad-paper"), "cremad", ("GitHub", "ODbL")),
        (("evaluate", "--seeds", "1", "--task", "voice"), "ravdess", ("Zenodo", "CC BY-NC-SA")),
        (("data", "transcribe", "savee", "--out", "x.json"), "savee", ("University of Surrey", "free for research")),
    ],
)
def test_a_missing_set_names_its_source_its_terms_and_the_command(
    command: tuple[str, ...], kind: str, words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, output = mer(*command)
    assert code == 1, output
    line = output.strip().splitlines()[-1]
    assert f"mer data import {kind} SOURCE" in line
    assert str(data_home()) in line
    assert all(word in line for word in words), line
    assert "shared" not in line


def test_no_default_of_ours_is_in_the_package() -> None:
    package = Path(task.__code__.co_filename).parent.parent
    assert not [path for path in package.rglob("*.py") if "shared/data" in path.read_text(encoding="utf-8")]
