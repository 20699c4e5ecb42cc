"""Peak memory of `mer analyze` on a 60-minute clip against a 1-minute clip, both made by looping the example.

python benchmarks/memory.py [--minutes 60]
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from pathlib import Path

import record
from mer_batch.media.binary import ffmpeg_path

EXAMPLE = record.ROOT / "examples" / "interview.mp4"


def looped(minutes: int, folder: Path) -> Path:
    """The example repeated to a length, without decoding."""
    path = folder / f"{minutes}min.mp4"
    command = [ffmpeg_path(), "-v", "error", "-stream_loop", "-1", "-i", str(EXAMPLE), "-t", str(60 * minutes)]
    subprocess.run([*command, "-map", "0:v", "-map", "0:a", "-c", "copy", str(path)], check=True)
    return path


def main() -> None:
    """Measure both and write the difference."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, default=60)
    minutes = parser.parse_args().minutes
    results: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for length in (1, minutes):
            out = folder / f"{length}.html"
            done = record.measure(record.mer("analyze", looped(length, folder), "--asr", "none", "--out", out))
            results[f"{length}_min"] = {
                "exit": done.code,
                "seconds": round(done.seconds, 1),
                "peak_mb": round(done.peak_mb),
                "page_mb": round(out.stat().st_size / 1e6, 1),
            }
            print(f"{length} min: {results[f'{length}_min']}")
    peaks = [value["peak_mb"] for value in results.values()]  # type: ignore[index]
    record.write("memory", results | {"growth_mb": peaks[1] - peaks[0], "allowed_mb": 200})


if __name__ == "__main__":
    main()
