"""Who speaks when, by the names in the words."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mer_batch.fusion.named import all_changes, by_name, heard, one_spelling, only_speaker, speaker_changes, stretches
from mer_batch.fusion.speaking import Turn
from mer_batch.types import Person, Utterance

PATIENT = settings(deadline=None, database=None, max_examples=100)


def said(start: float, end: float, name: str | None) -> Utterance:
    return Utterance(start, end, "words", person=name)


def test_names_that_differ_in_case_and_spaces_are_one() -> None:
    lines = [said(0, 1, "ANNA"), said(1, 2, "Anna  B"), said(2, 3, "anna b "), said(3, 4, "Anna B"), said(4, 5, " ")]
    assert [line.person for line in one_spelling(lines)] == ["ANNA", "Anna B", "Anna B", "Anna B", None]
    assert one_spelling([said(0, 1, None)]) == (said(0, 1, None),)


def test_words_at_once_are_a_stretch_of_several() -> None:
    lines = [said(0, 4, "Anna"), said(3, 5, "Ben"), said(5, 6, "Ben"), said(6, 7, None), said(8, 8, "Cleo")]
    assert stretches(lines) == [
        (0, 3, frozenset({"Anna"})),
        (3, 4, frozenset({"Anna", "Ben"})),
        (4, 6, frozenset({"Ben"})),
    ]


@pytest.mark.parametrize(
    ("lines", "changes"),
    [
        ([said(0, 2, "Anna"), said(2.4, 4, "Ben")], (2.2,)),
        ([said(0, 2, "Anna"), said(2, 4, "Ben")], (2.0,)),
        ([said(0, 2, "Anna"), said(2.4, 4, "Anna")], ()),
        ([said(0, 2, "Anna"), said(9, 10, "Ben")], (2, 9)),  # in between may speak anybody
        ([said(0, 3, "Anna"), said(2, 4, "Ben")], (2, 3)),
        ([said(0, 6, "Anna"), said(2, 3, "Ben")], (2, 3)),  # Ben throws in a word
        ([said(0, 2, "Anna"), said(2, 3, None), said(3, 4, "Anna")], ()),
        ([said(2.4, 4, "Ben"), said(0, 2, "Anna")], (2.2,)),
        ([], ()),
    ],
)
def test_the_voice_changes_where_the_name_does(lines: list[Utterance], changes: tuple[float, ...]) -> None:
    assert speaker_changes(lines) == pytest.approx(changes)


def test_mouths_tell_changes_only_where_no_name_does() -> None:
    lines = [said(2, 4, "Anna"), said(4.4, 6, "Ben")]
    assert all_changes((0.5, 1.5, 3.0, 4.1, 6.9, 7.5, 20), lines) == pytest.approx((0.5, 4.2, 7.5, 20))
    assert all_changes((0.5, 3), [said(2, 4, None)]) == (0.5, 3)


def test_what_is_named_is_cut_out_of_the_turns() -> None:
    turns = (Turn(0, 5, None, False), Turn(5, 8, "Person 1", True), Turn(9, 10, None, True))
    lines = [said(1, 2, "Anna"), said(4, 6, "Ben"), said(5.5, 7, "Anna"), said(8.5, 11, "Anna")]
    assert by_name(turns, lines) == (
        Turn(0, 1, None, False),
        Turn(1, 2, "Anna", True, True),
        Turn(2, 4, None, False),
        Turn(4, 5, "Ben", True, True),
        Turn(5, 5.5, "Ben", True, True),
        Turn(5.5, 6, "Person 1", True),  # both talk: mouths tell what can be told
        Turn(6, 7, "Anna", True, True),
        Turn(7, 8, "Person 1", True),
        Turn(9, 10, "Anna", True, True),
    )
    assert by_name(turns, []) == turns


LINES = st.lists(
    st.tuples(st.integers(0, 300), st.integers(0, 60), st.sampled_from(["Anna", "Ben", "Cleo", None])), max_size=12
)


@PATIENT
@given(LINES, st.lists(st.tuples(st.integers(1, 40), st.integers(1, 60)), max_size=8))
def test_names_change_no_length_of_speech(
    lines: list[tuple[int, int, str | None]], gaps: list[tuple[int, int]]
) -> None:
    words = [said(start / 10, (start + length) / 10, name) for start, length, name in lines]
    turns, at = [], 0
    for gap, length in gaps:
        turns.append(Turn((at + gap) / 10, (at + gap + length) / 10, None, False))
        at += gap + length
    named = by_name(turns, words)
    assert sum(turn.end - turn.start for turn in named) == pytest.approx(sum(turn.end - turn.start for turn in turns))
    assert list(named) == sorted(named, key=lambda turn: turn.start)
    for turn in named:
        middle = turn.start + 0.05  # no edge of a line lies there
        talking = {line.person for line in words if line.start < middle < line.end and line.person}
        assert turn.named == (len(talking) == 1)
        assert turn.person is None or {turn.person} == talking


def test_without_faces_the_rest_is_the_only_speakers() -> None:
    anna, ben, nobody = said(0, 1, "Anna"), said(1, 2, "Ben"), said(2, 3, None)
    assert only_speaker([anna, anna], "Speaker") == "Anna"
    assert only_speaker([anna, nobody], "Speaker") == "Speaker"
    assert only_speaker([anna, ben], "Speaker") is None
    assert only_speaker([nobody], "Speaker") == "Speaker"
    assert only_speaker([], "Speaker") == "Speaker"


def test_who_is_named_and_not_in_view_is_heard() -> None:
    lines = [said(3, 4, "Anna"), said(0, 1, "Ben"), said(1, 2, "Ben"), said(7, 8, "Ben"), said(9, 10, None)]
    assert heard(lines, (Person("Anna", ((0, 10),)),)) == (Person("Ben", ((0, 2), (7, 8))),)
