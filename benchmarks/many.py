"""What a file of a batch costs beyond its arithmetic: many two-second files against the same seconds in long ones.

python benchmarks/many.py [--count 1000] [--workers 2] [--rounds 1]      # MER_DATA names the folder of data sets

The arithmetic is what the same clips cost joined end to end, one long file a worker, read by the same command with as
many workers: the same pictures and sounds pass the same networks in as many processes, and what a file costs by itself
(starts of ffmpeg, probing, hashes, pages, pictures, tables, the ledger) is there once a worker instead of once a clip.
The difference of the two, over the clips, is the cost of a file; start-up is in both and cancels. Runs are taken in
turns. On a busy machine seconds by the processor tell more than those by the clock; by the clock `workers` files share
them. Memory of each worker is looked at all the while.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import Any

import record
from mer_batch.media.binary import ffmpeg_path

LENGTH = 2
ALLOWED = 0.15
"""Seconds that a file may cost beyond the arithmetic."""
OPTIONS = ("--asr", "none", "--quiet")


def clips(folder: Path, count: int) -> list[Path]:
    """Clips of talking heads, cut out of real ones and alike in form; each has bytes of its own."""
    heads = sorted((record.data_folder() / "media" / "faces").glob("grid_*.mpg"))
    folder.mkdir(parents=True)
    form = f"-t {LENGTH} -r 25 -c:v libx264 -preset veryfast -pix_fmt yuv420p -c:a aac -ar 44100".split()
    cut = [_ffmpeg(folder.parent / f"{head.stem}.mp4", "-i", str(head), *form) for head in heads]
    return [
        _ffmpeg(folder / f"{number:05d}.mp4", "-i", str(cut[number % len(cut)]), "-c", "copy", "-metadata",
                f"comment={number}")
        for number in range(count)
    ]  # fmt: skip


def joined(folder: Path, parts: list[Path], workers: int) -> Path:
    """A folder of long files, one a worker, of the same clips."""
    folder.mkdir()
    for number in range(workers):
        listed = folder / f"{number}.txt"
        listed.write_text("".join(f"file '{part}'\n" for part in parts[number::workers]))
        _ffmpeg(folder / f"long{number}.mp4", "-f", "concat", "-safe", "0", "-i", str(listed), "-c", "copy")
    return folder


def _ffmpeg(path: Path, *arguments: str) -> Path:
    subprocess.run([ffmpeg_path(), "-v", "error", "-y", *arguments, str(path)], check=True)
    return path


def _status(path: Path) -> dict[str, str]:
    return dict(line.split(":\t", 1) for line in path.read_text().splitlines() if ":\t" in line)


class Memory:
    """Looks at the memory of the workers of a batch that this process has begun, in MB, until it is told to stop."""

    def __init__(self) -> None:
        self.seen: dict[int, list[float]] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(1.0):
            for status in Path("/proc").glob("[0-9]*/status"):
                with suppress(OSError, KeyError, ValueError):
                    table = _status(status)
                    ours = _status(Path(f"/proc/{int(table['PPid'])}/status"))["PPid"].strip() == str(os.getpid())
                    if ours and b"spawn_main" in (status.parent / "cmdline").read_bytes():
                        size = int(table["VmRSS"].split()[0]) / 1024
                        self.seen.setdefault(int(table["Pid"]), []).append(size)

    def rows(self) -> list[dict[str, float]]:
        """A row a worker that lived long enough: MB in the middle of its second fifth, of its last, and at most."""
        rows = []
        for looks in self.seen.values():
            fifth = len(looks) // 5
            if fifth:
                sizes = looks
                early, late = median(sizes[fifth : 2 * fifth]), median(sizes[-fifth:])
                rows.append({"early_mb": round(early), "late_mb": round(late), "most_mb": round(max(sizes))})
        return rows


def run(sources: Path, out: Path, workers: int) -> record.Measured:
    done = record.measure(record.mer("analyze", sources, "--out", out, "--workers", workers, *OPTIONS))
    assert done.code == 0, done.output
    return done


def _beyond(many: list[float], long: list[float], count: int) -> float:
    return round((median(many) - median(long)) / count, 3)


def _row(one: record.Measured) -> dict[str, float]:
    return {"seconds": round(one.seconds, 1), "processor_seconds": round(one.processor, 1)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--note", default="")
    options = parser.parse_args()
    many: list[record.Measured] = []
    long: list[record.Measured] = []
    memory: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        parts = clips(folder / "many", options.count)
        joined(folder / "long", parts, options.workers)
        for number in range(options.rounds):
            long.append(run(folder / "long", folder / f"long{number}", options.workers))
            with Memory() as seen:
                many.append(run(folder / "many", folder / f"many{number}", options.workers))
            memory += seen.rows()
    beyond = {
        "by_the_clock": _beyond([one.seconds for one in many], [one.seconds for one in long], options.count),
        "by_the_processor": _beyond([one.processor for one in many], [one.processor for one in long], options.count),
    }
    result: dict[str, Any] = {
        "files": options.count,
        "workers": options.workers,
        "note": options.note,
        "many_files": [_row(one) for one in many],
        "the_same_in_long_files": [_row(one) for one in long],
        "seconds_a_file_beyond_the_arithmetic": beyond,
        "allowed": ALLOWED,
        "workers_memory": memory,
    }
    print(json.dumps(result, indent=1))
    record.write("many", result)


if __name__ == "__main__":
    main()
