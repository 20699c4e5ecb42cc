"""Reading labels made by people, and scores against them."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from mer_batch.errors import DataError
from mer_batch.labels import EMOTIONS, INDEX
from mer_batch.timeline.truth import NO_READING, TruthRow, compare, read_truth
from mer_batch.types import Person, Segment, Timeline
from timelines import SCENES, make_media, make_provenance, make_timeline


def write(folder: Path, text: str) -> Path:
    path = folder / "labels.csv"
    path.write_text(text, encoding="utf-8")
    return path


def lane(labels: list[str | None], person: str = "Person 1", start: float = 0.0) -> list[Segment]:
    flat = (1 / 7,) * 7
    return [
        Segment(
            start + i / 2,
            start + i / 2 + 0.5,
            person,
            flat,
            flat,
            label,
            (1.0, 0.0, 0.0),
            None,
            "" if label else "not sure",
        )
        for i, label in enumerate(labels)
    ]


def timeline(segments: list[Segment], duration: float = 20.0) -> Timeline:
    people = tuple(Person(name, ((0.0, duration),)) for name in dict.fromkeys(s.person for s in segments) if name)
    return Timeline(make_media(duration), make_provenance(), people, (), (), (), (), (), (), tuple(segments), ())


def test_rows_are_read_with_names_mapped(tmp_path: Path) -> None:
    path = write(tmp_path, "\ufeffStart,end , person,emotion\n0,2.5,Person 1,Joy\n\n2.5,4,,anger\n")
    assert read_truth(path) == (TruthRow(0, 2.5, "Person 1", "happy"), TruthRow(2.5, 4, None, "angry"))


def test_the_person_column_may_be_left_out(tmp_path: Path) -> None:
    assert read_truth(write(tmp_path, "start,end,emotion\n0,1,calm\n")) == (TruthRow(0, 1, None, "neutral"),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1 lacks the column"),
        ("start,stop,emotion\n", r"line 1 lacks the column\(s\) end"),
        ("start,end,person,emotion\n", "no rows"),
        ("start,end,person,emotion\n0,1,,happy\n1,x,,sad\n", "line 3: start and end must be seconds"),
        ("start,end,person,emotion\n0,1,,happy\n1\n", "line 3"),
        ("start,end,person,emotion\n2,1,,sad\n", "line 2: needs 0 <= start < end"),
        ("start,end,person,emotion\n0,nan,,sad\n", "line 2"),
        ("start,end,person,emotion\n0,inf,,sad\n", "line 2"),
        ("start,end,person,emotion\n0,1,,bored\n", "line 2: unknown emotion 'bored'; known: angry"),
        ("start,end,person,emotion\n0,1,,\n", "line 2: unknown emotion"),
    ],
)
def test_mistakes_are_one_line_with_the_number(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read_truth(write(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_missing_and_binary_files_are_data_errors(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot read"):
        read_truth(tmp_path / "none.csv")
    (tmp_path / "b.csv").write_bytes(b"start,end,emotion\n\xff\xfe\x00,1,sad")
    with pytest.raises(DataError, match="UTF-8"):
        read_truth(tmp_path / "b.csv")


def test_scores_by_hand() -> None:
    read = lane(["happy", "happy", "sad", None, "sad", "sad", "happy", "sad"])
    scores = compare(timeline(read), (TruthRow(0, 2, "Person 1", "happy"), TruthRow(2, 4, None, "sad")))
    happy, sad = scores.confusion[INDEX["happy"]], scores.confusion[INDEX["sad"]]
    assert (happy[INDEX["happy"]], happy[INDEX["sad"]], happy[NO_READING]) == (2, 1, 1)
    assert (sad[INDEX["sad"]], sad[INDEX["happy"]], sad[NO_READING]) == (3, 1, 0)
    assert (scores.steps, scores.seconds) == (8, 4.0)
    assert scores.scores["accuracy"].value == pytest.approx(5 / 7)
    assert scores.scores["uar"].value == pytest.approx((2 / 3 + 3 / 4) / 2)
    assert scores.answered.value == pytest.approx(7 / 8)
    assert scores.strict_accuracy.value == pytest.approx(5 / 8)
    row = next(score for score in scores.classes if score.emotion == "happy")
    assert (row.precision, row.recall, row.steps) == (pytest.approx(2 / 3), pytest.approx(2 / 3), 4)


def test_scores_equal_scikit_learn() -> None:
    from sklearn.metrics import f1_score, precision_recall_fscore_support, recall_score

    rng = np.random.default_rng(0)
    truth = [EMOTIONS[i] for i in rng.integers(0, 5, 300)]
    read = [t if rng.random() < 0.6 else EMOTIONS[rng.integers(0, 7)] for t in truth]
    rows = tuple(TruthRow(i / 2, i / 2 + 0.5, None, label) for i, label in enumerate(truth))
    scores = compare(timeline(lane(list(read)), 150.0), rows)
    present = sorted(set(truth))
    expected = {
        "uar": recall_score(truth, read, labels=present, average="macro", zero_division=0),
        "macro_f1": f1_score(truth, read, labels=present, average="macro", zero_division=0),
        "weighted_f1": f1_score(truth, read, labels=present, average="weighted", zero_division=0),
    }
    for name, value in expected.items():
        found = scores.scores[name]
        assert found.value == pytest.approx(value)
        assert found.low is not None
        assert found.high is not None
        assert found.low < found.value < found.high
    precision, recall, f1, _ = precision_recall_fscore_support(truth, read, labels=list(EMOTIONS), zero_division=0)
    assert [score.precision for score in scores.classes] == pytest.approx(precision)
    assert [score.recall for score in scores.classes] == pytest.approx(recall)
    assert [score.f1 for score in scores.classes] == pytest.approx(f1)


def test_labelled_time_without_a_segment_is_no_reading() -> None:
    scores = compare(timeline(lane(["happy"] * 4)), (TruthRow(0, 5, "person 1", "happy"),))
    assert scores.confusion[INDEX["happy"]][NO_READING] == 6
    assert scores.strict_accuracy.value == pytest.approx(0.4)
    assert scores.scores["accuracy"].value == 1.0


def test_labels_beyond_the_file_do_not_count_and_unlabelled_time_neither() -> None:
    scores = compare(timeline(lane(["happy"] * 40)), (TruthRow(18, 99, None, "happy"),))
    assert scores.steps == 4


def test_only_the_named_person_is_scored() -> None:
    both = lane(["happy"] * 4) + lane(["sad"] * 4, "Person 2")
    assert compare(timeline(both), (TruthRow(0, 2, "Person 2", "sad"),)).steps == 4
    assert compare(timeline(both), (TruthRow(0, 2, None, "sad"),)).steps == 8


def test_an_all_silent_timeline_has_undefined_scores_and_no_warning() -> None:
    scores = compare(timeline(lane([None] * 40)), (TruthRow(0, 20, None, "sad"),))
    assert math.isnan(scores.scores["accuracy"].value)
    assert scores.scores["accuracy"].low is None
    assert scores.answered.value == 0


def test_unknown_people_and_empty_overlap_are_one_line() -> None:
    with pytest.raises(DataError, match=r"'Anna'.*it has Person 1"):
        compare(timeline(lane(["sad"])), (TruthRow(0, 2, "Anna", "sad"),))
    with pytest.raises(DataError, match="no labelled time"):
        compare(timeline(lane(["sad"])), (TruthRow(50, 60, None, "sad"),))


def test_the_synthetic_file_scores_well() -> None:
    scores = compare(make_timeline(), [TruthRow(s.start, s.end, s.person, s.emotion) for s in SCENES])
    assert scores.scores["accuracy"].value > 0.95
    assert scores.answered.value > 0.75
