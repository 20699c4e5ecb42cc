"""What can be taken along from the page, opened by the libraries that read it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from PIL import Image
from typer.testing import CliRunner

from browser import opened
from mer_batch.cli import app
from mer_batch.fusion import fuse
from mer_batch.labels import EMOTIONS
from mer_batch.people.edits import read_edits
from mer_batch.report.html import write_report
from mer_batch.scores.steps import SHORTEST
from mer_batch.timeline.edited import edited
from mer_batch.timeline.io import to_json
from mer_batch.timeline.truth_table import read_truth
from mer_batch.types import Timeline
from timelines import make_timeline

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def timeline() -> Timeline:
    return make_timeline()


@pytest.fixture(scope="module")
def page(timeline: Timeline, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(timeline, tmp_path_factory.mktemp("takes") / "talk.html")[0]


@pytest.fixture
def tab(chromium: Any, page: Path) -> Iterator[Any]:
    with opened(chromium, page) as shown:
        yield shown


def taken(tab: Any, selector: str) -> Path:
    """The file that a click on `selector` downloads."""
    with tab.expect_download() as waiting:
        tab.click(selector)
    return Path(waiting.value.path())


def exported(tab: Any, name: str) -> Path:
    if not tab.is_visible("#export-menu"):
        tab.click("summary:has-text('Export')")
    return taken(tab, f"#export-menu button:has-text('{name}')")


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))


def test_lanes_leave_as_svg_and_png_in_daylight(chromium: Any, page: Path):
    with opened(chromium, page, color_scheme="dark") as tab:
        tab.click("#unfold")
        root = ElementTree.parse(exported(tab, "Lanes in view, SVG")).getroot()
        texts = ["".join(node.itertext()) for node in root.iter(f"{SVG}text")]
        assert {"Person 1", "Person 2", "happy", "not sure", "no evidence", "0:30"} <= set(texts)
        assert root.find(f"{SVG}rect").get("fill") == "#fff"
        assert len(list(root.iter(f"{SVG}rect"))) > 100
        picture = Image.open(exported(tab, "Lanes in view, PNG")).convert("RGB")
        assert picture.width == 2 * int(root.get("width"))
        assert picture.getpixel((2, 2)) == (255, 255, 255)
        colours = {colour for _, colour in picture.getcolors(1 << 24)}
        assert {(230, 159, 0), (0, 114, 178)} <= colours  # happy and sad


def test_every_figure_leaves_as_svg_png_and_csv(tab: Any, timeline: Timeline):
    figures = tab.eval_on_selector_all("figure[data-figure]", "(all) => all.map((one) => one.dataset.figure)")
    assert len(figures) >= 8
    for name in ("transitions-0", "path-0", "agreement-face-voice", "confusion-0"):
        box = f"figure[data-figure='{name}'] [data-takes]"
        svg = ElementTree.parse(taken(tab, f"{box} button:has-text('SVG')")).getroot()
        assert svg.tag == f"{SVG}svg"
        assert not [node for node in svg.iter() if "var(" in str(node.attrib)]
        picture = Image.open(taken(tab, f"{box} button:has-text('PNG')"))
        assert picture.size == (2 * int(float(svg.get("width"))), 2 * int(float(svg.get("height"))))
        assert len(picture.convert("RGB").getcolors(1 << 24)) > 10
        rows = list(csv.reader(taken(tab, f"{box} button:has-text('CSV')").read_text().splitlines()))
        assert rows[0] == ["seconds", "valence", "arousal"] if name == "path-0" else rows[0][1:] == list(EMOTIONS)
    model = timeline.provenance.models[0]
    assert [int(n) for n in rows[1][1:]] == list(model.confusion[0])


def test_readings_captions_and_tiers_of_the_whole(tab: Any, timeline: Timeline):
    rows = rows_of(exported(tab, "All readings"))
    named = [s for s in timeline.segments if s.label and s.person == "Person 1"]
    found = [row for row in rows if row["person"] == "Person 1" and row["label"]]
    assert [row["label"] for row in found] == [s.label for s in named]
    assert float(found[0]["happy"]) == pytest.approx(named[0].probabilities[3], abs=0.003)
    assert any("no face in view" in row["reason"] or "not in view" in row["reason"] for row in rows)
    vtt = exported(tab, "Captions").read_text(encoding="utf-8")
    assert vtt.startswith("WEBVTT\n\n00:00:02.000 --> 00:00:05.000\n")
    assert "&lt;not once&gt; &amp; you know it." in vtt
    eaf = ElementTree.parse(exported(tab, "ELAN")).getroot()
    slots = {slot.get("TIME_SLOT_ID"): int(slot.get("TIME_VALUE")) for slot in eaf.iter("TIME_SLOT")}
    tiers = {tier.get("TIER_ID"): tier for tier in eaf.iter("TIER")}
    assert {"Person 1", "Person 2", "Not assigned"} <= tiers.keys()
    for tier in tiers.values():
        ends = [
            (slots[a.get("TIME_SLOT_REF1")], slots[a.get("TIME_SLOT_REF2")]) for a in tier.iter("ALIGNABLE_ANNOTATION")
        ]
        assert all(start < end for start, end in ends)
        assert all(before[1] <= after[0] for before, after in pairwise(ends))
    values = [node.text for node in tiers["Person 1"].iter("ANNOTATION_VALUE")]
    assert values[:2] == ["neutral", "happy"]
    grid = exported(tab, "TextGrid").read_text(encoding="utf-8")
    assert grid.startswith('File type = "ooTextFile"\nObject class = "TextGrid"\n')
    assert grid.count('class = "IntervalTier"') == len(tiers)
    assert 'text = "happy"' in grid


def drag(tab: Any, start: float, end: float, shift: bool = False) -> None:
    box = tab.locator('.strip[aria-label^="Person 1, fused"]').bounding_box()
    y = box["y"] + 20
    if shift:
        tab.keyboard.down("Shift")
    tab.mouse.move(box["x"] + box["width"] * start / 60, y)
    tab.mouse.down()
    tab.mouse.move(box["x"] + box["width"] * end / 60, y, steps=5)
    tab.mouse.up()
    if shift:
        tab.keyboard.up("Shift")


def test_two_stretches_are_compared_and_taken_along(chromium: Any, page: Path, timeline: Timeline):
    with opened(chromium, page) as tab:
        drag(tab, 0, 15)
        drag(tab, 24, 44, shift=True)
        assert "B − A" in tab.inner_text("#selection thead")
        tab.select_option('select[aria-label="Whose"]', "0")
        rows = rows_of(taken(tab, "#selection button:has-text('Export it')"))
        for name in ("A", "B"):
            own = [row for row in rows if row["selection"] == name]
            start, end = float(own[0]["start"]), float(own[0]["end"])
            read = [s for s in timeline.segments if s.person == "Person 1" and s.probabilities]
            length = {s: max(0.0, min(s.end, end) - max(s.start, start)) for s in read}
            for row in own:
                mine = sum(seconds for s, seconds in length.items() if (s.label or "not sure") == row["label"])
                assert float(row["share"]) == pytest.approx(mine / sum(length.values()), abs=0.001)
                if sum(length.values()) < SHORTEST:
                    assert (row["low"], row["high"]) == ("", ""), "too short for an interval"
                else:
                    assert 0 <= float(row["low"]) <= float(row["share"]) <= float(row["high"]) <= 1
        hash_ = tab.evaluate("() => { document.querySelector('#copy-link').click(); return location.hash; }")
        kept = tab.inner_text("#selection h2")
    with opened(chromium, page, hash_) as tab:
        assert tab.inner_text("#selection h2") == kept
        tab.click("#selection button:has-text('Zoom to it')")
        assert tab.get_attribute(".thumb", "aria-valuetext").startswith("0:00.0 to 0:4")


def test_what_is_switched_off_is_taken_out_of_the_result(tab: Any, timeline: Timeline):
    """The page pools what is left again: nearly always as the fusion does that never had the modality."""
    kept = [reading for reading in timeline.observations if reading.modality != "voice"]
    again = fuse(
        kept,
        timeline.gaps,
        duration=60.0,
        people=timeline.people,
        cuts=[shot.start for shot in timeline.shots[1:]],
        reliabilities={"face": 0.9, "text": 0.5},
    )
    wanted = {(s.person or "", s.start): s.label or "" for s in again.segments if s.probabilities}
    tab.click("summary:has-text('Modalities')")
    tab.uncheck("#modality-menu label:has-text('voice') input")
    rows = [row for row in rows_of(exported(tab, "All readings")) if not row["reason"] or "not sure" in row["reason"]]
    found = {(row["person"], float(row["start"])): row["label"] for row in rows}
    assert found.keys() == wanted.keys()
    assert {row["voice_weight"] for row in rows} == {"0.00"}
    same = sum(found[key] == wanted[key] for key in wanted)
    assert same / len(wanted) > 0.97
    before = {(s.person or "", s.start): s.label or "" for s in timeline.segments if s.probabilities}
    assert sum(found.get(key) != label for key, label in before.items()) > len(wanted) - same


def test_people_are_renamed_merged_split_and_read_back(tab: Any, timeline: Timeline, tmp_path: Path):
    tab.click("summary:has-text('People')")
    tab.fill("input[aria-label='Name of Person 1']", "Anna <b>")
    tab.keyboard.press("Tab")
    assert tab.inner_text("#chart .person >> nth=0") == "Anna <b>"
    assert "Anna <b>" in tab.inner_text("#people h3 >> nth=0")
    assert "Anna <b> looks mostly neutral" in tab.inner_text("#short .lead")
    tab.click("#events-fold summary")
    assert "Anna <b> comes into view" in tab.inner_text("#events-scroll")
    assert "Person 1" not in tab.inner_text("#short, #events-scroll, #people")
    tab.click("summary:has-text('People')")
    tab.locator("input[aria-label='Colour of Person 2']").evaluate(
        "(node) => { node.value = '#c2185b'; node.dispatchEvent(new Event('change')); }"
    )
    tab.evaluate("location.hash = '#t=40'")
    tab.click("button[aria-label='Split Person 2 at the playhead']")
    path = taken(tab, "#people-menu button:has-text('Download')").rename(tmp_path / "talk.people.json")
    edits = read_edits(path)
    assert edits.notices == ()
    assert json.loads(path.read_text()) == {
        "schema": 1,
        "people": {"Person 1": {"name": "Anna <b>"}, "Person 2": {"colour": "#c2185b", "split": [{"at": 40}]}},
    }
    names = {person.name for person in edited(timeline, edits).people}
    assert names == {"Anna <b>", "Person 2", "Person 3"}


def test_an_edited_page_goes_on_from_its_edits(chromium: Any, timeline: Timeline, tmp_path: Path):
    given = tmp_path / "given.people.json"
    given.write_text('{"schema": 1, "people": {"Person 1": {"name": "Anna"}}}')
    page = write_report(edited(timeline, read_edits(given)), tmp_path / "r.html")[0]
    with opened(chromium, page) as tab:
        tab.click("summary:has-text('People')")
        tab.fill("input[aria-label='Name of Anna']", "Anna B.")
        tab.keyboard.press("Tab")
        tab.select_option("select[aria-label='Person 2 is the same person as']", label="Anna B.")
        path = taken(tab, "#people-menu button:has-text('Download')")
        assert json.loads(path.read_text())["people"] == {"Person 1": {"name": "Anna B.", "merge": ["Person 2"]}}


def test_notes_survive_a_reload_and_are_labels(chromium: Any, page: Path, tmp_path: Path):
    with opened(chromium, page, "#t=8,14") as tab:
        tab.select_option("#notes select[aria-label='Label']", "happy")
        tab.fill("#notes input[aria-label='Note']", '=smiles, "broadly"')
        tab.click("#notes button:has-text('Add')")
        tab.reload()
        tab.wait_for_selector("html.ready", state="attached")
        assert '=smiles, "broadly"' in tab.inner_text("#notes li")
        path = taken(tab, "#notes button:has-text('Download CSV')")
        [row] = read_truth(path.rename(tmp_path / "labels.csv"))
        assert (row.start, row.end, row.person, row.emotion) == (8, 14, "Person 1", "happy")
        assert rows_of(tmp_path / "labels.csv")[0]["note"] == '\'=smiles, "broadly"'


def test_paper_has_two_pages_of_vectors(chromium: Any, page: Path, tmp_path: Path):
    pdfium = pytest.importorskip("pypdfium2")
    with opened(chromium, page) as tab:
        tab.pdf(path=tmp_path / "page.pdf", format="A4")
    document = pdfium.PdfDocument(tmp_path / "page.pdf")
    assert len(document) == 2
    first, second = (" ".join(one.get_textpage().get_text_bounded().split()) for one in document)
    assert "Person 1 looks mostly neutral" in first
    assert "not once" not in first + second
    assert "Regulation (EU) 2024/1689" in second
    assert "decide about anybody." in second  # the last words of the page
    lanes = [part for part in document[0].get_objects() if part.type == pdfium.raw.FPDF_PAGEOBJ_PATH]
    assert len(lanes) > 20
    document.close()


def test_without_scripts_lanes_and_tables_remain(chromium: Any, page: Path):
    with opened(chromium, page, java_script_enabled=False) as tab:
        assert tab.is_visible(".still")
        assert tab.locator(".still text").count() > 5
        assert tab.is_visible("#transcript-list li >> nth=6")
        assert tab.locator("#people .shares >> nth=0").is_visible()
        assert not tab.is_visible("#deck")


def axe_script() -> str:
    place = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"
    if not place.is_file():
        pytest.skip("axe-core is not here; run: npm install --no-save axe-core")
    return place.read_text(encoding="utf-8")


@pytest.mark.parametrize("size", ["laptop", "phone"])
@pytest.mark.parametrize("kind", ["full", "sound", "nothing"])
def test_axe_finds_nothing_serious(chromium: Any, timeline: Timeline, tmp_path: Path, kind: str, size: str):
    script = axe_script()
    bare = ("people", "shots", "speech", "loudness", "utterances", "observations", "segments", "events")
    made = {
        "full": timeline,
        "sound": make_timeline(modalities=("voice", "text")),
        "nothing": replace(timeline, **dict.fromkeys(bare, ())),
    }[kind]
    page = write_report(made, tmp_path / "r.html")[0]
    with opened(chromium, page, "#t=8,14", size=size, bypass_csp=True) as tab:
        tab.add_script_tag(content=script)
        found = tab.evaluate("axe.run(document, { rules: { 'target-size': { enabled: true } } })")["violations"]
        assert [(v["id"], v["nodes"][0]["target"]) for v in found if v["impact"] in ("serious", "critical")] == []


def test_lanes_are_walked_by_keyboard_and_read_out(tab: Any):
    tab.focus('.strip[aria-label^="Person 1, fused"]')
    tab.keyboard.press("ArrowRight")
    said = tab.evaluate("document.activeElement.getAttribute('aria-valuetext')")
    assert said.startswith("0:00.5, neutral 0.")
    tab.keyboard.press("ArrowDown")
    assert tab.evaluate("document.activeElement.getAttribute('aria-label')") == "Person 2, fused reading"
    assert "not there yet" in tab.evaluate("document.activeElement.getAttribute('aria-valuetext')")


def test_a_second_timeline_stands_beside_the_first(chromium: Any, timeline: Timeline, tmp_path: Path):
    """The same file read by another model: who agrees how much is what the segments say."""
    other = make_timeline(seed=5)
    page = write_report(timeline, tmp_path / "r.html", second=other)[0]
    with opened(chromium, page) as tab:
        names = tab.eval_on_selector_all("#chart .person", "(all) => all.map((one) => one.textContent)")
        assert names[:4] == ["Person 1", "Person 2", "Not assigned", "Person 1 (second reading)"]
        assert tab.locator('.strip[aria-label="Same label"], .strip[aria-label="Difference"]').count() == 2
        tab.locator("#selection").scroll_into_view_if_needed()
        sentence = tab.wait_for_selector("#selection p:has-text('have the same label')").inner_text()
        first, second = ([s for s in t.segments if s.person == "Person 1"] for t in (timeline, other))
        both = [(a, b) for a in first for b in second if a.start == b.start and a.label and b.label]
        same = sum(a.label == b.label for a, b in both) / len(both)
        assert f"in {100 * same:.0f} % (" in sentence
        assert f"n = {len(both)} steps" in sentence
        tab.focus('.strip[aria-label="Same label"]')
        assert "same label" in tab.evaluate("document.activeElement.getAttribute('aria-valuetext')")
        tab.click("summary:has-text('Compare')")
        tab.select_option("#compare-menu select >> nth=1", label="Person 2")
        assert "Person 1 and Person 2" in tab.inner_text("#selection p:has-text('label')")
        tab.select_option("#compare-menu select >> nth=1", label="nobody")
        assert tab.locator('.strip[aria-label="Same label"]').count() == 0


def test_report_takes_a_second_timeline(timeline: Timeline, tmp_path: Path, read_page: Any):
    for name, made in (("a", timeline), ("b", make_timeline(duration=90, seed=2))):
        (tmp_path / f"{name}.timeline.json").write_text(to_json(made))
    command = ["report", str(tmp_path / "a.timeline.json"), "--beside", str(tmp_path / "b.timeline.json")]
    before = (tmp_path / "a.timeline.json").stat().st_mtime_ns
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    data = read_page(tmp_path / "a.html").data
    assert data["duration"] == 90_000
    assert [lane.get("beside") for lane in data["lanes"]] == [None] * 3 + ["Person 1", "Person 2", "Not assigned"]
    assert (tmp_path / "a.timeline.json").stat().st_mtime_ns == before
    missing = CliRunner().invoke(app, [*command[:-1], str(tmp_path / "none.json")])
    assert missing.exit_code == 3
    assert len(missing.output.strip().splitlines()) == 1
