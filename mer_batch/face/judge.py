"""Faces judged and cut as they come, and classified many at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from mer_batch.classifier import Classifier
from mer_batch.face.crop import crop_face
from mer_batch.face.log import Record
from mer_batch.face.quality import UNREADABLE_SIZE, assess
from mer_batch.face.track import Sighting
from mer_batch.types import Box, FaceQuality, Frame, Image

_UNREADABLE_QUALITY: Final = 0.02


class Judge:
    """Reads the faces of frames with `classifier`, those of `batch` frames in one go."""

    def __init__(self, classifier: Classifier[Image], batch: int) -> None:
        self._classifier, self._batch = classifier, batch
        self._records: list[Record] = []
        self._crops: dict[int, Image] = {}
        """Of the records that wait to be read, by their place."""

    def take(self, frame: Frame, number: int, faces: Sequence[Sighting] | None) -> list[FaceQuality]:
        """Take the faces of the frame with a number; returns how good they are."""
        qualities = [assess(frame.image, seen.face) for seen in faces or ()]
        for seen, quality in zip(faces or (), qualities, strict=True):
            if readable(quality):
                crop = crop_face(frame.image, seen.face.box, self._classifier.card.input, seen.face.landmarks)
                self._crops[len(self._records)] = crop
            self._records.append(Record(number, seen.trail, clipped(seen.face.box), quality, None))
        if (number + 1) % self._batch == 0:
            self._read()
        return qualities

    def _read(self) -> None:
        rows = self._classifier.predict(list(self._crops.values()))
        for place, row in zip(self._crops, rows, strict=True):
            self._records[place] = replace(self._records[place], probabilities=tuple(float(p) for p in row))
        self._crops.clear()

    def finish(self) -> tuple[Record, ...]:
        """The records of all frames."""
        self._read()
        return tuple(self._records)


def why_not(quality: FaceQuality) -> str:
    """Why a face was not read."""
    if quality.size < UNREADABLE_SIZE:
        return "face too small"
    return f"face not readable: {', '.join(quality.flags) or 'too unclear'}"


def readable(quality: FaceQuality) -> bool:
    """Whether a face is read."""
    return quality.size >= UNREADABLE_SIZE and quality.score >= _UNREADABLE_QUALITY


def clipped(box: Box) -> Box:
    """What of a box lies in the picture."""
    left, top, right, bottom = (min(max(edge, 0.0), 1.0) for edge in box)
    return left, top, right, bottom
