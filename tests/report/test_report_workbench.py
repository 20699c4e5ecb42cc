"""The page as a workbench, in a real browser: one screen, one clock, true numbers, nothing that jumps."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from browser import SIZES, opened
from mer_batch.labels import COLOURS, EMOTIONS
from mer_batch.media.binary import ffmpeg_path
from mer_batch.report.html import write_report
from mer_batch.timeline.summary import UNSURE, summarize
from mer_batch.types import Timeline
from timelines import make_timeline


@pytest.fixture(scope="module")
def timeline(tmp_path_factory: pytest.TempPathFactory) -> Timeline:
    """Two people in a recording that a browser plays."""
    clip = tmp_path_factory.mktemp("recorded") / "talk.webm"
    source = ["-f", "lavfi", "-i", "testsrc=s=320x180:r=5:d=60", "-f", "lavfi", "-i", "sine=d=60"]
    coded = ["-c:v", "libvpx", "-b:v", "60k", "-deadline", "realtime", "-cpu-used", "8", "-c:a", "libopus"]
    subprocess.run([ffmpeg_path(), "-v", "error", *source, *coded, str(clip)], check=True)
    made = make_timeline()
    assert made.media.video
    video = replace(made.media.video, codec="vp8", width=320, height=180)
    audio = tuple(replace(track, codec="opus") for track in made.media.audio)
    return replace(made, media=replace(made.media, path=clip, video=video, audio=audio))


@pytest.fixture(scope="module")
def page(timeline: Timeline) -> Path:
    return write_report(timeline, timeline.media.path.with_name("talk.html"))[0]


@pytest.fixture
def tab(chromium: Any, page: Path) -> Iterator[Any]:
    with opened(chromium, page) as shown:
        yield shown


def boxes(tab: Any, selector: str) -> list[dict[str, float]]:
    return tab.evaluate(
        "(what) => [...document.querySelectorAll(what)].map((node) => node.getBoundingClientRect().toJSON())", selector
    )


def lane_boxes(tab: Any) -> list[dict[str, float]]:
    """The fused lanes of the people."""
    names = "(nodes) => nodes.map((node) => node.getBoundingClientRect().toJSON())"
    return tab.eval_on_selector_all('.strip[aria-label$="fused reading"]', names)


def time_of(tab: Any) -> str:
    return tab.inner_text("#now-time")


@pytest.mark.parametrize("size", ["laptop", "desk", "wide"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_video_overview_and_the_lane_of_everybody_are_on_one_screen(chromium: Any, page: Path, size: str, scheme: str):
    with opened(chromium, page, size=size, color_scheme=scheme) as tab:
        width, height = SIZES[size]
        lanes = lane_boxes(tab)
        assert len(lanes) == 3  # two people, and what is nobody's
        for box in [*boxes(tab, "#media, #now, #overview"), *lanes[:2]]:
            assert box["top"] >= 0
            assert box["bottom"] <= height
            assert box["right"] <= width
        assert boxes(tab, "#chart")[0]["top"] < 560
        assert tab.evaluate("document.documentElement.scrollWidth") <= width


def test_the_page_fits_a_phone(chromium: Any, page: Path):
    with opened(chromium, page, size="phone", has_touch=True, is_mobile=True) as tab:
        assert tab.evaluate("document.documentElement.scrollWidth") <= 390
        tab.tap('.strip[aria-label^="Person 1, fused"]')
        assert tab.is_visible(".tip")
        assert time_of(tab) != "0:00.0"


def test_one_clock_and_no_controls_but_ours(tab: Any):
    assert tab.get_attribute("#media", "controls") is None
    assert tab.locator("input[type=range]").count() == 0


def test_a_click_anywhere_seeks_the_recording_in_sight(tab: Any):
    tab.click('.strip[aria-label^="Person 1, fused"]', position={"x": 300, "y": 20})
    first = tab.evaluate("document.getElementById('media').currentTime")
    assert 5 < first < 40
    tab.click(".transcript li:nth-child(7) .text")
    assert time_of(tab) == "0:52.0"
    assert tab.evaluate("document.getElementById('media').currentTime") == pytest.approx(52, abs=0.01)
    tab.wait_for_selector(".screen.mini")
    [screen] = boxes(tab, "#screen")
    assert screen["bottom"] <= 768
    assert boxes(tab, "#overview")[0]["bottom"] < 140
    tab.click("#events-fold summary")
    tab.click("#events-scroll tbody tr:nth-child(2) button")
    [screen] = boxes(tab, "#screen")
    assert 0 <= screen["top"] < screen["bottom"] <= 768


@pytest.mark.parametrize(
    "clicked", ["#zoom-in", "#unfold", "#speed", "#modality-menu", ".transcript li", "#copy-link", "#now"]
)
def test_keys_work_after_a_click_on_anything(tab: Any, clicked: str):
    if clicked == "#modality-menu":
        tab.click("summary:has-text('Modalities')")
    tab.click(f"{clicked} input >> nth=0" if clicked == "#modality-menu" else f"{clicked} >> nth=0")
    tab.keyboard.press("Escape")
    before = tab.evaluate("document.getElementById('media').currentTime")
    tab.keyboard.press("ArrowRight")
    assert tab.evaluate("document.getElementById('media').currentTime") == pytest.approx(before + 1, abs=0.01)
    tab.keyboard.press(" ")
    assert tab.inner_text("#play") == "Pause"
    tab.keyboard.press(" ")
    assert tab.inner_text("#play") == "Play"


def test_keys_stay_letters_in_a_text_field(tab: Any):
    tab.click("#search")
    tab.keyboard.type("a [b] 0+")
    assert tab.input_value("#search") == "a [b] 0+"
    assert time_of(tab) == "0:00.0"


def test_a_button_reached_by_the_keyboard_keeps_its_own_keys(tab: Any):
    tab.focus("#event-before")
    tab.keyboard.press("Tab")
    tab.keyboard.press("Tab")
    tab.focus("#mode")
    tab.keyboard.press(" ")
    assert tab.get_attribute("#mode", "aria-pressed") == "true"
    assert tab.inner_text("#play") == "Play"


def test_nothing_moves_while_it_plays(tab: Any):
    heights = set()
    for second in range(0, 60, 2):
        tab.evaluate("(s) => { location.hash = `#t=${s}`; }", second)
        tab.wait_for_timeout(20)
        heights.add(tab.evaluate("document.documentElement.scrollHeight"))
    assert len(heights) == 1


def test_the_brush_zooms_and_moves_what_the_lanes_show(tab: Any):
    [rail] = boxes(tab, ".rail")
    y = rail["top"] + 12
    tab.mouse.move(rail["left"], y)
    tab.mouse.down()
    tab.mouse.move(rail["left"] + rail["width"] / 2, y, steps=4)
    tab.mouse.up()
    assert tab.get_attribute(".thumb", "aria-valuetext") == "0:30.0 to 1:00.0"
    tab.mouse.move(rail["left"] + rail["width"] * 0.75, y)
    tab.mouse.down()
    tab.mouse.move(rail["left"] + rail["width"] * 0.5, y, steps=4)
    tab.mouse.up()
    assert tab.get_attribute(".thumb", "aria-valuetext") == "0:15.0 to 0:45.0"
    tab.click("#zoom-out")
    assert tab.get_attribute(".thumb", "aria-valuetext") == "0:00.0 to 1:00.0"


PIXELS = """([stretches, classes]) => {
  const canvas = document.querySelector('.scrub canvas'), pen = canvas.getContext('2d');
  const { data, width, height } = pen.getImageData(0, 0, canvas.width, canvas.height);
  const near = (a, b, t, i) => [0, 1, 2].reduce((sum, n) => sum + (a[n] + t * (b[n] - a[n]) - data[i + n]) ** 2, 0);
  const nameAt = (i) => {
    let best = [Infinity, ''];
    for (const [name, base, ink] of classes) for (const t of [0, 0.08, 0.16, 0.24, 0.34, 0.45, 0.56]) {
      const far = near(base, ink, t, i);
      if (far < best[0]) best = [far, name];
    }
    return best[1];
  };
  return stretches.map(([left, right]) => {
    const found = {};
    for (let x = Math.round(left * width); x < Math.round(right * width); x++) for (let y = 0; y < height; y++) {
      const name = nameAt(4 * (y * width + x));
      found[name] = (found[name] ?? 0) + 1 / height;
    }
    return found;
  });
}"""


def rgb(colour: str) -> list[int]:
    return [int(colour[at : at + 2], 16) for at in (1, 3, 5)]


def ink_on(colour: str) -> list[int]:
    """Black or white, whichever stands out more (WCAG contrast), as theme.js draws patterns."""
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in (n / 255 for n in rgb(colour))]
    light = sum(weight * v for weight, v in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
    return [255 if 1.05 / (light + 0.05) > (light + 0.05) / 0.05 else 0] * 3


@pytest.mark.parametrize("person", ["Person 1", "Person 2"])
def test_the_overview_shows_the_shares_of_the_table_within_a_pixel(
    chromium: Any, page: Path, timeline: Timeline, person: str
):
    """Each class over three stretches, from the pixels: a class is its colour, or that under its pattern."""
    classes = [[name, rgb(colour), ink_on(colour)] for name, colour in COLOURS.items()]
    classes += [["not sure", rgb("#cfcdc5"), rgb("#cfcdc5")], ["", rgb("#f5f5f3"), rgb("#f5f5f3")]]
    with opened(chromium, page) as tab:
        tab.click("summary:has-text('People')")
        for other in {"Person 1", "Person 2", "Not assigned"} - {person}:
            tab.uncheck(f"input[aria-label='Show {other}']")
        columns = tab.evaluate("document.querySelector('.scrub canvas').width")
        stretches = ((0.0, 60.0), (12.0, 42.0), (36.0, 60.0))
        drawn = tab.evaluate(PIXELS, [[[start / 60, end / 60] for start, end in stretches], classes])
        for (start, end), found in zip(stretches, drawn, strict=True):
            for name in (*EMOTIONS, "not sure"):
                own = [s for s in timeline.segments if s.person == person and s.probabilities]
                own = [s for s in own if (s.label or "not sure") == name]
                seconds = sum(max(0.0, min(s.end, end) - max(s.start, start)) for s in own)
                assert found.get(name, 0.0) == pytest.approx(seconds / 60 * columns, abs=1.01), name


def test_the_selection_has_the_shares_and_intervals_of_the_table(chromium: Any, page: Path, timeline: Timeline):
    script = "(rows) => rows.map((row) => [row.cells[0].innerText, row.cells[2].innerText])"
    with opened(chromium, page, "#t=0,60") as tab:
        for place, summary in enumerate(summarize(timeline)):
            tab.select_option('select[aria-label="Whose"]', str(place))
            found = dict(tab.eval_on_selector_all("#selection .shares tbody tr", script))
            for name in (*EMOTIONS, UNSURE):
                share = summary.shares.get(name)
                if share is None or not share.value:
                    assert name not in found
                    continue
                numbers = [float(n) for n in re.findall(r"[\d.]+", found[name])]
                wanted = [n for n in (share.value, share.low, share.high) if n is not None]
                assert numbers == pytest.approx([100 * n for n in wanted], abs=0.6), (summary.person, name)
