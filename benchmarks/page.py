"""The page of two hours: six people, 600 cuts, 3,000 utterances. How long it takes to write, to open and to redraw.

python benchmarks/page.py [--runs 3] [--note "how quiet the machine was"]

Needs playwright and a Chromium on PATH. Seconds of `mer report` are by the processor, less those of a page of twelve
seconds (start-up); seconds of opening are the processor's of the page's thread. A redraw is what the script does in one
frame while the lanes are zoomed and moved, by the clock: it needs a quiet machine.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import long_timeline
import record
from mer_batch.timeline import io

ALLOWED = {"report_s": 3.0, "page_mb": 3.0, "open_s": 1.5, "redraw_ms": 16.0, "redraw_p95_ms": 33.0}
COUNT_FRAMES = """() => {
  window.spent = [];
  const own = window.requestAnimationFrame.bind(window);
  window.requestAnimationFrame = (call) => own((time) => {
    const began = performance.now();
    call(time);
    window.spent.push(performance.now() - began);
  });
}"""


def written(folder: Path, runs: int) -> dict[str, Any]:
    """Seconds of the processor and bytes of the page."""
    seconds: dict[str, list[float]] = {"short": [], "long": []}
    for name, timeline in (("short", long_timeline.make(12.0, 0, 1)), ("long", long_timeline.make())):
        (folder / f"{name}.timeline.json").write_text(io.to_json(timeline), encoding="utf-8")
    for _ in range(runs):
        for name in seconds:
            done = record.measure(record.mer("report", folder / f"{name}.timeline.json"))
            assert done.code == 0, done.output
            seconds[name].append(done.processor)
    start, whole = median(seconds["short"]), median(seconds["long"])
    size = (folder / "long.html").stat().st_size
    return {"report_s": round(whole - start, 2), "start_up_s": round(start, 2), "page_mb": round(size / 1e6, 2)}


def worked(session: Any) -> float:
    """Seconds of the processor that the page's thread has taken so far."""
    found = session.send("Performance.getMetrics")["metrics"]
    return float(next(metric["value"] for metric in found if metric["name"] == "TaskDuration"))


def shown(page: Path, runs: int) -> dict[str, Any]:
    """Seconds until the page stands, milliseconds of a redraw, megabytes of the script's memory."""
    from playwright.sync_api import sync_playwright

    browser_path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    waited, opened, redraws, heap = [], [], [], []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        for _ in range(runs):
            tab = browser.new_page(viewport={"width": 1440, "height": 900})
            tab.add_init_script(f"({COUNT_FRAMES})()")
            session = tab.context.new_cdp_session(tab)
            session.send("Performance.enable", {"timeDomain": "threadTicks"})
            tab.goto(page.as_uri())
            tab.wait_for_selector("html.ready", state="attached")
            waited.append(tab.evaluate("performance.now()") / 1000)
            opened.append(worked(session))
            tab.evaluate("window.spent.length = 0")
            tab.click("#unfold")
            for _ in range(12):
                tab.keyboard.press("+")
                tab.wait_for_timeout(40)
                tab.mouse.move(700, 600)
                tab.mouse.wheel(60, 0)
                tab.wait_for_timeout(40)
            redraws += [spent for spent in tab.evaluate("window.spent") if spent > 0.2]
            heap.append(tab.evaluate("performance.memory.usedJSHeapSize") / 1e6)
            tab.close()
        browser.close()
    return {
        "open_s": round(median(opened), 2),
        "open_by_the_clock_s": round(median(waited), 2),
        "redraw_ms": round(median(redraws), 1),
        "redraw_p95_ms": round(quantiles(redraws, n=20)[-1], 1),
        "redraws": len(redraws),
        "memory_mb": round(median(heap), 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--note", default="")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        found = written(Path(name), given.runs)
        found |= shown(Path(name) / "long.html", given.runs)
    met = {what: found[what] <= most for what, most in ALLOWED.items()}
    path = record.write("page", {"note": given.note, "allowed": ALLOWED, "met": met, **found})
    print(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
