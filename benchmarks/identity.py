"""Who is who across cuts and absences: clips composed of people who are known, through the real stage of faces.

python benchmarks/identity.py [--part report] [--clips 44] [--identity faces] [--keep FOLDER] | --cost VIDEO ...

People are divided in two: the constants of `mer_batch.face.people` were set on the part `tune`; `report` holds others
and is the result. It is not wholly unseen: the distance of `dlib_faces` was set on all people of both parts, and three
clips of a first run on `report` showed that trails go on across cuts that nobody noticed (`face/divide.py`).
What is counted: clips with as many people as there are; pairs of appearances (a person without a break in one shot) of
one person that have one number, and of two people that do.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

import record
from identity_clips import CASTS, Appearance, compose, write
from mer_batch import media
from mer_batch.config import DEFAULTS, Options
from mer_batch.face.embedders import load_embedder
from mer_batch.face.read import FaceReadings, numbered, watch_faces
from mer_batch.pipeline import analyze
from mer_batch.readers import load_classifier

EDGE = 0.2
"""Seconds beside a cut that are left out: sampled pictures stand for times on both sides."""
SEEN = 0.25
"""Share of its pictures in which an appearance must be found to be counted."""


def numbers(found: FaceReadings, truth: list[Appearance]) -> list[str | None]:
    """Under which name each appearance is found: that of most of the faces in its time and place."""
    faces = [reading for reading in found.observations if reading.modality == "face" and reading.evidence.box]
    named: list[str | None] = []
    for one in truth:
        names: Counter[str | None] = Counter()
        start, end = one.start + EDGE, one.end - EDGE
        for face in faces:
            box = face.evidence.box
            assert box is not None
            inside = one.left <= (box[0] + box[2]) / 2 < one.right
            if inside and start <= (face.start + face.end) / 2 < end:
                names[face.person] += 1
        enough = names.total() >= SEEN * (end - start) * 5
        named.append(names.most_common(1)[0][0] if enough else None)
    return named


def judge(found: FaceReadings, truth: list[Appearance]) -> dict[str, Any]:
    """Counts of one clip."""
    named = [(one.who, name) for one, name in zip(truth, numbers(found, truth), strict=True) if name is not None]
    same = [a[1] == b[1] for a, b in combinations(named, 2) if a[0] == b[0]]
    other = [a[1] == b[1] for a, b in combinations(named, 2) if a[0] != b[0]]
    return {
        "true": len({who for who, _ in named}),
        "people": len(found.people),
        "appearances": len(truth),
        "not seen": len(truth) - len(named),
        "same": len(same),
        "same joined": sum(same),
        "different": len(other),
        "different joined": sum(other),
    }


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """All clips together."""
    total = {key: sum(row[key] for row in rows) for key in ("same", "same joined", "different", "different joined")}
    return {
        "clips": len(rows),
        "number of people right": round(sum(row["true"] == row["people"] for row in rows) / len(rows), 4),
        "of one person joined": round(total["same joined"] / max(total["same"], 1), 4),
        "of two people joined": round(total["different joined"] / max(total["different"], 1), 4),
        **total,
        "not seen": sum(row["not seen"] for row in rows),
        "appearances": sum(row["appearances"] for row in rows),
    }


def measure(part: str, data: Path, folder: Path, clips: int, identity: str) -> list[dict[str, Any]]:
    """Compose, analyse and judge the clips of a part."""
    rows = []
    reader = load_classifier("face", "default", "cpu")
    embedder = load_embedder("cpu") if identity == "faces" else None
    for seed in range(clips):
        path = folder / f"{part}-{seed}.mp4"
        clip = compose(part, data, seed)
        if not path.is_file():
            write(clip, path)
        frames = media.read_frames(media.probe(path), DEFAULTS.fps)
        found = numbered(watch_faces(frames, reader, device="cpu", embedder=embedder), embedder)
        rows.append({"seed": seed, **judge(found, clip.truth)})
        print(json.dumps(rows[-1]), flush=True)
    return rows


def cost(video: Path) -> dict[str, Any]:
    """Processor seconds of telling people by their faces, and of bare decoding, of a video."""

    def processor() -> float:
        return sum(os.times()[:4])

    spent = {}
    for identity in ("none", "faces"):
        began = processor()
        analyze(video, Options(modalities=("face",), asr="none", device="cpu", identity=identity))
        spent[identity] = round(processor() - began, 2)
    began = processor()
    film = media.probe(video)
    for _ in media.read_frames(film, DEFAULTS.fps):
        pass
    decoding = round(processor() - began, 2)
    added = round(spent["faces"] - spent["none"], 2)
    return {"video": video.name, "seconds": film.duration, **spent, "decoding": decoding, "added": added}


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of data sets [default: MER_DATA]")
    parser.add_argument("--part", choices=list(CASTS), default="report")
    parser.add_argument("--clips", type=int, default=44)
    parser.add_argument("--identity", choices=("faces", "appearance"), default="faces")
    parser.add_argument("--keep", type=Path, help="leave the clips in this folder")
    parser.add_argument("--cost", type=Path, nargs="+", default=[], help="videos to measure the cost on instead")
    options = parser.parse_args()
    if options.cost:
        record.write("identity-cost", {"rows": [cost(video) for video in options.cost]})
        return
    with tempfile.TemporaryDirectory() as name:
        folder = options.keep or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        data = options.data or record.data_folder()
        rows = measure(options.part, data, folder, options.clips, options.identity)
    print(json.dumps(summary(rows), indent=1))
    if options.part == "report":
        record.write(f"identity-{options.identity}", {"summary": summary(rows), "clips": rows})


if __name__ == "__main__":
    main()
