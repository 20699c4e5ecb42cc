"""Whose a voice is: by moving mouths, by names, or nobody's in view."""

from __future__ import annotations

import pytest

from mer_batch.fusion import SPEAKER, bind
from mer_batch.fusion.align import (
    BOUND_ALONE,
    BOUND_MOUTH,
    BOUND_NAMED,
    BOUND_NO_FACES,
    BOUND_SEVERAL,
    BOUND_STILL,
    BOUND_VOICE,
)
from mer_batch.fusion.speaking import Turn
from mer_batch.fusion.voices import know_voices, letters
from mer_batch.people.voices import VoiceTurn
from mer_batch.types import Observation, Person, Utterance

FLAT = (1 / 7,) * 7
ONE = (Person("Person 1", ((0.0, 60.0),)),)
TWO = (*ONE, Person("Person 2", ((0.0, 60.0),)))


def mouth(start: float, end: float, person: str | None) -> Turn:
    return Turn(start, end, person, True)


def open_turn(start: float, end: float) -> Turn:
    return Turn(start, end, None, False)


def bound(
    spans: list[tuple[float, float]],
    turns: list[Turn],
    voices: list[VoiceTurn],
    people: tuple[Person, ...] = ONE,
    words: tuple[Utterance, ...] = (),
    has_faces: bool = True,
) -> list[tuple[str | None, str]]:
    readings = [Observation("voice", start, end, None, FLAT, 1.0) for start, end in spans]
    found = bind(readings, (), words, people=people, has_faces=has_faces, turns=turns, voices=voices)
    return [(one.person, one.flags[-1]) for one in found.observations]


def test_a_voice_with_a_moving_mouth_is_that_person_also_unseen() -> None:
    turns = [mouth(0, 12, "Person 1"), open_turn(12, 15), mouth(20, 21.5, None), open_turn(21.5, 23), open_turn(70, 73)]
    voices = [VoiceTurn(0, 15, 0), VoiceTurn(20, 23, 0), VoiceTurn(70, 73, 0)]
    found = bound([(0, 3), (12, 15), (20, 21.5), (21.5, 23), (70, 73)], turns, voices, TWO)
    assert found == [
        ("Person 1", BOUND_MOUTH),
        ("Person 1", BOUND_VOICE),
        (None, BOUND_STILL),  # seen to rest: another voice was taken for theirs
        ("Person 1", BOUND_VOICE),
        ("Person 1", BOUND_VOICE),
    ]


def test_a_narrator_is_never_the_only_person_in_view() -> None:
    """Half of the time the mouth of the listener leaves it open; before voices were known that was theirs."""
    turns = [mouth(0, 3, None), open_turn(4, 8), mouth(10, 14, "Person 1"), open_turn(15, 19)]
    narrated = [VoiceTurn(0, 3, 0), VoiceTurn(4, 8, 0), VoiceTurn(10, 14, 1), VoiceTurn(15, 19, 0)]
    spans = [(0, 3), (4, 8), (10, 14), (15, 19)]
    assert bound(spans, turns, []) == [
        (None, "not bound: off screen, no mouth in view moves"),
        ("Person 1", BOUND_ALONE),
        ("Person 1", BOUND_MOUTH),
        ("Person 1", BOUND_ALONE),
    ]
    assert bound(spans, turns, narrated) == [
        ("Voice A", BOUND_VOICE),
        ("Voice A", BOUND_VOICE),
        ("Person 1", BOUND_MOUTH),
        ("Voice A", BOUND_VOICE),
    ]


def test_another_voice_than_the_one_they_have_is_not_the_only_person_in_view() -> None:
    turns = [mouth(0, 4, "Person 1"), open_turn(5, 9)]
    assert bound([(0, 4), (5, 9)], turns, [VoiceTurn(0, 4, 0), VoiceTurn(5, 9, 1)])[1] == ("Voice B", BOUND_VOICE)


def test_whoever_alone_is_in_view_keeps_the_one_voice_that_mouths_tell_nothing_of() -> None:
    turns = [open_turn(0, 4), open_turn(5, 9)]
    one = [VoiceTurn(0, 4, 0), VoiceTurn(5, 9, 0)]
    assert bound([(0, 4), (5, 9)], turns, one) == [("Person 1", BOUND_ALONE)] * 2
    two = [VoiceTurn(0, 4, 0), VoiceTurn(5, 9, 1)]  # either may be theirs
    assert bound([(0, 4), (5, 9)], turns, two) == [("Voice A", BOUND_VOICE), ("Voice B", BOUND_VOICE)]
    most = [open_turn(0, 20), open_turn(25, 29)]
    assert bound([(0, 3), (25, 29)], most, [VoiceTurn(0, 20, 0), VoiceTurn(25, 29, 1)]) == [
        ("Person 1", BOUND_ALONE),
        ("Voice B", BOUND_VOICE),
    ]


@pytest.mark.parametrize(
    ("turns", "voices"),
    [
        ([mouth(0, 3, "Person 1"), mouth(4, 6, "Person 2")], [0, 0]),  # one voice, two mouths
        ([mouth(0, 3, "Person 1"), mouth(4, 6, "Person 1")], [0, 1]),  # two voices, one mouth
        ([mouth(0, 1.4, "Person 1"), open_turn(4, 6)], [0, 0]),  # hardly seen
        ([mouth(0, 2, "Person 1"), mouth(4, 6.5, None)], [0, 0]),  # the mouth rests as long
        ([mouth(0, 2, "Person 1"), open_turn(4, 9)], [0, 0]),  # a smile in a long speech
    ],
)
def test_what_is_not_clear_joins_nobody(turns: list[Turn], voices: list[int]) -> None:
    heard = [VoiceTurn(turn.start, turn.end, voice) for turn, voice in zip(turns, voices, strict=True)]
    open_one = [*turns, open_turn(10, 13)]
    found = bound([(10, 13)], open_one, [*heard, VoiceTurn(10, 13, 0)], TWO)
    assert found == [(None, BOUND_SEVERAL)]


def test_the_mouth_of_the_moment_stands_above_the_voice() -> None:
    turns = [mouth(0, 10, "Person 1"), mouth(11, 14, "Person 2")]
    voices = [VoiceTurn(0, 10, 0), VoiceTurn(11, 14, 0)]
    assert bound([(0, 10), (11, 14)], turns, voices, TWO) == [("Person 1", BOUND_MOUTH), ("Person 2", BOUND_MOUTH)]


def test_voices_of_sound_alone_are_people_of_their_own() -> None:
    turns = [open_turn(0, 4), open_turn(5, 9), open_turn(10, 12)]
    voices = [VoiceTurn(0, 4, 0), VoiceTurn(5, 9, 1), VoiceTurn(10, 12, 0)]
    spans = [(0, 4), (5, 9), (10, 12)]
    found = bound(spans, turns, voices, people=(), has_faces=False)
    assert found == [("Voice A", BOUND_VOICE), ("Voice B", BOUND_VOICE), ("Voice A", BOUND_VOICE)]
    one = [voice._replace(voice=0) for voice in voices]
    assert bound(spans, turns, one, people=(), has_faces=False) == [(SPEAKER, BOUND_NO_FACES)] * 3


def test_a_voice_under_a_name_is_that_name_where_no_words_are() -> None:
    turns = [open_turn(0, 4), open_turn(5, 9), open_turn(10, 12)]
    voices = [VoiceTurn(0, 4, 0), VoiceTurn(5, 9, 1), VoiceTurn(10, 12, 0)]
    words = (Utterance(0, 4, "Hello.", person="Anna"),)
    found = bound([(0, 4), (5, 9), (10, 12)], turns, voices, people=(), words=words, has_faces=False)
    assert found == [("Anna", BOUND_NAMED), ("Voice B", BOUND_VOICE), ("Anna", BOUND_VOICE)]


def test_a_reading_over_two_voices_goes_to_the_longer_one() -> None:
    turns = [open_turn(0, 4)]
    voices = [VoiceTurn(0, 1, 0), VoiceTurn(1, 4, 1)]
    assert bound([(0, 4)], turns, voices, people=(), has_faces=False) == [("Voice B", BOUND_VOICE)]


def test_voices_take_no_name_that_somebody_has() -> None:
    words = (Utterance(0, 4, "Hello.", person="voice  a"),)
    turns = [open_turn(0, 4), open_turn(5, 9)]
    voices = [VoiceTurn(0, 4, 0), VoiceTurn(5, 9, 1)]
    known = know_voices(turns, voices, (), words, has_faces=False)
    assert known.names == ("Voice B", "Voice C")
    assert [letters(number) for number in (0, 25, 26, 51, 52, 701, 702)] == ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"]


def test_what_was_assumed_is_said() -> None:
    turns = [mouth(0, 4, "Person 1"), open_turn(5, 9)]
    known = know_voices(turns, [VoiceTurn(0, 4, 0), VoiceTurn(5, 9, 1)], ONE, (), has_faces=True)
    assert known.notices() == [
        "2 voices were told apart: Voice A is Person 1; Voice B is known by sound alone (--speakers sets their number "
        "or none)"
    ]
    assert know_voices(turns, [], ONE, (), has_faces=True).notices() == []


def test_turns_keep_their_time() -> None:
    turns = [open_turn(0, 10), mouth(12, 20, "Person 1"), mouth(22, 30, None)]
    voices = [VoiceTurn(1, 4, 0), VoiceTurn(4, 8, 1), VoiceTurn(15, 25, 0), VoiceTurn(29, 40, 1)]
    known = know_voices(turns, voices, TWO, (), has_faces=True)
    merged: list[list[float]] = []
    for turn in known.turns:
        if merged and turn.start == pytest.approx(merged[-1][1]):
            merged[-1][1] = turn.end
        else:
            merged.append([turn.start, turn.end])
    assert merged == [[0, 10], [12, 20], [22, 30]]


SENTENCE = [mouth(0, 3, "Person 1"), open_turn(3.4, 3.7), mouth(3.7, 5, None), mouth(5.2, 8, "Person 1")]


def sentence(goes_on: float, voice: int = 0) -> list[VoiceTurn]:
    return [VoiceTurn(0, 3, 0, 0.9), VoiceTurn(3.4, 5, voice, goes_on), VoiceTurn(5.2, 8, 0, goes_on)]


def test_a_mouth_that_rests_for_a_moment_keeps_its_sentence() -> None:
    found = bound([(0, 3), (3.4, 5), (5.2, 8)], SENTENCE, sentence(0.85), TWO)
    assert found == [("Person 1", BOUND_MOUTH), ("Person 1", BOUND_VOICE), ("Person 1", BOUND_MOUTH)]


@pytest.mark.parametrize(
    ("turns", "voices"),
    [
        (SENTENCE, sentence(0.6)),  # a narrator who was taken for them
        (SENTENCE, sentence(0.9, voice=1)),
        (SENTENCE[:-1], sentence(0.9)[:-1]),  # and then they are not seen to speak
        ([*SENTENCE[:3], mouth(5.2, 8, "Person 2")], sentence(0.9)),
        ([mouth(0, 3, "Person 1"), mouth(3.6, 5, None), mouth(5.2, 8, "Person 1")],
         [VoiceTurn(0, 3, 0, 0.9), VoiceTurn(3.6, 5, 0, 0.9), VoiceTurn(5.2, 8, 0, 0.9)]),  # after a pause
        ([mouth(0, 9, "Person 1"), mouth(9, 11.5, None), mouth(11.5, 20, "Person 1")],
         [VoiceTurn(0, 20, 0, 0.9)]),  # too long for a rest
    ],
)  # fmt: skip
def test_a_mouth_that_rests_is_believed_unless_its_sentence_goes_on(turns: list[Turn], voices: list[VoiceTurn]) -> None:
    still = next(turn for turn in turns if turn.decided and turn.person is None)
    ((person, how),) = bound([(still.start, still.end)], turns, voices, TWO)
    assert (person, how) != ("Person 1", BOUND_VOICE)
