"""The columns that the page draws from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mer_batch.labels import EMOTIONS, INDEX
from mer_batch.report import lanes
from mer_batch.report.bins import CLASSES, shares
from mer_batch.report.lanes import UNIT, page_data, utterance_readings
from mer_batch.report.pack import packed, unpacked
from mer_batch.report.thin import GAP, UNNAMED
from mer_batch.timeline.summary import UNSURE, summarize
from mer_batch.types import Evidence, Gap, Observation, Segment, Utterance
from timelines import make_timeline

HAPPY = tuple(0.7 if name == "happy" else 0.05 for name in EMOTIONS)
SAD = tuple(0.7 if name == "sad" else 0.05 for name in EMOTIONS)
NARROW = (0.012,) * 7
EMPTY = ("people", "shots", "speech", "loudness", "utterances", "observations", "segments", "events", "gaps")


def spans(columns):
    """(start, end) of each step in milliseconds, as core.js unpacks them."""
    return [tuple(span) for span in np.cumsum(columns["t"].ravel()).reshape(-1, 2).tolist()]


def segment(start, end, probabilities=HAPPY, label="happy", reason="", person="A"):
    spread = None if probabilities is None else NARROW
    return Segment(start, end, person, probabilities, spread, label, (1.0, 0.0, 0.0), None, reason)


def timeline_of(**parts):
    nothing = dict.fromkeys(EMPTY, ())
    return replace(make_timeline(), **{**nothing, **parts})


def lane_of(**parts):
    return page_data(timeline_of(**parts))["lanes"][0]


def test_steps_keep_times_probabilities_and_labels():
    lane = lane_of(segments=(segment(0, 0.5), segment(0.5, 1, SAD, None, "too weak"), segment(2, 2.5, SAD, "sad")))
    fused = lane["fused"]
    assert spans(fused) == [(0, 500), (500, 1000), (2000, 2500)]
    assert (fused["p"][0] / UNIT).tolist() == pytest.approx(HAPPY, abs=0.003)
    assert (fused["s"][0] / UNIT).tolist() == pytest.approx(NARROW, abs=0.003)
    assert fused["l"].tolist() == [INDEX["happy"], UNNAMED, INDEX["sad"]]
    assert fused["w"][0].tolist() == [100, 0, 0]


def test_gaps_stay_gaps_and_join_only_with_the_same_reason():
    gap = {"probabilities": None, "label": None}
    lane = lane_of(
        segments=(
            segment(0, 1, **gap, reason="not in view"),
            segment(1, 2, **gap, reason="not in view"),
            segment(2, 3, **gap, reason="blurred"),
            segment(3, 4),
            segment(4, 5),
            segment(6, 7),
        )
    )
    runs = lane["runs"]
    assert spans(runs) == [(0, 2000), (2000, 3000), (3000, 5000), (6000, 7000)]
    assert runs["l"].tolist() == [GAP, GAP, INDEX["happy"], INDEX["happy"]]
    assert runs["n"].tolist() == [2, 1, 2, 1]
    assert [runs["reasons"][place] for place in runs["r"][:2]] == ["not in view", "blurred"]
    assert spans(lane["fused"]) == [(3000, 4000), (4000, 5000), (6000, 7000)]


def test_shares_of_any_stretch_are_those_of_the_segments():
    timeline = make_timeline()
    rng = np.random.default_rng(0)
    for lane in page_data(timeline)["lanes"]:
        own = [s for s in timeline.segments if s.person == lane["person"]]
        for edges in np.sort(rng.uniform(0, 60_000, (20, 2))):
            found = shares(lane["runs"], edges)[0]
            for place, label in enumerate(CLASSES):
                name = EMOTIONS[label] if label >= 0 else None
                inside = sum(
                    max(0.0, min(s.end * 1000, edges[1]) - max(s.start * 1000, edges[0]))
                    for s in own
                    if s.label == name and (s.probabilities is None) == (label == GAP)
                )
                assert found[place] == pytest.approx(inside / (edges[1] - edges[0]), abs=1e-6)


def test_the_whole_file_has_the_shares_of_the_table():
    timeline = make_timeline()
    lanes_of = {lane["person"]: lane for lane in page_data(timeline)["lanes"]}
    for summary in summarize(timeline):
        whole = shares(lanes_of[summary.person]["runs"], np.array([0.0, 60_000.0]))[0]
        read = whole[: len(EMOTIONS) + 1]
        for place, name in enumerate((*EMOTIONS, UNSURE)):
            assert read[place] / read.sum() == pytest.approx(summary.shares[name].value, abs=1e-6)


def test_columns_come_back_from_their_block():
    lane = page_data(make_timeline())["lanes"][0]
    parts = {part: lane[part] for part in ("runs", "fused", "face", "voice", "text")}
    found = unpacked(packed(parts))
    for part, columns in parts.items():
        for name, column in columns.items():
            if isinstance(column, np.ndarray):
                assert column.size
                np.testing.assert_array_equal(found[part][name], column)
            else:
                assert found[part][name] == column


def test_overlapping_windows_meet_in_the_middle_of_their_overlap():
    readings = tuple(Observation("voice", t, t + 3, "A", HAPPY, 0.5) for t in (0.0, 1.0, 2.0))
    assert spans(lane_of(observations=readings)["voice"]) == [(0, 2000), (2000, 3000), (3000, 5000)]


def test_absences_carry_the_reason_of_the_gap_that_explains_them():
    readings = (Observation("face", 10, 20, "A", HAPPY, 0.5), Observation("face", 30, 60, "A", HAPPY, 0.5))
    gaps = (Gap("face", 0, 9, "not in view", "A"), Gap("face", 20, 30, "too dark"), Gap("voice", 0, 60, "no speech"))
    lane = lane_of(observations=readings, gaps=gaps)
    assert lane["face"]["gaps"] == [[0, 10_000, "not in view"], [20_000, 30_000, "too dark"]]
    assert lane["voice"]["gaps"] == []


def test_an_absence_that_no_gap_explains_says_so():
    readings = (Observation("face", 0, 1, "A", HAPPY, 0.5), Observation("face", 5, 6, "A", HAPPY, 0.5))
    gaps = (Gap("face", 20, 30, "too dark"),)
    rows = lane_of(observations=readings, gaps=gaps)["face"]["gaps"]
    assert rows == [[1000, 5000, "no reading of this person"], [6000, 60_000, "too dark"]]


def test_boxes_are_per_mille_and_zero_where_unknown():
    known = Observation("face", 0, 1, "A", HAPPY, 0.5, (), Evidence(box=(0.1, 0.2, 0.3333, 0.4)))
    lane = lane_of(observations=(known, Observation("face", 1, 2, "A", HAPPY, 0.5)))
    assert lane["face"]["b"].tolist() == [[100, 200, 333, 400], [0, 0, 0, 0]]


def test_long_lanes_are_averaged_without_bridging_gaps(monkeypatch):
    monkeypatch.setattr(lanes, "MAX_STEPS", 4)
    monkeypatch.setattr(lanes, "MAX_READINGS", 4)
    steps = [segment(t, t + 1, HAPPY if t % 2 else SAD, "happy" if t % 2 else "sad") for t in range(8)]
    steps[4] = segment(4, 5, None, None, "not in view")
    readings = tuple(Observation("face", t, t + 1, "A", HAPPY, 0.5) for t in (0, 1, 2, 5, 6, 7))
    lane = lane_of(segments=tuple(steps), observations=readings)
    fused = lane["fused"]
    assert spans(fused) == [(0, 2000), (2000, 4000), (5000, 7000), (7000, 8000)]
    assert fused["p"][0, INDEX["happy"]] / UNIT == pytest.approx(0.375, abs=0.003)
    assert fused["p"][0].sum() / UNIT == pytest.approx(1, abs=0.02)
    assert spans(lane["face"]) == [(0, 2000), (2000, 3000), (5000, 7000), (7000, 8000)]
    # What was named stays exact, however few steps are kept.
    assert lane["runs"]["l"].tolist() == [INDEX["sad"], INDEX["happy"]] * 2 + [GAP] + [
        INDEX["happy"],
        INDEX["sad"],
        INDEX["happy"],
    ]


def test_what_is_not_known_enters_no_mean_of_what_is(monkeypatch):
    monkeypatch.setattr(lanes, "MAX_STEPS", 2)
    steps = [segment(t, t + 1) for t in range(3)] + [segment(t, t + 1, SAD, "sad") for t in range(3, 6)]
    steps[1] = replace(steps[1], label=None, probabilities=SAD)
    steps[3] = replace(steps[3], label=None)
    steps[4] = replace(steps[4], label=None, probabilities=HAPPY)
    fused = lane_of(segments=tuple(steps))["fused"]
    assert fused["l"].tolist() == [INDEX["happy"], UNNAMED]
    assert (fused["p"][0] / UNIT).tolist() == pytest.approx(HAPPY, abs=0.003)
    assert fused["p"][1, INDEX["happy"]] / UNIT == pytest.approx(0.375, abs=0.003)


def test_an_hour_at_five_steps_a_second_stays_light():
    rng = np.random.default_rng(0)
    rows = rng.dirichlet(np.ones(7), 18_000)
    steps = [(number / 5, (number + 1) / 5, tuple(row)) for number, row in enumerate(rows.tolist())]
    box = Evidence(box=(0.123, 0.234, 0.345, 0.456))
    timeline = timeline_of(
        segments=tuple(segment(start, end, values) for start, end, values in steps),
        observations=tuple(Observation("face", start, end, "A", values, 0.9, (), box) for start, end, values in steps),
    )
    lane = page_data(timeline)["lanes"][0]
    assert len(spans(lane["fused"])) == 18_000
    assert len(packed({part: lane[part] for part in ("runs", "fused", "face")})["block"]) < 450_000


def test_pictures_of_long_files_are_thinned(monkeypatch):
    monkeypatch.setattr(lanes, "MAX_PICTURES", 3)
    timeline = make_timeline()
    picture = timeline.shots[0].thumbnail
    shots = tuple(replace(timeline.shots[0], start=float(n), end=float(n + 1)) for n in range(10))
    events = tuple(replace(timeline.events[0], thumbnail=picture, strength=float(n)) for n in range(10))
    data = page_data(replace(timeline, shots=shots, events=events))
    assert len(data["shots"]) == len(data["events"]) == 10
    assert sum(shot[2] is not None for shot in data["shots"]) <= 4
    assert [place for place, event in enumerate(data["events"]) if event[5]] == [7, 8, 9]


def test_digital_silence_has_a_level():
    data = page_data(timeline_of(loudness=((0.0, -float("inf")), (0.5, -20.4))))
    assert data["loudness"] == {"start": 0, "step": 500, "levels": [-90, -20]}


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
