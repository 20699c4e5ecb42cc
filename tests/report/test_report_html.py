"""The page as a whole: complete, self-contained, harmless."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest

from mer_batch.errors import InputError, UsageError
from mer_batch.report.html import script_json, write_report
from mer_batch.timeline.truth import compare
from mer_batch.timeline.truth_table import TruthRow
from mer_batch.types import Timeline
from timelines import make_timeline


@pytest.fixture(scope="module")
def timeline() -> Timeline:
    return make_timeline()


@pytest.fixture(scope="module")
def written(timeline, tmp_path_factory):
    out = tmp_path_factory.mktemp("page") / "report.html"
    assert write_report(timeline, out) == [out]
    return out


def test_page_is_well_formed_and_tells_what_the_timeline_holds(written, timeline, read_page):
    page = read_page(written)
    for section in ("timeline", "transcript", "people", "agreement", "coverage", "made", "limits"):
        assert {"id": section}.items() <= next(a for a in page.all("section") if a.get("id") == section).items()
        assert any(a.get("href") == f"#{section}" for a in page.all("a"))
    assert page.all("h1")
    assert "interview_07.mp4" in page.text
    assert "1:00.0 · 2 people · 3 modalities (face, voice, words) · v0.1.0" in page.text
    assert "Person 1 looks mostly neutral" in page.text
    assert re.search(r"Evidence covers \d+ % of the file", page.text)
    for said in timeline.utterances:
        assert said.text in page.text
    for model in timeline.provenance.models:
        assert model.sha256 in page.text
    assert "Article 5(1)(f)" in page.text
    assert page.all("html")[0]["lang"] == "en"


def test_page_data_holds_lanes_words_and_events(written, timeline, read_page):
    data = read_page(written).data
    assert data["duration"] == 60_000
    assert [lane["person"] for lane in data["lanes"]] == ["Person 1", "Person 2", None]
    assert [words[2] for words in data["words"]] == [said.text for said in timeline.utterances]
    assert [event[:2] for event in data["events"]] == [[round(e.time * 1000), e.kind] for e in timeline.events]
    figures = [attrs["data-figure"] for _, attrs in read_page(written).tags if "data-figure" in attrs]
    assert (
        len(figures)
        == len(set(figures))
        == len([a for a in read_page(written).all("svg") if "chart-svg" in a["class"]])
    )
    assert {"agreement-face-voice", "transitions-0", "path-0", "confusion-0"} <= set(figures)


def test_page_loads_nothing(written, read_page):
    page = read_page(written)
    for tag, attrs in page.tags:
        for name in ("src", "href", "poster", "srcset", "action", "data"):
            value = attrs.get(name, "data:")
            assert value.startswith(("data:", "#")), (tag, name, value[:80])
    assert "@import" not in page.style
    assert not re.search(r"url\((?!data:|\"data:)", page.style)
    assert not [a for a in page.all("link") if a.get("rel") != "icon"]


def test_policy_allows_only_the_scripts_of_the_page(written, read_page):
    page = read_page(written)
    policy = next(a["content"] for a in page.all("meta") if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    scripts = re.findall(r"<script>(.*?)</script>", page.source, re.DOTALL)
    assert len(scripts) == 1
    for script in scripts:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert "http" not in policy


def test_hostile_texts_are_shown_and_never_run(timeline, hostile, hostile_text, tmp_path, read_page):
    out = write_report(hostile(timeline), tmp_path / "report.html", assets="shared")[0]
    page = read_page(out)
    assert hostile_text.replace("\u2028", " ") in page.text
    assert [text for tag, text in page.texts if tag == "b" and "pwned" in text] == []
    assert len(page.all("script")) == 2
    assert not [attrs for _, attrs in page.tags if any(name.startswith("on") for name in attrs)]
    assert not page.all("img")
    assert "\u2028" not in page.source.split('id="timeline-data">')[1].split("</script>")[0]
    assert page.data["words"][0][2] == hostile_text
    assert [lane["thumbnail"] for lane in page.data["lanes"]] == [None] * 3
    assert {event[-1] for event in page.data["events"]} == {None}
    assert [text for tag, text in page.texts if tag == "text" and "<b>" in text]  # names in the still picture


def test_json_for_a_script_element_can_neither_end_it_nor_open_a_comment():
    text = script_json({"x": "</script><!--<script>\u2028\u2029&\ud800"})
    assert not set("<>&\u2028\u2029") & set(text)
    assert text.isascii()


def test_shared_assets_stand_in_one_file_beside_the_page(timeline, tmp_path, read_page):
    page, script = write_report(timeline, tmp_path / "report.html", assets="shared")
    alone = write_report(timeline, tmp_path / "alone" / "report.html")[0]
    assert script.parent == tmp_path
    assert [a["src"] for a in read_page(page).all("script") if "src" in a] == [script.name]
    text = script.read_text(encoding="utf-8")
    assert text in alone.read_text(encoding="utf-8")
    assert text not in page.read_text(encoding="utf-8")
    assert alone.stat().st_size - page.stat().st_size > 0.9 * len(text.encode())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["alone", script.name, "report.html"]


def test_unknown_choices_are_usage_errors(timeline, tmp_path):
    with pytest.raises(UsageError, match="inline, shared"):
        write_report(timeline, tmp_path / "r.html", assets="cdn")
    with pytest.raises(UsageError, match="faces, names, words"):
        write_report(timeline, tmp_path / "r.html", redact=frozenset({"face"}))
    assert not list(tmp_path.iterdir())


def test_media_that_cannot_be_embedded_leaves_the_old_page(timeline, tmp_path):
    out = tmp_path / "report.html"
    out.write_text("old")
    with pytest.raises(InputError, match="interview_07"):
        write_report(timeline, out, embed_media=True)
    assert out.read_text() == "old"
    assert list(tmp_path.iterdir()) == [out]


def test_title_replaces_the_file_name(timeline, tmp_path, read_page):
    page = read_page(write_report(timeline, tmp_path / "r.html", title="A <quiet> talk", assets="shared")[0])
    assert "A <quiet> talk" in page.text
    assert page.source.count("<title>A &lt;quiet&gt; talk") == 1


def test_truth_adds_scores_matrix_and_classes(timeline, tmp_path, read_page):
    rows = [TruthRow(0, 8, "Person 1", "neutral"), TruthRow(8, 14, "Person 1", "happy")]
    scores = compare(timeline, rows)
    page = read_page(write_report(timeline, tmp_path / "r.html", truth=scores, assets="shared")[0])
    assert "no-labels" not in page.empty
    assert f"Scored on {scores.steps} steps with a true label, 0:14.0 in all" in page.text
    assert f"Accuracy {scores.scores['accuracy'].value:.2f}" in page.text
    assert "truth" in {attrs.get("data-figure") for _, attrs in page.tags}
    assert [text for tag, text in page.texts if tag == "text" and text == "no label"]
