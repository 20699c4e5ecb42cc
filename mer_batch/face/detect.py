"""Finding faces in pictures: the interface, and the cascade of P-Net, R-Net and O-Net behind it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mer_batch.types import Box, Image

if TYPE_CHECKING:
    from mer_batch.face.cascade import Candidates
    from mer_batch.face.views import Views

GLANCED: Final = 1 / 7
"""Share of a picture's shorter side from which a face is found at a glance."""
_GLANCE: Final = 2.0  # times the smallest face
_VIDEO_SHARE: Final = 24
_VIDEO_LEAST: Final = 24.0
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
    """Finds faces. One method is required; `glance` and `refine` may be replaced by something faster."""

    @abstractmethod
    def detect(self, images: Sequence[Image]) -> list[list[Detection]]:
        """The faces in each picture, best first. Pictures may differ in size."""

    def glance(self, images: Sequence[Image]) -> list[list[Detection]]:
        """The same for less: faces below `GLANCED` of the shorter side of their picture may be left out."""
        return self.detect(images)

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
        return self._found(images)

    def glance(self, images: Sequence[Image]) -> list[list[Detection]]:
        """See `Detector.glance`: faces twice as large as the smallest, for a third of the time."""
        return self._found(images, glance=True)

    def _found(self, images: Sequence[Image], glance: bool = False) -> list[list[Detection]]:
        result: list[list[Detection]] = [[] for _ in images]
        by_shape: dict[tuple[int, ...], list[int]] = {}
        for position, image in enumerate(images):
            by_shape.setdefault(image.shape, []).append(position)
        for positions in by_shape.values():
            for start in range(0, len(positions), self.batch):
                chunk = positions[start : start + self.batch]
                for position, faces in zip(chunk, self._detect_alike([images[i] for i in chunk], glance), strict=True):
                    result[position] = faces
        return result

    def _detect_alike(self, images: list[Image], glance: bool) -> list[list[Detection]]:
        from mer_batch.face.views import Views

        views = Views(images, self._cascade.device)
        smallest = self._smallest(views.height, views.width)
        if glance:
            smallest = max(smallest, min(_GLANCE * smallest, GLANCED * min(views.height, views.width)))
        found = self._cascade.detect(views, smallest)
        faces = _detections(found, views)
        owner = found.frame.tolist()
        return [[face for face, of in zip(faces, owner, strict=True) if of == i] for i in range(len(images))]

    def refine(self, image: Image, boxes: Sequence[Box]) -> list[Detection | None]:
        """See `Detector.refine`: O-Net on each box, and where that fails R-Net and O-Net around it."""
        if not boxes:
            return []
        from mer_batch.face.views import Views

        views = Views([image], self._cascade.device)
        found = self._cascade.answer(views, self._at(boxes, views))
        threshold = self._cascade.thresholds[2]
        return [
            face if face.score > threshold and overlap(face.box, box) > 0.3 else self._search(views, box)
            for face, box in zip(_detections(found, views), boxes, strict=True)
        ]

    def _search(self, views: Views, box: Box) -> Detection | None:
        """The face nearest to a box, from a grid of shifted and scaled boxes."""
        width, height = box[2] - box[0], box[3] - box[1]
        around: list[Box] = []
        for growth in _GROWTHS:
            for dx in _SHIFTS:
                for dy in _SHIFTS:
                    x, y = (box[0] + box[2]) / 2 + dx * width, (box[1] + box[3]) / 2 + dy * height
                    w, h = growth * width / 2, growth * height / 2
                    around.append((x - w, y - h, x + w, y + h))
        found = self._cascade.filter(views, self._at(around, views))
        if not len(found.scores):
            return None
        faces = _detections(self._cascade.locate(views, found), views)
        return next((face for face in faces if overlap(face.box, box) > 0.3), None)

    def _smallest(self, height: int, width: int) -> float:
        return self.min_face or max(_VIDEO_LEAST, min(height, width) / _VIDEO_SHARE)

    def _at(self, boxes: Sequence[Box], views: Views) -> Candidates:
        import torch

        from mer_batch.face.cascade import Candidates

        device = self._cascade.device
        pixels = torch.tensor(boxes, dtype=torch.float32, device=device) * views.width_height.repeat(2)
        count = len(boxes)
        return Candidates(
            pixels,
            torch.ones(count, device=device),
            torch.zeros(count, dtype=torch.long, device=device),
            torch.zeros(count, 5, 2, device=device),
        )


def _detections(found: Candidates, views: Views) -> list[Detection]:
    size = views.width_height
    boxes = (found.boxes / size.repeat(2)).tolist()
    points = (found.points / size).tolist()
    return [
        Detection((box[0], box[1], box[2], box[3]), tuple((x, y) for x, y in five), score)
        for box, five, score in zip(boxes, points, found.scores.tolist(), strict=True)
    ]
