"""Summaries, agreement and coverage against numbers worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mer_batch.labels import EMOTIONS, INDEX, VALENCE_AROUSAL
from mer_batch.timeline.agreement import agreement, coverage
from mer_batch.timeline.summary import UNSURE, clock, mean_variation, summarize, transition_counts
from mer_batch.types import Gap, Modality, Observation, Person, Segment, Timeline
from timelines import make_media, make_provenance, make_timeline


def certain(emotion: str) -> tuple[float, ...]:
    return tuple(float(name == emotion) for name in EMOTIONS)


def step(index: int, label: str | None, read: str | None = "happy") -> Segment:
    values = certain(label or read) if label or read else None  # type: ignore[arg-type]
    spread = None if values is None else (0.0,) * 7
    return Segment(index / 2, index / 2 + 0.5, "Person 1", values, spread, label, (1.0, 0.0, 0.0), None)


def lane(*labels: str | None) -> list[Segment]:
    """One step per label; "-" is a gap, None a step too unsure to name."""
    return [
        step(i, None if label == "-" else label, None if label == "-" else "happy") for i, label in enumerate(labels)
    ]


def timeline(
    segments: list[Segment], observations: tuple[Observation, ...] = (), gaps: tuple[Gap, ...] = ()
) -> Timeline:
    return Timeline(
        make_media(20.0), make_provenance(), (Person("Person 1", ((0.0, 20.0),)),), (), (), (), (), observations, gaps,
        tuple(segments), (),
    )  # fmt: skip


def test_transitions_by_hand() -> None:
    steps = lane("neutral", "neutral", "happy", None, "happy", "sad", "-", "neutral", "happy")
    (summary,) = summarize(timeline(steps))
    cells = {(EMOTIONS[i], EMOTIONS[j]): n for i, row in enumerate(summary.transitions) for j, n in enumerate(row) if n}
    assert cells == {
        ("neutral", "neutral"): 1,
        ("neutral", "happy"): 2,
        ("happy", "happy"): 1,
        ("happy", "sad"): 1,
    }
    assert summary.switches_per_minute == pytest.approx(60 * 3 / 3.5)  # of seven named steps


def test_shares_are_of_the_time_read_and_name_the_unsure() -> None:
    (summary,) = summarize(timeline(lane("neutral", "neutral", "happy", None, "-", "-")))
    values = {name: share.value for name, share in summary.shares.items() if share.value}
    assert values == {"neutral": 0.5, "happy": 0.25, UNSURE: 0.25}
    assert (summary.seconds_read, summary.coverage) == (2.0, 0.1)


def test_valence_arousal_and_volatility_by_hand() -> None:
    (summary,) = summarize(timeline(lane("happy", "sad")))
    assert summary.path == ((0.25, *VALENCE_AROUSAL["happy"]), (0.75, *VALENCE_AROUSAL["sad"]))
    assert summary.volatility == pytest.approx((VALENCE_AROUSAL["happy"][0] - VALENCE_AROUSAL["sad"][0]) / 2)
    assert summary.delta_steps == pytest.approx(1.0)


def test_frame_to_frame_delta_leaves_out_absences() -> None:
    faces = [(0.0, "happy"), (0.2, "happy"), (0.4, "sad"), (3.0, "fear"), (3.2, "fear")]
    observations = tuple(Observation("face", t, t, "Person 1", certain(label), 1.0) for t, label in faces)
    (summary,) = summarize(timeline(lane(*["happy"] * 7), observations))
    assert summary.delta_frames == pytest.approx(1 / 3)
    assert mean_variation([]) is None


def test_nobody_read_says_so() -> None:
    (summary,) = summarize(timeline(lane("-", "-")))
    assert summary.sentence == "Person 1 could not be read: there is no evidence."
    assert (summary.shares, summary.volatility, summary.path, summary.switches_per_minute) == ({}, None, (), None)
    (unsure,) = summarize(timeline(lane(None, None)))
    assert "could not be read surely enough" in unsure.sentence


def test_sentences_look_sound_and_read_but_never_are() -> None:
    people = summarize(make_timeline())
    assert people[0].sentence == (
        "Person 1 looks mostly neutral (51 % of the 38 s read), happy at 0:08, sad at 0:24, surprised at 0:38."
    )
    assert people[-1].sentence.startswith("Speech tied to nobody in view ")
    (speaker,) = summarize(make_timeline(modalities=("voice",)))
    assert speaker.sentence.startswith("Speaker sounds ")
    assert not any(" is " in summary.sentence for summary in (*people, speaker))


def test_clock() -> None:
    assert [clock(seconds) for seconds in (0, 9.9, 61, 3661)] == ["0:00", "0:09", "1:01", "1:01:01"]


def test_transition_counts_of_nothing_are_zero() -> None:
    assert transition_counts([]).sum() == 0


def pairs(*labels: tuple[str, str]) -> Timeline:
    """A face and a voice reading, one pair of labels per step of half a second."""
    observations = []
    for index, (face, voice) in enumerate(labels):
        observations.append(Observation("face", index / 2 + 0.1, index / 2 + 0.3, "Person 1", certain(face), 1.0))
        observations.append(Observation("voice", index / 2, index / 2 + 0.5, "Person 1", certain(voice), 1.0))
    return timeline([step(index, "happy") for index in range(len(labels))], tuple(observations))


def test_agreement_and_kappa_by_hand() -> None:
    found = pairs(*[("happy", "happy")] * 20, *[("happy", "sad")] * 5, *[("sad", "happy")] * 10, *[("sad", "sad")] * 15)
    face_voice, face_text, voice_text = agreement(found)
    assert face_voice.counts[INDEX["happy"]][INDEX["sad"]] == 5
    assert face_voice.counts[INDEX["sad"]][INDEX["happy"]] == 10
    assert (face_voice.first, face_voice.second, face_voice.segments) == ("face", "voice", 50)
    assert face_voice.share is not None
    assert face_voice.share.value == pytest.approx(0.7)
    assert face_voice.kappa == pytest.approx(0.4)  # the textbook example: (0.7 - 0.5) / (1 - 0.5)
    assert (face_text.segments, face_text.share, face_text.kappa, voice_text.segments) == (0, None, None, 0)


def test_kappa_is_undefined_when_only_one_label_occurs() -> None:
    assert agreement(pairs(("sad", "sad"), ("sad", "sad")))[0].kappa is None


def test_coverage_in_minutes_and_reasons() -> None:
    seen = tuple(Observation("face", t / 5, t / 5, "Person 1", certain("sad"), 1.0) for t in range(51))
    gaps = (Gap("face", 10, 16, "no face in view"), Gap("face", 16, 20, "too dark"), Gap("voice", 0, 20, "no sound"))
    face, voice, text = coverage(timeline([], seen, gaps))
    assert (face.readings, face.share) == (51, pytest.approx(0.5))
    assert face.missing == pytest.approx({"no face in view": 0.1, "too dark": 4 / 60})
    assert (voice.share, voice.missing) == (0.0, pytest.approx({"no sound": 1 / 3}))
    assert text.missing == pytest.approx({"no reason recorded": 1 / 3})


@pytest.mark.parametrize("modalities", [("face",), ("voice",), ("text",), ()])
def test_every_combination_of_modalities_is_summed_up(modalities: tuple[Modality, ...]) -> None:
    found = make_timeline(20.0, modalities=modalities)
    assert all(summary.sentence.endswith(".") for summary in summarize(found))
    assert len(agreement(found)) == len(coverage(found)) == 3
    assert summarize(replace(found, segments=())) is not None
