"""Whatever a user has becomes one table."""

from __future__ import annotations

import pickle
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import toy_fer
import toy_voice
from mer_batch.data.manifest import read_manifest
from mer_batch.data.pictures import decode_picture, pixel_hash
from mer_batch.errors import DataError
from toy_pictures import clean_tree, encode, photograph, put


def test_a_tree_gives_labels_and_splits_by_our_names(tmp_path: Path) -> None:
    data = encode(photograph(0))
    for name in ("Training/Happiness/a.png", "valid/ANG/b.png", "test/contempt/c.png", "test/d.png", "e.png"):
        put(tmp_path / name, data)
    put(tmp_path / "notes.txt", b"hello")
    put(tmp_path / "__MACOSX" / "._a.png", b"junk")
    manifest = read_manifest(tmp_path)
    rows = {row.path: (row.label, row.split) for row in manifest.rows.itertuples()}
    assert rows == {
        "Training/Happiness/a.png": ("happy", "train"),
        "valid/ANG/b.png": ("angry", "validation"),
        "test/contempt/c.png": ("contempt", "test"),
        "test/d.png": ("", "test"),
        "e.png": ("", ""),
    }
    assert manifest.skipped == {"not a picture": 1}
    ours = manifest.emotions()
    assert list(ours.rows["label"]) == ["happy", "angry"]
    assert ours.skipped["label 'contempt'"] == 1


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_archives_are_read_in_place(tmp_path: Path, kind: str) -> None:
    tree = clean_tree(tmp_path / "tree")
    place = tmp_path / f"set.{kind}"
    files = [path for path in tree.rglob("*") if path.is_file()]
    if kind == "zip":
        with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in files:
                archive.write(path, path.relative_to(tree))
    else:
        with tarfile.open(place, "w") as archive:
            for path in files:
                archive.add(path, str(path.relative_to(tree)))
    manifest, plain = read_manifest(place), read_manifest(tree)
    assert manifest.name == "set"
    pd.testing.assert_frame_equal(manifest.rows, plain.rows)
    manifest = pickle.loads(pickle.dumps(manifest))  # as workers get it
    for path in manifest.rows["path"]:
        assert np.array_equal(manifest.read_picture(path), plain.read_picture(path))
    with pytest.raises(DataError, match="nothing_there"):
        manifest.read_bytes("nothing_there.png")


def test_the_shared_layout_has_votes_and_pixels(tmp_path: Path) -> None:
    manifest = read_manifest(toy_fer.make(tmp_path) / "fer" / "fer2013")
    assert (manifest.name, manifest.modality, manifest.has_votes) == ("fer2013", "face", True)
    assert set(manifest.splits) == {"train", "public_test", "private_test"}
    train = manifest.part("train")
    assert len(train.rows) == 7 * toy_fer.SPLITS["train"]
    for row in train.rows.head(5).itertuples():
        assert manifest.read_picture(row.path).shape == (48, 48)
        assert row.happiness == (10 if row.label == "happy" else 0)


def test_the_shared_layout_of_sounds(tmp_path: Path) -> None:
    manifest = read_manifest(toy_voice.make(tmp_path) / "speech" / "ravdess")
    assert (manifest.modality, set(manifest.rows["label"])) == ("voice", {*toy_voice.EMOTIONS})
    sound = manifest.read_sound("train-happy-1.wav")
    assert len(sound) == round(2.5 * 16000)
    assert 0.05 < np.abs(sound).max() < 1


def test_pixels_do_not_depend_on_the_container() -> None:
    picture = photograph(0)
    grey = photograph(0, colour=False)
    kinds = [decode_picture(encode(picture, kind), kind) for kind in ("PNG", "BMP", "TIFF")]
    assert {pixel_hash(one) for one in kinds} == {pixel_hash(picture)}
    as_colour = decode_picture(encode(np.repeat(grey[:, :, None], 3, axis=2)), "grey")
    assert np.array_equal(as_colour, grey)


def test_deep_and_turned_pictures(tmp_path: Path) -> None:
    deep = photograph(0, colour=False).astype(np.uint16) * 257
    assert np.array_equal(decode_picture(encode(deep), "deep"), photograph(0, colour=False))
    exif = Image.Exif()
    exif[0x0112] = 6  # stored on its side
    wide = Image.fromarray(photograph(0)[:32])
    wide.save(tmp_path / "turned.png", exif=exif)
    assert decode_picture((tmp_path / "turned.png").read_bytes(), "turned").shape == (64, 32, 3)


@pytest.mark.parametrize("data", [b"", b"no picture", encode(photograph(0))[:300], encode(photograph(0), "JPEG")[:200]])
def test_damaged_pictures_are_one_line(data: bytes) -> None:
    with pytest.raises(DataError, match=r"cannot read the picture x\.png: \w"):
        decode_picture(data, "x.png")


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("file,label\na,b\n", "needs the columns path and label"),
        ("path,label\n", "has no rows"),
        ("path,label\na.png,sad\na.png,happy\n", "lines 2 and 3 give 'a.png' two labels, 'sad' and 'happy'"),
        ('path,label\n"a', "has no rows; line 2 has a quote that never closes"),
    ],
)
def test_malformed_tables(tmp_path: Path, table: str, message: str) -> None:
    (tmp_path / "manifest.csv").write_text(table)
    with pytest.raises(DataError, match=message):
        read_manifest(tmp_path)


def test_a_csv_of_paths_keeps_its_own_columns(tmp_path: Path) -> None:
    put(tmp_path / "a.png", encode(photograph(0)))
    (tmp_path / "my.csv").write_text("path,label,split,speaker,age\na.png,Joy,Testing,007,31\n")
    row = read_manifest(tmp_path / "my.csv").rows.iloc[0]
    assert (row.label, row.split, row.speaker, row.age) == ("happy", "test", "007", 31)


def test_nothing_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no data set at"):
        read_manifest(tmp_path / "absent")
    with pytest.raises(DataError, match="neither pictures nor sounds"):
        read_manifest(tmp_path)
