"""Events against a file whose truth is known."""

from __future__ import annotations

import pytest

from mer_batch.labels import EMOTIONS
from mer_batch.timeline.events import blocks, find_events, verb
from mer_batch.types import Event, Person, Segment, Shot
from timelines import CUT, make_timeline

SHOTS = (Shot(0.0, 20.0),)


def step(
    index: int, label: str | None, top: float = 0.7, weights: tuple[float, float, float] = (1.0, 0.0, 0.0),
    disagreement: float | None = None,
) -> Segment:  # fmt: skip
    span = (index / 2, index / 2 + 0.5)
    if label is None:
        return Segment(*span, "Person 1", None, None, None, (0.0, 0.0, 0.0), None, "no face in view")
    values = tuple(top if name == label else (1 - top) / 6 for name in EMOTIONS)
    return Segment(*span, "Person 1", values, (0.05,) * 7, label, weights, disagreement)


def lane(*runs: tuple[str | None, int]) -> list[Segment]:
    labels = [label for label, length in runs for _ in range(length)]
    return [step(index, label) for index, label in enumerate(labels)]


def kinds(events: tuple[Event, ...], kind: str) -> list[tuple[float, str | None]]:
    return [(event.time, event.emotion) for event in events if event.kind == kind]


@pytest.fixture(scope="module")
def events() -> tuple[Event, ...]:
    return make_timeline().events


def test_events_are_in_order_and_the_cut_is_there(events: tuple[Event, ...]) -> None:
    assert [event.time for event in events] == sorted(event.time for event in events)
    assert kinds(events, "cut") == [(CUT, None)]


def test_changes_are_within_half_a_second_of_the_truth(events: tuple[Event, ...]) -> None:
    found = {
        person: [e.time for e in events if e.kind == "change" and e.person == person]
        for person in ("Person 1", "Person 2")
    }
    assert found["Person 1"] == pytest.approx([8, 14, 38], abs=0.25)
    assert found["Person 2"] == pytest.approx([13, 48], abs=0.25)


def test_onsets_name_the_new_emotion(events: tuple[Event, ...]) -> None:
    found = [(round(time), emotion) for time, emotion in kinds(events, "onset")]
    assert found == [(8, "happy"), (13, "angry"), (38, "surprise")]
    assert next(event.detail for event in events if event.kind == "onset") == "Person 1 looks happy, after neutral"


def test_people_come_and_go(events: tuple[Event, ...]) -> None:
    assert [(e.kind, e.time, e.person) for e in events if e.kind in ("enter", "leave")] == [
        ("enter", 0.0, "Person 1"),
        ("enter", 10.0, "Person 2"),
        ("leave", 16.0, "Person 2"),
        ("leave", 18.0, "Person 1"),
        ("enter", 24.0, "Person 1"),
        ("enter", 36.0, "Person 2"),
        ("leave", 44.0, "Person 1"),
    ]


def test_a_contradiction_is_told_in_words(events: tuple[Event, ...]) -> None:
    told = [event for event in events if event.kind == "disagreement"]
    assert [event.person for event in told] == ["Person 2", "Person 2"]
    assert told[0].detail == "Person 2 looks happy, sounds sad, reads as sad"
    assert 45 <= told[0].time < 48


def test_peaks_are_the_strongest_few_at_the_time_of_a_frame() -> None:
    timeline = make_timeline()
    peaks = [event for event in timeline.events if event.kind == "peak"]
    frames = {o.start for o in timeline.observations if o.modality == "face"}
    assert {event.emotion for event in peaks if event.person == "Person 1"} >= {"happy", "surprise"}
    assert all(event.time in frames for event in peaks if event.person)
    assert "neutral" not in {event.emotion for event in peaks}


def test_one_step_is_no_onset_and_a_gap_forgets_what_was_before() -> None:
    brief = find_events(lane(("neutral", 6), ("happy", 1), ("neutral", 6)), SHOTS, ())
    assert kinds(brief, "onset") == []
    after_gap = find_events(lane(("neutral", 6), (None, 4), ("happy", 6)), SHOTS, ())
    assert kinds(after_gap, "onset") == []
    lasting = find_events(lane(("neutral", 6), ("happy", 2), ("neutral", 6)), SHOTS, ())
    assert kinds(lasting, "onset") == [(3.0, "happy")]


def test_a_steady_expression_has_no_peak_and_no_change() -> None:
    events = find_events(lane(("happy", 40)), SHOTS, ())
    assert [event.kind for event in events] == []


def test_a_short_loss_of_the_face_is_not_leaving() -> None:
    person = Person("Person 1", ((0.0, 5.0), (5.6, 12.0)))
    assert [(e.kind, e.time) for e in find_events((), SHOTS, (person,))] == [("enter", 0.0), ("leave", 12.0)]


def test_the_end_of_the_file_is_not_leaving_and_speakers_do_not_enter() -> None:
    people = (Person("Person 1", ((3.0, 19.9),)), Person("Speaker", ((1.0, 9.0),)))
    assert [(e.kind, e.person) for e in find_events((), SHOTS, people)] == [("enter", "Person 1")]


def test_blocks_end_at_gaps_and_cuts() -> None:
    parts = blocks(lane(("happy", 4), (None, 2), ("sad", 6)), cuts=[4.0])
    assert [(part[0].start, part[-1].end) for part in parts] == [(0.0, 2.0), (3.0, 4.0), (4.0, 6.0)]


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ((1.0, 0.0, 0.0), "looks"),
        ((0.2, 0.8, 0.0), "sounds"),
        ((0.0, 0.4, 0.6), "reads as"),
        ((0.4, 0.35, 0.25), "looks"),
    ],
)
def test_verbs_follow_the_evidence(weights: tuple[float, float, float], words: str) -> None:
    assert verb(step(0, "happy", weights=weights)) == words


def test_disagreement_must_last() -> None:
    apart = [step(i, "happy", disagreement=0.4 if i == 3 else 0.01) for i in range(8)]
    assert find_events(apart, SHOTS, ()) == ()
    apart[4] = step(4, "happy", disagreement=0.5)
    events = find_events(apart, SHOTS, ())
    assert [(e.kind, e.time, e.strength) for e in events] == [("disagreement", 2.0, 0.5)]
