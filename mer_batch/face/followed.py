"""Faces found and followed on threads of their own, while those of the frames before are read.

Three things go on beside each other: cuts are found, faces are searched and followed, and whoever takes what comes of
it reads them. Each works on its frames in order, so that what is found does not depend on which of them is faster.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from itertools import islice
from typing import Any, Final, NamedTuple, TypeAlias

from mer_batch.face.cuts import CutFinder
from mer_batch.face.track import Sighting, Tracker
from mer_batch.media.ahead import Ahead
from mer_batch.types import Frame, Image

READABLE_DAMAGE: Final = 0.4
"""Share of a picture that the decoder made up, to which a face in it is read: `media.journal` has the measurement."""

_Looked: TypeAlias = tuple[Frame, "bool | None", Image]
"""A frame, whether it begins a shot, None where it is too damaged to tell, and a small grey copy of it."""


class Seen(NamedTuple):
    """A frame, whether it begins a shot, the faces in it, None where it is too damaged to look, and a grey copy."""

    frame: Frame
    cut: bool
    faces: list[Sighting] | None
    small: Image
    """See `CutFinder.small`; of a frame that is too damaged that of another one."""


def followed(frames: Iterable[Frame], tracker: Tracker, batch: int) -> Ahead[Seen]:
    """What `tracker` sees in the frames, given `batch` of them at a time; to be closed."""
    looked = Ahead(_looked(frames), _nothing, _bytes)

    def steps() -> Generator[Seen, None, None]:
        source = iter(looked)
        while part := list(islice(source, batch)):
            whole = [(frame, cut) for frame, cut, _ in part if cut is not None]
            sightings = tracker.each([frame for frame, _ in whole], [cut for _, cut in whole])
            for frame, cut, small in part:
                yield Seen(frame, bool(cut), None if cut is None else next(sightings), small)

    return Ahead(steps(), looked.close, _bytes)


def _looked(frames: Iterable[Frame]) -> Generator[_Looked, None, None]:
    finder = CutFinder()
    for frame in frames:
        cut = finder.begins_shot(frame.image) if frame.damage <= READABLE_DAMAGE else None
        yield frame, cut, finder.small


def _nothing() -> None:
    """What decodes goes on to its next picture, where it learns that no more are wanted."""


def _bytes(item: tuple[Any, ...]) -> int:
    frame: Frame = item[0]
    return frame.image.nbytes
