"""`mer data import`: every layout as its set is distributed, made by hand."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import Result
from typer.testing import CliRunner

import toy_fer
from mer_batch.cli import app
from mer_batch.data import importing
from mer_batch.data.importers import known
from mer_batch.data.importers.fer2013 import LABELS
from mer_batch.data.manifest import VOTES, read_card, read_manifest
from mer_batch.data.pictures import pixel_hash
from toy_pictures import clean_tree, encode, leaky_tree, photograph, put

USAGES = ["Training", "Training", "PublicTest", "PrivateTest", "Training"]


def run(kind: str, source: Path, out: Path, *more: object) -> Result:
    return CliRunner().invoke(app, ["data", "import", kind, str(source), "--out", str(out), *map(str, more), "-q"])


def tree_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def grey(seed: int) -> np.ndarray:
    return photograph(seed, side=48, colour=False)


def fer_csv(path: Path, damaged: bool = False) -> Path:
    rows = [(number % 7, " ".join(map(str, grey(number).ravel())), usage) for number, usage in enumerate(USAGES)]
    if damaged:
        rows[1] = (rows[1][0], "1 2 3", rows[1][2])
    pd.DataFrame(rows, columns=["emotion", "pixels", "Usage"]).to_csv(path, index=False)
    return path


def test_a_csv_of_pixels_becomes_pictures(tmp_path: Path) -> None:
    result = run("fer2013", fer_csv(tmp_path / "fer2013.csv"), tmp_path / "set")
    assert result.exit_code == 0, result.output
    assert "5 files (train 3, public_test 1, private_test 1)" in result.output
    assert "Terms: FER2013" in result.output
    manifest = read_manifest(tmp_path / "set")
    assert list(manifest.rows["label"]) == list(LABELS[:5])
    assert list(manifest.rows["split"]) == ["train", "train", "public_test", "private_test", "train"]
    for number, row in enumerate(manifest.rows.itertuples()):
        assert np.array_equal(manifest.read_picture(row.path), grey(number))
        assert row.pixel_sha256 == pixel_hash(grey(number))
        assert (row.row, row.width, row.height) == (number, 48, 48)
    card = read_card(tmp_path / "set")
    assert (card["kind"], card["files"], card["items"]) == ("fer2013", "files", 5)
    assert card["counts"]["train"] == {"angry": 1, "disgust": 1, "sad": 1}


def test_the_contests_own_csv_has_spaces_in_its_header(tmp_path: Path) -> None:
    table = fer_csv(tmp_path / "icml_face_data.csv")
    table.write_text(table.read_text().replace("pixels,Usage", " pixels, Usage", 1))
    assert run("fer2013", tmp_path, tmp_path.parent / f"{tmp_path.name}-set").exit_code == 0


def test_damaged_pictures_are_listed_and_skipped(tmp_path: Path) -> None:
    result = run("fer2013", fer_csv(tmp_path / "fer2013.csv", damaged=True), tmp_path / "set")
    assert result.exit_code == 0
    assert "left out: 1 x cannot be read" in result.output
    assert "needs 2304 pixels of 0 to 255, has 3" in result.output
    assert len(read_manifest(tmp_path / "set").rows) == 4
    assert list(pd.read_csv(tmp_path / "set" / "skipped.csv")["path"]) == ["train/disgust/00001.png"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("emotion,pixels\n0,1\n", "needs the columns emotion, pixels and Usage"),
        ("emotion,pixels,Usage\n7,1 2,Training\n", "row 0: the emotion '7' is none of 0 to 6"),
        ("emotion,pixels,Usage\n", "holds nothing of that kind"),
        ("emotion,pixels,Usage\n1,a b,Training\n", "none of the 1 files"),
    ],
)
def test_a_malformed_csv_is_one_line(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "fer2013.csv").write_text(text)
    result = run("fer2013", tmp_path / "fer2013.csv", tmp_path / "set")
    assert result.exit_code == 1
    assert message in result.output
    assert len(result.output.strip().splitlines()) == 1


def test_the_kaggle_zip_is_read_in_place(tmp_path: Path) -> None:
    place = tmp_path / "archive.zip"
    names = ["train/happy/Training_1.jpg", "test/sad/PublicTest_2.jpg", "test/sad/PrivateTest_3.jpg"]
    with zipfile.ZipFile(place, "w") as archive:
        for seed, name in enumerate(names):
            archive.writestr(name, encode(grey(seed), "JPEG"))
    assert run("fer2013", place, tmp_path / "set").exit_code == 0
    manifest = read_manifest(tmp_path / "set")
    assert dict(zip(manifest.rows["path"], manifest.rows["split"], strict=True)) == {
        names[0]: "train",
        names[1]: "public_test",
        names[2]: "private_test",
    }
    assert sorted(path.name for path in (tmp_path / "set").iterdir()) == ["dataset.toml", "manifest.csv"]
    assert manifest.read_picture(names[0]).shape == (48, 48)


def test_importing_twice_changes_nothing_and_the_source_is_never_written(tmp_path: Path) -> None:
    source = leaky_tree(tmp_path / "source")
    put(source / "train" / "happy" / "damaged.jpg", encode(photograph(1), "JPEG")[:99])
    put(source / "readme.txt", b"text")
    before = tree_of(source)
    assert run("folder", source, tmp_path / "set").exit_code == 0
    first = tree_of(tmp_path / "set")
    assert run("folder", source, tmp_path / "set").exit_code == 0
    assert tree_of(tmp_path / "set") == first
    assert tree_of(source) == before
    card = read_card(tmp_path / "set")
    assert card["left_out"] == {"cannot be read": 1, "not a picture": 1}
    assert card["items"] == 14


def test_an_interrupted_import_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, read = clean_tree(tmp_path / "source"), []
    original = importing._facts

    def counting(data: bytes, path: str, modality: str) -> dict[str, object]:
        if len(read) == 7:
            raise KeyboardInterrupt
        read.append(path)
        return original(data, path, modality)

    monkeypatch.setattr(importing, "_facts", counting)
    assert run("folder", source, tmp_path / "set", "--copy").exit_code == 130
    read.append("one more than the limit, so that nothing stops it now")
    assert run("folder", source, tmp_path / "set", "--copy").exit_code == 0
    assert len(read) == len(set(read)) == 12 + 1
    assert run("folder", source, tmp_path / "other", "--copy").exit_code == 0
    assert tree_of(tmp_path / "set" / "files") == tree_of(tmp_path / "other" / "files") == tree_of(source)
    manifests = [(tmp_path / name / "manifest.csv").read_bytes() for name in ("set", "other")]
    assert manifests[0] == manifests[1]


def test_a_copied_set_can_be_moved(tmp_path: Path) -> None:
    source = clean_tree(tmp_path / "source")
    run("folder", source, tmp_path / "set", "--copy")
    run("folder", source, tmp_path / "linked")
    source.rename(tmp_path / "elsewhere")
    (tmp_path / "set").rename(tmp_path / "moved")
    manifest = read_manifest(tmp_path / "moved")
    assert manifest.read_picture(manifest.rows["path"][0]).shape == (64, 64, 3)
    result = CliRunner().invoke(app, ["data", "check", str(tmp_path / "linked")])
    assert result.exit_code == 1
    assert "are gone from" in result.output


def test_a_folder_in_use_is_never_overwritten(tmp_path: Path) -> None:
    source = clean_tree(tmp_path / "source")
    put(tmp_path / "used" / "thesis.tex", b"years of work")
    assert "holds something else" in run("folder", source, tmp_path / "used").output
    assert "inside the source" in run("folder", source, source / "set").output
    run("folder", source, tmp_path / "set")
    other = clean_tree(tmp_path / "other")
    result = run("folder", other, tmp_path / "set")
    assert result.exit_code == 2
    assert "holds something else" in result.output


def test_labels_outside_ours_stay_and_are_named(tmp_path: Path) -> None:
    for seed, label in enumerate(("Happiness", "contempt")):
        put(tmp_path / "source" / label / "1.png", encode(photograph(seed)))
    assert run("folder", tmp_path / "source", tmp_path / "set").exit_code == 0
    rows = read_manifest(tmp_path / "set").rows
    assert set(rows["label"]) == {"happy", "contempt"}


@pytest.mark.parametrize("spelling", ["list_patition_label.txt", "list_partition_label.txt"])
def test_rafdb_as_its_authors_give_it(tmp_path: Path, spelling: str) -> None:
    basic = tmp_path / "basic"
    lines = ["train_00001.jpg 5", "train_00002.jpg 1", "test_0001.jpg 7", "test_0002.jpg 3"]
    put(basic / "EmoLabel" / spelling, "\n".join(lines).encode())
    for seed, name in enumerate(("train_00001", "train_00002", "test_0001")):
        put(basic / "Image" / "aligned" / f"{name}_aligned.jpg", encode(photograph(seed, 100), "JPEG"))
        put(basic / "Image" / "original" / f"{name}.jpg", encode(photograph(seed, 160), "JPEG"))
    result = run("rafdb", basic, tmp_path / "set")
    assert result.exit_code == 0, result.output
    assert "left out: 1 x listed but absent" in result.output
    rows = read_manifest(tmp_path / "set").rows
    assert list(rows["label"]) == ["sad", "surprise", "neutral"]
    assert list(rows["split"]) == ["train", "train", "test"]
    assert set(rows["width"]) == {100}


def test_rafdb_as_numbered_folders(tmp_path: Path) -> None:
    for seed, name in enumerate(("train/1/a_aligned.jpg", "train/6/b_aligned.jpg", "test/4/c_aligned.jpg")):
        put(tmp_path / "archive" / "DATASET" / name, encode(photograph(seed), "JPEG"))
    put(tmp_path / "archive" / "train_labels.csv", b"image,label\n")
    assert run("rafdb", tmp_path / "archive", tmp_path / "set").exit_code == 0
    rows = read_manifest(tmp_path / "set").rows.set_index("path")
    assert rows.loc["DATASET/train/1/a_aligned.jpg", "label"] == "surprise"
    assert rows.loc["DATASET/train/6/b_aligned.jpg", "label"] == "angry"
    assert rows.loc["DATASET/test/4/c_aligned.jpg", ["label", "split"]].tolist() == ["happy", "test"]


@pytest.mark.parametrize("line", ["train_00001.jpg", "train_00001.jpg 8", "train_00001.jpg 5 5"])
def test_a_malformed_list_names_the_line(tmp_path: Path, line: str) -> None:
    put(tmp_path / "basic" / "list_patition_label.txt", line.encode())
    result = run("rafdb", tmp_path / "basic", tmp_path / "set")
    assert "line 1: expected 'train_00001.jpg 5'" in result.output


def votes_csv(path: Path, usages: list[str], names: list[str]) -> Path:
    """Row n has all its votes in column n."""
    votes = 10 * np.eye(10, dtype=int)
    rows = [(usages[n], names[n], *votes[n]) for n in range(len(names))]
    pd.DataFrame(rows, columns=["Usage", "Image name", *VOTES]).to_csv(path, index=False)
    return path


def test_ferplus_is_joined_by_row(tmp_path: Path) -> None:
    # Row 1 has no name and the picture of row 1 is damaged: neither may move the others.
    votes = votes_csv(
        tmp_path / "fer2013new.csv", USAGES, ["fer0000000.png", "", *(f"fer000003{n}.png" for n in range(3))]
    )
    run("fer2013", fer_csv(tmp_path / "fer2013.csv", damaged=True), tmp_path / "fer")
    result = run("ferplus", votes, tmp_path / "plus", "--pictures", tmp_path / "fer")
    assert result.exit_code == 0, result.output
    manifest = read_manifest(tmp_path / "plus")
    assert manifest.has_votes
    assert list(manifest.rows["row"]) == [0, 2, 3, 4]
    assert [list(row) for row in manifest.rows[list(VOTES)].to_numpy()] == [
        [10 if at == n else 0 for at in range(10)] for n in (0, 2, 3, 4)
    ]
    assert np.array_equal(manifest.read_picture(manifest.rows["path"][1]), grey(2))


def test_ferplus_is_joined_by_name(tmp_path: Path) -> None:
    names = [f"fer000003{n}.png" for n in range(3)]
    for seed, name in enumerate(names[1:]):
        put(tmp_path / "FER2013Train" / name, encode(grey(seed)))
    votes = votes_csv(tmp_path / "fer2013new.csv", ["Training"] * 3, names)
    assert run("ferplus", votes, tmp_path / "set", "--pictures", tmp_path / "FER2013Train").exit_code == 0
    rows = read_manifest(tmp_path / "set").rows
    assert [int(rows[list(VOTES)].to_numpy()[at].argmax()) for at in range(2)] == [1, 2]


def test_ferplus_needs_pictures_that_fit(tmp_path: Path) -> None:
    votes = votes_csv(tmp_path / "fer2013new.csv", USAGES[::-1], [""] * 5)
    run("fer2013", fer_csv(tmp_path / "fer2013.csv"), tmp_path / "fer")
    assert "give --pictures FOLDER" in run("ferplus", votes, tmp_path / "set").output
    assert "not of the same order" in run("ferplus", votes, tmp_path / "set", "--pictures", tmp_path / "fer").output
    tree = clean_tree(tmp_path / "tree")
    assert "no votes fit" in run("ferplus", votes, tmp_path / "set", "--pictures", tree).output
    short = votes_csv(tmp_path / "short.csv", USAGES[:2], ["", ""])
    assert "do not belong together" in run("ferplus", short, tmp_path / "set", "--pictures", tmp_path / "fer").output


def test_the_shared_layout_can_be_imported(tmp_path: Path) -> None:
    shared = toy_fer.make(tmp_path / "data") / "fer" / "fer2013"
    assert run("fer2013", shared, tmp_path / "set").exit_code == 0
    ours, theirs = read_manifest(tmp_path / "set"), read_manifest(shared)
    assert ours.has_votes
    assert list(ours.rows["path"]) == list(theirs.rows["path"])
    assert list(ours.rows["split"]) == list(theirs.rows["split"])
    assert list(ours.rows.columns).count("pixel_sha256") == 1
    # The toy's hashes are of its pixels before they were compressed; ours are of what is stored.
    first = ours.rows.iloc[0]
    assert first.pixel_sha256 == pixel_hash(theirs.read_picture(first.path))
    assert len(ours.rows.columns) == len(set(ours.rows.columns)) == len(theirs.rows.columns) + 2


def test_unknown_kinds_and_absent_sources_are_one_line(tmp_path: Path) -> None:
    unknown = run("rafbd", tmp_path, tmp_path / "set")
    assert unknown.exit_code == 2
    assert "Did you mean 'rafdb'?" in unknown.output
    absent = run("rafdb", tmp_path / "nothing", tmp_path / "set")
    assert absent.exit_code == 1
    assert "ask the authors" in absent.output
    assert "has neither" in run("rafdb", clean_tree(tmp_path / "tree"), tmp_path / "set").output
    assert "not for rafdb" in run("rafdb", tmp_path / "tree", tmp_path / "set", "--pictures", tmp_path).output


def test_names_that_lead_out_of_the_set_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        archive.writestr("../outside/sad/1.png", encode(photograph(0)))
        archive.writestr("sad/2.png", encode(photograph(1)))
    assert "set: 1 files" in run("folder", tmp_path / "bad.zip", tmp_path / "deep" / "set", "--copy").output
    put(tmp_path / "outside.png", encode(photograph(0)))
    put(tmp_path / "source" / "table.csv", b"path,label\n../outside.png,sad\n")
    result = run("folder", tmp_path / "source" / "table.csv", tmp_path / "deep" / "other", "--copy")
    assert result.exit_code == 1
    assert "leads out of the data set" in result.output
    assert not list((tmp_path / "deep").rglob("outside*"))


def test_help_names_every_kind() -> None:
    text = CliRunner().invoke(app, ["data", "import", "--help"], terminal_width=200).output
    assert all(kind in text for kind in known())


def test_list_shows_what_is_there_and_what_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MER_DATA", str(toy_fer.make(tmp_path / "data")))
    run("folder", clean_tree(tmp_path / "source"), tmp_path / "data" / "my faces")
    put(tmp_path / "data" / "broken" / "dataset.toml", b"name = ")
    put(tmp_path / "data" / "footage" / "manifest.csv", b"path,label\na.mp4,sad\n")
    put(tmp_path / "data" / "other" / "footage" / "manifest.csv", b"file,note\n")
    output = CliRunner().invoke(app, ["data", "list"]).output
    assert "fer2013  (fer2013, face)\n  train 56, " in output
    assert "my faces  (folder, face)" in output
    assert "test 6" in output
    assert "broken\n  cannot be read" in output
    assert "footage" not in output
    assert "absent: rafdb" in output
    assert "absent: ferplus" not in output


def test_list_without_sets_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MER_DATA", str(tmp_path))
    result = CliRunner().invoke(app, ["data", "list"])
    assert result.exit_code == 0
    assert "set MER_DATA" in result.output
