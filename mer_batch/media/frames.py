"""Pictures with their true times, decoded by ffmpeg in constant memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable
from contextlib import closing
from typing import Final

import numpy as np

from mer_batch.errors import InputError, UsageError
from mer_batch.media.parts import stretches
from mer_batch.media.process import Warn, can_seek
from mer_batch.media.shoot import Shoot
from mer_batch.media.told import Told
from mer_batch.types import Frame, Media

_JUST_BEFORE: Final = 0.001
_AFTER: Final = 2.0
_BEFORE: Final = 10.0
"""Seconds around a time in which a picture is looked for."""
_SHORT: Final = 5.0
"""Seconds of a file up to which several pictures are taken from one pass."""


def check_range(start: float, end: float | None) -> None:
    """Raise `UsageError` unless 0 <= start < end."""
    if not start >= 0 or (end is not None and not end > start):
        raise UsageError(f"a time range needs 0 <= start < end, got {start} .. {end}")


def read_frames(
    media: Media,
    fps: float = 5.0,
    start: float = 0.0,
    end: float | None = None,
    on_warning: Warn | None = None,
    *,
    grid: float | None = None,
) -> Generator[Frame, None, None]:
    """The pictures of `media` in [start, end), at most `fps` a second, upright and with square pixels.

    Times are presentation times: of each step of 1/fps seconds, counted from `grid` (from `start` if that is None),
    the first picture is taken; a step without a picture yields none. The size changes where that of the pictures does.
    What damage took away comes as one black picture with `damage` 1. ffmpeg starts at once; closing the generator
    ends it.

    Raises `UsageError` for a bad range or rate, `InputError` where there is no video or nothing decodes;
    what is damaged or changes after the first picture goes to `on_warning`, a sentence each.
    """
    check_range(start, end)
    if not 0 < fps < float("inf"):
        raise UsageError(f"the frame rate must be a number above 0, got {fps}")
    if media.video is None:
        raise InputError(f"{media.path.name!r} has no video")
    told = Told()
    frames = _frames(media, fps, (start, end), told, grid)
    # Begun here, so that ffmpeg is at work while the caller loads what will look at the pictures.
    return _told(next(frames, None), frames, told, on_warning)


def _told(
    first: Frame | None, rest: Generator[Frame | None, None, None], told: Told, on_warning: Warn | None
) -> Generator[Frame, None, None]:
    if first is not None:
        yield first
    with closing(rest):
        for frame in rest:
            if frame is not None:
                yield frame
    if on_warning is not None:
        for sentence in told.sentences():
            on_warning(sentence)


def _frames(
    media: Media, fps: float, span: tuple[float, float | None], told: Told, grid: float | None = None
) -> Generator[Frame | None, None, None]:
    """The pictures of all recordings; None says that ffmpeg has begun."""
    last: int | None = None
    for part in stretches(media, *span):
        begin = part.start + part.shift
        if part.media.video is None:
            told.lost(begin, "there are no pictures for a while")
            yield _nothing(media, begin)
            continue
        shoot = Shoot(part, fps, span[0] if grid is None else grid, last, told)
        try:
            with closing(shoot.frames()) as frames:
                yield from frames
        except InputError as error:
            if not media.parts:
                raise
            told.lost(begin, str(error))
            yield _nothing(media, begin)
        last = shoot.last


def _nothing(media: Media, time: float) -> Frame:
    """What stands for pictures that are not there."""
    assert media.video is not None
    return Frame(time, np.zeros((media.video.height, media.video.width, 3), dtype=np.uint8), 1.0)


def grab_frame(media: Media, time: float) -> Frame | None:
    """The first whole picture at or up to 2 s after `time`, else the last one in the 10 s before; None if neither."""
    return None if media.video is None else _grab(media, time, Told())


def grab_frames(media: Media, times: Iterable[float]) -> Generator[tuple[float, Frame | None], None, None]:
    """(time, what `grab_frame` gives) for each of `times`, in their order on the clock; None also for what fails.

    Where decoding cannot begin at any place, all come from one pass over the file, up to 0.2 s late.
    """
    todo = deque(sorted(set(times)))
    told = Told()
    # To start ffmpeg costs more than to decode some seconds.
    quick = media.video is not None and can_seek(media) and not (len(todo) > 1 and todo[-1] < _SHORT)
    while todo and quick:
        time = todo.popleft()
        try:
            yield time, _grab(media, time, told)
        except (InputError, ChildProcessError):
            yield time, None
        quick = not told.sought_in_vain
    if todo:
        yield from _pass(media, todo)


def _grab(media: Media, time: float, told: Told) -> Frame | None:
    start = max(0.0, time - _JUST_BEFORE)
    with closing(_frames(media, 1.0, (start, start + _AFTER), told)) as frames:
        found = next((frame for frame in frames if frame is not None and frame.damage < 1), None)
    if found is not None or start == 0:
        return found
    for frame in _frames(media, 5.0, (max(0.0, start - _BEFORE), start), told):
        found = frame if frame is not None and frame.damage < 1 else found
    return found


def _pass(media: Media, todo: deque[float]) -> Generator[tuple[float, Frame | None], None, None]:
    """The same for many times at once, pictures in order."""
    before: Frame | None = None
    try:
        with closing(read_frames(media, start=max(0.0, todo[0] - _BEFORE))) as frames:
            for frame in frames:
                while todo and frame.damage < 1 and frame.time >= todo[0] - _JUST_BEFORE:
                    time = todo.popleft()
                    yield time, frame if frame.time <= time + _AFTER else _near(before, time)
                before = frame if frame.damage < 1 else before
                if not todo:
                    return
    except (InputError, ChildProcessError):
        pass  # nothing more is to be had
    for time in todo:
        yield time, _near(before, time)


def _near(frame: Frame | None, time: float) -> Frame | None:
    return frame if frame is not None and frame.time >= time - _BEFORE else None
