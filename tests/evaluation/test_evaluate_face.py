"""`mer evaluate face` on a toy FER2013 with a known leak, with the models of toy runs."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from scipy.special import softmax
from typer.testing import CliRunner

import toy_fer
from mer_batch import nets
from mer_batch.cli import app
from mer_batch.labels import EMOTIONS
from mer_batch.nets.store import read_card
from mer_batch.readers import load_classifier
from mer_batch.scores import predictions
from mer_batch.scores.calibration import CalibrateOptions, fit_temperature
from mer_batch.scores.metrics import score
from mer_batch.tasks.reading import read_set
from mer_batch.tasks.recipe import Recipe
from mer_batch.tasks.task import load_task
from mer_batch.training.export import export

LEAKS = {"private_test/angry/private_test_0.jpg", "public_test/sad/public_test_1.jpg"}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Toy data, and two runs whose networks are random but read the toy pictures differently."""
    root = tmp_path_factory.mktemp("desk")
    toy_fer.make(root / "data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MER_DATA", str(root / "data"))
        patch.setenv("MER_CACHE", str(root / "cache"))
        task = load_task("face", {})
        for seed, views in ((1, "r1"), (2, "")):
            torch.manual_seed(seed)
            options = {"widths": [8, 16], "depths": [1, 1], "dropout": 0.0}
            net = nets.build("face-resnet", classes=7, **options).eval()
            recipe = Recipe("toy", "face", "face-resnet", net_options=options)
            export(net, recipe, task, root / f"run{seed}" / "model", "cpu", views)
            (root / f"run{seed}" / "recipe.toml").write_text("task = 'face'\n")
    return root


@pytest.fixture(autouse=True)
def _there(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MER_DATA", str(desk / "data"))
    monkeypatch.chdir(desk)


def mer(line: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, [*line.split(), "--device", "cpu"])
    return result.exit_code, result.output


def evaluated(line: str, folder: Path) -> dict[str, object]:
    code, output = mer(f"evaluate {line} --json {folder / 'scores.json'}")
    assert code == 0, output
    # Not counting the folders of this machine.
    assert max(len(line.replace(str(folder), "")) for line in output.splitlines()) <= 100
    table: dict[str, object] = json.loads((folder / "scores.json").read_text())
    return table


def sizes(table: dict[str, object]) -> dict[tuple[str, str], int]:
    return {(row["part"], row["items"]): row["n"] for row in table["parts"]}  # type: ignore[attr-defined]


def test_parts_and_leaks_are_counted_right(tmp_path: Path) -> None:
    table = evaluated("face --model run1 --split all", tmp_path)
    assert sizes(table) == {
        ("public", "all"): 21,
        ("public", "without leaking"): 20,
        ("public", "only leaking"): 1,
        ("private", "all"): 21,
        ("private", "without leaking"): 20,
        ("private", "only leaking"): 1,
        ("both", "all"): 42,
        ("both", "without leaking"): 40,
        ("both", "only leaking"): 2,
    }
    assert (table["part"], table["n"]) == ("private", 21)
    card = read_card(Path("run1/model"))
    assert {f"{part}, {items}" if items != "all" else part for part, items in sizes(table) if part != "both"} == {
        title for title in card.evaluations if "views" not in title
    }
    for row in table["parts"]:  # type: ignore[attr-defined]
        title = row["part"] if row["items"] == "all" else f"{row['part']}, {row['items']}"
        for name, value in card.evaluations.get(title, {}).items():
            if name in row:
                assert row[name] == pytest.approx(value, abs=1e-4), (title, name)


@pytest.mark.parametrize(
    ("split", "parts"),
    [
        ("", {"private": 21}),
        ("--split private", {"private": 21}),
        ("--split test", {"private": 21}),
        ("--split public", {"public": 21}),
        ("--split validation", {"public": 21}),
        ("--split both", {"both": 42}),
    ],
)
def test_splits(split: str, parts: dict[str, int], tmp_path: Path) -> None:
    table = evaluated(f"face --model run1/model {split}", tmp_path)
    assert {part: n for (part, items), n in sizes(table).items() if items == "all"} == parts


def test_scores_are_recomputed_from_the_predictions_exactly(tmp_path: Path) -> None:
    table = evaluated(f"face --model run1 --split all --out {tmp_path / 'out'}", tmp_path)
    for row in table["parts"]:  # type: ignore[attr-defined]
        if row["part"] == "both":
            continue
        stored = predictions.read(tmp_path / "out" / "predictions" / f"{row['part']}.parquet")
        kept = {
            "all": [True] * len(stored),
            "without leaking": [name not in LEAKS for name in stored.ids],
            "only leaking": [name in LEAKS for name in stored.ids],
        }[row["items"]]
        again = score(stored.labels[kept], stored.probabilities[kept]).as_json()
        assert {name: row[name] for name in again if name != "intervals"} == {
            name: value for name, value in again.items() if name != "intervals"
        }
    for name in ("confusion_counts", "confusion_normalised", "reliability"):
        with Image.open(tmp_path / "out" / f"{name}.png") as picture:
            assert picture.size[0] > 300


def test_export_leaves_predictions_that_agree_with_the_card(desk: Path) -> None:
    card = read_card(desk / "run1" / "model")
    stored = predictions.read(desk / "run1" / "predictions" / "test.parquet")
    again = score(stored.labels, stored.probabilities)
    assert card.scores["accuracy"] == round(again.values["accuracy"], 4)
    assert card.scores["ece"] == round(again.values["ece"], 4)
    assert stored.meta["temperature"] == card.temperature
    assert set(stored.ids) & LEAKS == {"private_test/angry/private_test_0.jpg"}
    assert card.views == "r1"
    assert card.evaluations["private, r1 views"]["accuracy"] == card.scores["accuracy_tta"]
    text = (desk / "run1" / "model" / "MODEL_CARD.md").read_text()
    assert "| private, without leaking | 20 |" in text
    assert "| private, r1 views | 21 |" in text


def test_export_reads_every_item_once(desk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mer_batch.face.classify import FaceClassifier

    read: list[int] = []
    real = FaceClassifier.logits
    monkeypatch.setattr(FaceClassifier, "logits", lambda self, items: read.append(len(items)) or real(self, items))
    options = {"widths": [8], "depths": [1]}
    net = nets.build("face-resnet", classes=7, **options).eval()
    export(net, Recipe("toy", "face", "face-resnet", net_options=options), load_task("face", {}), tmp_path, "cpu", True)
    assert sum(read) == 21 + 5 * 21, "validation once, the test set once a view"


def test_views_are_scored_beside_one_view(tmp_path: Path) -> None:
    plain = evaluated("face --model run1", tmp_path)
    with_views = evaluated("face --model run1 --views r1", tmp_path)
    assert with_views["views"] == "r1"
    assert with_views["parts"][0]["plain"]["nll"] == pytest.approx(plain["nll"])  # type: ignore[index]
    assert with_views["nll"] != pytest.approx(plain["nll"])
    assert evaluated("face --model run1 --tta", tmp_path)["views"] == "five"


def test_ensemble_is_the_mean_of_calibrated_members(desk: Path, tmp_path: Path) -> None:
    table = evaluated(f"face --ensemble run1 run2/model --split private --out {tmp_path / 'out'}", tmp_path)
    task = load_task("face", {})
    shares = {}
    for split in ("validation", "test"):
        members = []
        for run in ("run1", "run2"):
            reader = load_classifier("face", run, "cpu")
            logits = read_set(reader, task.held_out(split)).logits[0]  # type: ignore[arg-type]
            members.append(softmax(logits.astype(float) / reader.card.temperature, axis=1))
        shares[split] = np.mean(members, axis=0)
    labels = np.asarray(task.held_out("validation").labels)
    temperature = fit_temperature(np.log(shares["validation"]), labels)
    assert table["temperature"] == pytest.approx(temperature, abs=1e-4)
    stored = predictions.read(tmp_path / "out" / "predictions" / "private.parquet")
    np.testing.assert_allclose(
        stored.probabilities, softmax(np.log(shares["test"]) / table["temperature"], axis=1), atol=1e-6
    )
    members_table = {row["model"]: row["accuracy"] for row in table["members"]}  # type: ignore[attr-defined]
    assert members_table == {
        run: pytest.approx(read_card(Path(run) if "model" in run else Path(run, "model")).scores["accuracy"], abs=1e-4)
        for run in ("run1", "run2/model")
    }
    gains = table["gains"]
    mean = np.mean(list(members_table.values()))
    assert gains["mean member"]["accuracy"]["value"] == pytest.approx(table["accuracy"] - mean)  # type: ignore


def test_ensemble_flag_takes_values_in_any_way() -> None:
    lines = ["face --ensemble run1 run2", "--ensemble run1 run2", "--ensemble run1 --ensemble=run2 --tta face"]
    # How often the test was read grows with each reading.
    outputs = [
        (code, re.sub(r"was read \d+ times", "", text)) for code, text in (mer(f"evaluate {line}") for line in lines)
    ]
    assert outputs[0][0] == 0, outputs[0][1]
    assert "ensemble of 2" in outputs[0][1]
    assert outputs[1] == outputs[0]
    assert "ensemble of 2" in outputs[2][1], "an option ends the values, a task may follow"


def test_an_ensemble_of_one_model_twice_is_that_model(tmp_path: Path) -> None:
    one, twice = (
        evaluated(line, tmp_path) for line in ("face --model run1 --split all", "face --ensemble run1 run1 --split all")
    )
    assert twice["confusion"] == one["confusion"]
    assert twice["agreement"] == {"all": 1.0, "pairs": 1.0}
    assert twice["gains"]["mean member"]["accuracy"] == {"value": 0.0, "interval": [0.0, 0.0]}  # type: ignore[index]


def test_a_run_is_scored_on_its_own_held_out_data(desk: Path, tmp_path: Path) -> None:
    shutil.copytree(desk / "run2", tmp_path / "run")
    options = {"task": "face", "data": {"validation": 0.25}}
    (tmp_path / "run" / "run.json").write_text(json.dumps({"options": options}))
    table = evaluated(f"face --model {tmp_path / 'run'} --split validation", tmp_path)
    expected = load_task("face", options["data"]).held_out("validation")  # type: ignore[arg-type]
    assert sizes(table) == {("validation", "all"): len(expected.items)}
    assert len(expected.items) != 21
    code, output = mer(f"evaluate face --model {tmp_path / 'run'} --split public")
    assert code == 1
    assert "no part 'public'" in output


def test_a_set_of_ones_own_by_split(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    rows = []
    for split, count in (("train", 2), ("test", 3)):
        for name in ("Joy", "anger"):
            for number in range(count):
                path = Path(split, name, f"{number}.png")
                (tmp_path / "set" / path).parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(toy_fer.stripes(1, rng)).save(tmp_path / "set" / path)
                rows.append((str(path), name, split))
    table = pd.DataFrame(rows, columns=["path", "label", "split"])
    table.to_csv(tmp_path / "set" / "list.csv", index=False)
    tree = evaluated(f"face --model run1 --data {tmp_path / 'set'} --split test", tmp_path)
    listed = evaluated(f"face --model run1 --data {tmp_path / 'set' / 'list.csv'} --split test", tmp_path)
    table.to_csv(tmp_path / "set" / "manifest.csv", index=False)
    manifest = evaluated(f"face --model run1 --data {tmp_path / 'set'} --split test", tmp_path)
    assert tree["n"] == listed["n"] == manifest["n"] == 6
    assert tree["nll"] == listed["nll"] == manifest["nll"]
    assert evaluated(f"face --model run1 --data {tmp_path / 'set'}", tmp_path)["n"] == 10
    code, output = mer(f"evaluate face --model run1 --data {tmp_path / 'set'} --split dev")
    assert code == 1
    assert "has no part 'dev'" in output


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("evaluate", "say what to evaluate"),
        ("evaluate face --split middle", "unknown split 'middle'"),
        ("evaluate face --views six", "unknown face views 'six'"),
        ("evaluate face --model run1 --ensemble run2", "exclude each other"),
        ("evaluate face --ensemble run1 run3", "unknown model 'run3'"),
        ("evaluate face --model unfinished", "has no model yet"),
    ],
)
def test_mistakes_are_one_line(line: str, message: str, desk: Path) -> None:
    (desk / "unfinished").mkdir(exist_ok=True)
    (desk / "unfinished" / "recipe.toml").write_text("task = 'face'")
    code, output = mer(line)
    assert code == 2
    assert message in output
    assert len(output.strip().splitlines()) == 1


def test_biases_are_kept_in_the_card_and_read(desk: Path, tmp_path: Path) -> None:
    torch.manual_seed(5)
    options = {"widths": [8], "depths": [1]}
    net = nets.build("face-resnet", classes=7, **options).eval()
    net.head.weight.data *= 50  # an untrained network is the same of everything
    wishes = CalibrateOptions(floors={"disgust": 0.6})
    recipe = Recipe("toy", "face", "face-resnet", net_options=options, calibrate=wishes)
    card, _ = export(net, recipe, load_task("face", {}), tmp_path / "model", "cpu", False)
    assert len(card.bias) == len(EMOTIONS)
    assert read_card(tmp_path / "model").bias == card.bias
    assert card.evaluations["public"]["recall_disgust"] >= 0.6
    stored = predictions.read(tmp_path / "predictions" / "validation.parquet")
    reader = load_classifier("face", str(tmp_path / "model"), "cpu")
    items = load_task("face", {}).held_out("validation").items
    np.testing.assert_allclose(reader.predict(items), stored.probabilities, atol=1e-6)
    assert "asked for: recall of disgust at least 0.6" in (tmp_path / "model" / "MODEL_CARD.md").read_text()
