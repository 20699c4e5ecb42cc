"""Peak memory and cost of `mer analyze` against the length of a recording, on the example looped to each length.

python benchmarks/memory.py [--minutes 1 15 60 180] [--fps 5]

Seconds by the processor are fitted with a line by least squares: a start, and so much for every minute of film; the
largest departure from the line is told with it. Memory is that of the process and of its largest child.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import record
from mer_batch.media.binary import ffmpeg_path

EXAMPLE = record.ROOT / "examples" / "interview.mp4"
ALLOWED_MB = 200
"""What the longest may take more than the shortest."""


def looped(minutes: float, folder: Path) -> Path:
    """The example repeated to a length, without decoding."""
    path = folder / f"{minutes:g}min.mp4"
    command = [ffmpeg_path(), "-v", "error", "-stream_loop", "-1", "-i", str(EXAMPLE), "-t", str(60 * minutes)]
    subprocess.run([*command, "-map", "0:v", "-map", "0:a", "-c", "copy", str(path)], check=True)
    return path


def analysed(minutes: float, fps: float, folder: Path) -> dict[str, Any]:
    """What one length takes, and how large its page is."""
    out = folder / f"{minutes:g}.html"
    asked = ("--asr", "none", "--fps", fps, "--out", out)
    done = record.measure(record.mer("analyze", looped(minutes, folder), *asked), timeout=7200)
    row = {
        "minutes": minutes,
        "exit": done.code,
        "seconds": round(done.seconds, 1),
        "processor": round(done.processor, 1),
        "peak_mb": round(done.peak_mb),
        "page_mb": round(out.stat().st_size / 1e6, 1),
    }
    print(row, flush=True)
    return row


def fit(rows: list[dict[str, Any]]) -> dict[str, float]:
    """The line of processor seconds over minutes, weighted so that every length counts by its share."""
    minutes, seconds = (np.array([row[name] for row in rows], dtype=float) for name in ("minutes", "processor"))
    slope, start = np.polyfit(minutes, seconds, 1, w=1 / seconds)
    departure = float(np.max(np.abs(start + slope * minutes - seconds) / seconds))
    return {"start": round(start, 2), "a_minute": round(slope, 3), "largest_departure": round(departure, 3)}


def main() -> None:
    """Measure every length and write the growth and the line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, nargs="+", default=[1, 15, 60, 180])
    parser.add_argument("--fps", type=float, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        rows = [analysed(minutes, given.fps, Path(name)) for minutes in sorted(given.minutes)]
    growth = rows[-1]["peak_mb"] - rows[0]["peak_mb"]
    found = {"fps": given.fps, "lengths": rows, "growth_mb": growth, "allowed_mb": ALLOWED_MB}
    print(record.write("memory", found | {"line": fit(rows)}))


if __name__ == "__main__":
    main()
