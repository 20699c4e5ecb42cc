"""Small pictures for the report, taken while faces are read, so that no film is decoded again for them.

Which of them will be shown is known at the end. So of every face one is kept in each half second of the file's clock,
and of every shot one, a second after it begins. That does not depend on where a film is divided: what two pieces keep,
put together, is what the whole keeps. They go with what the stage keeps, and where faces must not be seen none is made.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from mer_batch.face.scaled import shrunk
from mer_batch.types import Box, Frame, Image

HEIGHT: Final = 96
"""Pixels; enough to recognise an expression, small enough to inline dozens."""
CELL: Final = 0.5
"""Seconds of which one picture of a face is kept."""
LONGEST: Final = 1200.0
"""Seconds of film from which none are kept: what would not be shown is then more than what is decoded again."""
INTO: Final = 1.0
"""Seconds after its beginning at which a shot is shown."""
_QUALITY: Final = 80
_LATE: Final = 1e-3  # seconds


@dataclass(frozen=True, slots=True)
class Glimpse:
    """A picture at a time in seconds as JPEG: of the face in a box, else of all that was seen.

    `trail` is that of the face, `cell` the number of its half second; of a whole picture the first is None and `cell`
    is when its shot began, in seconds.
    """

    time: float
    picture: bytes
    box: Box | None = None
    trail: int | None = None
    cell: float = 0.0


class GlimpseKeeper:
    """Takes them while frames come in order."""

    def __init__(self, begun: bool = False) -> None:
        """`begun`: the first frame stands in the middle of a shot, as in a piece of a film."""
        self._faces: dict[tuple[int, float], Glimpse] = {}
        self._shots: list[Glimpse] = []
        self._shot: float | None = None
        self._waiting: Frame | None = None
        self._begun = begun

    def see(self, frame: Frame, cut: bool, faces: Iterable[tuple[int, Box]], own: bool = True) -> None:
        """Take a frame, whether it begins a shot, and the trails and boxes of the faces in it that can be read.

        Of frames that are not the piece's `own` only the cuts are taken.
        """
        if cut or not self._begun:
            self._shoot()
            self._shot, self._begun = frame.time, True
        if frame.damage or not own:
            return
        for trail, box in faces:
            cell = float(frame.time // CELL)
            if (trail, cell) not in self._faces:
                self._faces[trail, cell] = Glimpse(frame.time, small_picture(frame.image, box), box, trail, cell)
        if self._shot is not None and frame.time <= self._shot + INTO + _LATE:
            self._waiting = frame
        else:
            self._shoot()

    def _shoot(self) -> None:
        """Keep the picture that was the last one in time."""
        if self._waiting is not None and self._shot is not None:
            picture = small_picture(self._waiting.image)
            self._shots.append(Glimpse(self._waiting.time, picture, cell=self._shot))
        self._waiting = None

    def finish(self) -> tuple[Glimpse, ...]:
        """All of them, in order of time."""
        self._shoot()
        return in_order([*self._faces.values(), *self._shots])


def in_order(glimpses: Iterable[Glimpse]) -> tuple[Glimpse, ...]:
    """Pictures by time, whole ones first, then by trail."""
    return tuple(sorted(glimpses, key=lambda one: (one.time, -1 if one.trail is None else one.trail)))


def both(first: Iterable[Glimpse], second: Iterable[Glimpse], trails: Mapping[int, int]) -> tuple[Glimpse, ...]:
    """Those of a film from those of its parts; `trails` says which trail there each of the `second` goes on."""
    found = {(one.trail, one.cell): one for one in first}
    for one in second:
        if one.trail is None:
            found[None, one.cell] = one  # a shot goes on behind the joint
        elif one.trail in trails:
            trail = trails[one.trail]
            found.setdefault((trail, one.cell), Glimpse(one.time, one.picture, one.box, trail, one.cell))
    return in_order(found.values())


def small_picture(image: Image, box: Box | None = None) -> bytes:
    """A picture, or the face in its `box` with what is around it, at most `HEIGHT` pixels high, as JPEG."""
    from PIL import Image as Pictures

    height, width = image.shape[:2]
    left, top, right, bottom = (0, 0, width, height) if box is None else _widened(box, width, height)
    part = image[top : max(bottom, top + 1), left : max(right, left + 1)]
    share = min(HEIGHT / part.shape[0], 2 * HEIGHT / part.shape[1], 1.0)
    if share < 1:
        part = shrunk(part, max(round(part.shape[1] * share), 1), max(round(part.shape[0] * share), 1))
    buffer = io.BytesIO()
    Pictures.fromarray(part).save(buffer, "JPEG", quality=_QUALITY)
    return buffer.getvalue()


def _widened(box: Box, width: int, height: int) -> tuple[int, int, int, int]:
    left, top, right, bottom = box[0] * width, box[1] * height, box[2] * width, box[3] * height
    half = 0.7 * max(right - left, bottom - top)
    x, y = (left + right) / 2, (top + bottom) / 2
    return int(max(x - half, 0)), int(max(y - half, 0)), int(min(x + half, width)), int(min(y + half, height))
