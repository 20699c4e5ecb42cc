"""The columns that the page draws from."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mer_batch.labels import EMOTIONS, INDEX
from mer_batch.report import lanes
from mer_batch.report.html import script_json
from mer_batch.report.lanes import GAP, UNNAMED, page_data, utterance_readings
from mer_batch.types import Evidence, Gap, Observation, Segment, Utterance
from timelines import make_timeline

HAPPY = tuple(0.7 if name == "happy" else 0.05 for name in EMOTIONS)
SAD = tuple(0.7 if name == "sad" else 0.05 for name in EMOTIONS)
NARROW = (0.01,) * 7
EMPTY = ("people", "shots", "speech", "loudness", "utterances", "observations", "segments", "events", "gaps")


def spans(columns):
    """(start, end) of each step in milliseconds, as core.js unpacks them."""
    found, at = [], 0
    for gap, length in zip(columns["t"][::2], columns["t"][1::2], strict=True):
        found.append((at + gap, at + gap + length))
        at += gap + length
    return found


def segment(start, end, probabilities=HAPPY, label="happy", reason="", person="A"):
    spread = None if probabilities is None else NARROW
    return Segment(start, end, person, probabilities, spread, label, (1.0, 0.0, 0.0), None, reason)


def timeline_of(**parts):
    nothing = dict.fromkeys(EMPTY, ())
    return replace(make_timeline(), **{**nothing, **parts})


def lane_of(**parts):
    return page_data(timeline_of(**parts))["lanes"][0]


def test_steps_keep_times_probabilities_and_labels():
    fused = lane_of(segments=(segment(0, 0.5), segment(0.5, 1, SAD, None, "too weak"), segment(2, 2.5, SAD, "sad")))[
        "fused"
    ]
    assert spans(fused) == [(0, 500), (500, 1000), (2000, 2500)]
    assert fused["p"][:7] == [50, 50, 50, 700, 50, 50, 50]
    assert fused["s"][:7] == [10] * 7
    assert fused["l"] == [INDEX["happy"], UNNAMED, INDEX["sad"]]
    assert [fused["reasons"][place] for place in fused["r"]] == ["", "too weak", ""]
    assert fused["w"][:3] == [100, 0, 0]


def test_gaps_stay_gaps_and_join_only_with_the_same_reason():
    gap = {"probabilities": None, "label": None}
    fused = lane_of(
        segments=(
            segment(0, 1, **gap, reason="not in view"),
            segment(1, 2, **gap, reason="not in view"),
            segment(2, 3, **gap, reason="blurred"),
            segment(3, 4),
        )
    )["fused"]
    assert spans(fused) == [(0, 2000), (2000, 3000), (3000, 4000)]
    assert fused["l"] == [GAP, GAP, INDEX["happy"]]
    assert fused["p"][:7] == [0] * 7


def test_overlapping_windows_meet_in_the_middle_of_their_overlap():
    readings = tuple(Observation("voice", t, t + 3, "A", HAPPY, 0.5) for t in (0.0, 1.0, 2.0))
    assert spans(lane_of(observations=readings)["voice"]) == [(0, 2000), (2000, 3000), (3000, 5000)]


def test_absences_carry_the_reason_of_the_gap_that_explains_them():
    readings = (Observation("face", 10, 20, "A", HAPPY, 0.5), Observation("face", 30, 60, "A", HAPPY, 0.5))
    gaps = (Gap("face", 0, 9, "not in view", "A"), Gap("face", 20, 30, "too dark"), Gap("voice", 0, 60, "no speech"))
    lane = lane_of(observations=readings, gaps=gaps)
    assert lane["face"]["gaps"] == [[0, 10_000, "not in view"], [20_000, 30_000, "too dark"]]
    assert lane["voice"]["gaps"] == []


def test_boxes_are_per_mille_and_zero_where_unknown():
    known = Observation("face", 0, 1, "A", HAPPY, 0.5, (), Evidence(box=(0.1, 0.2, 0.3333, 0.4)))
    lane = lane_of(observations=(known, Observation("face", 1, 2, "A", HAPPY, 0.5)))
    assert lane["face"]["b"] == [100, 200, 333, 400, 0, 0, 0, 0]


def test_long_lanes_are_averaged_without_bridging_gaps(monkeypatch):
    monkeypatch.setattr(lanes, "MAX_STEPS", 4)
    steps = [segment(t, t + 1, HAPPY if t % 2 else SAD, "happy") for t in range(8)]
    steps[4] = segment(4, 5, None, None, "not in view")
    readings = tuple(Observation("face", t, t + 1, "A", HAPPY, 0.5) for t in (0, 1, 2, 5, 6, 7))
    lane = lane_of(segments=tuple(steps), observations=readings)
    fused = lane["fused"]
    assert spans(fused) == [(0, 2000), (2000, 4000), (4000, 5000), (5000, 7000), (7000, 8000)]
    assert fused["l"][2] == GAP
    assert fused["p"][INDEX["happy"]] == 375
    assert sum(fused["p"][:7]) == pytest.approx(1000, abs=4)
    assert spans(lane["face"]) == [(0, 2000), (2000, 3000), (5000, 7000), (7000, 8000)]


def test_an_hour_at_five_steps_a_second_stays_light():
    steps = [(number / 5, (number + 1) / 5, HAPPY if number % 9 else SAD) for number in range(18_000)]
    box = Evidence(box=(0.123, 0.234, 0.345, 0.456))
    timeline = timeline_of(
        segments=tuple(segment(start, end, values) for start, end, values in steps),
        observations=tuple(Observation("face", start, end, "A", values, 0.9, (), box) for start, end, values in steps),
    )
    data = page_data(timeline)
    assert len(spans(data["lanes"][0]["fused"])) == 18_000
    assert len(script_json(data)) < 2_500_000


def test_digital_silence_has_a_level():
    data = page_data(timeline_of(loudness=((0.0, -float("inf")), (0.5, -20.4))))
    assert data["loudness"] == [0, -90, 500, -20]


def test_utterances_find_the_reading_of_their_words():
    said = (Utterance(0, 2, "one"), Utterance(2, 4, "two"), Utterance(9, 10, "three"))
    readings = (
        Observation("text", 0, 2, None, HAPPY, 1),
        Observation("text", 2.2, 4.1, None, SAD, 1),
        Observation("voice", 9, 10, None, SAD, 1),
    )
    found = utterance_readings(timeline_of(utterances=said, observations=readings))
    assert [reading and reading.label for reading in found] == ["happy", "sad", None]


def test_nobody_comes_last():
    timeline = timeline_of(
        segments=(segment(0, 1, person=None), segment(0, 1, person="Zoe"), segment(0, 1, person="Al"))
    )
    assert [lane["person"] for lane in page_data(timeline)["lanes"]] == ["Zoe", "Al", None]
