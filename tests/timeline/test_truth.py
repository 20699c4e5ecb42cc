"""Reading labels made by people, and scores against them."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from mer_batch.errors import DataError
from mer_batch.labels import EMOTIONS, INDEX
from mer_batch.timeline.truth import NO_READING, compare
from mer_batch.timeline.truth_table import TruthRow, read_truth
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
        ("", "is empty"),
        (
            "start,stop,emotion\n0,1,sad\n",
            "needs the columns start, end and emotion, maybe person; it",
        ),
        ("start,end,person,emotion\n", "no rows"),
        ("start,end,person,emotion\n1,x,,sad\n", "line 2 left out: start and end must be seconds"),
        ("start,end,person,emotion\n1\n", "line 2"),
        ("start,end,person,emotion\n2,1,,sad\n", "line 2 left out: it needs 0 <= start < end"),
        ("start,end,person,emotion\n0,nan,,sad\n", "line 2"),
        ("start,end,person,emotion\n0,inf,,sad\n", "line 2"),
        ("start,end,person,emotion\n-1,1,,sad\n", "line 2"),
        ("start,end,person,emotion\n0,1,,bored\n", "line 2 left out: label 'bored' has no counterpart"),
        ("start,end,person,emotion\n0,1,,3\n", "line 2 left out: label '3' is a number"),
        ("start,end,person,emotion\n0,1,,\n", "line 2 left out: it has no label"),
    ],
)
def test_mistakes_are_one_line_with_the_number(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read_truth(write(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_one_bad_row_costs_one_row(tmp_path: Path) -> None:
    head, rows = "Start;End;Person;Label\n", "0;1,5;;Freude\n1,5;2;;contempt\n0:02;0:03;;sur\n9;3;;sad\n4;5;;None\n"
    truth = read_truth(write(tmp_path, f"{head}{rows}5;6;;Wut\n5;6;;ang\n"))
    assert truth == (
        TruthRow(0, 1.5, None, "happy"), TruthRow(2, 3, None, "surprise"), TruthRow(5, 6, None, "angry")
    )  # fmt: skip
    assert truth.notes == (
        "labels: line 3 left out: label 'contempt' has no counterpart among our seven",
        "labels: line 5 left out: it needs 0 <= start < end, got 9 and 3",
        "labels: line 6 left out: label 'None' has no counterpart among our seven",
        "labels: line 8 left out: it repeats an earlier one",
    )


def test_missing_files_are_data_errors(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot read"):
        read_truth(tmp_path / "none.csv")


MILLISECONDS = [TruthRow(start * 1000, start * 1000 + 1000, None, "happy") for start in range(20)]
FRAMES = [TruthRow(start * 25, start * 25 + 25, None, "happy") for start in range(20)]


@pytest.mark.parametrize(
    "rows", [MILLISECONDS, MILLISECONDS[:6], FRAMES, MILLISECONDS[:4], [TruthRow(0, 9000, None, "sad")]]
)
def test_times_of_another_unit_are_refused(rows: list[TruthRow]) -> None:
    """Read as seconds, the first row would label the whole file."""
    with pytest.raises(DataError, match="look like milliseconds or frames"):
        compare(timeline(lane(["happy"] * 40)), rows)


def test_rows_outside_the_file_are_counted() -> None:
    rows = [TruthRow(0, 5, None, "happy"), TruthRow(5, 22, None, "sad"), TruthRow(30, 35, None, "sad")]
    scores = compare(timeline(lane(["happy"] * 40)), rows)
    assert scores.steps == 40
    assert scores.notes == (
        "labels: 1 of 3 rows lie behind the end of the file (20.0 s) and are left out",
        "labels: 1 of 3 rows end behind the end of the file and count up to it",
    )


def test_rows_that_contradict_each_other_are_counted() -> None:
    rows = [TruthRow(0, 5, None, "happy"), TruthRow(4, 8, None, "sad"), TruthRow(8, 9, None, "sad")]
    both = timeline(lane(["happy"] * 20) + lane(["sad"] * 20, "Person 2"))
    (note,) = compare(both, rows).notes
    assert note.startswith("labels: 1 of 3 rows overlap another of the same person")
    apart = [TruthRow(0, 5, "Person 1", "happy"), TruthRow(0, 5, "Person 2", "sad")]
    assert compare(both, apart).notes == ()
    assert compare(both, [TruthRow(0, 5, None, "sad"), TruthRow(1, 3, None, "sad")]).notes == ()


def test_people_whom_the_timeline_lacks_cost_their_rows_only() -> None:
    rows = [TruthRow(0, 2, "Person 1", "happy"), TruthRow(2, 4, "Anna", "sad"), TruthRow(4, 6, "Anna", "sad")]
    scores = compare(timeline(lane(["happy"] * 40)), rows)
    assert scores.steps == 4
    (note,) = scores.notes
    assert (
        note == "labels: the labels name 'Anna' (2), whom the timeline does not have; it has Person 1; 2 rows left out"
    )


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
