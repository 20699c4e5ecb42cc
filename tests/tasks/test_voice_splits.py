"""Splits of speech sets: nobody and nothing crosses that should not, and the frozen lists are what the rules make."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mer_batch.data.manifest import clip_ids
from mer_batch.errors import DataError, UsageError
from mer_batch.resources import data_dir
from mer_batch.tasks import voice_splits
from mer_batch.tasks.voice_splits import COPY, KINDS, check, frozen, make_list, parts, read_list

SETS = ("ravdess", "tess", "emovo", "emodb", "cremad")
WHO = {"ravdess": -1, "cremad": 0, "tess": 0, "emovo": 1}
"""Where the speaker stands in a file name."""


def speaker_of(name: str) -> Callable[[str], str]:
    if name == "emodb":
        return lambda clip: clip[:2]
    return lambda clip: clip.replace("_", "-").split("-")[WHO[name]]


def sentence_of(name: str) -> Callable[[str], str]:
    if name == "emodb":
        return lambda clip: clip[2:5]
    place = {"ravdess": 4, "cremad": 1, "tess": 1, "emovo": 2}[name]
    return lambda clip: clip.replace("_", "-").split("-")[place]


def table_of(name: str) -> pd.DataFrame:
    table = frozen(name)
    assert table is not None
    return table


def sides(split: pd.Series, of: Callable[[str], str]) -> dict[str, set[str]]:
    keys = [of(clip.split("/")[1].removesuffix(COPY)) for clip in split.index]
    return {part: set(group) for part, group in pd.Series(keys).groupby(split.to_numpy())}


@pytest.mark.parametrize("name", SETS)
def test_every_kind_and_fold_keeps_its_promise(name: str) -> None:
    table = table_of(name)
    some, many = voice_splits.folds(table, "speaker"), voice_splits.folds(table, "sentence")
    tested: dict[str, list[str]] = {"speaker": [], "sentence": [], "speaker+sentence": []}
    for kind, count in (("speaker", some), ("sentence", many), ("speaker+sentence", some * many)):
        for fold in range(count):
            split = parts(table, kind, fold)
            assert set(split) == {"train", "validation", "test"}
            if "speaker" in kind:
                who = sides(split, speaker_of(name))
                assert not who["test"] & (who["train"] | who["validation"])
                assert some == 2 or not who["train"] & who["validation"]
            if "sentence" in kind:
                what = sides(split, sentence_of(name))
                assert not what["test"] & (what["train"] | what["validation"])
                assert many == 2 or not what["train"] & what["validation"]
            tested[kind] += split.index[split == "test"].tolist()
    for clips in tested.values():
        assert sorted(clips) == sorted(table.index), "every clip is tested once over the folds"


@pytest.mark.parametrize(
    ("name", "train", "validation", "test"),
    [("ravdess", 956, 51, 432), ("tess", 1958, 420, 420), ("cremad", 4943, 261, 2231)],
)
def test_random_parts_have_the_published_sizes(name: str, train: int, validation: int, test: int) -> None:
    counts = parts(table_of(name), "random").value_counts()
    assert counts.to_dict() == {"train": train, "validation": validation, "test": test}


def test_ravdess_folds_are_four_actors_each_two_of_them_women() -> None:
    for fold in range(6):
        split = parts(table_of("ravdess"), "speaker", fold)
        actors = sides(split, speaker_of("ravdess"))
        assert len(actors["test"]) == len(actors["validation"]) == 4
        assert sum(int(actor) % 2 == 0 for actor in actors["test"]) == 2


def test_doubled_lists_every_clip_twice_and_the_copies_meet() -> None:
    split = parts(table_of("tess"), "doubled")
    assert len(split) == 2 * 2798
    assert split.value_counts().to_dict() == {"train": 3917, "validation": 840, "test": 839}
    clip = split.index.str.removesuffix(COPY)
    heard = clip[split == "test"].isin(clip[split == "train"])
    assert heard.mean() > 0.6
    with pytest.raises(UsageError, match="tess only"):
        parts(table_of("ravdess"), "doubled")


def test_a_set_that_is_only_tested_gives_no_training() -> None:
    assert set(parts(table_of("emovo"), "corpus", seen=False)) == {"test"}
    for name in SETS:
        kept = parts(table_of(name), "corpus")
        assert set(kept) == {"train", "validation"}
        own = sides(kept, speaker_of(name))
        assert name == "tess" or not own["train"] & own["validation"]


def test_the_frozen_lists_are_what_their_script_makes(shared_data: Path, tmp_path: Path) -> None:
    script = runpy.run_path(str(data_dir("train") / "splits" / "make_voice.py"))
    script["write_lists"](shared_data / "speech", tmp_path)
    for name in SETS:
        assert (tmp_path / f"{name}.csv").read_bytes() == (data_dir("train") / "splits" / f"{name}.csv").read_bytes()


def test_the_frozen_lists_name_clips_that_exist_once(shared_data: Path) -> None:
    for name in SETS:
        table = "official_audiowav_sha256.csv" if name == "cremad" else "manifest.csv"
        rows = pd.read_csv(shared_data / "speech" / name / table, dtype=str).rename(
            columns={"file": "path", "source_sha256": "sha256", "sentence_or_word": "sentence"}
        )
        rows.index = pd.Index(clip_ids(name, list(rows["path"])))
        listed = rows.loc[table_of(name).index]
        assert listed["sha256"].is_unique, "no recording is listed twice"
        for kind, fold in product(("speaker", "sentence", "speaker+sentence"), range(2)):
            used = parts(table_of(name), kind, fold).rename("split").rename_axis("id").reset_index()
            used[["speaker", "sentence"]] = listed.loc[used["id"], ["speaker", "sentence"]].to_numpy()
            check(used.assign(set=name), kind)


def invented(speakers: int, sentences: int) -> pd.DataFrame:
    rows = [
        (f"x/{s}-{q}-{label}", label, f"s{s}", f"q{q}")
        for s, q, label in product(range(speakers), range(sentences), ("happy", "sad"))
    ]
    return pd.DataFrame(rows, columns=["id", "label", "speaker", "sentence"])


def test_a_set_without_a_list_is_split_by_the_same_rules() -> None:
    rows = invented(8, 5)
    table = make_list(rows)
    assert make_list(rows.sample(frac=1, random_state=1)).equals(table), "the order of rows does not matter"
    assert voice_splits.folds(table, "speaker") == 6
    assert voice_splits.folds(table, "sentence") == 5
    used = rows.set_index("id").assign(split=parts(table, "speaker+sentence", 7), set="x").dropna().reset_index()
    check(used, "speaker+sentence")
    assert set(used["split"]) == {"train", "validation", "test"}


def test_a_crossing_speaker_is_found() -> None:
    rows = invented(3, 3).assign(set="x")
    rows["split"] = np.where(rows["speaker"] == "s0", "test", "train")
    check(rows, "speaker")
    rows.loc[rows.index[0], "split"] = "train"
    with pytest.raises(DataError, match="x s0 on both sides"):
        check(rows, "speaker")
    check(rows, "random")


def test_a_split_that_a_set_cannot_have_is_told() -> None:
    alone = make_list(invented(1, 4))
    for kind in ("speaker", "speaker+sentence"):
        with pytest.raises(UsageError, match="one speaker"):
            parts(alone, kind)
    with pytest.raises(UsageError, match="two speakers and two sentences"):
        parts(make_list(invented(2, 2)), "speaker+sentence")
    with pytest.raises(UsageError, match="speaker\\+sentence"):
        parts(alone, "speakers")
    assert set(parts(alone, "random")) == {"train", "validation", "test"}


def test_ids_ignore_folders_and_formats_unless_names_repeat() -> None:
    assert clip_ids("x", ["a/1.wav", "b/2.opus"]) == ["x/1", "x/2"]
    assert clip_ids("x", ["a/1.wav", "b/1.wav"]) == ["x/a/1", "x/b/1"]


def test_a_list_of_ones_own_is_read_and_checked(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("id,split\nx/1.wav,train\nx/2.wav,test\n")
    assert read_list(path).to_dict() == {"x/1": "train", "x/2": "test"}
    path.write_text("id,split\nx/1.wav,train\nx/1.opus,test\n")
    with pytest.raises(DataError, match="x/1 twice"):
        read_list(path)
    path.write_text("name,split\nx,train\n")
    with pytest.raises(DataError, match=r"needs the columns? id"):
        read_list(path)


def test_all_kinds_are_known() -> None:
    for kind in KINDS:
        assert len(parts(table_of("tess"), kind)) > 0
