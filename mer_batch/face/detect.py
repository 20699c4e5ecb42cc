"""Finding faces in pictures: the interface, and the cascade of P-Net, R-Net and O-Net behind it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from mer_batch.types import Box, Image

if TYPE_CHECKING:
    from mer_batch.face.cascade import Candidates
    from mer_batch.face.levels import Levels

_VIDEO_SHARE: Final = 24
_VIDEO_LEAST: Final = 24.0
_WORK: Final = 24.0  # R-Net's input: the smallest face is scaled down to this many pixels, not further
_SHIFTS: Final = (-0.2, 0.0, 0.2)
_ROOM: Final = 0.75  # of the longer side of a box, on each side
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
            at least 24, about the smallest that emotions can be read from.
        batch: pictures of one size that are worked on together.
    """

    def __init__(self, device: str = "auto", min_face: float | None = None, batch: int = 8) -> None:
        from mer_batch.face.cascade import load_cascade
        from mer_batch.nets.device import pick_device

        if min_face is not None and not min_face >= 12:
            raise ValueError(f"min_face must be at least 12 pixels, got {min_face}")
        self.min_face = min_face
        self.batch = batch
        self._cascade = load_cascade(pick_device(device))

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
        frames = self._frames(images, self._scale(height, width))
        found = self._cascade.detect(frames, smallest * frames.sizes[0][0] / height)
        faces = _detections(found, frames)
        owner = found.frame.tolist()
        return [[face for face, of in zip(faces, owner, strict=True) if of == i] for i in range(len(images))]

    def refine(self, image: Image, boxes: Sequence[Box]) -> list[Detection | None]:
        """See `Detector.refine`: O-Net on each box, and where that fails R-Net and O-Net around it."""
        if not boxes:
            return []
        from mer_batch.face.levels import Scaled

        window = _Window.around(image, boxes)
        frames = Scaled(window.cut(image), self._scale(*image.shape[:2]), self._cascade.device)
        near = [window.into(box) for box in boxes]
        found = self._cascade.answer(frames, self._at(near, frames))
        threshold = self._cascade.thresholds[2]
        faces = [
            face if face.score > threshold and overlap(face.box, box) > 0.3 else self._search(frames, box)
            for face, box in zip(_detections(found, frames), near, strict=True)
        ]
        return [window.out_of(face) if face else None for face in faces]

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
        return self.min_face or max(_VIDEO_LEAST, min(height, width) / _VIDEO_SHARE)

    def _scale(self, height: int, width: int) -> float:
        """How far pictures of a size are scaled down: as far as the smallest face allows."""
        scale = _WORK / self._smallest(height, width)
        return scale if scale < 0.9 else 1.0

    def _frames(self, images: Sequence[Image], scale: float) -> Levels:
        """The pictures on the device, scaled."""
        import torch
        from PIL import Image as Pictures

        from mer_batch.face.levels import Levels

        height, width = images[0].shape[:2]
        if scale < 1:
            size = max(1, round(width * scale)), max(1, round(height * scale))
            images = [np.asarray(Pictures.fromarray(i).resize(size, Pictures.Resampling.BOX)) for i in images]
        return Levels(torch.from_numpy(np.stack(images)).to(self._cascade.device))

    def _at(self, boxes: Sequence[Box], frames: Levels) -> Candidates:
        import torch

        from mer_batch.face.cascade import Candidates

        device = self._cascade.device
        pixels = torch.tensor(boxes, dtype=torch.float32, device=device) * frames.width_height.repeat(2)
        count = len(boxes)
        return Candidates(
            pixels,
            torch.ones(count, device=device),
            torch.zeros(count, dtype=torch.long, device=device),
            torch.zeros(count, 5, 2, device=device),
        )


@dataclass(frozen=True, slots=True)
class _Window:
    """The part of a picture (fractions) in which known faces are looked for: the rest need not be touched."""

    box: Box

    @staticmethod
    def around(image: Image, boxes: Sequence[Box]) -> _Window:
        """A window with room around all boxes for faces that moved, on whole pixels."""
        height, width = image.shape[:2]
        room = [max((b[2] - b[0]) * width, (b[3] - b[1]) * height) * _ROOM for b in boxes]
        left = min(max(int(b[0] * width - r), 0) for b, r in zip(boxes, room, strict=True))
        top = min(max(int(b[1] * height - r), 0) for b, r in zip(boxes, room, strict=True))
        right = max(min(int(b[2] * width + r) + 1, width) for b, r in zip(boxes, room, strict=True))
        bottom = max(min(int(b[3] * height + r) + 1, height) for b, r in zip(boxes, room, strict=True))
        # A box that has left the picture altogether leaves a sliver, in which nothing is found.
        left, top = min(left, width - 1), min(top, height - 1)
        right, bottom = max(right, left + 1), max(bottom, top + 1)
        return _Window((left / width, top / height, right / width, bottom / height))

    def cut(self, image: Image) -> Image:
        """The pixels of the window."""
        height, width = image.shape[:2]
        left, top, right, bottom = self.box
        return image[round(top * height) : round(bottom * height), round(left * width) : round(right * width)]

    def into(self, box: Box) -> Box:
        """A box of the picture as one of the window."""
        (left, top), (right, bottom) = self._inner(box[0], box[1]), self._inner(box[2], box[3])
        return left, top, right, bottom

    def out_of(self, face: Detection) -> Detection:
        """A face of the window as one of the picture."""
        (left, top), (right, bottom) = self._outer(*face.box[:2]), self._outer(*face.box[2:])
        return Detection((left, top, right, bottom), tuple(self._outer(x, y) for x, y in face.landmarks), face.score)

    def _inner(self, x: float, y: float) -> tuple[float, float]:
        left, top, right, bottom = self.box
        return (x - left) / (right - left), (y - top) / (bottom - top)

    def _outer(self, x: float, y: float) -> tuple[float, float]:
        left, top, right, bottom = self.box
        return left + x * (right - left), top + y * (bottom - top)


def _detections(found: Candidates, frames: Levels) -> list[Detection]:
    size = frames.width_height
    boxes = (found.boxes / size.repeat(2)).tolist()
    points = (found.points / size).tolist()
    return [
        Detection((box[0], box[1], box[2], box[3]), tuple((x, y) for x, y in five), score)
        for box, five, score in zip(boxes, points, found.scores.tolist(), strict=True)
    ]
