"""Which person in view a speaker's name means, and what is called by it then."""

from __future__ import annotations

import pytest

from mer_batch.fusion import bind, fuse
from mer_batch.fusion.align import (
    BOUND_ALONE,
    BOUND_MOUTH,
    BOUND_NAMED,
    BOUND_NO_FACES,
    BOUND_OFF_SCREEN,
    BOUND_SEVERAL,
    BOUND_STILL,
    SPEAKER,
)
from mer_batch.fusion.naming import Naming, name_people
from mer_batch.fusion.speaking import Turn
from mer_batch.types import Gap, Observation, Person, Utterance

FLAT = (1 / 7,) * 7
ONE = (Person("Person 1", ((0.0, 60.0),)),)
TWO = (*ONE, Person("Person 2", ((0.0, 60.0),)))


def said(start: float, end: float, name: str | None) -> Utterance:
    return Utterance(start, end, "words", person=name)


def mouth(start: float, end: float, person: str) -> Turn:
    return Turn(start, end, person, True)


def still(start: float, end: float) -> Turn:
    return Turn(start, end, None, True)


def open_turn(start: float, end: float) -> Turn:
    return Turn(start, end, None, False)


def test_a_name_is_the_person_whose_mouth_moves_with_it() -> None:
    words = [said(0, 4, "Anna"), said(5, 9, "Ben"), said(10, 12, "Anna")]
    turns = [mouth(0, 3.8, "Person 2"), mouth(5, 9, "Person 1"), mouth(10, 12, "Person 2")]
    assert name_people(words, TWO, turns) == Naming(
        {"Person 2": "Anna", "Person 1": "Ben"}, seen=("Anna", "Ben"), unseen=(), unsure=()
    )


@pytest.mark.parametrize(
    ("turns", "joined"),
    [
        ([open_turn(0, 10)], True),  # mouths do not tell
        ([mouth(0, 10, "Person 1")], True),
        ([], True),  # no speech was looked for
        ([still(0, 4), open_turn(4, 10)], True),
        ([still(0, 6), open_turn(6, 10)], False),  # a narrator over a face that listens
        ([still(0, 10)], False),
    ],
)
def test_one_name_and_one_person_are_one_unless_the_mouth_rests(turns: list[Turn], joined: bool) -> None:
    found = name_people([said(0, 10, "Anna")], ONE, turns)
    assert found.called == ({"Person 1": "Anna"} if joined else {})
    assert found.seen == (("Anna",) if joined else ())
    assert found.unseen == (() if joined else ("Anna",))


def test_of_two_names_the_one_whose_words_the_mouth_says_is_in_view() -> None:
    words = [said(0, 6, "Interviewer"), said(7, 20, "Anna"), said(21, 22, "Interviewer")]
    turns = [still(0, 6), mouth(7, 15, "Person 1"), open_turn(15, 20), open_turn(21, 22)]
    found = name_people(words, ONE, turns)
    assert found.called == {"Person 1": "Anna"}
    assert found.unseen == ("Interviewer",)


def test_a_word_thrown_in_takes_nobody_away() -> None:
    words = [said(0, 8, "Anna"), said(8, 8.4, "Ben"), said(9, 20, "Anna")]
    found = name_people(words, ONE, [mouth(0, 20, "Person 1")])
    assert (found.called, found.unsure) == ({"Person 1": "Anna"}, ("Ben",))


def test_two_names_never_join_one_person() -> None:
    """Both speak for minutes over one face whose mouth does not tell."""
    words = [said(0, 20, "Anna"), said(21, 27, "Ben")]
    found = name_people(words, ONE, [open_turn(0, 20), open_turn(21, 27)])
    assert (found.called, found.seen, found.unsure) == ({}, (), ("Anna", "Ben"))
    close = name_people(words, ONE, [mouth(0, 7, "Person 1"), open_turn(7, 20), mouth(21, 27, "Person 1")])
    assert close.called == {}


def test_two_people_never_get_one_name() -> None:
    turns = [mouth(0, 10, "Person 1"), mouth(11, 19, "Person 2")]
    found = name_people([said(0, 20, "Anna")], TWO, turns)
    assert (found.called, found.unsure) == ({}, ("Anna",))
    assert name_people([said(0, 30, "Anna")], TWO, [mouth(0, 20, "Person 1"), *turns[1:]]).called == {
        "Person 1": "Anna"
    }


def test_one_of_several_whose_mouths_do_not_tell_stays_apart() -> None:
    found = name_people([said(0, 10, "Anna")], TWO, [open_turn(0, 10)])
    assert (found.called, found.seen, found.unsure) == ({}, (), ("Anna",))


def test_where_somebody_else_is_in_view_decides_without_mouths() -> None:
    people = (Person("Person 1", ((0, 10), (20, 30))), Person("Person 2", ((10, 20),)))
    words = [said(0, 9, "Anna"), said(11, 19, "Ben"), said(20, 29, "Anna")]
    turns = [open_turn(0, 9), open_turn(11, 19), open_turn(20, 29)]
    assert name_people(words, people, turns).called == {"Person 1": "Anna", "Person 2": "Ben"}


def test_pictures_of_something_else_are_no_evidence_against_a_face() -> None:
    """A lecture: the speaker is seen for a fifth of it, slides for the rest."""
    people = (Person("Person 1", ((0, 12),)),)
    turns = [mouth(0, 12, "Person 1"), open_turn(12, 60)]
    assert name_people([said(0, 60, "Anna")], people, turns).called == {"Person 1": "Anna"}


def test_a_glance_at_somebody_is_no_evidence() -> None:
    """A narrator speaks for a minute over landscapes; somebody walks through the picture."""
    people = (Person("Person 1", ((30, 32),)),)
    found = name_people([said(0, 60, "Narrator")], people, [open_turn(0, 60)])
    assert (found.called, found.unseen) == ({}, ("Narrator",))


def test_where_two_talk_at_once_nothing_is_told() -> None:
    words = [said(0, 3, "Anna"), said(0, 10, "Ben"), said(3, 4, "Anna")]
    turns = [mouth(0, 4, "Person 2"), mouth(4, 10, "Person 1")]
    assert name_people(words, TWO, turns).called == {"Person 1": "Ben"}


def test_names_that_look_like_ours_do_not_collide() -> None:
    """A transcript numbers its speakers another way than the faces are."""
    words = [said(0, 4, "Person 2"), said(5, 9, "person 3")]
    turns = [mouth(0, 4, "Person 1"), still(5, 9)]
    found = name_people(words, TWO, turns)
    assert found.called == {"Person 1": "Person 2", "Person 2": "Person 4"}
    people = bind([], [], words, people=TWO, has_faces=True, turns=turns).people
    assert [person.name for person in people] == ["Person 2", "Person 4", "person 3"]
    swapped = name_people(
        [said(0, 4, "Person 2"), said(5, 9, "Person 1")], TWO, [mouth(0, 4, "Person 1"), mouth(5, 9, "Person 2")]
    )
    assert swapped.called == {"Person 1": "Person 2", "Person 2": "Person 1"}
    same = name_people([said(0, 4, "Person 1")], TWO, [mouth(0, 4, "Person 1")])
    assert (same.called, same.seen) == ({"Person 1": "Person 1"}, ("Person 1",))


def test_what_was_assumed_is_one_sentence() -> None:
    found = Naming({}, ("Anna", "Ben"), ("Narrator",), ("Cleo",))
    assert found.notices() == [
        "speakers named in the words: Anna and Ben are in view; Narrator is heard and not seen; "
        "who in view Cleo may be is unclear, so their words stand apart"
    ]
    assert Naming().notices() == []


def face(start: float, person: str) -> Observation:
    return Observation("face", start, start + 0.2, person, FLAT, 1.0)


def voice(start: float, end: float) -> Observation:
    return Observation("voice", start, end, None, FLAT, 1.0)


def text(start: float, end: float, person: str | None) -> Observation:
    return Observation("text", start, end, person, FLAT, 1.0)


WORDS = [said(0, 4, "Anna"), said(5, 9, "Narrator"), said(10, 12, None), said(13, 14, "Anna")]
TURNS = [mouth(0, 4, "Person 1"), still(5, 9), mouth(10, 12, "Person 2"), open_turn(13, 14)]


def test_faces_voices_words_and_gaps_go_by_the_name() -> None:
    observations = [
        face(1, "Person 1"), face(6, "Person 2"), voice(0, 4), voice(5, 8.5), voice(10, 12), voice(13, 14),
        text(0, 4, "Anna"), text(5, 9, "Narrator"), text(10, 12, None),
    ]  # fmt: skip
    gaps = [Gap("face", 20, 21, "left the picture", "Person 1"), Gap("text", 13, 14, "no words", "Anna")]
    bound = bind(observations, gaps, WORDS, people=TWO, has_faces=True, turns=TURNS)
    assert [(o.person, o.flags) for o in bound.observations] == [
        ("Anna", ()),
        ("Person 2", ()),
        ("Anna", (BOUND_NAMED,)),
        ("Narrator", (BOUND_NAMED,)),
        ("Person 2", (BOUND_MOUTH,)),
        ("Anna", (BOUND_NAMED,)),  # mouths do not tell, the words do
        ("Anna", (BOUND_NAMED,)),
        ("Narrator", (BOUND_NAMED,)),
        ("Person 2", (BOUND_MOUTH,)),
    ]
    assert [gap.person for gap in bound.gaps] == ["Anna", "Anna"]
    assert [line.person for line in bound.utterances] == ["Anna", "Narrator", "Person 2", "Anna"]
    assert [person.name for person in bound.in_view] == ["Anna", "Person 2"]
    assert bound.people[2:] == (Person("Narrator", ((5, 9),)),)


def test_every_lane_goes_by_the_name_and_who_is_only_heard_has_one() -> None:
    observations = [face(1, "Person 1"), voice(0, 4), text(0, 4, "Anna"), text(5, 9, "Narrator")]
    bound = bind(observations, [], WORDS[:2], people=ONE, has_faces=True, turns=TURNS[:2])
    weights = {"face": 1.0, "voice": 1.0, "text": 1.0}
    fused = fuse(bound.observations, (), duration=10, people=bound.people, cuts=(), reliabilities=weights)
    assert {segment.person for segment in fused.segments} == {"Anna", "Narrator"}
    together = next(s for s in fused.segments if s.person == "Anna" and s.start == 1.0)
    assert all(weight > 0 for weight in together.weights)
    assert fused.people == (Person("Anna", ((0.0, 60.0),)), Person("Narrator", ((5, 9),)))


def test_a_window_that_two_names_share_goes_to_the_one_with_most_of_it() -> None:
    words = [said(0, 4, "Anna"), said(4, 9, "Ben")]
    bound = bind([voice(3, 5.5), voice(3, 5)], [], words, people=(), has_faces=False, turns=[open_turn(0, 9)])
    assert [o.person for o in bound.observations] == ["Ben", None]


def test_sound_alone_is_two_people_by_two_names() -> None:
    words = [said(0, 4, "Anna"), said(5, 9, "Ben")]
    spoken = [voice(0, 4), voice(5, 9), voice(20, 22), text(0, 4, "Anna"), text(5, 9, "Ben")]
    turns = [open_turn(0, 4), open_turn(5, 9), open_turn(20, 22)]
    bound = bind(spoken, [], words, people=(), has_faces=False, turns=turns)
    assert [(o.person, o.flags) for o in bound.observations] == [
        ("Anna", (BOUND_NAMED,)),
        ("Ben", (BOUND_NAMED,)),
        (None, (BOUND_SEVERAL,)),  # either may say this
        ("Anna", (BOUND_NAMED,)),
        ("Ben", (BOUND_NAMED,)),
    ]
    assert [person.name for person in bound.people] == ["Anna", "Ben"]
    assert bound.naming.notices() == []


def test_sound_alone_with_one_name_is_all_theirs() -> None:
    turns = [open_turn(0, 4), open_turn(20, 22)]
    alone = bind([voice(0, 4), voice(20, 22)], [], WORDS[:1], people=(), has_faces=False, turns=turns)
    assert [o.person for o in alone.observations] == ["Anna", "Anna"]
    beside = bind(
        [voice(0, 4), voice(20, 22)], [], [WORDS[0], said(20, 22, None)], people=(), has_faces=False, turns=turns
    )
    assert [(o.person, *o.flags) for o in beside.observations] == [("Anna", BOUND_NAMED), (SPEAKER, BOUND_NO_FACES)]


def test_without_names_everything_is_bound_as_before() -> None:
    words = [said(0, 4, None), said(5, 9, None), said(13, 14, None)]
    bound = bind([voice(0, 4), voice(5, 9), voice(70, 71)], [], words, people=ONE, has_faces=True, turns=TURNS[:2])
    assert [(o.person, *o.flags) for o in bound.observations] == [
        ("Person 1", BOUND_MOUTH),
        (None, BOUND_STILL),
        (None, BOUND_OFF_SCREEN),
    ]
    assert [line.person for line in bound.utterances] == ["Person 1", None, "Person 1"]
    assert bound.observations[0].flags != (BOUND_ALONE,)
    assert bound.people == ONE


def test_who_is_known_by_their_face_keeps_the_name() -> None:
    """Anna by her face, silent in view while Ben and Anna speak: nobody else gets her name, and she nobody else's."""
    people = (Person("Anna", ((0.0, 20.0),)), Person("Person 2", ((0.0, 20.0),)))
    words = [Utterance(0.0, 5.0, "a", person="ANNA"), Utterance(6.0, 12.0, "b", person="Ben")]
    naming = name_people(words, people, [Turn(6.0, 12.0, "Anna", True)])
    assert naming.called == {"Anna": "ANNA"}
    assert naming.name("Person 2") == "Person 2"
    assert "Ben" not in naming.seen
