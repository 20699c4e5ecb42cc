"""The report of a training run made by hand: what it says, what it hides, what it survives."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import toy_run
from mer_batch.classifier import calibrated
from mer_batch.cli import app
from mer_batch.errors import DataError, UsageError
from mer_batch.nets.store import ModelCard
from mer_batch.pages.run import data as run_data
from mer_batch.pages.run import errors as run_errors
from mer_batch.pages.run import page as run_page
from mer_batch.pages.run.page import write_run_report
from mer_batch.pages.run.words import leakage
from mer_batch.scores import predictions
from mer_batch.scores.metrics import score
from mer_batch.tasks.task import Examples, LabelledSet, Split, Task

PNGS = ("confusion_counts.png", "confusion_normalised.png", "curves.png", "reliability.png")


class Pictures(Task):
    """A task whose held-out items are grey pictures, one a reading of the toy run."""

    modality = "face"
    licence = "toys"
    data = "toys"

    def __init__(self, ids: list[str] | None = None) -> None:
        self.input: dict[str, Any] = {}
        self._ids = ids or [name for name, *_ in toy_run.READINGS]

    def train(self) -> Examples:
        raise AssertionError("a report needs no training data")

    validation = train

    def held_out(self, split: Split) -> LabelledSet:
        assert split == "test"
        items = [np.full((48, 48, 3), 20 * place, np.uint8) for place in range(len(self._ids))]
        return LabelledSet("toy test", items, [0] * len(items), self._ids)

    def prepare(self, *_: Any) -> Any:
        raise AssertionError("a report trains nothing")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return toy_run.make_run(tmp_path / "runs" / "toy")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder with its report, for tests that only read."""
    folder = toy_run.make_run(tmp_path_factory.mktemp("runs") / "toy")
    assert write_run_report(folder, Pictures()) == folder / "report.html"
    return folder


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """No PNG files, which take most of the time: for tests of the page alone."""
    monkeypatch.setattr(run_page, "_draw", lambda _run: None)


def section(source: str, name: str) -> str:
    """The visible text of a section."""
    part = source.split(f'<section id="{name}"')[1].split("</section>")[0]
    return " ".join(re.sub(r"<[^>]*>", " ", part).split())


def test_the_verdict_tells_score_interval_choice_and_weakness(written: Path, read_page) -> None:
    page = read_page(written / "report.html")
    read = predictions.read(written / "predictions" / "test.parquet")
    low, high = score(read.labels, read.probabilities).intervals["accuracy"]
    assert (
        f"On toy test it gives the annotators’ label to 60.0 % (95 % interval {100 * low:.1f} to {100 * high:.1f} %) "
        "of 10 pictures. Always saying fear would reach 30 %." in page.text
    )
    assert "Epoch 4 of 10 was chosen for its accuracy of 0.620 on validation data (toy validation)" in page.text
    assert "It is worst at fear: it finds 33 % (" in page.text
    assert "It mostly takes fear and sad for each other (75 % of its 4 errors)." in page.text
    assert "Leakage-free: what is known to copy" in page.text
    assert "Resumed after epoch 3." in page.text
    assert {path.name for path in written.iterdir()} >= {"report.html", *PNGS}


def test_pairs_are_ranked_and_errors_sorted(written: Path, read_page) -> None:
    source = read_page(written / "report.html").source
    confusion = section(source, "confusion")
    assert "1 fear sad 75 % 2 labelled fear read as sad (67 % of fear) 1 labelled sad read as fear" in confusion
    assert "2 angry disgust 25 % 1 labelled angry read as disgust (50 % of angry)" in confusion
    assert "0 labelled" not in confusion
    errors = section(source, "errors")
    order = re.findall(r"\b([a-j]\.png)", errors)
    assert order == ["c.png", "d.png", "f.png", "i.png", "b.png", "h.png", "e.png", "j.png", "g.png", "a.png"]
    assert "looks sad 0.97 labelled fear 0.00 next angry 0.02 c.png" in errors
    assert "looks fear 0.55 labelled sad 0.40 next sad 0.40 f.png" in errors


def test_both_matrices_are_there_and_one_is_shown_without_a_script(written: Path, read_page) -> None:
    page = read_page(written / "report.html")
    radios = [attrs for attrs in page.all("input") if attrs.get("name") == "matrix"]
    assert [(attrs["id"], "checked" in attrs) for attrs in radios] == [("show-shares", True), ("show-counts", False)]
    assert "#show-counts:checked ~ .counts-matrix" in page.style
    rows = re.findall(r'<tr><th scope="row">fear</th>(.*?)</tr>', page.source)
    cells = [re.findall(r">([^<]+)</td>", row) for row in rows]
    assert cells == [
        ["0", "0", "33", "0", "0", "67", "0"],
        ["0", "0", "1", "0", "0", "2", "0"],
    ]


def test_pictures_are_inside_and_the_page_says_so(written: Path, read_page) -> None:
    page = read_page(written / "report.html")
    images = page.all("img")
    assert len(images) == len(toy_run.READINGS) + 4, "every item once among the errors, and one for each label"
    assert all(attrs["src"].startswith("data:image/webp;base64,") for attrs in images)
    assert images[0]["alt"] == "labelled fear, looks sad to the model"
    assert "This page contains 10 pictures of the data set" in page.text


def test_the_data_are_counted_and_the_clearest_item_of_each_label_shown(written: Path, read_page) -> None:
    data = section(read_page(written / "report.html").source, "data")
    assert "Pictures of each label label training validation test angry 30 2 2 disgust 0 0 0 fear 10 3 3" in data
    assert "all 40 10 10" in data
    assert re.findall(r"\b([a-j]\.png)", data) == ["j.png", "e.png", "a.png", "g.png"]


@pytest.mark.usefixtures("undrawn")
def test_labels_are_counted_without_the_data_at_hand(folder: Path, read_page) -> None:
    page = read_page(write_run_report(folder, None))
    assert "all 40 10 10" in section(page.source, "data")
    assert "clearest" not in page.text


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("counts", [{}, {"train": {}}])
def test_a_run_that_noted_no_counts_shows_none(counts: dict[str, Any], tmp_path: Path, read_page) -> None:
    page = read_page(write_run_report(toy_run.make_run(tmp_path / "run", counts=counts), None))
    assert 'id="data"' not in page.source
    assert "#data" not in page.source


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(("task", "pictures"), [(None, True), (Pictures(["other.png"]), True), (Pictures(), False)])
def test_without_pictures_the_names_stand_alone(folder: Path, read_page, task: Task | None, pictures: bool) -> None:
    page = read_page(write_run_report(folder, task, pictures=pictures))
    assert not page.all("img")
    assert "no-items" in page.empty
    assert "c.png" in page.text
    assert "This page contains" not in page.text


def test_page_loads_nothing_and_allows_only_its_own_script(written: Path, read_page) -> None:
    page = read_page(written / "report.html")
    for tag, attrs in page.tags:
        for name in ("src", "href", "poster", "srcset", "action", "data"):
            value = attrs.get(name, "data:")
            assert value.startswith(("data:", "#")), (tag, name, value[:80])
    assert "@import" not in page.style
    assert "url(" not in page.style
    policy = next(a["content"] for a in page.all("meta") if a.get("http-equiv") == "Content-Security-Policy")
    (script,) = re.findall(r"<script>(.*?)</script>", page.source, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy.startswith(f"default-src 'none'; script-src 'sha256-{digest}'; ")
    assert "http" not in policy
    assert "file:" not in policy.split("media-src")[0]


@pytest.mark.usefixtures("undrawn")
def test_hostile_texts_are_shown_and_never_run(tmp_path: Path, read_page, hostile_text: str) -> None:
    folder = toy_run.make_run(
        tmp_path / "run", name=hostile_text, device=hostile_text, notes=[hostile_text], parent=hostile_text,
        versions={hostile_text: hostile_text}, reason=hostile_text, state="failed",
    )  # fmt: skip
    ids = [f"{hostile_text}{number}" for number in range(len(toy_run.READINGS))]
    toy_run.write_predictions(folder, "test", ids, set=hostile_text, temperature=1.0)
    with (folder / "metrics.jsonl").open("a") as file:
        file.write(json.dumps(toy_run.rows()[-1] | {"epoch": 11, "phase": hostile_text}) + "\n")
    page = read_page(write_run_report(folder, Pictures(ids)))
    assert hostile_text.replace("\u2028", " ") in page.text
    assert [text for tag, text in page.texts if tag == "b" and "pwned" in text] == []
    assert len(page.all("script")) == 2
    assert not [attrs for _, attrs in page.tags if any(name.startswith("on") for name in attrs)]


def test_a_run_that_was_cut_off_has_a_report(tmp_path: Path, read_page) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "run.json").write_text(json.dumps(toy_run.info(state="interrupted")))
    toy_run.write_rows(folder, toy_run.rows(3))
    page = read_page(write_run_report(folder, None))
    assert "This run was interrupted" in page.text
    assert f"mer train --resume {folder}" in page.text
    assert "no-predictions" in page.empty
    assert "Epoch 3 of 3 was chosen" in page.text
    assert (folder / "curves.png").is_file()
    assert not (folder / "reliability.png").exists()


@pytest.mark.usefixtures("undrawn")
def test_an_empty_run_has_a_report(tmp_path: Path, read_page) -> None:
    (tmp_path / "recipe.toml").write_text("")
    page = read_page(write_run_report(tmp_path, None))
    assert {"no-predictions", "no-epochs"} <= page.empty


@pytest.mark.usefixtures("undrawn")
def test_a_perfect_reader_made_no_error(folder: Path, read_page) -> None:
    perfect = np.eye(7)[[0, 1, 2, 3, 4, 5, 6]]
    predictions.write(folder / "predictions" / "test.parquet", list("abcdefg"), range(7), perfect, temperature=1.0)
    page = read_page(write_run_report(folder, None))
    assert "no-errors" in page.empty
    assert "to 100.0 %" in page.text


def test_leaks_that_were_kept_are_named_with_the_score_without_them(tmp_path: Path) -> None:
    options = {"data": {"keep_leaks": True}}
    folder = toy_run.make_run(tmp_path / "run", options=options)
    run = run_data.read_run(folder)
    parts = {"private": {"accuracy": 0.75}, "private, without leaking": {"accuracy": 0.65}}
    card = ModelCard("toy", "face", "face-resnet", {}, {}, "toys", "toys", evaluations=parts)
    told = leakage(run_data.Run(run.folder, run.info, run.rows, card, run.validation, run.test))
    assert told.startswith("Not leakage-free")
    assert told.endswith("On the items without a copy (private, without leaking) its accuracy is 0.650.")
    assert leakage(run_data.Run(run.folder, {"task": "voice"}, run.rows, None, None, run.test)) == ""


def test_lineage_follows_parents_to_the_first_and_survives_a_folder_that_is_gone(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    for name, parent in (("c", "b"), ("b", "a"), ("a", "gone")):
        (runs / name).mkdir(parents=True)
        info = toy_run.info(name=f"run {name}", id=name, parent=parent, parent_folder=str(runs / parent))
        (runs / name / "run.json").write_text(json.dumps(info))
    chain = list(run_data.ancestors(run_data.read_run(runs / "c")))
    assert [name for name, _ in chain] == ["run b", "run a", str(runs / "gone")]
    assert chain[1][1]["id"] == "a"
    assert chain[2][1] == {}


def test_calibration_can_be_undone() -> None:
    logits = np.random.default_rng(0).normal(0, 2, (50, 7))
    bias = (0.3, -0.2, 0.0, 0.1, 0.0, -0.4, 0.2)
    undone = run_data.uncalibrated(calibrated(logits, 1.7, bias), 1.7, bias)
    np.testing.assert_allclose(undone, calibrated(logits), atol=1e-9)


def test_pairs_of_a_matrix_without_errors_are_none() -> None:
    assert run_errors.confused_pairs(np.diag([1, 2, 3, 4, 5, 6, 7])) == []


@pytest.mark.usefixtures("undrawn")
def test_report_of_a_run_by_the_command_line(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MER_DATA", str(tmp_path / "nothing"))
    result = CliRunner().invoke(app, ["report", str(folder), "--no-pictures"])
    assert result.exit_code == 0, result.output
    assert result.output == f"Report: {folder / 'report.html'}\n"
    assert "--no-pictures" in (folder / "report.html").read_text()
    assert CliRunner().invoke(app, ["report", str(folder)]).exit_code == 0
    assert "The data set is not at hand" in (folder / "report.html").read_text()
    refused = CliRunner().invoke(app, ["report", str(folder), "--redact", "faces"])
    assert refused.exit_code == 2
    assert "takes no option but --no-pictures" in refused.output


def test_mistakes_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a run folder"):
        write_run_report(tmp_path, None)
    (tmp_path / "run.json").write_text("[1]")
    with pytest.raises(DataError, match="damaged"):
        write_run_report(tmp_path, None)
