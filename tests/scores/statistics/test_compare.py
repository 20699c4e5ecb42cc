"""`mer compare` on tables with known differences, from mer and from elsewhere."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.contingency_tables import mcnemar
from typer.testing import CliRunner

from mer_batch.cli import app
from mer_batch.labels import EMOTIONS
from mer_batch.scores import predictions
from mer_batch.scores.statistics.comparison import compare
from toy_grid import readings

OTHER = ("Anger", "disgusted", "Fearful", "happiness", "calm", "Sadness", "surprised")


@pytest.fixture
def sides() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, a reader, and one that is better by 8 points, all of them in fear."""
    rng = np.random.default_rng(0)
    labels = np.arange(700) % 7
    weak = np.where(rng.random(700) < 0.7, labels, (labels + 3) % 7)
    weak[labels == 2] = np.where(rng.random(100) < 0.2, 2, 5)
    strong = np.where(labels == 2, np.where(rng.random(700) < 0.8, 2, 5), weak)
    return labels, weak, strong


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sides: tuple[np.ndarray, ...]) -> Path:
    """A run folder, and the other reader's table as another tool writes it."""
    monkeypatch.chdir(tmp_path)
    labels, weak, strong = sides
    ids = [f"{n:03}.jpg" for n in range(700)]
    groups = {"speaker": [str(n // 70) for n in range(700)]}
    for split in ("test", "validation"):
        predictions.write(Path("run", "predictions", f"{split}.parquet"), ids, labels, np.eye(7)[weak], groups=groups)
    names = pd.Series(OTHER)
    table = pd.DataFrame({"id": ids, "label": names[labels].to_numpy(), "prediction": names[strong].to_numpy()})
    table.sample(frac=1, random_state=0).to_csv("other.csv", index=False)
    return tmp_path


def mer(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["compare", *arguments])
    return result.exit_code, result.output


def test_numbers_are_right(sides: tuple[np.ndarray, ...]) -> None:
    labels, weak, strong = sides
    found = compare(readings("a", labels, weak), readings("b", labels, strong))
    ours, theirs = weak == labels, strong == labels
    square = [[(ours & theirs).sum(), (ours & ~theirs).sum()], [(~ours & theirs).sum(), (~ours & ~theirs).sum()]]
    assert found.test.exact == pytest.approx(mcnemar(square, exact=True).pvalue)
    gain = found.gains["accuracy"]
    assert gain.value == pytest.approx(theirs.mean() - ours.mean())
    spread = (theirs.astype(float) - ours).std() / np.sqrt(700)
    assert (gain.low, gain.high) == pytest.approx((gain.value - 1.96 * spread, gain.value + 1.96 * spread), abs=0.003)
    assert {row.label for row in found.classes if row.holm < 0.05} == {"fear"}
    assert found.verdict.startswith(f"B is better: it is right on {100 * gain.value:.1f} points more of the 700 items")
    back = compare(readings("b", labels, strong), readings("a", labels, weak))
    assert back.verdict.startswith("A is better")
    assert back.gains["accuracy"].value == -gain.value


def test_no_difference_is_said_with_what_could_be_found(sides: tuple[np.ndarray, ...]) -> None:
    labels, weak, _ = sides
    other = weak.copy()
    other[:6] = (labels[:6] + 1) % 7
    found = compare(readings("a", labels, weak), readings("b", labels, other))
    smallest = found.detectable.gain
    assert smallest is not None
    assert found.verdict.startswith("There is no difference in accuracy that these 700 items can show")
    assert f"would show a gain of {100 * smallest:.1f} points in 80 % of cases" in found.verdict
    same = compare(readings("a", labels, weak), readings("b", labels, weak))
    assert same.verdict == "Both read all of the 700 items alike."


def test_groups_can_undo_a_finding() -> None:
    # B is right where A is wrong for one speaker of five, and both are right elsewhere.
    labels = np.zeros(100, dtype=np.int64)
    speakers = tuple(str(n // 20) for n in range(100))
    said = np.where(np.arange(100) < 20, 1, 0)
    found = compare(readings("a", labels, said, speaker=speakers), readings("b", labels, labels), "speaker")
    assert found.units == 5
    assert found.test.p < 1e-4
    assert found.p > 0.05
    assert "McNemar's test, which takes items as independent, would find one" in found.verdict


def test_a_run_against_another_tools_table(desk: Path) -> None:
    code, output = mer("run", "other.csv", "--json", "found.json")
    assert code == 0, output
    assert output.startswith("B is better")
    assert max(len(line) for line in output.splitlines()) <= 100
    found = json.loads(Path("found.json").read_text())
    assert found["names"] == ["run", "other.csv"]
    assert found["mcnemar"]["only_first"] + found["mcnemar"]["both_right"] == round(
        found["scores"][0]["accuracy"]["value"] * 700
    )
    assert "drawn: speaker (10)" in mer("run", "other.csv", "--by", "speaker")[1]


def test_probabilities_semicolons_and_missing_labels_are_understood(desk: Path, sides: tuple[np.ndarray, ...]) -> None:
    shares = pd.DataFrame(np.eye(7)[sides[2]], columns=list(OTHER))
    shares["neutral"] = shares["calm"] / 2  # two columns of one emotion add up
    shares.insert(0, "ID", [f"{n:03}.jpg" for n in range(700)])
    shares.to_csv("shares.csv", index=False, sep=";", encoding="utf-8-sig")
    plain, other = mer("run", "other.csv")[1], mer("run", "shares.csv")[1]
    assert re.sub(r"B  \S+", "", plain) == re.sub(r"B  \S+", "", other)


def test_unmatched_items_are_counted(desk: Path) -> None:
    table = pd.read_csv("other.csv", dtype=str)
    table["id"] = table["id"].where(table["id"] >= "050", "x" + table["id"])
    table.to_csv("other.csv", index=False)
    code, output = mer("run", "other.csv")
    assert code == 0
    assert "run (50 items without a partner left out)" in output
    assert "650 items in both" in output


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("table = table.drop(columns='id')", "other.csv needs the column id; it has label, prediction"),
        ("table = table.drop(columns='prediction')", "lacks readings"),
        ("table['prediction'] = 'bored'", "the prediction 'bored' of"),
        ("table['id'] = '001.jpg'", "stands twice in other.csv"),
        ("table['id'] = 'x' + table['id']", "no id is common to all: run has '000.jpg'"),
        (
            "table['label'] = 'sad'",
            "labels disagree on 600 of 700 items: '000.jpg' is angry in run and sad in other.csv",
        ),
        ("table = table[:0]", "other.csv has no rows"),
    ],
)
def test_tables_that_do_not_fit_are_one_line(desk: Path, change: str, message: str) -> None:
    scope = {"table": pd.read_csv("other.csv", dtype=str)}
    exec(change, scope)
    scope["table"].to_csv("other.csv", index=False)
    code, output = mer("run", "other.csv")
    assert code == 1
    assert message in output
    assert len(output.splitlines()) == 1


def test_wrong_places_are_one_line(desk: Path) -> None:
    Path("empty").mkdir()
    Path("broken.parquet").write_text("no table")
    Path("nothing.csv").write_text("")
    for arguments, code, message in (
        (["run", "none"], 2, "no run folder or prediction file at none"),
        (["run", "empty"], 2, "empty holds no predictions/test.parquet"),
        (["run", "run", "--split", "private"], 2, "choose with --split: test, validation"),
        (["run", "broken.parquet"], 1, "cannot read predictions from broken.parquet"),
        (["run", "nothing.csv"], 1, "nothing.csv is empty"),
        (["run", "other.csv", "--by", "age"], 1, "no column 'age' to group the items by; known: speaker"),
    ):
        found, output = mer(*arguments)
        assert (found, len(output.splitlines())) == (code, 1), output
        assert message in output


def test_emotions_without_a_number_are_refused(desk: Path) -> None:
    table = pd.DataFrame({"id": ["000.jpg", "001.jpg"], **{name: ["0.1", "?"] for name in EMOTIONS}})
    table.to_csv("other.csv", index=False)
    code, output = mer("run", "other.csv")
    assert (code, "the angry of '001.jpg' is no number: '?'" in output) == (1, True)
