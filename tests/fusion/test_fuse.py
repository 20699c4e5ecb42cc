"""Fusion of whole files: lanes, gaps, cuts, the people and what two modalities make together."""

from __future__ import annotations

import numpy as np
import pytest

from mer_batch.fusion import SPEAKER, Fused, fuse
from mer_batch.labels import EMOTIONS, INDEX
from mer_batch.types import Gap, Modality, Observation, Person
from timelines import SCENES, make_timeline, reading

FACE: dict[Modality, float] = {"face": 1.0}
BOTH: dict[Modality, float] = {"face": 1.0, "voice": 1.0}


def peaked(emotion: str, top: float = 0.7) -> tuple[float, ...]:
    return tuple(top if name == emotion else (1 - top) / 6 for name in EMOTIONS)


def frames(emotion: str, start: float, end: float, top: float = 0.7, person: str = "Person 1") -> list[Observation]:
    times = np.arange(start, end - 1e-9, 0.2)
    return [Observation("face", float(t), float(t) + 0.2, person, peaked(emotion, top), 1.0) for t in times]


def fuse_one(
    observations: list[Observation], spans: tuple[tuple[float, float], ...], duration: float = 10.0, **kwargs: object
) -> Fused:
    options: dict[str, object] = {"gaps": (), "cuts": (), "reliabilities": FACE} | kwargs
    gaps = options.pop("gaps")
    return fuse(observations, gaps, duration=duration, people=(Person("Person 1", spans),), **options)  # type: ignore[arg-type]


def test_one_constant_modality_is_returned_as_it_is() -> None:
    fused = fuse_one(frames("happy", 0, 10), ((0, 10),))
    assert len(fused.segments) == 20
    for segment in fused.segments:
        assert segment.probabilities == pytest.approx(peaked("happy"))
        assert (segment.label, segment.weights, segment.disagreement) == ("happy", (1.0, 0.0, 0.0), None)


def test_two_modalities_meet_where_their_weights_say() -> None:
    voice = Observation("voice", 4.0, 7.0, None, peaked("sad"), 0.5)
    fused = fuse_one(frames("happy", 0, 10), ((0, 10),), reliabilities=BOTH)
    both = fuse_one([*frames("happy", 0, 10), voice], ((0, 10),), reliabilities=BOTH)
    middle = next(segment for segment in both.segments if segment.start == 5.5)
    weight = middle.weights[1]
    assert weight == pytest.approx(0.5 / 1.5, abs=0.01)
    assert sum(middle.weights) == pytest.approx(1)
    # The step is a smoothed mean (1, 2, 1) of log pools, in which the face says happy and the voice sad.
    index = both.segments.index(middle)
    lead = np.average([1 - 2 * both.segments[index + i].weights[1] for i in (-1, 0, 1)], weights=[1, 2, 1])
    ratio = np.log(middle.probabilities[INDEX["happy"]] / middle.probabilities[INDEX["sad"]])
    assert ratio == pytest.approx(lead * np.log(0.7 / 0.05), rel=1e-6)
    assert middle.disagreement == pytest.approx(0.485, abs=0.01)
    assert both.segments[0] == fused.segments[0]
    assert both.observations[-1].person == "Person 1"


def test_uniform_readings_are_not_named() -> None:
    fused = fuse_one(frames("happy", 0, 5, top=1 / 7), ((0, 5),))
    assert {segment.label for segment in fused.segments} == {None}
    assert all(segment.probabilities is not None for segment in fused.segments)
    assert all(segment.reason.startswith("not sure: ") for segment in fused.segments)


def test_the_abstention_threshold_is_an_option() -> None:
    observations = frames("happy", 0, 5, top=0.5)
    assert fuse_one(observations, ((0, 5),), abstain=0.45).segments[0].label == "happy"
    assert fuse_one(observations, ((0, 5),), abstain=0.55).segments[0].label is None


def test_a_gap_stays_a_gap_with_its_reason_and_leaks_nothing() -> None:
    observations = frames("happy", 0, 4) + frames("sad", 6, 10)
    gaps = (Gap("face", 4, 6, "no face in view"), Gap("voice", 0, 10, "no sound in the file"))
    fused = fuse_one(observations, ((0, 4), (6, 10)), gaps=gaps)
    missing = [segment for segment in fused.segments if segment.probabilities is None]
    assert [segment.start for segment in missing] == [4.0, 4.5, 5.0, 5.5]
    assert {segment.reason for segment in missing} == {"no face in view and no sound in the file"}
    assert {(segment.label, segment.spread, segment.weights) for segment in missing} == {(None, None, (0.0, 0.0, 0.0))}
    assert fused.segments[7].probabilities == pytest.approx(peaked("happy"))
    assert fused.segments[12].probabilities == pytest.approx(peaked("sad"))


def test_smoothing_stops_at_cuts_and_works_elsewhere() -> None:
    observations = frames("happy", 0, 5) + frames("sad", 5, 10)
    cut = fuse_one(observations, ((0, 10),), cuts=[5.0])
    assert cut.segments[9].probabilities == pytest.approx(peaked("happy"))
    assert cut.segments[10].probabilities == pytest.approx(peaked("sad"))
    smooth = fuse_one(observations, ((0, 10),))
    assert smooth.segments[9].probabilities[INDEX["happy"]] < 0.6


def test_a_cut_between_grid_times_splits_the_grid() -> None:
    fused = fuse_one(frames("happy", 0, 4.2) + frames("sad", 4.2, 10), ((0, 10),), cuts=[4.2])
    assert any(segment.start == pytest.approx(4.2) for segment in fused.segments)
    assert all(max(segment.probabilities or ()) == pytest.approx(0.7) for segment in fused.segments)


def test_a_lane_runs_from_first_to_last_appearance() -> None:
    fused = fuse_one(frames("happy", 3, 5), ((3, 5),))
    assert (fused.segments[0].start, fused.segments[-1].end) == (3.0, 5.0)


def test_unusable_readings_say_so_instead_of_counting() -> None:
    poor = [Observation("face", t / 5, t / 5 + 0.2, "Person 1", peaked("happy"), 0.0) for t in range(10)]
    fused = fuse_one(poor, ((0, 2),))
    assert {(segment.probabilities, segment.reason) for segment in fused.segments} == {
        (None, "readings too poor to use")
    }


def test_audio_only_is_one_speaker_who_is_heard() -> None:
    voices = [Observation("voice", t, t + 3.0, None, peaked("angry"), 1.0) for t in (2.0, 3.0)]
    fused = fuse(voices, (), duration=10, people=(), cuts=(), reliabilities={"voice": 0.5})
    assert fused.people == (Person(SPEAKER, ((2.0, 6.0),)),)
    assert {segment.person for segment in fused.segments} == {SPEAKER}
    assert (fused.segments[0].start, fused.segments[-1].end) == (2.0, 6.0)


def test_a_narrator_nobody_sees_has_a_lane_without_a_name() -> None:
    voice = Observation("voice", 6.0, 9.0, None, peaked("angry"), 1.0)
    fused = fuse_one([*frames("happy", 0, 5), voice], ((0, 5),), reliabilities=BOTH)
    unnamed = [segment for segment in fused.segments if segment.person is None]
    assert (unnamed[0].start, unnamed[-1].end) == (6.0, 9.0)
    assert all(segment.label == "angry" for segment in unnamed)


def test_nothing_at_all_is_no_segment() -> None:
    assert fuse((), (), duration=10, people=(), cuts=(), reliabilities=FACE).segments == ()


def test_a_modality_without_reliability_is_refused() -> None:
    with pytest.raises(ValueError, match="voice"):
        fuse_one([Observation("voice", 0, 3, None, peaked("sad"), 1.0)], ((0, 5),))


def test_two_noisy_modalities_are_read_better_together_than_either_alone() -> None:
    rng = np.random.default_rng(0)
    truth = [EMOTIONS[i] for i in rng.integers(0, 7, 150)]
    faces, voices = [], []
    for index, emotion in enumerate(truth):
        faces.append(
            Observation("face", 2.0 * index + 0.25, 2.0 * index + 0.26, None, reading(emotion, rng, 1.5, 1.0), 1.0)
        )
        voices.append(Observation("voice", 2.0 * index, 2.0 * index + 0.5, None, reading(emotion, rng, 1.5, 1.0), 1.0))

    def accuracy(observations: list[Observation]) -> float:
        fused = fuse(observations, (), duration=300, people=(), cuts=(), reliabilities=BOTH)
        read = [segment for segment in fused.segments if segment.probabilities is not None]
        hits = [EMOTIONS[int(np.argmax(s.probabilities))] == truth[int(s.start // 2)] for s in read]  # type: ignore[arg-type]
        return float(np.mean(hits))

    assert accuracy(faces + voices) > max(accuracy(faces), accuracy(voices)) + 0.05


def test_the_synthetic_file_is_read_as_it_was_made() -> None:
    timeline = make_timeline()
    for scene in SCENES:
        inside = [
            segment.label
            for segment in timeline.segments
            if segment.person == scene.person and scene.start + 1 <= segment.start and segment.end <= scene.end - 1
        ]
        assert set(inside) <= {scene.emotion, None}
        assert inside.count(scene.emotion) >= len(inside) / 2
