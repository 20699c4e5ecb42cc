"""A long film in pieces: only pictures are split, since they are the cost; sound and words of a file stay one work."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from mer_batch import media
from mer_batch.face.joints import WARM, WARM_FRAMES
from mer_batch.face.liveness import APART
from mer_batch.media.process import can_seek
from mer_batch.media.told import EARLIER
from mer_batch.types import Frame, Media

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from mer_batch.classifier import Classifier
    from mer_batch.config import Options
    from mer_batch.face.identity import Embedder
    from mer_batch.face.log import FaceLog
    from mer_batch.face.mouth import MouthWatcher
    from mer_batch.types import Image

_WORTH: Final = 1.5
"""Lengths of a piece from which a film is split."""
_EARLY: Final = 0.002
"""A picture is on time up to these seconds early, as for `media.read_frames`."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Piece `number` (from 0) of `count`: its own are the pictures in [start, end), in seconds; read from `begin`."""

    number: int
    count: int
    begin: float
    start: float
    end: float | None


def plan(film: Media, options: Options, minutes: float) -> tuple[Piece, ...]:
    """The pieces of a film, about `minutes` long each; none where it is not worth it or cannot be."""
    if not is_long(film, options, minutes) or why_whole(film):
        return ()
    last = min(options.end or film.duration, film.duration)
    # Faces are compared in pairs of pictures: a piece begins with a pair.
    pair = math.ceil((APART - 1e-3) * options.fps) + 1
    steps = max(1, round(60 * minutes * options.fps / pair)) * pair
    count = math.floor((last - options.start) * options.fps / steps - _WORTH + 1) + 1
    warm = max(math.ceil(WARM * options.fps), WARM_FRAMES)
    return tuple(
        Piece(
            number,
            count,
            max(options.start, _time(number * steps - warm, options)),
            max(options.start, _time(number * steps, options)),
            _time((number + 1) * steps, options) if number < count - 1 else options.end,
        )
        for number in range(count)
    )


def is_long(film: Media, options: Options, minutes: float) -> bool:
    """Whether it is worth splitting, if it can be."""
    last = min(options.end or film.duration, film.duration)
    wanted = "face" in options.modalities and film.video is not None
    return wanted and minutes > 0 and last - options.start >= _WORTH * 60 * minutes


def why_whole(film: Media) -> str:
    """Why pictures of this file cannot be read from its middle exactly as from its start; empty where they can."""
    if film.parts or film.joins:
        return "recordings are joined in it"
    if film.untimed:
        return "its pictures have no times"
    return "" if can_seek(film) else "its container has no index"


def _time(step: int, options: Options) -> float:
    return options.start + step / options.fps - _EARLY


def read_piece(
    film: Media,
    options: Options,
    piece: Piece,
    reader: Classifier[Image],
    embedder: Embedder | None,
    look: Look,
    on_progress: Callable[[float], None],
) -> FaceLog:
    """What the pictures of a piece tell of faces."""
    from dataclasses import replace

    from mer_batch.face.read import Range, watch_faces

    said: list[str] = []
    end = None if piece.end is None else piece.end + _EARLY
    frames, watcher = watched(film, options, look.mouths, (piece.begin, end), said.append)
    last = piece.number == piece.count - 1
    with closing(frames):
        log = watch_faces(
            _own(frames, piece),
            reader,
            device=options.device,
            embedder=embedder,
            watcher=watcher,
            on_progress=on_progress,
            piece=Range(piece.start, None if last else piece.end, piece_overlap(options), warm=piece.number > 0),
            pictures=look.pictures,
        )
    return replace(log, said=tuple(line for line in said if not line.endswith(EARLIER)))


class Look(NamedTuple):
    """What is looked at beside faces: whether `mouths` are watched, and small `pictures` kept for the report."""

    mouths: bool
    pictures: bool


def watched(
    film: Media, options: Options, mouths: bool, span: tuple[float, float | None], on_warning: Callable[[str], None]
) -> tuple[Generator[Frame, None, None], MouthWatcher | None]:
    """The pictures of a part of a film that faces are looked for in, being decoded, and what measures mouths in them.

    `span` in seconds; where mouths are watched there are more pictures between.
    """
    from mer_batch.face.mouth import MouthWatcher

    watcher = MouthWatcher(options.fps, options.start) if mouths else None
    rate = watcher.rate if watcher else options.fps
    return media.read_frames(film, rate, *span, on_warning, grid=options.start), watcher


def piece_overlap(options: Options) -> float:
    """Seconds that a piece and the one before it both see."""
    return max(math.ceil(WARM * options.fps), WARM_FRAMES) / options.fps


def _own(frames: Generator[Frame, None, None], piece: Piece) -> Iterator[Frame]:
    """The frames up to the end of the piece: a picture a little early belongs to the next."""
    for frame in frames:
        if piece.end is None or piece.number == piece.count - 1 or frame.time < piece.end:
            yield frame
