"""Finding faces in pictures: the interface, and the cascade of P-Net, R-Net and O-Net behind it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from mer_batch.types import Box, Image

if TYPE_CHECKING:
    from torch import Tensor

    from mer_batch.face.cascade import Candidates, Levels

STILLS_MIN_FACE: Final = 20.0
"""Smallest face looked for in stills, in pixels: facenet-pytorch's default."""
_VIDEO_SHARE: Final = 24
_WORK: Final = 24.0  # R-Net's input: the smallest face is scaled down to this many pixels, not further
_SHIFTS: Final = (-0.2, 0.0, 0.2)
_GROWTHS: Final = (0.8, 1.0, 1.25)


@dataclass(frozen=True, slots=True)
class Detection:
    """A face: box in fractions of the picture (it may reach beyond the edges), landmarks, score in [0, 1].

    Landmarks are left eye, right eye, nose, left and right mouth corner as the viewer sees them.
    """

    box: Box
    landmarks: tuple[tuple[float, float], ...]
    score: float

    def __post_init__(self) -> None:
        left, top, right, bottom = self.box
        if not (left < right and top < bottom):
            raise ValueError(f"a box needs left < right and top < bottom, got {self.box}")
        if len(self.landmarks) != 5:
            raise ValueError(f"expected five landmarks, got {len(self.landmarks)}")


def overlap(first: Box, second: Box) -> float:
    """Intersection over union of two boxes."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    if width <= 0 or height <= 0:
        return 0.0
    both = width * height
    return both / (area(first) + area(second) - both)


def area(box: Box) -> float:
    """The area of a box."""
    return (box[2] - box[0]) * (box[3] - box[1])


class Detector(ABC):
    """Finds faces. One method is required; `refine` may be replaced by something faster."""

    @abstractmethod
    def detect(self, images: Sequence[Image]) -> list[list[Detection]]:
        """The faces in each picture, best first. Pictures may differ in size."""

    def refine(self, image: Image, boxes: Sequence[Box]) -> list[Detection | None]:
        """For each box the face that is now near it, or None when it is gone."""
        if not boxes:
            return []
        found = self.detect([image])[0]
        best = [max(found, key=lambda face: overlap(face.box, box), default=None) for box in boxes]
        return [face if face and overlap(face.box, box) > 0.3 else None for face, box in zip(best, boxes, strict=True)]


class CascadeDetector(Detector):
    """P-Net, R-Net and O-Net of facenet-pytorch with its bundled weights, in batches on one device.

    Args:
        device: as for `pick_device`.
        min_face: smallest face in pixels of the picture; None means a 24th of its shorter side but
            at least 20, which is what emotions can be read from in video.
        batch: pictures of one size that are worked on together.
    """

    def __init__(self, device: str = "auto", min_face: float | None = None, batch: int = 8) -> None:
        from mer_batch.face.cascade import Cascade
        from mer_batch.nets.device import pick_device

        if min_face is not None and not min_face >= 12:
            raise ValueError(f"min_face must be at least 12 pixels, got {min_face}")
        self.min_face = min_face
        self.batch = batch
        self._cascade = Cascade(pick_device(device))

    def detect(self, images: Sequence[Image]) -> list[list[Detection]]:
        """See `Detector.detect`."""
        result: list[list[Detection]] = [[] for _ in images]
        by_shape: dict[tuple[int, ...], list[int]] = {}
        for position, image in enumerate(images):
            by_shape.setdefault(image.shape, []).append(position)
        for positions in by_shape.values():
            for start in range(0, len(positions), self.batch):
                chunk = positions[start : start + self.batch]
                for position, faces in zip(chunk, self._detect_alike([images[i] for i in chunk]), strict=True):
                    result[position] = faces
        return result

    def _detect_alike(self, images: list[Image]) -> list[list[Detection]]:
        height, width = images[0].shape[:2]
        smallest = self._smallest(height, width)
        frames = self._frames(images)
        found = self._cascade.detect(frames, smallest * frames[0].shape[2] / height)
        faces = _detections(found, frames)
        owner = found.frame.tolist()
        return [[face for face, of in zip(faces, owner, strict=True) if of == i] for i in range(len(images))]

    def refine(self, image: Image, boxes: Sequence[Box]) -> list[Detection | None]:
        """See `Detector.refine`: O-Net on each box, and where that fails R-Net and O-Net around it."""
        if not boxes:
            return []
        frames = self._frames([image])
        found = self._cascade.answer(frames, self._at(boxes, frames))
        threshold = self._cascade.thresholds[2]
        faces = [
            face if face.score > threshold and overlap(face.box, box) > 0.3 else None
            for face, box in zip(_detections(found, frames), boxes, strict=True)
        ]
        return [face or self._search(frames, box) for face, box in zip(faces, boxes, strict=True)]

    def _search(self, frames: Levels, box: Box) -> Detection | None:
        """The face nearest to a box, from a grid of shifted and scaled boxes."""
        width, height = box[2] - box[0], box[3] - box[1]
        around: list[Box] = []
        for growth in _GROWTHS:
            for dx in _SHIFTS:
                for dy in _SHIFTS:
                    x, y = (box[0] + box[2]) / 2 + dx * width, (box[1] + box[3]) / 2 + dy * height
                    w, h = growth * width / 2, growth * height / 2
                    around.append((x - w, y - h, x + w, y + h))
        found = self._cascade.filter(frames, self._at(around, frames))
        if not len(found.scores):
            return None
        faces = _detections(self._cascade.locate(frames, found), frames)
        return next((face for face in faces if overlap(face.box, box) > 0.3), None)

    def _smallest(self, height: int, width: int) -> float:
        return self.min_face or max(STILLS_MIN_FACE, min(height, width) / _VIDEO_SHARE)

    def _frames(self, images: Sequence[Image]) -> Levels:
        """The pictures on the device, scaled down as far as the smallest face allows."""
        import torch
        from PIL import Image as Pictures

        from mer_batch.face.cascade import prepare

        height, width = images[0].shape[:2]
        scale = _WORK / self._smallest(height, width)
        if scale < 0.9:
            size = max(1, round(width * scale)), max(1, round(height * scale))
            images = [np.asarray(Pictures.fromarray(i).resize(size, Pictures.Resampling.BOX)) for i in images]
        return prepare(torch.from_numpy(np.stack(images)).to(self._cascade.device))

    def _at(self, boxes: Sequence[Box], frames: Levels) -> Candidates:
        import torch

        from mer_batch.face.cascade import Candidates

        device = self._cascade.device
        pixels = torch.tensor(boxes, dtype=torch.float32, device=device) * _size(frames).repeat(2)
        count = len(boxes)
        return Candidates(
            pixels,
            torch.ones(count, device=device),
            torch.zeros(count, dtype=torch.long, device=device),
            torch.zeros(count, 5, 2, device=device),
        )


def _size(frames: Levels) -> Tensor:
    return frames[0].new_tensor([frames[0].shape[3], frames[0].shape[2]])


def _detections(found: Candidates, frames: Levels) -> list[Detection]:
    size = _size(frames)
    boxes = (found.boxes / size.repeat(2)).tolist()
    points = (found.points / size).tolist()
    return [
        Detection((box[0], box[1], box[2], box[3]), tuple((x, y) for x, y in five), score)
        for box, five, score in zip(boxes, points, found.scores.tolist(), strict=True)
    ]
