"""What a lane abstains from naming enters nothing: no event, no valence, no share of an emotion, no transition."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mer_batch.fusion import fuse
from mer_batch.labels import EMOTIONS, INDEX
from mer_batch.report import lanes as drawn
from mer_batch.timeline.events import BRIDGE, chains, find_events
from mer_batch.timeline.summary import UNSURE, summarize
from mer_batch.types import Observation, Person, Segment, Shot, Timeline
from timelines import make_media, make_provenance, reading

PATIENT = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
NOT_SURE = "not sure: sad 0.42 leads fear 0.40 by less than 0.09"
RUNS = st.lists(
    st.tuples(st.sampled_from([*EMOTIONS, "unsure", "unsure", "gap"]), st.integers(1, 12)), min_size=1, max_size=12
)


def segments(runs: list[tuple[str, int]], step: float, rng: np.random.Generator) -> list[Segment]:
    """A lane of runs of a label, of steps too unsure to name, or without a reading; probabilities at random."""
    names = [name for name, length in runs for _ in range(length)]
    found = []
    for number, name in enumerate(names):
        span = (round(number * step, 6), round((number + 1) * step, 6))
        if name == "gap":
            found.append(Segment(*span, "Person 1", None, None, None, (0.0, 0.0, 0.0), None, "no face in view"))
            continue
        values = reading(name if name in INDEX else str(rng.choice(EMOTIONS)), rng, sure=3 * rng.random())
        label = name if name in INDEX else None
        apart = float(rng.random())
        found.append(
            Segment(*span, "Person 1", values, (0.1,) * 7, label, (0.5, 0.5, 0), apart, "" if label else NOT_SURE)
        )
    return found


def timeline(lane: list[Segment], seen: tuple[Observation, ...] = (), cut: float | None = None) -> Timeline:
    end = max(segment.end for segment in lane)
    edges = [0.0, *([cut] if cut and cut < end else []), end]
    shots = tuple(Shot(*pair) for pair in pairwise(edges))
    people = (Person("Person 1", ((0.0, end),)),)
    events = find_events(lane, shots, people, seen)
    return Timeline(make_media(end), make_provenance(), people, shots, (), (), (), seen, (), tuple(lane), events)


def told(found: Timeline) -> list[object]:
    return [event for event in found.events if event.kind not in ("cut", "enter", "leave")]


@PATIENT
@given(RUNS, st.sampled_from([0.1, 0.5, 2.0]), st.integers(0, 2**32 - 1), st.floats(1, 20))
def test_probabilities_without_a_name_change_nothing(
    runs: list[tuple[str, int]], step: float, seed: int, cut: float
) -> None:
    lane = segments(runs, step, np.random.default_rng(seed))
    others = segments(runs, step, np.random.default_rng(seed + 1))
    swapped = [b if a.label is None and a.probabilities else a for a, b in zip(lane, others, strict=True)]
    one, other = timeline(lane, cut=cut), timeline(swapped, cut=cut)
    assert one.events == other.events
    assert summarize(one) == summarize(other)


@PATIENT
@given(RUNS, st.sampled_from([0.1, 0.5, 2.0]), st.integers(0, 2**32 - 1))
def test_nothing_is_told_inside_a_stretch_without_a_name(runs: list[tuple[str, int]], step: float, seed: int) -> None:
    found = timeline(segments(runs, step, np.random.default_rng(seed)))
    named = [segment for segment in found.segments if segment.label is not None]
    for event in told(found):
        assert any(segment.start - 1e-6 <= event.time <= segment.end + 1e-6 for segment in named), event
    (summary,) = summarize(found)
    assert [time for time, _, _ in summary.path] == pytest.approx([(s.start + s.end) / 2 for s in named])
    for emotion in EMOTIONS:
        own = sum(s.end - s.start for s in named if s.label == emotion)
        share = summary.shares.get(emotion)
        assert (share.value * summary.seconds_read if share else 0.0) == pytest.approx(own)


@PATIENT
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.1, 0.5, 2.0]), st.booleans())
def test_a_lane_never_named_tells_nothing(seed: int, step: float, spoken: bool) -> None:
    rng = np.random.default_rng(seed)
    seen = [
        Observation("face", t, t + 0.2, "Person 1", reading(str(rng.choice(EMOTIONS)), rng, 1.2), 0.9)
        for t in np.arange(0, 12, 0.2).tolist()
    ]
    if spoken:
        seen.append(Observation("voice", 2.0, 6.0, "Person 1", reading("sad", rng, 0.5), 0.9))
    people = (Person("Person 1", ((0.0, 12.0),)),)
    fused = fuse(
        seen,
        (),
        duration=12.0,
        people=people,
        cuts=(),
        reliabilities={"face": 0.6, "voice": 0.4},
        step=step,
        abstain=1.0,
    )
    found = timeline(list(fused.segments), fused.observations)
    assert not any(segment.label for segment in found.segments)
    assert [event for event in told(found) if event.kind != "disagreement"] == []  # type: ignore[attr-defined]
    (summary,) = summarize(found)
    assert (summary.path, summary.volatility, summary.delta_steps, summary.delta_frames) == ((), None, None, None)
    assert (summary.switches_per_minute, sum(map(sum, summary.transitions))) == (None, 0)
    assert list(summary.shares) == [UNSURE]
    assert summary.shares[UNSURE].value == 1.0


def test_an_expression_after_a_long_silence_of_the_reader_is_no_onset_and_no_change() -> None:
    rng = np.random.default_rng(0)
    long = timeline(segments([("neutral", 10), ("unsure", 100), ("fear", 10)], 0.5, rng))
    assert [event.kind for event in long.events if event.kind in ("onset", "change")] == []  # was: twice, at 30 s
    assert sum(map(sum, summarize(long)[0].transitions)) == 18
    brief = timeline(segments([("neutral", 10), ("unsure", 2), ("fear", 10)], 0.5, rng))
    assert [(e.kind, e.time) for e in brief.events if e.kind == "onset"] == [("onset", 6.0)]


def test_a_contradiction_is_told_without_a_name_only_where_each_side_is_sure() -> None:
    rng = np.random.default_rng(0)
    lane = [replace(s, disagreement=0.6) for s in segments([("unsure", 6)], 0.5, rng)]

    def seen(sure: float) -> tuple[Observation, ...]:
        return (
            Observation("face", 0.0, 3.0, "Person 1", reading("happy", rng, sure, 0.0), 1.0),
            Observation("voice", 0.0, 3.0, "Person 1", reading("angry", rng, sure, 0.0), 1.0),
        )

    assert [event.kind for event in told(timeline(lane, seen(3.0)))] == ["disagreement"]  # type: ignore[attr-defined]
    assert told(timeline(lane, seen(0.8))) == []
    assert told(timeline(lane)) == []


def test_chains_end_at_long_stretches_without_a_name() -> None:
    lane = segments([("happy", 2), ("unsure", 2), ("sad", 2), ("unsure", 7), ("sad", 1)], 0.5, np.random.default_rng(0))
    assert BRIDGE == 3.0
    assert [[s.label for s in chain] for chain in chains(lane)] == [["happy", "happy", "sad", "sad"], ["sad"]]


def test_means_of_steps_that_are_drawn_keep_named_ones_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawn, "MAX_STEPS", 2)
    lane = segments([("happy", 2), ("unsure", 1), ("happy", 1), ("unsure", 2)], 0.5, np.random.default_rng(1))
    lane = [replace(s, probabilities=tuple(float(name == (s.label or "sad")) for name in EMOTIONS)) for s in lane]
    fused = drawn.page_data(timeline(lane))["lanes"][0]["fused"]
    assert fused["l"].tolist() == [INDEX["happy"], -1]
    happy, sad = ([drawn.UNIT * (name == one) for name in EMOTIONS] for one in ("happy", "sad"))
    assert fused["p"].tolist() == [happy, sad]
