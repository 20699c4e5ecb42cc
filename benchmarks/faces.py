"""Speed of finding and following faces on 640 x 360 video, against frame-by-frame detection.

python benchmarks/faces.py VIDEO [--seconds 10] [--repeats 3] [--threads 2] [--fer]

Same frames, same run, same number of threads, warm-up first, contenders in turn, medians. Decoding is not counted.
Rates per processor second stand beside those per second: they hold on a busy machine too.
Ours is what `mer analyze` runs: cuts, search, following; the emotion classifier is left out, since
the others have none or another one (`fer` cannot leave its own out: a share below 5 % of its time).
--fer makes an environment for the `fer` package under the cache folder (some 2 GB, once).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

import record
from mer_batch.face.cuts import CutFinder
from mer_batch.face.detect import CascadeDetector
from mer_batch.face.track import Tracker
from mer_batch.media import probe, read_frames
from mer_batch.resources import cache_dir
from mer_batch.types import Frame

SIZE = (640, 360)
FER_PACKAGES = ("fer==22.5.1", "tensorflow==2.15.1", "moviepy<2", "setuptools<80")
# Runs in fer's own environment: reads frames from a .npy file, prints the seconds of each repeat.
FER_SCRIPT = """
import json, os, sys, time
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np, tensorflow, torch
tensorflow.config.threading.set_intra_op_parallelism_threads(int(sys.argv[3]))
torch.set_num_threads(int(sys.argv[3]))
from fer import FER
reader, frames, seconds, processor = FER(mtcnn=True), np.load(sys.argv[1])[..., ::-1], [], []
reader.detect_emotions(np.ascontiguousarray(frames[0]))
for _ in range(int(sys.argv[2])):
    began, worked = time.perf_counter(), time.process_time()
    found = [len(reader.detect_emotions(np.ascontiguousarray(frame))) for frame in frames]
    seconds.append(time.perf_counter() - began)
    processor.append(time.process_time() - worked)
print(json.dumps({"seconds": seconds, "processor": processor, "faces": sum(found)}))
"""


def load(path: Path, seconds: float) -> tuple[list[Frame], float]:
    """All frames of the beginning of a video at 640 x 360, and their rate."""
    from PIL import Image

    media = probe(path)
    rate = (media.video.fps if media.video else None) or 25.0
    frames = [
        Frame(frame.time, np.asarray(Image.fromarray(frame.image).resize(SIZE)))
        for frame in read_frames(media, fps=rate, end=seconds)
    ]
    return frames, rate


def follow(detector: CascadeDetector, frames: Sequence[Frame]) -> int:
    """Our way; returns the number of faces seen."""
    tracker, finder, seen = Tracker(detector), CutFinder(), 0
    for start in range(0, len(frames), 16):
        part = frames[start : start + 16]
        seen += sum(map(len, tracker.follow(part, [finder.begins_shot(frame.image) for frame in part])))
    tracker.end()
    return seen


def compare(contenders: dict[str, tuple[Callable[[], int], int]], repeats: int) -> dict[str, Any]:
    """Frames per second of each (function, frames)."""
    found = record.timed({name: work for name, (work, _) in contenders.items()}, repeats)
    return {
        name: {
            "frames_per_second": round(count / found[name].middle, 2),
            "frames_per_processor_second": round(count / found[name].middle_processor, 2),
            "seconds": [round(value, 2) for value in found[name].seconds],
            "frames": count,
            "faces": found[name].answers[0],
        }
        for name, (_, count) in contenders.items()
    }


def measure_fer(frames: Sequence[Frame], repeats: int, threads: int) -> dict[str, Any]:
    """The `fer` package with its MTCNN in its own environment, or why it could not be measured."""
    folder = cache_dir("benchmarks", "fer")
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    try:
        if not (folder / "ready").is_file():
            venv.create(folder, with_pip=True, clear=True)
            subprocess.run([python, "-m", "pip", "install", "-q", *FER_PACKAGES], check=True, capture_output=True)
            (folder / "ready").touch()
        with tempfile.TemporaryDirectory() as name:
            path = Path(name) / "frames.npy"
            np.save(path, np.stack([frame.image for frame in frames]))
            command = [str(python), "-W", "ignore", "-c", FER_SCRIPT, str(path), str(repeats), str(threads)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode() if isinstance(error.stderr, bytes) else error.stderr
        return {"skipped": (said or str(error)).strip().splitlines()[-1]}
    answer = json.loads(done.stdout.strip().splitlines()[-1])
    return {
        "frames_per_second": round(len(frames) / median(answer["seconds"]), 2),
        "frames_per_processor_second": round(len(frames) / median(answer["processor"]), 2),
        "seconds": [round(value, 2) for value in answer["seconds"]],
        "frames": len(frames),
        "faces": answer["faces"],
        "packages": list(FER_PACKAGES),
    }


def main() -> None:
    """Measure and write the result."""
    import torch
    from facenet_pytorch import MTCNN

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", type=Path, nargs="?", default=record.ROOT / "examples" / "interview.mp4")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2, help="1 on a busy machine: two would wait for each other")
    parser.add_argument("--fer", action="store_true", help="measure the fer package too, in its own environment")
    options = parser.parse_args()

    torch.set_num_threads(options.threads)
    frames, rate = load(options.video, options.seconds)
    sampled = frames[:: max(1, round(rate / 5))]
    detector, rival = CascadeDetector("cpu"), MTCNN(keep_all=True)

    def one_by_one() -> int:
        found = [rival.detect(frame.image)[0] for frame in sampled]
        return sum(0 if boxes is None else len(boxes) for boxes in found)

    results = compare(
        {
            "ours_every_frame": (lambda: follow(detector, frames), len(frames)),
            "ours_5_per_second": (lambda: follow(detector, sampled), len(sampled)),
            "mtcnn_detect": (one_by_one, len(sampled)),
        },
        options.repeats,
    )
    results["fer"] = (
        measure_fer(sampled, options.repeats, options.threads) if options.fer else {"skipped": "run with --fer"}
    )
    results["times_faster"] = {
        f"{name} / {rival_name}, {rate_name}": round(results[name][rate_name] / fps, 2)
        for name in ("ours_every_frame", "ours_5_per_second")
        for rival_name in ("mtcnn_detect", "fer")
        for rate_name in ("frames_per_second", "frames_per_processor_second")
        if (fps := results[rival_name].get(rate_name))
    }
    print(json.dumps(results, indent=1))
    facts = {
        "video": options.video.name,
        "video_fps": rate,
        "size": SIZE,
        "threads": options.threads,
        "torch": torch.__version__,
    }
    record.write(f"faces-{options.video.stem}", facts | results)


if __name__ == "__main__":
    main()
