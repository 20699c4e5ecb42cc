"""`mer evaluate --seeds`: the grid of runs, its gate, what it leaves, and how it goes on after a stop."""

from __future__ import annotations

import csv
import html
import json
import operator
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import toy_voice
from mer_batch.errors import DataError, UsageError
from mer_batch.evaluation.grid import cells, command
from mer_batch.evaluation.grid.order import BATCH_SIZES, SEEDS, Order, order
from mer_batch.pages.run import page as run_page
from mer_batch.scores import predictions
from mer_batch.training.fitting import loop
from mer_batch.training.runs import runfile
from sharing import Once, killed, threads
from toy_pictures import put
from toy_training import mer

GRID = ("evaluate", "--seeds", 7, 42, "--batch-sizes", 8, 16, "--recipe", "toy.toml", "--device", "cpu")
CELLS = [(seed, size) for seed in (7, 42) for size in (8, 16)]


@pytest.fixture
def unreported(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of single runs are tested elsewhere and take longer than the training."""
    # A function of two arguments that does nothing and that worker processes can be sent.
    monkeypatch.setattr(run_page, "write_run_report", operator.is_)


@pytest.fixture(scope="session")
def _toy(once: Once) -> Path:
    def make(root: Path) -> None:
        folder = toy_voice.make_set(root / "quartet", 4, noise=0.08)
        (root / "toy.toml").write_text(toy_voice.recipe([folder], epochs=2))

    return once("grid-set", make)


@pytest.fixture(scope="session")
def _finished(_toy: Path, once: Once) -> Path:
    """A folder with a whole grid, trained by one thread, and what the command told, `output.txt`."""

    def make(root: Path) -> None:
        (root / "toy.toml").write_text((_toy / "toy.toml").read_text())
        with pytest.MonkeyPatch.context() as patch, threads(1):
            patch.chdir(root)
            patch.setattr(run_page, "write_run_report", operator.is_)
            Path("output.txt").write_text(ran(*GRID, "--out", "grid"))

    return once("grid", make)


@pytest.fixture
def toy(_toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a recipe for a set of four speakers."""
    (tmp_path / "toy.toml").write_text((_toy / "toy.toml").read_text())
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def finished(_finished: Path, toy: Path) -> Path:
    """The current folder, with a copy of the whole grid, `grid`."""
    shutil.copytree(_finished, toy, dirs_exist_ok=True)
    return toy


def ran(*arguments: object) -> str:
    code, output = mer(*arguments)
    assert code == 0, output
    return output


def study_of(folder: Path) -> dict[str, Any]:
    table: dict[str, Any] = json.loads((folder / "study.json").read_text())
    return table


def readings(folder: Path) -> dict[str, np.ndarray[Any, Any]]:
    return {
        path.parent.parent.name: predictions.read(path).probabilities
        for path in sorted(folder.glob("runs/*/predictions/test.parquet"))
    }


def test_a_grid_trains_every_cell_and_its_files_agree_with_the_predictions(finished: Path) -> None:
    output = (finished / "output.txt").read_text()
    folder = finished / "grid"
    table = study_of(folder)
    assert [(run["seed"], run["batch_size"]) for run in table["runs"]] == CELLS
    rows = list(csv.DictReader((folder / "runs.csv").read_text().splitlines()))
    for run, row in zip(table["runs"], rows, strict=True):
        name = f"batch-{run['batch_size']}_seed-{run['seed']}"
        info = runfile.read(folder / "runs" / name)
        options = info.options["train"]
        assert (options["seed"], options["batch_size"]) == (run["seed"], run["batch_size"])
        read = predictions.read(folder / "runs" / name / "predictions" / "test.parquet")
        right = float((read.probabilities.argmax(axis=1) == read.labels).mean())
        assert run["scores"]["accuracy"]["value"] == pytest.approx(right)
        assert float(row["accuracy"]) == pytest.approx(right)
        picture = f"confusion_matrix_batch_{run['batch_size']}_seed_{run['seed']}.png"
        with Image.open(folder / picture) as drawn:
            assert drawn.size[0] > 900, "both forms side by side"
    assert np.sum(table["runs"][0]["confusion"]) == table["n"] == 7 * 2
    means = [row["scores"]["accuracy"]["mean"] for row in table["configurations"]]
    assert all(f"{mean:.4f}" in output for mean in means)
    assert table["by"] == "speaker", "the split keeps speakers apart, so clips of one are not independent"
    assert "Recipe toy, as asked for" in table["why"]
    assert len((folder / "run_pairs.csv").read_text().splitlines()) == 1 + 6
    page = html.unescape((folder / "report.html").read_text())
    assert all(sentence.split(".")[0] in page for sentence in table["limits"])
    assert page.count('class="dot"') == 4
    assert "http" not in page.replace("http-equiv", "")
    assert 'class="stamp"' not in page


@pytest.mark.usefixtures("unreported")
def test_the_same_command_again_trains_nothing(finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = study_of(finished / "grid")

    def no_training(*_: object) -> None:
        raise AssertionError("a finished run was trained again")

    monkeypatch.setattr(loop, "fit", no_training)
    monkeypatch.setattr(command, "gate", no_training)
    ran(*GRID, "--out", "grid")
    after = study_of(finished / "grid")
    assert {**after, "seconds": None} == {**before, "seconds": None}
    code, output = mer(*GRID, "--out", "grid", "--set", "train.lr=0.5")
    assert code == 2
    assert "train.lr = 0.01, not 0.5" in output


@pytest.mark.usefixtures("unreported")
def test_workers_and_batches_in_parts_change_nothing(finished: Path) -> None:
    ran(*GRID, "--out", "two", "--workers", 2)
    ran(*GRID, "--out", "parts", "--set", "train.micro_batch=4")
    one, two, parts = (readings(finished / name) for name in ("grid", "two", "parts"))
    assert len(one) == 4
    for name, shares in one.items():
        assert np.allclose(shares, two[name], atol=1e-5), "threads may round otherwise"
        assert np.allclose(shares, parts[name], atol=1e-3), "accumulated gradients are those of whole batches"


@pytest.mark.usefixtures("unreported", "one_thread")
def test_a_killed_grid_goes_on_and_ends_as_if_it_had_not_been(finished: Path) -> None:
    cut = finished / "cut"
    killed(*GRID, "--out", cut, run=2, step=3)
    assert (cut / "runs" / "batch-16_seed-7" / "checkpoint.pt").is_file()
    done = [path.parent.name for path in cut.glob("runs/*/run.json") if json.loads(path.read_text())["scores"]]
    assert done == ["batch-8_seed-7"], "killed in its second run"
    weights = cut / "runs" / "batch-8_seed-7" / "model" / "weights.safetensors"
    stamp = weights.stat().st_mtime_ns
    ran(*GRID, "--out", cut)
    assert weights.stat().st_mtime_ns == stamp
    again, whole = readings(cut), readings(finished / "grid")
    assert again.keys() == whole.keys()
    assert len(again) == 4
    assert all(np.array_equal(again[name], whole[name]) for name in whole)


def test_a_leaking_split_stops_the_grid_or_stamps_every_page(toy: Path) -> None:
    code, output = mer(*GRID, "--out", "grid", "--set", "data.split=random")
    assert code == 1
    assert "the split leaks" in output
    assert "--allow-leaks" in output
    assert not (toy / "grid" / "runs").exists(), "nothing was trained"
    one = ("evaluate", "--seeds", 7, "--batch-sizes", 16, "--recipe", "toy.toml", "--device", "cpu")
    output = ran(*one, "--out", "grid", "--set", "data.split=random", "--allow-leaks")
    assert "THE SPLIT LEAKS" in output
    page = (toy / "grid" / "report.html").read_text()
    assert 'class="stamp"' in page
    assert "quartet" in page
    assert "THE SPLIT LEAKS" in (toy / "grid" / "runs" / "batch-16_seed-7" / "report.html").read_text()


@pytest.mark.usefixtures("unreported")
def test_a_copied_clip_across_parts_is_a_leak(toy: Path, tmp_path: Path) -> None:
    folder = toy_voice.make_set(tmp_path / "quartet", 4, noise=0.08)
    (folder / "clips" / "0-happy-0.wav").write_bytes((folder / "clips" / "2-happy-0.wav").read_bytes())
    (toy / "toy.toml").write_text(toy_voice.recipe([folder], epochs=2))
    code, output = mer(*GRID, "--out", "grid")
    assert code == 1
    assert "1 exact" in output


@pytest.mark.usefixtures("unreported")
def test_a_failed_run_costs_only_itself(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fit = loop.fit

    def sometimes(job: Any, *rest: Any, **named: Any) -> Any:
        if (job.recipe.train.seed, job.recipe.train.batch_size) == (7, 16):
            raise RuntimeError("the disk caught fire")
        return fit(job, *rest, **named)

    monkeypatch.setattr(loop, "fit", sometimes)
    code, output = mer(*GRID, "--out", "grid")
    assert code == 1
    assert "batch-16_seed-7 failed: the disk caught fire" in output
    table = study_of(toy / "grid")
    assert len(table["runs"]) == 3
    assert table["failed"] == {"batch-16_seed-7": "failed: the disk caught fire"}
    assert any("1 run of the grid is missing" in text for text in table["limits"])


def test_a_quick_grid_says_so(toy: Path) -> None:
    made = order(None, "toy.toml", (), (), {}, quick=True)
    assert (made.seeds, made.batch_sizes) == (SEEDS, (16,))
    assert made.changes["data.limit"] > 0
    assert "no result" in command.stamps(made, command.Gate((), ()))[0]


def test_the_task_is_the_first_whose_data_are_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MER_DATA", str(tmp_path))
    with pytest.raises(DataError, match="tess, ravdess, fer2013, meld is at hand: mer data list tells how to get them"):
        order(None, None, (), (), {})
    put(tmp_path / "speech" / "ravdess" / "manifest.csv", b"")
    made = order(None, None, (), (), {})
    assert (made.recipe, made.by, len(made.cells)) == ("voice", "speaker", len(SEEDS) * len(BATCH_SIZES))
    assert "as tess is not at hand" in made.why
    with pytest.raises(UsageError, match="'voices'"):
        order("voices", None, (), (), {})
    with pytest.raises(UsageError, match="not face"):
        order("face", "voice", (), (), {})


@pytest.mark.parametrize(
    "arguments",
    [
        ("--seeds", 42, 2023, 7, 123, 314),
        ("--seeds", 42, 2023, 7, 123, 314, "--batch-sizes", 8, 16, 32, 64),
        ("--batch-sizes", 8, 16, 32, 64, "--seeds", 42, 2023, 7, 123, 314, "--task", "voice"),
        ("voice", "--seeds", 42, 2023, 7, 123, 314),
    ],
)
def test_the_command_line_of_the_readme(
    arguments: tuple[object, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "speech" / "ravdess" / "manifest.csv", b"")
    monkeypatch.setenv("MER_DATA", str(tmp_path))
    heard: list[Order] = []

    def stop(made: Order, *_: object) -> None:
        heard.append(made)
        raise DataError("far enough")

    monkeypatch.setattr(command, "evaluate_grid", stop)
    code, output = mer("evaluate", *arguments)
    assert (code, "far enough" in output) == (1, True), output
    assert (heard[0].seeds, heard[0].batch_sizes) == ((42, 2023, 7, 123, 314), (8, 16, 32, 64))
    assert len({cell.figure for cell in heard[0].cells}) == 20


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--seeds", 1, 1), "distinct"),
        (("--seeds", 1, "--batch-sizes", 0), "from 1"),
        (("--seeds", 1, "--workers", 0), "--workers"),
        (("--seeds", 1, "--engine", "abacus"), "abacus"),
        (("--seeds", 1, "--model", "default"), "--model"),
        (("voice", "--allow-leaks"), "--seeds"),
        (("voice", "--task", "face", "--seeds", 1), "two tasks"),
    ],
)
def test_options_that_do_not_go_together(toy: Path, arguments: tuple[object, ...], told: str) -> None:
    extra = () if arguments[0] == "voice" else ("--recipe", "toy.toml")
    code, output = mer("evaluate", *arguments, *extra)
    assert code == 2
    assert told in output
    assert "Traceback" not in output


def test_progress_counts_epochs_of_all_runs(tmp_path: Path) -> None:
    made = Order("toy", {}, "", seeds=(1, 2), batch_sizes=(8,))
    for cell, state, epochs in zip(made.cells, ("finished", "running"), (4, 1), strict=True):
        place = cells.place(tmp_path, cell)
        place.mkdir(parents=True)
        facts = {"state": state, "epochs_done": epochs, "options": {"train": {"epochs": 4}}}
        (place / runfile.NAME).write_text(json.dumps(facts))
    assert cells.done_share(tmp_path, made.cells) == pytest.approx((1 + 0.25) / 2)
    assert cells.done_share(tmp_path / "none", made.cells) == 0


def test_ray_gives_the_same_runs(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray", reason="ray is an extra")
    ran(*GRID, "--out", "one")
    ran(*GRID, "--out", "rays", "--engine", "ray", "--workers", 2)
    one, rays = readings(toy / "one"), readings(toy / "rays")
    assert one.keys() == rays.keys()
    assert all(np.allclose(one[name], rays[name], atol=1e-5) for name in one)
