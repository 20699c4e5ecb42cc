"""Empty states and redaction."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import pytest

from mer_batch.config import Options
from mer_batch.report.html import write_report
from mer_batch.report.made import OPTION_WORDS, container_name
from mer_batch.report.redact import redacted
from mer_batch.types import Timeline
from timelines import make_timeline

EMPTY = ("people", "shots", "speech", "loudness", "utterances", "observations", "segments", "events")


def bare(timeline: Timeline, **changes: object) -> Timeline:
    """A timeline in which nothing was read."""
    nothing = dict.fromkeys(EMPTY, ())
    return replace(timeline, **{**nothing, **changes})


def states_of(timeline, tmp_path, read_page):
    page = read_page(write_report(timeline, tmp_path / "report.html", assets="shared")[0])
    return page, page.empty


def test_a_full_timeline_lacks_only_labels_and_the_recording(tmp_path, read_page):
    _, states = states_of(make_timeline(), tmp_path, read_page)
    assert states == {"no-labels", "no-player"}


def test_sound_only_says_that_there_is_no_picture(tmp_path, read_page):
    page, states = states_of(make_timeline(modalities=("voice", "text")), tmp_path, read_page)
    assert "no-video" in states
    assert "no-face" not in states
    assert "This file has no picture" in page.text
    assert not page.all("video")


def test_no_words_names_the_flag(tmp_path, read_page):
    timeline = make_timeline(modalities=("face", "voice"))
    page, states = states_of(replace(timeline, utterances=()), tmp_path, read_page)
    assert "no-words" in states
    assert "--transcript FILE" in page.text


def test_nothing_at_all_is_a_complete_page(tmp_path, read_page):
    page, states = states_of(bare(make_timeline()), tmp_path, read_page)
    assert {"nothing", "no-face", "no-speech", "no-words", "no-events", "no-people", "no-labels"} <= states
    assert "--fps 10" in page.text
    assert "--audio-track N" in page.text
    assert page.text.count("Nothing in this file could be read") >= 2
    assert page.data["lanes"] == []
    for kind in ("no-face", "no-speech", "no-words", "no-events"):
        assert [attrs.get("data-empty") for _, attrs in page.tags].count(kind) == 1


def test_no_models_and_no_sound(tmp_path, read_page):
    timeline = make_timeline()
    silent = replace(timeline.media, audio=(), subtitles=())
    made = replace(timeline.provenance, models=())
    page, states = states_of(bare(timeline, media=silent, provenance=made), tmp_path, read_page)
    assert "no-models" in states
    assert "This file has no sound" in page.text
    assert "neither sound nor subtitles" in page.text


def test_what_was_not_asked_for_is_not_called_missing(tmp_path, read_page):
    timeline = make_timeline()
    made = replace(timeline.provenance, options={"modalities": ["face"]})
    page, states = states_of(bare(timeline, provenance=made), tmp_path, read_page)
    assert {"no-speech", "no-words"} <= states
    assert page.text.count("was not asked for") == 2
    assert "--modalities face,voice,text" in page.text


def test_a_lost_modality_is_an_error_not_an_absence(tmp_path, read_page):
    timeline = replace(bare(make_timeline()), lost=("face",), notices=("face was lost to an error: broken",))
    page, _ = states_of(timeline, tmp_path, read_page)
    assert "because of an error" in page.text
    assert "No face was found" not in page.text


def test_zero_length_does_not_divide(tmp_path, read_page):
    timeline = make_timeline()
    page, _ = states_of(bare(timeline, media=replace(timeline.media, duration=0.0), gaps=()), tmp_path, read_page)
    assert page.data["duration"] == 0


@pytest.fixture
def recorded(tmp_path):
    """A timeline whose recording exists and whose names, words and pictures can be told apart."""
    clip = tmp_path / "Anna Beispiel.mp4"
    clip.write_bytes(b"not read")
    timeline = make_timeline()
    names = {"Person 1": "Anna", "Person 2": "Bert"}

    def named(items):
        return tuple(replace(item, person=names.get(item.person or "", item.person)) for item in items)

    return replace(
        timeline,
        media=replace(timeline.media, path=clip, notes=("Anna Beispiel.mp4 is odd",)),
        provenance=replace(timeline.provenance, options={"transcript": str(tmp_path / "Anna.srt"), "fps": 5}),
        people=tuple(replace(person, name=names[person.name]) for person in timeline.people),
        observations=named(timeline.observations),
        segments=named(timeline.segments),
        events=named(timeline.events),
        utterances=tuple(replace(said, text=f"{said.text} said Anna") for said in named(timeline.utterances)),
        notices=(f"no words in {clip}",),
    )


def test_without_redaction_everything_is_there(recorded, tmp_path, read_page):
    page, _ = states_of(recorded, tmp_path, read_page)
    assert page.all("video")[0]["src"] == "Anna%20Beispiel.mp4"
    assert "Anna" in page.text
    assert any("image/jpeg" in a["src"] for a in page.all("img"))


def redact(recorded, tmp_path, read_page, *what):
    return read_page(write_report(recorded, tmp_path / "r.html", assets="shared", redact=frozenset(what))[0])


def test_faces_take_pictures_boxes_and_recording(recorded, tmp_path, read_page):
    page = redact(recorded, tmp_path, read_page, "faces")
    assert "image/jpeg;base64,/9j" not in page.source
    assert "/9j/" not in str(page.data)
    assert [lane["face"]["b"].any() for lane in page.lanes] == [False] * 3
    assert not page.all("video")
    assert not [a for a in page.all("input") if a.get("type") == "file"]
    assert "--redact" in page.text
    assert "Anna" in page.text


def test_words_take_the_transcript_and_recording(recorded, tmp_path, read_page):
    page = redact(recorded, tmp_path, read_page, "words")
    for said in recorded.utterances:
        assert said.text not in page.source
        assert said.text not in str(page.data)
    assert "really good" not in page.source
    assert not page.all("video")
    assert any("image/jpeg" in a["src"] for a in page.all("img"))


def test_names_take_people_file_paths_and_recording(recorded, tmp_path, read_page):
    page = redact(recorded, tmp_path, read_page, "names")
    assert "Anna" not in page.source
    assert "Beispiel" not in page.source
    assert str(tmp_path) not in page.source
    assert "Person 1" in page.text
    assert "recording.mp4" in page.text
    assert "said Person 1" in page.text
    assert not page.all("video")


@pytest.mark.parametrize("what", ["words", "names"])
def test_what_the_recognizer_was_told_to_expect_goes_with_words_and_names(recorded, tmp_path, read_page, what):
    options = {**recorded.provenance.options, "prompt": "Siobhan speaks."}
    told = replace(recorded, provenance=replace(recorded.provenance, options=options))
    assert "Siobhan" in redact(told, tmp_path, read_page).source
    assert "Siobhan" not in redact(told, tmp_path, read_page, what).source


def test_redaction_twice_is_redaction_once(recorded):
    everything = ("faces", "words", "names")
    once = redacted(recorded, everything)
    assert redacted(once, everything) == once
    assert once.media.path == Path("recording.mp4")
    assert redacted(recorded, ()) == recorded


def test_options_containers_and_scores_are_told_in_words(tmp_path, read_page):
    assert {field.name for field in fields(Options)} <= OPTION_WORDS.keys()
    assert container_name("mov,mp4,m4a,3gp,3g2,mj2") == "MP4 or QuickTime"
    assert [container_name(name) for name in ("flac", "matroska,webm")] == ["FLAC", "Matroska or WebM"]
    timeline = make_timeline()
    model = replace(timeline.provenance.models[0], scores={"accuracy": 0.5, "accuracy_tta": 0.6})
    made = replace(
        timeline.provenance, models=(model,), options={"subtitle_track": None, "people": {"A": {"name": "B"}}}
    )
    page, _ = states_of(replace(timeline, provenance=made), tmp_path, read_page)
    assert "accuracy 0.500, accuracy over several views 0.600" in page.text
    assert "edits of people A: name: B" in page.text
    for raw in ("mov,mp4", "subtitle_track", "_tta", "{'"):
        assert raw not in page.text
