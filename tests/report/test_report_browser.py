"""The page in a real browser: it starts, draws, asks for nothing and complains of nothing."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

import toy_run
from mer_batch.pages.run.page import write_run_report
from mer_batch.report.html import write_report
from timelines import make_timeline

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium or Chrome on PATH")

EMPTY = ("people", "shots", "speech", "loudness", "utterances", "observations", "segments", "events")


def opened(page: Path, profile: Path, hash_: str = "") -> tuple[str, list[str]]:
    """The document after its scripts ran, and every line that the console showed."""
    quiet = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"]
    command = [
        str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", *quiet, f"--user-data-dir={profile}",
        "--enable-logging=stderr", "--v=0", "--virtual-time-budget=4000", "--window-size=1200,900", "--dump-dom",
        page.as_uri() + hash_,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=True)
    return done.stdout, [line for line in done.stderr.splitlines() if ":CONSOLE" in line]


def now_panel(dom: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", dom.split('id="now-body"')[1].split("</section>")[0]).split())


def test_page_opens_at_a_moment_without_a_word_on_the_console(tmp_path):
    page = write_report(make_timeline(), tmp_path / "report.html")[0]
    dom, console = opened(page, tmp_path / "profile", "#t=10.5")
    assert console == []
    assert 'class="js ready"' in dom
    assert dom.count("<canvas") >= 8
    assert "0:10.5" in dom.split('id="now-time"')[1][:40]
    assert re.search(r"Person 1 happy 0\.\d\d \(0\.\d\d – 0\.\d\d\) face happy 0\.\d\d × \d\.\d\d", now_panel(dom))


def test_a_hostile_page_runs_nothing_with_its_script_beside_it(hostile, tmp_path):
    timeline = hostile(make_timeline())
    page = write_report(timeline, tmp_path / "report.html", assets="shared")[0]
    dom, console = opened(page, tmp_path / "profile", "#t=12.5")
    assert console == []
    assert 'class="js ready"' in dom
    assert "<title>pwned" not in dom
    assert "document.title='pwned'&lt;/script&gt;" in now_panel(dom)


def test_an_empty_timeline_opens_too(tmp_path):
    nothing = dict.fromkeys(EMPTY, ())
    page = write_report(replace(make_timeline(), gaps=(), **nothing), tmp_path / "report.html", assets="shared")[0]
    dom, console = opened(page, tmp_path / "profile", "#t=3")
    assert console == []
    assert 'class="js ready"' in dom
    assert "No readings to show here." in now_panel(dom)


@pytest.mark.parametrize("name", ["toy-run", "<script>document.title='pwned'</script>"])
def test_the_report_of_a_run_opens_without_a_word_on_the_console(name, tmp_path):
    page = write_run_report(toy_run.make_run(tmp_path / "run", name=name), None)
    dom, console = opened(page, tmp_path / "profile")
    assert console == []
    assert 'class="ready"' in dom
    assert re.search(r'id="curves-area"[^>]*tabindex="0"', dom)
    assert "<title>pwned" not in dom
