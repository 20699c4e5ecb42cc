"""`mer data check` on pictures: known copies are found, and nothing else."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import Result
from PIL import Image
from typer.testing import CliRunner

from mer_batch.cli import app
from mer_batch.data.check import check
from mer_batch.data.duplicates import candidates
from mer_batch.data.manifest import read_manifest
from toy_pictures import clean_tree, encode, leaky_tree, photograph, put


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["data", "check", *map(str, arguments), "--quiet"])


def found(folder: Path, *arguments: object) -> dict[str, dict[str, object]]:
    """The findings of a check by name."""
    result = run(folder, "--json", folder.parent / "check.json", *arguments)
    assert result.exit_code in (0, 1), result.output
    report = json.loads((folder.parent / "check.json").read_text(encoding="utf-8"))
    return {finding["name"]: finding for finding in report["findings"]}


def test_a_clean_set_passes(tmp_path: Path) -> None:
    result = run(clean_tree(tmp_path / "set"))
    assert result.exit_code == 0
    assert "12 pictures, 64x64, colour" in result.output
    assert "LEAK" not in result.output
    assert "nothing found" in result.output


def test_no_pictures_have_no_copies() -> None:
    assert len(candidates(np.zeros((0, 16, 16), np.uint8), 0.9)) == 0


def test_leaks_are_found_and_fixed(tmp_path: Path) -> None:
    folder, pairs, fixed = leaky_tree(tmp_path / "set"), tmp_path / "pairs.csv", tmp_path / "fixed"
    result = run(folder, "--csv", pairs)
    assert result.exit_code == 1
    assert "2 of 6 in test (33.3%) are also in train: 1 exact, 1 near copies; leave 2 out of train" in result.output
    table = {row.first_path: row for row in pd.read_csv(pairs).itertuples()}
    exact = table["train/happy/same pixels.bmp"]
    assert (exact.second_path, exact.kind) == ("test/happy/test_0.png", "exact")
    near = table["train/happy/gespiegelt_ünïcödé_视频.jpg"]
    assert (near.second_path, near.kind, near.mirrored) == ("test/sad/test_0.png", "near", True)
    assert 0.94 <= near.score < 1
    assert len(table) == 2

    assert run(folder, "--fix", fixed).exit_code == 0
    assert run(fixed).exit_code == 0
    left = set(read_manifest(fixed).rows["path"])
    assert left == set(read_manifest(folder).rows["path"]) - set(table)
    assert len(list(folder.rglob("*.*"))) == 14  # nothing was deleted
    assert run(folder, "--fix", fixed).exit_code == 0  # the same again is no conflict
    refused = run(folder, "--fix", tmp_path)
    assert refused.exit_code == 2
    assert "holds something else" in refused.output


@pytest.mark.parametrize(
    "change",
    [
        lambda picture: picture.resize((31, 31)),
        lambda picture: picture.point(lambda value: int(40 + value * 0.6)),
        lambda picture: picture.convert("L"),
        lambda picture: picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
        lambda picture: Image.fromarray(np.pad(np.asarray(picture)[1:, 1:], ((0, 1), (0, 1), (0, 0)), mode="edge")),
    ],
    ids=["smaller", "paler", "grey", "mirrored", "moved by a pixel"],
)
def test_changed_copies_are_near_copies(tmp_path: Path, change) -> None:  # type: ignore[no-untyped-def]
    folder = clean_tree(tmp_path / "set")
    put(folder / "train" / "happy" / "copy.jpg", encode(np.asarray(change(Image.fromarray(photograph(8)))), "JPEG"))
    assert found(folder)["copies"]["count"] == 1


def test_conflicts_copies_within_and_odd_files_only_warn(tmp_path: Path) -> None:
    folder = clean_tree(tmp_path / "set")
    put(folder / "train" / "sad" / "conflict.png", encode(photograph(0)))  # train/happy/train_0
    put(folder / "train" / "happy" / "again.bmp", encode(photograph(1), "BMP"))
    put(folder / "test" / "sad" / "black.png", encode(np.zeros((64, 64), np.uint8)))
    card = np.full((64, 64), 250, np.uint8)
    card[20:40:4, 10:54:2] = 0
    put(folder / "test" / "sad" / "card.png", encode(card))
    put(folder / "test" / "sad" / "damaged.png", encode(photograph(50))[:200])
    put(folder / "test" / "sad" / "notes.txt", b"not a picture")
    findings = found(folder)
    assert {name: finding["count"] for name, finding in findings.items()} == {
        "exact copies": 2,
        "label conflicts": 1,
        "unreadable": 1,
        "left out": 1,
        "no photograph": 2,
        "grey and colour": 2,
    }
    assert set(findings["no photograph"]["examples"]) == {"test/sad/black.png", "test/sad/card.png"}
    assert findings["unreadable"]["examples"] == ["test/sad/damaged.png"]
    assert run(folder).exit_code == 0


def test_black_frames_are_exact_copies_but_no_near_ones(tmp_path: Path) -> None:
    folder = clean_tree(tmp_path / "set")
    for level in (0, 3, 90):
        put(folder / "train" / "sad" / f"{level}.png", encode(np.full((64, 64), level, np.uint8)))
    assert set(found(folder)) == {"no photograph", "grey and colour"}


def test_classes_that_are_rare_or_absent(tmp_path: Path) -> None:
    folder = clean_tree(tmp_path / "set", per_label=1)
    for seed in range(20, 30):
        put(folder / "train" / "fear" / f"{seed}.png", encode(photograph(seed)))
    findings = found(folder)
    assert findings["missing labels"]["text"] == "test lacks fear"
    assert findings["balance"]["text"] == "train: 10 times rarer than fear (10) or more: happy (1), sad (1)"


def test_people_in_two_splits_leak(tmp_path: Path) -> None:
    folder = clean_tree(tmp_path / "set")
    rows = read_manifest(folder).rows
    rows["subject"] = ["ann", "bob", "cat", "dan", "eve", "ann", *["fay", "gil", "hal", "ivy", "jon", "kim"]]
    table = folder / "people.csv"
    rows.to_csv(table, index=False)
    assert run(table).exit_code == 0
    rows.loc[0, "subject"] = "fay"  # rows are sorted: test comes first
    rows.to_csv(table, index=False)
    result = run(table)
    assert result.exit_code == 1
    assert "1 x subject in both train and test" in result.output
    assert run(table, "--fix", tmp_path / "fixed").exit_code == 0
    assert run(tmp_path / "fixed").exit_code == 0
    assert len(read_manifest(tmp_path / "fixed").rows) == 11
    assert run(table, "--group", "label").exit_code == 1
    unknown = run(table, "--group", "subjekt")
    assert unknown.exit_code == 2
    assert "Did you mean 'subject'?" in unknown.output


def test_splits_from_another_table(tmp_path: Path) -> None:
    folder, table = leaky_tree(tmp_path / "set"), tmp_path / "split.csv"
    paths = read_manifest(folder).rows["path"]
    pd.DataFrame({"id": "set/" + paths, "split": "train"}).to_csv(table, index=False)
    assert run(folder, "--split", table).exit_code == 0
    table.write_text("id,split\nother.png,train\n")
    assert "lists no file of set" in run(folder, "--split", table).output


def test_a_fix_that_would_take_everything_is_refused(tmp_path: Path) -> None:
    for split in ("train", "test"):
        put(tmp_path / "set" / split / "sad" / "1.png", encode(photograph(1)))
    result = run(tmp_path / "set", "--fix", tmp_path / "fixed")
    assert result.exit_code == 1
    assert "nothing would be left of train" in result.output
    assert not (tmp_path / "fixed").exists()


def test_many_exact_and_near_copies_are_all_counted(tmp_path: Path) -> None:
    folder = clean_tree(tmp_path / "set")
    for number in range(3):
        put(folder / "train" / "sad" / f"a{number}.png", encode(photograph(6)))
        put(folder / "test" / "sad" / f"b{number}.jpg", encode(photograph(6), "JPEG", quality=50))
    result = run(folder, "--json", tmp_path / "check.json")
    assert "4 of 9 in test (44.4%) are also in train: 1 exact, 3 near copies; leave 3 out of train" in result.output
    dropped = json.loads((tmp_path / "check.json").read_text())["drop"]
    assert dropped == [f"train/sad/a{number}.png" for number in range(3)]


def test_a_folder_without_labels_or_splits(tmp_path: Path) -> None:
    for seed in range(3):
        put(tmp_path / "set" / f"{seed}.png", encode(photograph(seed)))
    put(tmp_path / "set" / "copy.png", encode(photograph(0)))
    assert found(tmp_path / "set")["exact copies"]["text"] == "surplus exact copies: 1 in the set"


def test_all_damaged_is_one_line(tmp_path: Path) -> None:
    put(tmp_path / "set" / "sad" / "1.png", b"nothing")
    result = run(tmp_path / "set")
    assert result.exit_code == 1
    assert len(result.output.strip().splitlines()) == 1


def test_faces_are_looked_for_on_request(tmp_path: Path, shared_data: Path) -> None:
    stills = shared_data / "media" / "stills"
    put(tmp_path / "set" / "face.jpg", (stills / "aflw_image04476.jpg").read_bytes())
    put(tmp_path / "set" / "noise.png", encode(photograph(1, side=120)))
    put(tmp_path / "set" / "small.png", encode(photograph(2)))
    finding = found(tmp_path / "set", "--faces", "--device", "cpu")["no face found"]
    assert finding["examples"] == ["noise.png"]
    assert "1 of 2 pictures" in str(finding["text"])


def test_fer2013_has_exactly_the_leaks_that_are_listed(shared_data: Path) -> None:
    folder = shared_data / "fer" / "fer2013"
    manifest = read_manifest(folder)
    listed = pd.read_csv(folder / "near_duplicates.csv").query("score < 300")
    # All pictures that the list names and a twentieth of the others: the whole set takes half a minute.
    named = manifest.rows["path"].isin({*listed["test_path"], *listed["nearest_train_path"]})
    rows = manifest.rows[named | (manifest.rows.index % 20 == 0)].reset_index(drop=True)
    checked = check(replace(manifest, rows=rows), None, None, lambda stage, done: None)
    leaks = [
        finding.text for finding in checked.findings if finding.level == "leak" and "also in train" in finding.text
    ]
    assert ["280 exact, 119 near" in leaks[0], "288 exact, 134 near" in leaks[1]] == [True, True]
    assert [text.split()[0] for text in leaks] == ["399", "422"]
