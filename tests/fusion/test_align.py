"""The time grid, the kernel and to whom speech is bound."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mer_batch.fusion.align import (
    BOUND_ALONE,
    BOUND_MOUTH,
    BOUND_NO_FACES,
    BOUND_OFF_SCREEN,
    BOUND_SEVERAL,
    BOUND_STILL,
    SPEAKER,
    Presence,
    bind_observations,
    bind_utterances,
    kernel,
    merge_spans,
    spread_over,
    time_grid,
)
from mer_batch.fusion.speaking import Turn
from mer_batch.types import Observation, Person, Utterance

# A busy machine is no failure, and no examples are kept in the tree.
PATIENT = settings(deadline=None, database=None, max_examples=50)
FLAT = (1 / 7,) * 7
PEOPLE = (Person("Person 1", ((0.0, 10.0), (20.0, 30.0))), Person("Person 2", ((6.0, 16.0),)))


def test_grid_starts_anew_at_cuts() -> None:
    assert time_grid(2.3, [0.7], 0.5) == ((0.0, 0.7), (0.7, 1.2), (1.2, 1.7), (1.7, 2.3))


@PATIENT
@given(
    st.floats(0.01, 200),
    st.lists(st.floats(-5, 250, allow_nan=False), max_size=5),
    st.sampled_from([0.1, 0.25, 0.5, 1.0]),
)
def test_grid_covers_the_file_without_straddling_a_cut(duration: float, cuts: list[float], step: float) -> None:
    grid = time_grid(duration, cuts, step)
    assert grid[0][0] == 0
    assert grid[-1][1] == pytest.approx(duration, abs=1e-6)
    assert all(one[1] == other[0] for one, other in pairwise(grid))
    assert all(0 < end - start < 2 * step + 1e-5 for start, end in grid)
    assert not any(start + 1e-5 < cut < end - 1e-5 for start, end in grid for cut in cuts)


def test_grid_refuses_a_step_of_nothing() -> None:
    with pytest.raises(ValueError, match="positive"):
        time_grid(1.0, [], 0.0)


def test_an_empty_file_has_no_steps() -> None:
    assert time_grid(0.0, [], 0.5) == ()


def test_kernel_prefers_the_centred_window_and_is_zero_outside() -> None:
    step = (1.0, 1.5)
    assert kernel((-0.25, 2.75), step) == pytest.approx(1.0)
    assert kernel((1.0, 4.0), step) < kernel((0.0, 3.0), step) < 1
    assert kernel((1.5, 4.5), step) == 0
    assert kernel((1.1, 1.3), step) == pytest.approx(1.0)
    assert kernel((1.4, 1.6), step) == pytest.approx(0.5)
    assert (kernel((1.0, 1.0), step), kernel((1.5, 1.5), step)) == (1.0, 0.0)


@PATIENT
@given(st.floats(0, 9.9), st.floats(0, 4))
def test_every_observation_inside_the_file_speaks_somewhere(start: float, length: float) -> None:
    grid = time_grid(10.0, [3.3], 0.5)
    seen = Observation("voice", start, min(10.0, start + length), None, FLAT, 1.0)
    shares = spread_over(grid, [seen])
    expected = [kernel((seen.start, seen.end), step) for step in grid]
    found = [sum(share.kernel for share in part) for part in shares]
    assert found == pytest.approx(expected, abs=1e-5)
    assert max(found) > 0


@pytest.mark.parametrize(
    ("start", "end", "person", "how"),
    [
        (1.0, 4.0, "Person 1", BOUND_ALONE),
        (11.0, 14.0, "Person 2", BOUND_ALONE),
        (7.0, 9.0, None, BOUND_SEVERAL),
        (4.0, 8.0, "Person 1", BOUND_ALONE),  # alone for half of it
        (4.5, 8.0, None, BOUND_SEVERAL),  # alone for less than half
        (17.0, 19.0, None, BOUND_OFF_SCREEN),
        (14.0, 19.0, None, BOUND_OFF_SCREEN),
        (28.0, 31.0, "Person 1", BOUND_ALONE),
        (40.0, 41.0, None, BOUND_OFF_SCREEN),
        (2.0, 2.0, "Person 1", BOUND_ALONE),
    ],
)
def test_speech_goes_to_the_only_person_in_view(start: float, end: float, person: str | None, how: str) -> None:
    assert Presence(PEOPLE, has_faces=True).bind(start, end) == (person, how)


def test_two_people_alone_for_half_each_is_nobody() -> None:
    people = (Person("A", ((0.0, 2.0),)), Person("B", ((2.0, 4.0),)))
    assert Presence(people, True).bind(0.0, 4.0) == (None, BOUND_SEVERAL)


def test_without_faces_there_is_one_speaker_and_with_faces_but_nobody_in_view_none() -> None:
    assert Presence((), has_faces=False).bind(0, 3) == (SPEAKER, BOUND_NO_FACES)
    assert Presence((), has_faces=True).bind(0, 3) == (None, BOUND_OFF_SCREEN)


def test_binding_says_how_and_keeps_faces_and_given_people() -> None:
    voice = Observation("voice", 1.0, 4.0, None, FLAT, 1.0, ("quiet",))
    given_person = Observation("text", 1.0, 4.0, "Person 2", FLAT, 1.0)
    face = Observation("face", 1.0, 1.2, "Person 1", FLAT, 1.0)
    bound = bind_observations([voice, given_person, face], PEOPLE, True)
    assert bound[0].person == "Person 1"
    assert bound[0].flags == ("quiet", BOUND_ALONE)
    assert bound[1:] == (given_person, face)


# Both are in view from 6 to 10 s.
TURNS = (
    Turn(1.0, 2.0, None, True),
    Turn(6.0, 7.0, "Person 1", True),
    Turn(7.0, 7.4, None, False),
    Turn(7.4, 8.2, "Person 2", True),
    Turn(9.0, 9.6, None, True),
    Turn(12.0, 13.0, None, False),
    Turn(14.0, 15.0, "Person 2", True),
    Turn(18.0, 19.0, None, False),
)


@pytest.mark.parametrize(
    ("start", "end", "person", "how"),
    [
        (6.2, 7.0, "Person 1", BOUND_MOUTH),
        (7.5, 8.0, "Person 2", BOUND_MOUTH),
        (7.0, 7.4, None, BOUND_SEVERAL),  # mouths do not tell
        (6.5, 7.8, None, BOUND_SEVERAL),  # nobody has half of it
        (6.0, 8.2, None, BOUND_SEVERAL),  # 1.0 of 2.2 s
        (7.4, 9.0, "Person 2", BOUND_MOUTH),  # silence counts for nothing
        (8.3, 8.9, None, BOUND_SEVERAL),  # no speech is known here
        (9.0, 9.6, None, BOUND_STILL),
        (1.0, 2.0, None, BOUND_STILL),  # a narrator over the only person in view
        (3.0, 4.0, "Person 1", BOUND_ALONE),
        (12.0, 13.0, "Person 2", BOUND_ALONE),  # mouths do not tell
        (12.0, 15.0, "Person 2", BOUND_ALONE),
        (12.5, 15.0, "Person 2", BOUND_MOUTH),
        (18.0, 19.0, None, BOUND_OFF_SCREEN),
        (9.3, 9.3, None, BOUND_STILL),
    ],
)
def test_speech_goes_to_whose_mouth_moves(start: float, end: float, person: str | None, how: str) -> None:
    assert Presence(PEOPLE, True, TURNS).bind(start, end) == (person, how)


def test_what_is_bound_is_not_bound_again() -> None:
    voice = Observation("voice", 7.5, 8.0, None, FLAT, 1.0)
    unknown = Observation("voice", 7.0, 7.4, None, FLAT, 1.0)
    bound = bind_observations([voice, unknown], PEOPLE, True, TURNS)
    assert [(o.person, o.flags) for o in bound] == [("Person 2", (BOUND_MOUTH,)), (None, (BOUND_SEVERAL,))]
    assert bind_observations(bound, PEOPLE[:1], True) == bound


def test_words_go_to_whose_mouth_moves() -> None:
    lines = [Utterance(6.1, 6.9, "a"), Utterance(7.5, 8.0, "b"), Utterance(9.1, 9.5, "c")]
    bound = bind_utterances(lines, PEOPLE, True, TURNS)
    assert [line.person for line in bound] == ["Person 1", "Person 2", None]


def test_utterances_follow_the_same_rule() -> None:
    lines = [Utterance(1, 4, "a"), Utterance(7, 9, "b"), Utterance(7, 9, "c", person="Person 2")]
    assert [line.person for line in bind_utterances(lines, PEOPLE, True)] == ["Person 1", None, "Person 2"]


def test_merge_spans() -> None:
    assert merge_spans([(5, 6), (0, 2), (1, 3), (3.5, 4)], join=0.5) == ((0, 4), (5, 6))
