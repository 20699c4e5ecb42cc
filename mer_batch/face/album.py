"""Small pictures taken while faces are read, so that a report need not decode the recording again."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from mer_batch.face.track import Sighting
from mer_batch.types import Box, FaceQuality, Frame, Image

HEIGHT: Final = 96
"""Pixels; enough to recognise an expression, small enough to inline dozens."""
EVERY: Final = 0.5
"""Seconds of which the best picture of each face is kept."""
MOST_FACES: Final = 8192
"""Pictures of faces that are kept; of more every other is dropped, and from then on half as many are taken."""
MOST_SHOTS: Final = 40
_INTO_SHOT: Final = (0.0, 0.5, 1.0)  # seconds at which a shot is shown, whichever turns out to be its middle


@dataclass(frozen=True, slots=True)
class Picture:
    """A JPEG of the face on a trail, or of a whole picture (None), at a time in seconds."""

    time: float
    trail: int | None
    jpeg: bytes


class _Held(NamedTuple):
    step: int
    score: float
    frame: Frame
    box: Box


class Album:
    """Takes frames in order with the faces in them; one frame a face is held."""

    def __init__(self) -> None:
        self._shots: list[Picture] = []
        self._faces: list[Picture] = []
        self._best: dict[int, _Held] = {}
        self._every = EVERY
        self._begun = 0
        self._since = 0.0
        self._shown = 0

    def see(self, frame: Frame, cut: bool, faces: Sequence[Sighting], qualities: Sequence[FaceQuality]) -> None:
        """Take a whole frame; `cut` says that it begins a shot."""
        if cut or not self._begun:
            self._begun, self._since, self._shown = self._begun + 1, frame.time, 0
        due = _INTO_SHOT[self._shown] if self._begun <= MOST_SHOTS and self._shown < len(_INTO_SHOT) else float("inf")
        if frame.time - self._since >= due - 1e-3:
            self._shots.append(Picture(frame.time, None, jpeg(frame.image, None)))
            self._shown += 1
        step = int(frame.time / self._every)
        for trail in [trail for trail, held in self._best.items() if held.step != step]:
            self._keep(trail)
        for seen, quality in zip(faces, qualities, strict=True):
            held = self._best.get(seen.trail)
            if held is None or quality.score > held.score:
                self._best[seen.trail] = _Held(step, quality.score, frame, seen.face.box)

    def _keep(self, trail: int) -> None:
        held = self._best.pop(trail)
        self._faces.append(Picture(held.frame.time, trail, jpeg(held.frame.image, held.box)))
        if len(self._faces) > MOST_FACES:
            self._faces, self._every = self._faces[::2], 2 * self._every

    def finish(self) -> tuple[Picture, ...]:
        """All that were kept."""
        for trail in list(self._best):
            self._keep(trail)
        return (*self._shots, *self._faces)


def jpeg(image: Image, box: Box | None) -> bytes:
    """A picture, or the surroundings of a box in it, `HEIGHT` pixels high."""
    from PIL import Image as Pillow

    if box is not None:
        left, top, right, bottom = _widened(box, image.shape[1], image.shape[0])
        image = image[top:bottom, left:right]
    picture = Pillow.fromarray(image)
    picture.thumbnail((2 * HEIGHT, HEIGHT))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


def _widened(box: Box, width: int, height: int) -> tuple[int, int, int, int]:
    left, top, right, bottom = box[0] * width, box[1] * height, box[2] * width, box[3] * height
    half = 0.7 * max(right - left, bottom - top)
    x, y = (left + right) / 2, (top + bottom) / 2
    # A box that has left the picture altogether leaves a pixel at its edge.
    x0, y0 = min(int(max(x - half, 0)), width - 1), min(int(max(y - half, 0)), height - 1)
    return x0, y0, max(int(min(x + half, width)), x0 + 1), max(int(min(y + half, height)), y0 + 1)
