"""Maps on the page of a run: dots where they belong, with what is said of them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

import toy_run
from mer_batch.pages.run import maps as run_map
from mer_batch.pages.run import page as run_page
from mer_batch.pages.run.data import read_run
from mer_batch.pages.run.page import write_run_report
from mer_batch.training import representations
from mer_batch.training.representations import Map, Maps

IDS = tuple(name for name, *_ in toy_run.READINGS)


def places() -> np.ndarray:
    return np.array([(place, place % 3) for place in range(len(IDS))], dtype=float)


def mapped(folder: Path, ids: tuple[str, ...] = IDS) -> Path:
    toy_run.make_run(folder)
    layers = (Map("speech", places(), 0.8, 0.2), Map("words", None, 0.2, 0.2))
    representations.write(folder, Maps(ids, layers))
    return folder


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_page, "_draw", lambda _run: None)


def test_dots_lie_in_the_square_in_proportion_with_what_is_known_of_them(tmp_path: Path) -> None:
    shown = run_map.shown(read_run(mapped(tmp_path / "run")))
    assert shown is not None
    speech, words = shown.maps
    assert [dot[2] for dot in speech.dots] == [label for _, label, *_ in toy_run.READINGS]
    assert [dot[3] for dot in speech.dots] == [label != guess for _, label, guess, *_ in toy_run.READINGS]
    xs, ys = (np.array([dot[axis] for dot in speech.dots]) for axis in (0, 1))
    assert (xs.min(), xs.max()) == (30, 970)
    steps = np.diff(xs)
    assert steps.max() - steps.min() <= 1
    assert ys[0] - ys[1] == pytest.approx(steps[0], abs=1), "upwards, at the same scale"
    assert "80 %" in speech.note
    assert "20 %" in speech.note
    assert not words.dots
    assert "alike" in words.note
    assert shown.present == ["angry", "fear", "happy", "sad"]
    assert shown.told[2] == "c.png: labelled fear, read as sad (0.97)"


@pytest.mark.usefixtures("undrawn")
def test_the_page_shows_them_with_a_text_for_every_item(tmp_path: Path) -> None:
    source = write_run_report(mapped(tmp_path / "run"), None).read_text()
    section = source.split('<section id="maps"')[1].split("</section>")[0]
    assert section.count("<circle") == len(IDS)
    assert section.count('class="fear wrong"') == 2
    assert section.count("<figure>") == 2
    data = json.loads(re.search(r'id="run-data">(.*?)</script>', source)[1])  # type: ignore[index]
    assert len(data["maps"]["told"]) == len(IDS)
    assert len(data["maps"]["places"][0]) == len(IDS)
    assert data["maps"]["places"][1] == []
    assert 'href="#maps"' in source


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("ids", [None, ("somebody", "else")])
def test_a_run_without_maps_of_its_items_has_no_such_section(ids: tuple[str, ...] | None, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    if ids is None:
        toy_run.make_run(folder)
    else:
        toy_run.make_run(folder)
        representations.write(folder, Maps(ids, (Map("speech", None, 0.2, 0.2),)))
    assert 'id="maps"' not in write_run_report(folder, None).read_text()


def test_the_same_is_drawn_as_a_picture(tmp_path: Path) -> None:
    folder = mapped(tmp_path / "run")
    run_map.draw(read_run(folder))
    assert (folder / run_map.PICTURE).read_bytes()[:4] == b"\x89PNG"
    bare = toy_run.make_run(tmp_path / "bare")
    run_map.draw(read_run(bare))
    assert not (bare / run_map.PICTURE).exists()


@pytest.mark.usefixtures("undrawn")
def test_names_of_items_cannot_break_out(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    toy_run.make_run(folder)
    names = ["</script><script>alert(1)</script>", *IDS[1:]]
    toy_run.write_predictions(folder, "test", names, set="toy test", temperature=1.0)
    representations.write(folder, Maps(tuple(names), (Map("speech", places(), 0.8, 0.2),)))
    assert "<script>alert(1)" not in write_run_report(folder, None).read_text()
