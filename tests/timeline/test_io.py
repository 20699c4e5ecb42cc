"""Timelines survive the file; damaged files are one line."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mer_batch.errors import InputError
from mer_batch.labels import EMOTIONS
from mer_batch.timeline import columns
from mer_batch.timeline.io import from_json, rounded, to_json, write_csv
from mer_batch.types import (
    Event,
    Evidence,
    Gap,
    Observation,
    Person,
    Segment,
    Shot,
    SubtitleStream,
    Timeline,
    Utterance,
)
from timelines import make_media, make_provenance, make_timeline

# A busy machine is no failure, and no examples are kept in the tree.
PATIENT = settings(deadline=None, database=None, max_examples=50)
texts = st.text(max_size=8)
names = st.none() | texts
times = st.floats(0, 1e5)
spans = st.tuples(times, times).map(lambda pair: (min(pair), max(pair)))
unit = st.floats(0, 1)
distributions = (
    st.lists(st.floats(0, 1), min_size=7, max_size=7)
    .filter(lambda v: sum(v) > 1e-3)
    .map(lambda v: tuple(x / sum(v) for x in v))
)
modalities = st.sampled_from(["face", "voice", "text"])


@st.composite
def observations(draw: st.DrawFn) -> Observation:
    box = draw(st.none() | st.tuples(unit, unit, unit, unit))
    return Observation(
        draw(modalities), *draw(spans), draw(names), draw(distributions), draw(unit),
        tuple(draw(st.lists(texts, max_size=2))), Evidence(box, draw(names)),
    )  # fmt: skip


@st.composite
def segments(draw: st.DrawFn) -> Segment:
    start, end = draw(spans)
    person, reason = draw(names), draw(texts)
    if draw(st.booleans()):
        return Segment(start, end, person, None, None, None, (0.0, 0.0, 0.0), None, reason)
    spread = tuple(draw(st.lists(unit, min_size=7, max_size=7)))
    weights = draw(st.tuples(unit, unit, unit))
    label, apart = draw(st.none() | st.sampled_from(EMOTIONS)), draw(st.none() | unit)
    return Segment(start, end, person, draw(distributions), spread, label, weights, apart, reason)


@st.composite
def timelines(draw: st.DrawFn) -> Timeline:
    def several(strategy: st.SearchStrategy[object]) -> tuple[object, ...]:
        return tuple(draw(st.lists(strategy, max_size=3)))

    events = st.builds(
        Event, st.sampled_from(["cut", "peak"]), times, names, st.none() | st.sampled_from(EMOTIONS), texts, unit, names
    )
    return Timeline(
        media=replace(
            make_media(draw(times)),
            path=Path(draw(st.sampled_from(["a.mp4", "/x/ä b.mkv", "../c\udcff.wav"]))),
            joins=tuple(draw(st.lists(st.integers(1, 10**12), max_size=2))),
        ),
        provenance=make_provenance(),
        people=several(st.builds(Person, texts, st.lists(spans, max_size=2).map(tuple), names)),
        shots=several(spans.flatmap(lambda s: st.builds(Shot, st.just(s[0]), st.just(s[1]), names))),
        speech=several(spans),
        loudness=several(st.tuples(times, st.floats(-90, 0) | st.just(-math.inf))),
        utterances=several(spans.flatmap(lambda s: st.builds(Utterance, st.just(s[0]), st.just(s[1]), texts, names))),
        observations=several(observations()),
        gaps=several(st.builds(lambda m, s, r, p: Gap(m, *s, r, p), modalities, spans, texts, names)),
        segments=several(segments()),
        events=several(events),
        notices=several(texts),
        lost=several(modalities),
    )  # type: ignore[arg-type]


@settings(PATIENT, max_examples=30, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(timelines())
def test_any_timeline_round_trips(timeline: Timeline) -> None:
    once = rounded(timeline)
    text = to_json(once)
    assert from_json(text) == once
    assert to_json(from_json(text)) == text
    for before, after in zip(timeline.observations, once.observations, strict=True):
        assert after.probabilities == pytest.approx(before.probabilities, abs=2e-5)
        assert (after.start, after.end) == pytest.approx((before.start, before.end), abs=1e-4)


def test_what_subtitles_are_for_comes_back() -> None:
    tracks = (
        SubtitleStream(2, "subrip", "eng", "SDH", ("default", "hearing_impaired")),
        SubtitleStream(3, "ass", None),
    )
    timeline = replace(make_timeline(), media=replace(make_media(3.0), subtitles=tracks))
    data = json.loads(to_json(timeline))
    assert from_json(json.dumps(data)).media.subtitles == tracks
    for track in data["media"]["subtitles"]:  # as files of before have it
        del track["title"], track["dispositions"]
    assert [track.title for track in from_json(json.dumps(data)).media.subtitles] == [None, None]


@PATIENT
@given(distributions)
def test_rounded_probabilities_sum_to_one_and_stay(values: tuple[float, ...]) -> None:
    once = columns.shares(values)
    assert sum(round(value * 100_000) for value in once) == 100_000
    assert columns.shares(once) == once
    assert once == pytest.approx(values, abs=2e-5)


def test_the_file_is_ascii_one_line_and_keeps_the_path_as_given() -> None:
    text = to_json(make_timeline())
    assert text.isascii()
    assert "\n" not in text
    data = json.loads(text)
    assert (data["schema"], data["media"]["name"], data["media"]["path"]) == (
        1,
        "interview_07.mp4",
        "clips/interview_07.mp4",
    )


def test_an_hour_of_faces_is_a_small_file() -> None:
    timeline = make_timeline(240, thumbnails=False)
    faces = sum(observation.modality == "face" for observation in timeline.observations)
    assert len(to_json(timeline)) / faces * 18_000 < 5_000_000


def test_options_come_back_as_json_values() -> None:
    provenance = replace(
        make_provenance(), options={"out": Path("a/b"), "range": [1.0, None], "deep": {"x": (1, True)}}
    )
    back = from_json(to_json(replace(make_timeline(modalities=()), provenance=provenance))).provenance.options
    assert back == {"out": str(Path("a/b")), "range": (1.0, None), "deep": {"x": (1, True)}}


@pytest.mark.parametrize(
    "text",
    ["", "[]", "[" * 100_000, "null", "{}", '{"schema":', '{"schema":2}', '{"schema":true}', '{"schema":"1"}',
     '{"schema":1}', '{"schema":1,"media":NaN}', '"' + "x" * 500],
)  # fmt: skip
def test_what_is_no_timeline_is_one_line(text: str) -> None:
    with pytest.raises(InputError) as caught:
        from_json(text)
    assert "\n" not in str(caught.value)
    assert "mer analyze" in str(caught.value)
    assert len(str(caught.value)) < 400


def _paths(value: object, path: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, child in children for found in _paths(child, (*path, key)))]


def test_any_broken_value_is_an_input_error_or_a_timeline() -> None:
    """Every value of a small file is dropped or replaced in turn: nothing but `InputError` ever comes out."""
    whole = json.loads(to_json(make_timeline(6.0, thumbnails=False)))
    outcomes = []
    places = [path for path in _paths(whole) if path]
    for number, path in enumerate(places):
        if len(path) <= 2 or number % 30 == 0:
            outcomes += [_outcome(whole, path, bad) for bad in ({"x": 1}, "y", -5)]
    assert "\n" not in "".join(outcomes)
    assert sum(bool(outcome) for outcome in outcomes) > len(outcomes) / 2


def _outcome(whole: object, path: tuple[object, ...], bad: object) -> str:
    """The message for the timeline with `bad` at `path`, empty where it is still one."""
    data = json.loads(json.dumps(whole))
    parent = data
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = bad
    try:
        from_json(json.dumps(data))
    except InputError as error:
        return str(error)
    return ""


def test_the_damage_is_named() -> None:
    data = json.loads(to_json(make_timeline(6.0)))
    del data["segments"]["label"]
    with pytest.raises(InputError, match=r"'label' is missing"):
        from_json(json.dumps(data))
    data = json.loads(to_json(make_timeline(6.0)))
    data["segments"]["start"].pop()
    with pytest.raises(InputError, match="differ in length"):
        from_json(json.dumps(data))


def test_csv_has_one_row_per_segment_and_empty_cells_for_gaps(tmp_path: Path) -> None:
    timeline = make_timeline()
    write_csv(timeline, tmp_path / "timeline.csv")
    assert [file.name for file in tmp_path.iterdir()] == ["timeline.csv"]
    with (tmp_path / "timeline.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(timeline.segments)
    for row, segment in zip(rows, timeline.segments, strict=True):
        assert float(row["start"]) == segment.start
        assert (row["person"] or None, row["label"] or None, row["reason"]) == (
            segment.person,
            segment.label,
            segment.reason,
        )
        assert (row["happy"] == "") == (segment.probabilities is None)
        if segment.probabilities:
            assert sum(float(row[name]) for name in EMOTIONS) == pytest.approx(1, abs=1e-9)
            assert float(row["confidence"]) == pytest.approx(segment.confidence, abs=1e-5)


def test_csv_leaves_nothing_behind_when_it_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("mer_batch.timeline.io._csv_row", fail)
    with pytest.raises(KeyboardInterrupt):
        write_csv(make_timeline(6.0), tmp_path / "timeline.csv")
    assert list(tmp_path.iterdir()) == []
