"""Toy detector and reader whose truth is painted into the picture."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from mer_batch.classifier import Classifier
from mer_batch.face.crop import crop_face
from mer_batch.face.detect import Detection, Detector
from mer_batch.face.identity import Embedder
from mer_batch.face.read import FaceReadings, numbered, watch_faces
from mer_batch.nets.store import ModelCard
from mer_batch.types import Box, Floats, Frame, Image

TOY_INPUT = {"size": 24, "channels": 1, "margin": 0.0, "shift": 0.0, "square": True, "mean": 0.5, "std": 0.25}


def read_faces(
    frames: Iterable[Frame], reader: Classifier[Image], embedder: Embedder | None = None, **options: Any
) -> FaceReadings:
    """Faces of frames as the pipeline reads them; `options` are those of `watch_faces`."""
    return numbered(watch_faces(frames, reader, embedder=embedder, **options), embedder)


class SquareDetector(Detector):
    """Takes every pure red rectangle for a face; its green value, if any, lowers the score."""

    def __init__(self) -> None:
        self.searched = 0

    def detect(self, images: Sequence[Image]) -> list[list[Detection]]:
        from scipy.ndimage import label

        self.searched += len(images)
        result = []
        for image in images:
            marked, count = label((image[..., 0] > 200) & (image[..., 2] < 60))
            result.append([_face_of(image, marked == number) for number in range(1, count + 1)])
        return result


def _face_of(image: Image, mask: np.ndarray) -> Detection:
    rows, columns = mask.any(1).nonzero()[0], mask.any(0).nonzero()[0]
    height, width = mask.shape
    box = (columns[0] / width, rows[0] / height, (columns[-1] + 1) / width, (rows[-1] + 1) / height)
    return Detection(box, five_points(box), 1.0 - float(image[mask][0, 1]) / 255)


def five_points(box: Box) -> tuple[tuple[float, float], ...]:
    """Landmarks of a frontal face that fills a box."""
    left, top, right, bottom = box
    shares = ((0.3, 0.38), (0.7, 0.38), (0.5, 0.58), (0.34, 0.77), (0.66, 0.77))
    return tuple((left + x * (right - left), top + y * (bottom - top)) for x, y in shares)


class GreenEmbedder(Embedder):
    """Knows people by the green of their face, whatever they wear: two apart are two people."""

    name = "green"
    same = 0.5

    def cut(self, image: Image, face: Detection) -> Image:
        return crop_face(image, face.box, {"size": 16, "margin": -0.3})

    def embed(self, crops: Sequence[Image]) -> Floats:
        return np.array([[crop[..., 1].mean() / 2, 0] for crop in crops], np.float32)


class BrightnessReader(Classifier[Image]):
    """Reads bright crops as happy and dark ones as sad."""

    card = ModelCard("toy", "face", "none", {}, TOY_INPUT, data="none", licence="none")

    def logits(self, items: Sequence[Image]) -> Floats:
        scores = np.zeros((len(items), 7), np.float32)
        light = np.array([item.mean() / 255 for item in items])
        scores[:, self.card.labels.index("happy")] = 8 * light
        scores[:, self.card.labels.index("sad")] = 8 * (1 - light)
        return scores
