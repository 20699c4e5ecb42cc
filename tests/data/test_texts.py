"""Importers of sentences, from the files as their authors give them, and the tasks that read what they made."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pandas as pd
import pytest

from mer_batch.data.importers.sentences import mark_copies
from mer_batch.data.texts import read_texts
from mer_batch.labels import EMOTIONS
from mer_batch.resources import data_home
from mer_batch.tasks.sentences import held_out_rows, read_rows, training_rows
from toy_training import mer

MELD = """Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,Season,Episode,StartTime,EndTime
1,"- No, no,
no!",Anna,anger,negative,0,0,4,7,"00:20:57,256","00:21:00,049"
2,You’re a genius!,Bo,joy,positive,0,1,4,7,"00:21:01,927","00:21:03,261"
3,=2+2,Bo,neutral,neutral,1,0,4,7,"00:21:01,927","00:21:03,261"
"""


def imported(kind: str, folder: Path) -> str:
    code, output = mer("data", "import", kind, folder, "-q")
    assert code == 0, output
    return output


def test_meld(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "meld.zip", "w") as archive:
        for part in ("train", "dev", "test"):
            archive.writestr(f"MELD/data/MELD/{part}_sent_emo.csv", MELD)
    output = imported("meld", tmp_path / "meld.zip")
    assert "9 sentences (train 3, validation 3, test 3)" in output or "9 sentences" in output
    rows = read_rows("meld", "dev")
    assert [row.id for row in rows] == ["meld_dev_dia0_utt0", "meld_dev_dia0_utt1", "meld_dev_dia1_utt0"]
    assert [row.text for row in rows] == ["- No, no, no!", "You’re a genius!", "=2+2"]
    assert [row.label for row in rows] == [EMOTIONS.index(name) for name in ("angry", "happy", "neutral")]
    assert rows[1].before == ("- No, no, no!",)
    written = (data_home() / "text" / "meld" / "dev.csv").read_text(encoding="utf-8")
    assert "'- No, no, no!" in written
    assert "'=2+2" in written
    assert "text/meld  (meld, text)" in mer("data", "list")[1].replace("\\", "/")
    code, output = mer("data", "check", data_home() / "text" / "meld")
    assert code == 1
    assert "holds sentences" in output


def test_goemotions_has_a_label_where_its_own_agree(tmp_path: Path) -> None:
    lines = ["I love it, thanks\t15,18\ta1", '"He said ""no"""\t2,3\ta2', "what?\t6,25\ta3", "ok\t27\ta4"]
    for part in ("train", "dev", "test"):
        (tmp_path / f"{part}.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    imported("goemotions", tmp_path)
    rows = read_rows("goemotions", "train")
    assert [row.fine for row in rows] == [
        ("gratitude", "love"),
        ("anger", "annoyance"),
        ("confusion", "sadness"),
        ("neutral",),
    ]
    assert [row.label is None for row in rows] == [False, False, True, False]
    assert rows[1].text == 'He said "no"'
    assert [row.id for row in rows] == ["a1", "a2", "a3", "a4"]


def test_dailydialog_marks_what_its_parts_share(tmp_path: Path) -> None:
    shared = "How are you today , my friend ? __eou__ Fine . __eou__"
    parts = {
        "train": [shared, "a b c __eou__ d __eou__"],
        "validation": [shared],
        "test": ["how are you today , my friend ? __eou__"],
    }
    for part, dialogues in parts.items():
        (tmp_path / part).mkdir()
        (tmp_path / part / f"dialogues_{part}.txt").write_text("\n".join(dialogues) + "\n", encoding="utf-8")
        numbers = ["4 0", "1 1 1"] if part == "train" else ["4 0"] if part == "validation" else ["6"]
        (tmp_path / part / f"dialogues_emotion_{part}.txt").write_text("\n".join(numbers) + "\n", encoding="utf-8")
    imported("dailydialog", tmp_path)
    assert [row.text for row in read_rows("dailydialog", "train")] == ["How are you today , my friend ?", "Fine ."]
    assert [row.flagged for row in read_rows("dailydialog", "validation")] == [True, True]
    assert held_out_rows("dailydialog", "test") == []
    assert read_texts(data_home() / "text" / "dailydialog").card["left_out"] == {
        "dialogues whose turns and labels differ in number": 1
    }


def test_carer(tmp_path: Path) -> None:
    for part in ("train", "val", "test"):
        (tmp_path / f"{part}.txt").write_text("i feel; well;love\n\ni am cross;anger\n", encoding="utf-8")
    imported("carer", tmp_path)
    rows = training_rows("carer", ())
    assert [(row.text, row.fine) for row in rows] == [("i feel; well", ("love",)), ("i am cross", ("anger",))]


@pytest.mark.parametrize(
    ("kind", "name", "content", "message"),
    [
        ("meld", "train_sent_emo.csv", "a,b\n1,2\n", "lacks the columns Utterance"),
        ("meld", "other.csv", "a,b\n", "holds no train_sent_emo.csv"),
        ("goemotions", "train.tsv", "words\t99\tid\n", "is no table of text"),
        ("goemotions", "train.tsv", "words\n", "is no table of text"),
        ("carer", "train.txt", "", "holds no val.txt"),
    ],
)
def test_another_layout_is_one_line(kind: str, name: str, content: str, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content)
    code, output = mer("data", "import", kind, tmp_path, "-q")
    assert code == 1
    assert message in output
    assert len(output.strip().splitlines()) == 1


def test_marks_are_those_of_the_real_set(shared_data: Path) -> None:
    folder = shared_data / "text" / "dailydialog"
    parts = ("train", "validation", "test")
    tables = [
        pd.read_csv(folder / f"{part}.csv", dtype=str, keep_default_na=False).assign(split=part) for part in parts
    ]
    table = pd.concat(tables, ignore_index=True)
    known = table[["text_in_train", "dialogue_in_train"]].replace("0", "").copy()
    mark_copies(table)
    for name in known:
        assert list(known[name]) == list(table[name]), name
