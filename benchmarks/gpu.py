"""What faces cost on a GPU, stage by stage, beside decoding: one script, sized to fit into a few minutes.

python benchmarks/gpu.py [--input FILE] [--seconds 3600] [--height 1080] [--device auto] [--limit 420] [--note TEXT]

Without `--input` the example of this repository is made as large as `--height`. Each stage runs on pictures that are
decoded already, on the device and on the processor, and the two must agree. Then decoding alone and decoding with faces
run on a loop of the file; if an hour would take longer than `--limit` seconds, as measured on its first part, it is cut
to what fits, and the result says so. Runs on a machine without a GPU too: `--seconds 4 --height 360`.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

import record
from mer_batch import media
from mer_batch.config import DEFAULTS
from mer_batch.face.crop import crop_face
from mer_batch.face.detect import CascadeDetector
from mer_batch.face.read import numbered, watch_faces
from mer_batch.media.binary import ffmpeg_path
from mer_batch.nets.device import pick_device
from mer_batch.readers import load_classifier

EXAMPLE = record.ROOT / "examples" / "interview.mp4"
FPS = 5.0
LOOKED = 64
"""Pictures on which stages are measured one by one."""


def made(source: Path, height: int, folder: Path) -> Path:
    """The file at a height, 25 pictures a second."""
    path = folder / f"{height}p.mp4"
    fit = ["-vf", f"scale=-2:{height},fps=25", "-pix_fmt", "yuv420p", "-preset", "veryfast", "-an"]
    subprocess.run([ffmpeg_path(), "-v", "error", "-y", "-i", str(source), *fit, str(path)], check=True)
    return path


def looped(source: Path, seconds: float, folder: Path) -> Path:
    """The file repeated to a length, not coded again."""
    path = folder / f"{seconds:g}s.mp4"
    command = [ffmpeg_path(), "-v", "error", "-y", "-stream_loop", "-1", "-i", str(source), "-t", f"{seconds:g}"]
    subprocess.run([*command, "-map", "0:v", "-c", "copy", str(path)], check=True)
    return path


def took(work: Callable[[], Any], times: int = 3) -> tuple[float, Any]:
    """The shortest of several runs, in seconds, after one that is not counted, and what came of it."""
    answer, best = work(), float("inf")
    for _ in range(times):
        cost = record.cost(work)
        answer, best = cost.answer, min(best, cost.clock)
    return best, answer


def stages(path: Path, device: str) -> dict[str, Any]:
    """Pictures a second of each stage on a device, and what it found."""
    images = [frame.image for frame in islice(media.read_frames(media.probe(path), FPS), LOOKED)]
    detector, reader = CascadeDetector(device), load_classifier("face", DEFAULTS.face_model, device)
    searched, faces = took(lambda: detector.detect(images))
    boxes = [[face.box for face in found] for found in faces]
    refined, _ = took(lambda: [detector.refine(image, near) for image, near in zip(images, boxes, strict=True)])
    card = reader.card.input
    cut, crops = took(
        lambda: [
            crop_face(image, face.box, card, face.landmarks)
            for image, found in zip(images, faces, strict=True)
            for face in found
        ]
    )
    read, scores = took(lambda: reader.predict(crops))
    rates = {"search": searched, "refine": refined, "crop": cut, "classify": read}
    return {
        "pictures_a_second": {name: round(len(images) / seconds, 1) for name, seconds in rates.items()},
        "boxes": [box for near in boxes for box in near],
        "scores": np.asarray(scores),
    }


def agree(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """How far the readings of two devices are apart."""
    if len(one["boxes"]) != len(other["boxes"]):
        return {"faces": [len(one["boxes"]), len(other["boxes"])]}
    if not one["boxes"]:
        return {"faces": 0}
    apart = np.abs(np.asarray(one["boxes"]) - np.asarray(other["boxes"])).max()
    return {
        "faces": len(one["boxes"]),
        "boxes_apart": float(apart),
        "probabilities_apart": float(np.abs(one["scores"] - other["scores"]).max()),
    }


def decode(path: Path) -> int:
    """Pictures as faces need them, thrown away."""
    return sum(1 for _ in media.read_frames(media.probe(path), FPS))


def faces(path: Path, device: str) -> int:
    """Decoding and all of the face stage."""
    reader = load_classifier("face", DEFAULTS.face_model, device)
    return numbered(watch_faces(media.read_frames(media.probe(path), FPS), reader, device=device)).frames


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--input", type=Path, default=EXAMPLE)
    parser.add_argument("--seconds", type=float, default=3600.0)
    parser.add_argument("--height", type=int, default=1080)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--limit", type=float, default=420.0, help="seconds that the loop may take, decoding included")
    parser.add_argument("--note", default="")
    given = parser.parse_args()
    device = str(pick_device(given.device))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = made(given.input, given.height, folder)
        here = stages(source, device)
        there = here if device == "cpu" else stages(source, "cpu")
        result: dict[str, Any] = {"device": device, "note": given.note, "height": given.height, "fps": FPS}
        result["stages"] = {where: part["pictures_a_second"] for where, part in ((device, here), ("cpu", there))}
        result["agreement"] = agree(here, there)
        print(result)
        first = looped(source, min(given.seconds, 60.0), folder)
        tried = record.cost(lambda: (decode(first), faces(first, device)))
        a_second = tried.clock / min(given.seconds, 60.0)
        seconds = min(given.seconds, max(given.limit / a_second, 1.0))
        loop = looped(source, seconds, folder)
        costs = {"decode": record.cost(lambda: decode(loop)), "faces": record.cost(lambda: faces(loop, device))}
    result["seconds_of_video"] = round(seconds, 1)
    result["cut_to_the_limit"] = seconds < given.seconds
    result["clock"] = {name: round(cost.clock, 2) for name, cost in costs.items()}
    result["pictures"] = {name: cost.answer for name, cost in costs.items()}
    result["faces / decode"] = round(costs["faces"].clock / costs["decode"].clock, 2)
    record.write("gpu", result)
    print({key: result[key] for key in ("seconds_of_video", "clock", "faces / decode")})


if __name__ == "__main__":
    main()
