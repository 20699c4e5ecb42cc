"""Face detection on stills: our cascade against `MTCNN.detect` of facenet-pytorch, same thresholds, same pictures.

python benchmarks/detection.py [--data FOLDER]   (default: MER_DATA)

A face counts as found when a detection overlaps its box by IoU 0.4 (box styles of the sources differ).
Pictures in which only some faces are boxed count for recall only. Intervals: 95 %, bootstrap over pictures.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pictures
from scipy.optimize import linear_sum_assignment

import record
from mer_batch.face.detect import CascadeDetector, overlap

if TYPE_CHECKING:
    from mer_batch.types import Box, Image

IOU = 0.4
ALLOWED_LOSS = 0.01
MIN_FACE = 20.0
"""Smallest face looked for, in pixels: facenet-pytorch's default."""
Find = Callable[["Image"], "list[Box]"]


@dataclass
class Still:
    """A picture with published face boxes in pixels."""

    path: Path
    boxes: list[Box]
    complete: bool


def read_stills(folder: Path) -> list[Still]:
    """The pictures of `stills/boxes.csv`; boxes marked invalid by their source are left out."""
    stills: dict[str, Still] = {}
    with (folder / "stills" / "boxes.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            still = stills.setdefault(row["path"], Still(folder / row["path"], [], row["all_faces_boxed"] == "yes"))
            x, y, width, height = (float(row[key]) for key in ("x", "y", "w", "h"))
            if row["invalid_flag"] != "1":
                still.boxes.append((x, y, x + width, y + height))
    return list(stills.values())


def ours() -> Find:
    """Our cascade."""
    detector = CascadeDetector("cpu", min_face=MIN_FACE)

    def find(image: Image) -> list[Box]:
        height, width = image.shape[:2]
        scale = (width, height, width, height)
        return [
            (face.box[0] * scale[0], face.box[1] * scale[1], face.box[2] * scale[2], face.box[3] * scale[3])
            for face in detector.detect([image])[0]
        ]

    return find


def theirs() -> Find:
    """facenet-pytorch's own cascade, defaults, all faces."""
    from facenet_pytorch import MTCNN

    detector = MTCNN(keep_all=True)

    def find(image: Image) -> list[Box]:
        boxes = detector.detect(image)[0]
        return [] if boxes is None else [(float(a), float(b), float(c), float(d)) for a, b, c, d in boxes]

    return find


def count(still: Still, found: list[Box]) -> tuple[int, int, int, int]:
    """Faces found, faces, right detections, detections; the last two are 0 for incomplete pictures."""
    overlaps = np.array([[overlap(truth, box) for box in found] for truth in still.boxes])
    overlaps = overlaps.reshape(len(still.boxes), len(found))
    # Pairs that overlap enough come first, so that the number of matches is the largest possible.
    pairs = linear_sum_assignment(-1.0 * (overlaps >= IOU) - 1e-3 * overlaps)
    hits = int((overlaps[pairs] >= IOU).sum())
    return hits, len(still.boxes), hits * still.complete, len(found) * still.complete


def scores(counts: NDArray[np.int64]) -> dict[str, Any]:
    """Recall and precision with their intervals."""
    rng = np.random.default_rng(0)
    draws = counts[rng.integers(0, len(counts), (2000, len(counts)))].sum(1)
    total = counts.sum(0)

    def rate(up: int, down: int) -> dict[str, Any]:
        low, high = np.percentile(draws[:, up] / np.maximum(draws[:, down], 1), [2.5, 97.5])
        return {
            "value": round(float(total[up] / total[down]), 4),
            "interval": [round(float(low), 4), round(float(high), 4)],
        }

    return {
        "recall": rate(0, 1),
        "precision": rate(2, 3),
        "faces": int(total[1]),
        "found": int(total[0]),
        "detections_on_complete_pictures": int(total[3]),
    }


def main() -> None:
    """Measure both and write the result; exit code 1 when ours is more than a point worse."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    folder = (parser.parse_args().data or record.data_folder()) / "media"
    if not (folder / "stills" / "boxes.csv").is_file():
        raise SystemExit(f"no stills at {folder / 'stills'}; name the folder of data sets with --data")
    stills = read_stills(folder)
    results: dict[str, Any] = {"pictures": len(stills), "iou": IOU, "min_face": MIN_FACE}
    for name, find in (("ours", ours()), ("facenet_pytorch", theirs())):
        pictures = [(still, np.asarray(Pictures.open(still.path).convert("RGB"))) for still in stills]
        results[name] = scores(np.array([count(still, find(picture)) for still, picture in pictures]))
        print(name, results[name])
    worse = {
        key: round(results["facenet_pytorch"][key]["value"] - results["ours"][key]["value"], 4)
        for key in ("recall", "precision")
    }
    record.write("detection", results | {"worse_by": worse, "allowed": ALLOWED_LOSS})
    if max(worse.values()) > ALLOWED_LOSS:
        raise SystemExit(f"worse than facenet-pytorch by {worse}")


if __name__ == "__main__":
    main()
