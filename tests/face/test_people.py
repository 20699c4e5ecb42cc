"""Numbering people: who is joined, who never is, and in which order."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mer_batch.face.people import RETURN_WITHIN, Faces, Followed, Known, Sure, bound, comparable, number_people

PLAIN = np.full((2, 21), 2 / 21)  # two histograms a region
OTHER = np.concatenate([np.full((2, 1), 2.0), np.zeros((2, 20))], axis=1)


def trail(
    number: int, first: float, last: float, shot: int = 0, look: np.ndarray = PLAIN, brief: bool = False
) -> Followed:
    return Followed(number, shot, first, last, look, 9, Sure(first, look, brief))


def known(*places: float, pictures: float = 5.0) -> dict[int, Known]:
    return {number: Known(np.array([place, 0], np.float32), pictures) for number, place in enumerate(places)}


def numbers(trails: list[Followed], places: tuple[float, ...], pictures: float = 5.0) -> list[int]:
    found = number_people(trails, Faces(1.0, known(*places, pictures=pictures))).of
    return [found[one.trail] for one in trails]


def test_one_face_has_one_number_across_cuts_and_absences() -> None:
    trails = [trail(0, 0, 5), trail(1, 6, 9, 1), trail(2, 100, 109, 2), trail(3, 200, 204, 3)]
    assert numbers(trails, (0.0, 2.0, 0.3, 1.8)) == [1, 2, 1, 2]


def test_numbers_go_by_appearance() -> None:
    trails = [trail(0, 5, 9), trail(1, 0, 3), trail(2, 12, 15, 1)]
    assert numbers(trails, (0.0, 3.0, 3.1)) == [2, 1, 1]


def test_two_who_are_seen_at_once_are_two_however_alike() -> None:
    assert numbers([trail(0, 0, 5), trail(1, 5, 9)], (0.0, 0.0)) == [1, 2]
    assert numbers([trail(0, 0, 5), trail(1, 5.2, 9)], (0.0, 0.0)) == [1, 1]


def test_who_may_be_either_of_two_is_neither() -> None:
    twins = [trail(0, 0, 5), trail(1, 0, 5), trail(2, 9, 12, 1)]
    assert numbers(twins, (0.0, 0.6, 0.3)) == [1, 2, 3]
    assert numbers(twins, (0.0, 0.6, 0.1)) == [1, 2, 1]


def test_few_pictures_must_agree_better() -> None:
    trails = [trail(0, 0, 5), trail(1, 9, 12, 1)]
    assert numbers(trails, (0.0, 0.96), pictures=5) == [1, 1]
    assert numbers(trails, (0.0, 0.96), pictures=1) == [1, 2]
    assert bound(0.0, np.array([5.0]), 1.0) == [0.0]


def test_a_third_picture_between_two_brings_them_together_only_as_their_mean_allows() -> None:
    chain = [trail(number, 10.0 * number, 10.0 * number + 5, number) for number in range(5)]
    assert max(numbers(chain, (0.0, 0.9, 1.8, 2.7, 3.6))) > 1


def test_looks_join_within_a_shot_and_for_a_while() -> None:
    back = [trail(0, 0, 5), trail(1, 9, 12)]
    assert list(number_people(back).of.values()) == [1, 1]
    assert list(number_people(back, looks=False).of.values()) == [1, 2]
    assert list(number_people([back[0], trail(1, 9, 12, look=OTHER)]).of.values()) == [1, 2]
    assert list(number_people([back[0], trail(1, 9, 12, shot=1)]).of.values()) == [1, 2]
    assert list(number_people([back[0], trail(1, 6 + RETURN_WITHIN, 99)]).of.values()) == [1, 2]
    assert list(number_people([back[0], trail(1, 9, 9, brief=True)]).of.values()) == [1, 2]


def test_a_look_does_not_overrule_a_face() -> None:
    assert numbers([trail(0, 0, 5), trail(1, 9, 12)], (0.0, 2.0)) == [1, 2]
    assert numbers([trail(0, 0, 5), trail(1, 9, 12)], (0.0, 1.05)) == [1, 1], "a little further, with the same look"


def test_a_gallery_gives_names_and_joins() -> None:
    trails = [trail(0, 0, 5), trail(1, 9, 12, 1), trail(2, 20, 22, 2)]
    gallery = {"Anna": Known(np.array([0.7, 0], np.float32), 2.0), "Ben": Known(np.array([9, 0], np.float32), 2.0)}
    people = number_people(trails, Faces(1.0, known(0.3, 1.1, 5.0), gallery))
    assert [people.name(people.of[number]) for number in range(3)] == ["Anna", "Anna", "Person 2"], (
        "others keep their numbers"
    )


def test_only_who_can_be_compared_is_embedded() -> None:
    both = [trail(0, 0, 5), trail(1, 0, 5)]
    assert comparable(both) == []
    assert [one.trail for one in comparable([*both, trail(2, 7, 9)])] == [0, 1, 2]
    assert comparable([trail(0, 0, 5)]) == []


SPANS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 12), st.floats(0, 2), st.booleans()), max_size=14)


@settings(max_examples=200, deadline=None)
@given(SPANS, st.randoms())
def test_nobody_is_in_one_frame_twice_and_the_order_of_trails_tells_nothing(
    spans: list[tuple[int, int, float, bool]], dice: object
) -> None:
    trails = [trail(n, start / 2, (start + length) / 2, start // 20) for n, (start, length, _, _) in enumerate(spans)]
    faces = {n: Known(np.array([place, 0], np.float32), 3.0) for n, (*_, place, seen) in enumerate(spans) if seen}
    found = number_people(trails, Faces(1.0, faces)).of
    for a, b in combinations(trails, 2):
        if a.first <= b.last and b.first <= a.last:
            assert found[a.trail] != found[b.trail]
    mixed = list(trails)
    dice.shuffle(mixed)  # type: ignore[attr-defined]
    assert number_people(mixed, Faces(1.0, faces)).of == found
    assert sorted(set(found.values())) == list(range(1, len(set(found.values())) + 1))


def test_hundreds_of_trails_take_no_time() -> None:
    rng = np.random.default_rng(0)
    trails = [trail(number, number * 2.0, number * 2.0 + 1.5, number) for number in range(400)]
    faces = {n: Known((np.eye(8)[n % 8] + rng.normal(0, 0.02, 8)).astype(np.float32), 4.0) for n in range(400)}
    found = number_people(trails, Faces(0.5, faces)).of
    assert [found[n] for n in range(400)] == [n % 8 + 1 for n in range(400)]


def test_nobody_at_all() -> None:
    assert number_people([]).of == {}
    assert number_people([Followed(0, 0, 0, 1, PLAIN, 1, None)], Faces(1.0)).of == {}
    assert number_people([], Faces(1.0, {}, {"Anna": Known(np.zeros(2, np.float32), 1.0)})).names == {}


@pytest.mark.parametrize("same", [0.48, 0.89])
def test_the_bound_falls_with_poor_pictures(same: float) -> None:
    bounds = bound(5.0, np.array([0.1, 0.5, 1.0, 5.0]), same)
    assert list(bounds) == sorted(bounds)
    assert bounds[-1] < same
