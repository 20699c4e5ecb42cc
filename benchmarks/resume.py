"""A batch that is killed with -9 at random moments and started again, against one that nobody disturbed.

python benchmarks/resume.py [--kills 5] [--seed 1]      # MER_DATA names the folder of data sets

60 real files, 8 of them broken, long ones cut to 3 s. What must hold: both runs end with exit code 4 and the same
failures; every timeline is equal but for dates and seconds; every page is, byte for byte, what its timeline gives;
nothing that was finished is done twice.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import record
from mer_batch.batch.ledger import NAME, STATES
from mer_batch.media.binary import ffmpeg_path
from mer_batch.output import read_timeline
from mer_batch.report.html import write_report

FILES = 60
BROKEN = (
    "real_git_lfs_pointer.flv", "real_zero_byte.webm", "x_encrypted_cenc.mp4", "x_html_error_page.mp4",
    "x_jpeg_renamed.mp4", "x_text_renamed.mp4", "x_text_renamed.wav", "x_truncated_no_moov.mp4",
)  # fmt: skip
LONGEST = 3
"""Seconds that are kept of a file."""
OPTIONS = ("--asr", "none")


def material(folder: Path) -> Path:
    """The files, in `folder`."""
    media = record.data_folder() / "media"
    folder.mkdir()
    sound = sorted((media / "speech").iterdir())
    moving = [path for path in sorted((media / "faces").iterdir()) if path.suffix != ".align"]
    chosen = [path for pair in zip(moving, sound, strict=False) for path in pair]
    rest = [path for path in (*moving, *sound) if path not in chosen]
    for path in [*chosen, *rest][: FILES - len(BROKEN)]:
        _cut(path, folder / path.name)
    for name in BROKEN:
        shutil.copyfile(media / "broken" / name, folder / name)
    return folder


def _cut(source: Path, target: Path) -> None:
    """The first seconds of a file as they stand there; all of it where they cannot be had so."""
    command = [ffmpeg_path(), "-v", "error", "-i", str(source), "-t", str(LONGEST), "-c", "copy", str(target)]
    if subprocess.run(command, capture_output=True, check=False).returncode or not target.stat().st_size:
        shutil.copyfile(source, target)


def command(sources: Path, out: Path, options: Sequence[str]) -> list[str]:
    return record.mer("analyze", sources, "--out", out, *options)


def killed(sources: Path, out: Path, options: Sequence[str], moment: Callable[[], None]) -> bool:
    """Start a run and kill it after `moment` has passed, as nobody can refuse; false where it had ended before."""
    with subprocess.Popen(command(sources, out, options), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
        moment()
        over = run.poll() is not None
        if not over:
            os.kill(run.pid, signal.SIGKILL)
        run.wait()
    time.sleep(0.5)  # workers end by themselves once they hear no more of it
    return not over


def compare(undisturbed: Path, disturbed: Path, check: Path) -> dict[str, Any]:
    """What differs between two finished batches, and what was done twice; `check` is a folder beside them."""
    ours, theirs = _timelines(undisturbed), _timelines(disturbed)
    different = [name for name in ours if name in theirs and _facts(ours[name]) != _facts(theirs[name])]
    pages = [name for name, path in theirs.items() if not _page_is_true(path, disturbed, check)]
    ends = Counter(event["file"] for event in _events(disturbed) if event["event"] in STATES)
    return {
        "files": len(ours),
        "missing_or_extra": sorted(set(ours) ^ set(theirs)),
        "timelines_that_differ": different,
        "pages_that_are_not_their_timelines": pages,
        "done_twice": sorted(name for name, count in ends.items() if count > 1),
        "failures_alike": _failures(undisturbed) == _failures(disturbed),
        "failures": len(_failures(disturbed)),
        "damaged_lines": sum(1 for line in _lines(disturbed) if _event(line) is None),
    }


def _timelines(out: Path) -> dict[str, Path]:
    return {path.relative_to(out).as_posix(): path for path in sorted(out.rglob("*.timeline.json"))}


def _facts(path: Path) -> Any:
    """A timeline without the date and the seconds that its making took."""
    table = json.loads(path.read_text(encoding="utf-8"))
    for name in ("created", "seconds"):
        table["provenance"].pop(name)
    return table


def _page_is_true(path: Path, out: Path, check: Path) -> bool:
    page = Path(str(path).removesuffix(".timeline.json") + ".html")
    again = check / page.relative_to(out)
    again.parent.mkdir(parents=True, exist_ok=True)
    write_report(read_timeline(path), again, assets="shared")
    return again.read_bytes() == page.read_bytes()


def _lines(out: Path) -> list[str]:
    return (out / NAME).read_text(encoding="utf-8", errors="replace").splitlines()


def _event(line: str) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads(line)
    except ValueError:
        return None
    return found


def _events(out: Path) -> list[dict[str, Any]]:
    return [event for line in _lines(out) if (event := _event(line)) is not None]


def _failures(out: Path) -> dict[str, str]:
    return {event["name"]: event["error"] for event in _events(out) if event["event"] == "failed"}


def good(found: dict[str, Any]) -> bool:
    """Whether nothing differs and nothing was done twice."""
    wrong = ("missing_or_extra", "timelines_that_differ", "pages_that_are_not_their_timelines", "done_twice")
    return found["failures_alike"] and not any(found[name] for name in wrong)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sources = material(folder / "in")
        first = record.measure(command(sources, folder / "undisturbed", OPTIONS))
        moments = []
        for _ in range(options.kills):
            seconds = first.seconds * chance.uniform(0.08, 0.3)
            if killed(sources, folder / "killed", OPTIONS, lambda seconds=seconds: time.sleep(seconds)):
                moments.append(round(seconds, 2))
        last = record.measure(command(sources, folder / "killed", OPTIONS))
        found = compare(folder / "undisturbed", folder / "killed", folder / "check")
    result = {
        "sources": FILES,
        "broken": len(BROKEN),
        "seconds_undisturbed": round(first.seconds, 1),
        "killed_after_seconds": moments,
        "seconds_of_the_last_run": round(last.seconds, 1),
        "exit_codes": [first.code, last.code],
        **found,
        "equal": good(found),
    }
    print(json.dumps(result, indent=1))
    record.write("resume", result)
    assert good(found), "the runs differ"
    assert [first.code, last.code] == [4, 4], (first.output, last.output)
    assert found["failures"] == len(BROKEN)


if __name__ == "__main__":
    main()
