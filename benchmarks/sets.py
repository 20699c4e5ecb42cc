"""How long `mer evaluate voice` takes on a folder of clips, beside another checkout of this project.

python benchmarks/sets.py [--clips 480] [--rounds 3] [--against CHECKOUT] [--note "how quiet the machine was"]

The clips are drawn from RAVDESS of MER_DATA, a folder a label. Each round runs in turn, as whole processes with caches
of their own: this checkout on a set that it never saw, the same again, and the other checkout.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

import record
from mer_batch.data.manifest import read_manifest

WANTED = 4.0
"""How many times faster than the other checkout the first time should be."""
SEED = 0


def make_set(folder: Path, count: int) -> Path:
    """A folder of clips, LABEL/FILE."""
    manifest = read_manifest(record.data_folder() / "speech" / "ravdess")
    rows = manifest.rows.to_dict("records")
    for row in random.Random(SEED).sample(rows, count):
        path = folder / row["label"] / Path(row["path"]).name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(manifest.read_bytes(row["path"]))
    return folder


def evaluate(checkout: Path, clips: Path, cache: Path, scores: Path) -> record.Measured:
    """One evaluation as a process of its own, by the code of a checkout."""
    os.environ["MER_CACHE"] = str(cache)
    start = f"import sys; sys.path.insert(0, {str(checkout)!r}); from mer_batch.cli import main; main()"
    done = record.measure(
        [sys.executable, "-c", start, "evaluate", "voice", "--data", str(clips), "--json", str(scores)]
    )
    assert done.code == 0, done.output
    return done


def apart(one: Path, other: Path) -> dict[str, float]:
    """By how much the scores of two evaluations differ."""
    left, right = (json.loads(path.read_text()) for path in (one, other))
    assert left["n"] == right["n"], (left["n"], right["n"])
    return {name: float(f"{abs(left[name] - right[name]):.2g}") for name in ("accuracy", "uar", "nll", "ece")}


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=480)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--against", type=Path, help="another checkout of this project")
    parser.add_argument("--note", default="")
    given = parser.parse_args()
    seconds: dict[str, list[float]] = {"first time": [], "again": []}
    results: dict[str, Any] = {
        "clips": given.clips,
        "threads": os.environ.get("OMP_NUM_THREADS", ""),
        "note": given.note,
    }
    load = [os.getloadavg()[0]]
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        clips = make_set(place / "clips", given.clips)
        for _ in range(given.rounds):
            shutil.rmtree(place / "cache", ignore_errors=True)
            for title in ("first time", "again"):
                done = evaluate(record.ROOT, clips, place / "cache", place / "ours.json")
                seconds[title].append(round(done.seconds, 1))
            if given.against is not None:
                done = evaluate(given.against.resolve(), clips, place / "other cache", place / "theirs.json")
                seconds.setdefault("other checkout", []).append(round(done.seconds, 1))
            load.append(os.getloadavg()[0])
            print({title: values[-1] for title, values in seconds.items()}, flush=True)
        if given.against is not None:
            results["scores_differ_by"] = apart(place / "ours.json", place / "theirs.json")
    middle = {title: median(values) for title, values in seconds.items()}
    results |= {"seconds": seconds, "median": middle, "load": [round(value, 1) for value in load]}
    if given.against is not None:
        results["times_faster"] = {
            title: round(middle["other checkout"] / middle[title], 1) for title in ("first time", "again")
        }
        print(results["times_faster"])
    record.write("sets", results)
    if given.against is not None and results["times_faster"]["first time"] < WANTED:
        raise SystemExit(f"less than {WANTED:g} times faster")


if __name__ == "__main__":
    main()
