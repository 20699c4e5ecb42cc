"""Start-up: `mer analyze` on a one-second clip against `python -c "import torch"`, taken in turns on one machine.

python benchmarks/startup.py [--runs 5] [--note "how quiet the machine was"]

The clip is a second of the example in which a face is seen and a voice is heard. Modules are compiled beforehand, as
pip leaves them: whatever the environment says, the first round, which is not counted, writes their bytecode.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import record
from mer_batch.media.binary import ffmpeg_path

EXAMPLE = record.ROOT / "examples" / "interview.mp4"
ALLOWED = 1.6
"""Times `import torch` that an analysis may take."""
ALLOWED_HELP = 0.3
"""Seconds that `mer --help` may take."""


def second_of_example(folder: Path) -> Path:
    """The example's second from 1 s on: sound and picture, no subtitles."""
    clip = folder / "second.mp4"
    command = [ffmpeg_path(), "-v", "error", "-ss", "1", "-i", str(EXAMPLE), "-t", "1", "-map", "0:v", "-map", "0:a"]
    subprocess.run([*command, str(clip)], check=True)
    return clip


def commands(clip: Path) -> dict[str, list[str]]:
    """What is measured, by name."""
    page = clip.with_suffix(".html")
    return {
        "import_torch": [sys.executable, "-c", "import torch"],
        "analyze": record.mer("analyze", clip, "--asr", "none", "--fps", "5", "--out", page),
        "models_list": record.mer("models", "list"),
        "help": record.mer("--help"),
    }


def in_turns(measured: dict[str, list[str]], runs: int) -> dict[str, list[float]]:
    """Seconds of every run of every command, after a round that fills caches."""
    seconds: dict[str, list[float]] = {name: [] for name in measured}
    for number in range(runs + 1):
        for name, command in measured.items():
            done = record.measure(command)
            assert done.code == 0, done.output
            if number:
                seconds[name].append(round(done.seconds, 3))
    return seconds


def main() -> None:
    """Measure and write the result; the exit code says whether it is within what is allowed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--note", default="")
    given = parser.parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        seconds = in_turns(commands(second_of_example(Path(folder))), given.runs)
    medians = {name: median(values) for name, values in seconds.items()}
    ratio = round(medians["analyze"] / medians["import_torch"], 2)
    load = {"before": round(before, 1), "after": round(os.getloadavg()[0], 1)}
    facts = {"note": given.note, "load": load, "threads": os.environ.get("OMP_NUM_THREADS", "")}
    limits = {"allowed": ALLOWED, "allowed_help": ALLOWED_HELP}
    record.write("startup", {"seconds": seconds, "median": medians, "ratio": ratio, **limits, **facts})
    print(f"analyze {ratio} x import torch; {medians}")
    if ratio > ALLOWED or medians["help"] > ALLOWED_HELP:
        raise SystemExit("slower than allowed")


if __name__ == "__main__":
    main()
