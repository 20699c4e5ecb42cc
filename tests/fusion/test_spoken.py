"""Words as numbers, and transcripts by clip."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from mer_batch.data.files import FolderFiles
from mer_batch.data.manifest import Manifest
from mer_batch.errors import DataError, ModelError
from mer_batch.fusion.spoken import UNKNOWN, Vocabulary, plain_words
from mer_batch.tasks.transcripts import by_design, read_transcripts, words_of


def test_words_are_lower_case_and_without_punctuation() -> None:
    assert plain_words("Say the word, BACK!") == ["say", "the", "word", "back"]
    assert plain_words(" It's   a_b… ") == ["its", "ab"]
    assert plain_words("...") == []


def test_known_words_have_numbers_and_others_share_one() -> None:
    made = Vocabulary.of(["say the word back", "say the word bar"], size=363, length=6)
    assert made.words == ("back", "bar", "say", "the", "word")
    assert made.size == 7
    rows = made.encode(["Say the word bar.", "say the word new", "", "say " * 9])
    assert rows[0].tolist() == [4, 5, 6, 3, 0, 0]
    assert rows[1].tolist() == [4, 5, 6, UNKNOWN, 0, 0]
    assert (rows[2] == 0).all()
    assert rows[3].tolist() == [4] * 6
    assert Vocabulary.from_card(made.card()) == made


def test_a_small_vocabulary_keeps_the_frequent_words() -> None:
    made = Vocabulary.of(["a b c", "a b", "a"], size=4)
    assert made.words == ("a", "b")
    assert made.size == 4


@pytest.mark.parametrize("section", [{}, {"vocabulary": ["a", "a"], "length": 3}, {"vocabulary": ["a"], "length": 0}])
def test_a_card_that_does_not_fit_is_told(section: dict[str, object]) -> None:
    with pytest.raises(ModelError):
        Vocabulary.from_card(section)


class Sets:
    """Stands for `Corpora`: two sets that tell what is said in them, and one that does not."""

    def __init__(self) -> None:
        rows = {
            "tess": {"path": ["OAF_back_sad.wav"], "label": ["sad"], "split": [""], "sentence": ["back"]},
            "ravdess": {
                "path": ["Actor_01/03-01-04-01-01-01-01.wav"],
                "label": ["sad"],
                "split": [""],
                "sentence": ["Kids are talking by the door"],
            },
            "emodb": {"path": ["03a01Fa.wav"], "label": ["happy"], "split": [""], "sentence": ["a01"]},
            "emovo": {"path": ["tri-f1-b1.wav"], "label": ["sad"], "split": [""], "sentence": ["b1"]},
        }
        self.sources = {
            name: Manifest(name, name, "voice", pd.DataFrame(table), FolderFiles(Path(name)))
            for name, table in rows.items()
        }


TESS, RAVDESS, EMOVO = "tess/OAF_back_sad", "ravdess/03-01-04-01-01-01-01", "emovo/tri-f1-b1"


def test_words_are_those_that_a_set_lets_its_speakers_say() -> None:
    sets: Any = Sets()
    known = {TESS: "Say the word back.", RAVDESS: "Kids are talking by the door."}
    assert words_of(sets, [TESS, RAVDESS]) == known
    assert by_design(sets, ["en"]) == known
    assert "emodb/03a01Fa" in by_design(sets)
    with pytest.raises(DataError, match="words of 1 clips, such as emovo/tri-f1-b1"):
        words_of(sets, [TESS, EMOVO])


def test_words_of_a_recognizer_are_taken_where_they_are_given(tmp_path: Path) -> None:
    sets: Any = Sets()
    path = tmp_path / "transcriptions.json"
    path.write_text(json.dumps({f"{TESS}.wav": "Stay the word back!", RAVDESS: ""}))
    assert words_of(sets, [TESS, RAVDESS], str(path)) == {TESS: "Stay the word back!", RAVDESS: ""}
    with pytest.raises(DataError, match=r"transcriptions.json lacks the words of 1 clips"):
        words_of(sets, [TESS, EMOVO], str(path))


@pytest.mark.parametrize("text", ["", "[1]", '{"a": 1}', "{"])
def test_a_file_that_holds_no_transcripts_is_told(text: str, tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text(text)
    with pytest.raises(DataError):
        read_transcripts(path)
    with pytest.raises(DataError, match="cannot read"):
        read_transcripts(tmp_path / "missing.json")
