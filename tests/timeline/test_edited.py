"""Names, merges and splits put into a timeline: readings go to whom they belong, lanes are fused anew."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from mer_batch.errors import UsageError
from mer_batch.people.edits import Change, Edits, Part
from mer_batch.timeline.edited import edited
from mer_batch.timeline.io import rounded
from mer_batch.types import Timeline
from timelines import make_timeline


@pytest.fixture(scope="module")
def found() -> Timeline:
    """60 s: Person 1 in view from 0 to 18 and from 24 to 44, Person 2 from 10 to 16 and from 36 to 60."""
    made = make_timeline()
    models = tuple(replace(model, reliability=0.5) for model in made.provenance.models)
    return rounded(replace(made, provenance=replace(made.provenance, models=models)))


def edit(timeline: Timeline, strict: bool = True, **changes: Any) -> Timeline:
    return edited(timeline, Edits({name.replace("_", " "): change for name, change in changes.items()}), strict)


def people(timeline: Timeline) -> list[str]:
    return [person.name for person in timeline.people]


def of(timeline: Timeline) -> Counter[str | None]:
    return Counter(reading.person for reading in timeline.observations)


def test_a_name_goes_everywhere_and_changes_no_reading(found: Timeline) -> None:
    named = edit(found, Person_1=Change("Anna", "#c2185b"))
    assert people(named) == ["Anna", *people(found)[1:]]
    assert named.people[0].colour == "#c2185b"
    assert of(named)["Anna"] == of(found)["Person 1"]
    assert [replace(s, person=None) for s in named.segments] == [replace(s, person=None) for s in found.segments]
    assert not any("Person 1" in f"{event.person} {event.detail}" for event in named.events)
    assert named.provenance.options["people"] == {"Person 1": {"name": "Anna", "colour": "#c2185b"}}
    assert rounded(named).people == named.people


def test_names_may_be_swapped(found: Timeline) -> None:
    swapped = edit(found, Person_1=Change("Person 2"), Person_2=Change("Person 1"))
    assert of(swapped)["Person 1"] == of(found)["Person 2"]
    assert people(swapped)[:2] == ["Person 2", "Person 1"]


def test_nothing_said_changes_nothing(found: Timeline) -> None:
    assert edited(found, Edits()) is found


def test_two_in_one_frame_are_never_one(found: Timeline) -> None:
    for changes in (
        {"Person_1": Change(merge=("Person 2",))},
        {"Person_1": Change("Anna"), "Person_2": Change("anna")},
        {"Person_1": Change("Person 2")},
    ):
        with pytest.raises(UsageError, match=r"cannot both be .*: both are in view at 0:10\.0"):
            edit(found, **changes)
        left = edit(found, strict=False, **changes)
        assert people(left) == people(found)
        assert any("cannot both be" in notice for notice in left.notices)


def test_a_split_gives_the_rest_to_another(found: Timeline) -> None:
    parted = edit(found, Person_1=Change(split=(Part(20.0, "Zoe"),)))
    assert people(parted)[:2] == ["Person 1", "Zoe"]
    faces = [one for one in parted.observations if one.modality == "face"]
    assert {one.person for one in faces if one.start >= 20} == {"Zoe", "Person 2"}
    assert {one.person for one in faces if one.end <= 18} == {"Person 1", "Person 2"}
    assert max(s.end for s in parted.segments if s.person == "Person 1" and s.probabilities) <= 24
    assert len(parted.observations) == len(found.observations)
    assert all(one.spans for one in parted.people)


def test_a_split_and_a_merge_put_two_right_who_were_mixed_up(found: Timeline) -> None:
    """Person 1 after 20 s never meets Person 2 before 20 s."""
    mended = edit(
        found, Person_1=Change(split=(Part(20.0, "B"),)), Person_2=Change(split=(Part(30.0, "Person 1"),), name="B")
    )
    assert Counter(people(mended))["B"] == Counter(people(mended))["Person 1"] == 1
    assert len(mended.observations) == len(found.observations)
    faces = [one for one in mended.observations if one.modality == "face"]
    assert {one.person for one in faces if one.start >= 50} == {"Person 1"}
    lane = [s for s in mended.segments if s.person == "B"]
    assert len({s.start for s in lane}) == len(lane), "one reading a step"


def test_a_merge_gives_what_fusion_gives_of_one_person(found: Timeline) -> None:
    """Who was split is whole again, step by step."""
    whole = edit(found, Person_1=Change(split=(Part(20.0, "Zoe"),)))
    fresh = replace(whole, provenance=replace(whole.provenance, options={}))
    again = edit(fresh, Person_1=Change(merge=("Zoe",)))
    anew = edit(found, Person_1=Change(split=(Part(20.0, "Person 1"),)))
    assert [s for s in again.segments if s.person == "Person 1"] == [s for s in anew.segments if s.person == "Person 1"]
    assert again.people[0].spans == found.people[0].spans


def test_who_is_not_there_is_told_with_who_is(found: Timeline) -> None:
    with pytest.raises(UsageError, match=r"unknown person 'Persn 1'. Did you mean 'Person 1'\? Known: Person 1"):
        edit(found, Persn_1=Change("Anna"))
    with pytest.raises(UsageError, match="unknown person 'Person 9'"):
        edit(found, Person_1=Change(merge=("Person 9",)))
    with pytest.raises(UsageError, match=r"cannot be split at 99 s: they are there from 0\.0 to"):
        edit(found, Person_1=Change(split=(Part(99.0),)))
    left = edit(found, strict=False, Persn_1=Change("Anna"), Person_2=Change("Ben"))
    assert people(left)[:2] == ["Person 1", "Ben"]
    assert any(notice.startswith("Persn 1 is left as found: unknown person") for notice in left.notices)


def test_nothing_is_done_twice(found: Timeline) -> None:
    split = Change("Anna", split=(Part(20.0, "Zoe"),))
    once = edit(found, Person_1=split)
    assert edit(once, Person_1=split) is once
    assert people(edit(edit(found, Person_1=Change("Anna")), Person_1=Change("Eva")))[0] == "Eva"
    with pytest.raises(UsageError, match="run mer analyze again"):
        edit(once, Person_1=Change("Anna"))


def test_old_timelines_say_what_they_cannot_tell(found: Timeline) -> None:
    models = tuple(replace(model, reliability=None) for model in found.provenance.models)
    old = replace(found, provenance=replace(found.provenance, models=models))
    parted = edit(old, Person_1=Change(split=(Part(20.0),)))
    assert any("does not tell how reliable" in notice for notice in parted.notices)
    assert people(parted)[:2] == ["Person 1", "Person 3"]
