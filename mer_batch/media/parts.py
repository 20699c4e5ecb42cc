"""One clock for recordings that were joined in one file, each of which begins a clock of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final, NamedTuple

from mer_batch.types import AudioStream, Media, Part, VideoStream

_CONTINUES: Final = 0.1
"""Seconds by which a clock that goes on may be off, as in `scan`."""
_OVERLAP: Final = 0.25
"""Seconds of sound or pictures that may be cut at a join: what encoders put in front, and last packets."""
_NAMED: Final = 5
"""Joins that a note names one by one."""


class Stretch(NamedTuple):
    """What to read of one recording: from `start` to `end` on its own clock, which is `shift` behind the file's."""

    media: Media
    shift: float
    start: float
    end: float | None


def stretches(media: Media, start: float, end: float | None) -> Iterator[Stretch]:
    """The stretches of recordings that make up [start, end) of a file, in order."""
    if not media.parts:
        yield Stretch(media, 0.0, start, end)
    for part in media.parts:
        last = part.end if end is None else min(end, part.end)
        if part.start < last and start < last:
            begin = max(start, part.start) - part.shift
            yield Stretch(part.media, part.shift, max(0.0, begin), None if last == float("inf") else last - part.shift)


def joined(recordings: Sequence[Media], lost: int) -> Media:
    """One file from its recordings in order; `lost` more could not be read."""
    left_out = (f"{lost} of the recordings joined in this file cannot be read and are left out",) if lost else ()
    if len(recordings) == 1:
        return replace(recordings[0], notes=recordings[0].notes + left_out)
    parts = _aligned(recordings)
    first = next((part for part in parts if part.media.video is not None), None)
    audio = max((recording.audio for recording in recordings), key=len)
    notes = dict.fromkeys(note for recording in recordings for note in recording.notes)
    return replace(
        recordings[0],
        duration=round(max(part.shift + part.media.duration for part in parts), 6),
        video=None if first is None else _video(parts, first),
        audio=tuple(_audio(parts, number, stream) for number, stream in enumerate(audio)),
        subtitles=max((recording.subtitles for recording in recordings), key=len),
        notes=(*_told(parts), *left_out, *notes),
        extent=None,
        joins=tuple(recording.extent[0] for recording in recordings[1:] if recording.extent),
        parts=parts,
    )


def _aligned(recordings: Sequence[Media]) -> tuple[Part, ...]:
    shifts, starts = [0.0], [0.0]
    for before, after in pairwise(recordings):
        step, start = _continued(before, after) or _appended(before, after)
        starts.append(round(shifts[-1] + start, 6))
        shifts.append(round(shifts[-1] + step, 6))
    ends = [*starts[1:], float("inf")]
    return tuple(map(Part, recordings, shifts, starts, ends))


def _continued(before: Media, after: Media) -> tuple[float, float] | None:
    """(how far `after` is behind, where it begins) on the clock of `before`, if its time stamps simply go on."""
    behind = after.origin - before.origin
    return (behind, behind) if 0 <= behind - before.duration + _CONTINUES <= 2 * _CONTINUES else None


def _appended(before: Media, after: Media) -> tuple[float, float]:
    """The same where the clocks know nothing of each other: the first picture follows the last one.

    That is how players and ffmpeg (without -copyts) read on. Where much sound would be lost with that, or
    where there are no pictures, `after` begins when everything of `before` has ended.
    """
    ends, begins = _spans(before), _spans(after)
    both = [kind for kind in ends if kind in begins]
    steps = {kind: ends[kind][1] - begins[kind][0] for kind in both}
    if not both:
        return before.duration, before.duration
    main = both[0]
    if max(steps.values()) - steps[main] > _OVERLAP:
        step = max(steps.values())
        return step, step + min(begin for begin, _ in begins.values())
    return steps[main], ends[main][1]


def _spans(media: Media) -> dict[str, tuple[float, float]]:
    """When the pictures and each track begin and end, pictures first."""
    streams: list[tuple[str, VideoStream | AudioStream]] = [("video", media.video)] if media.video else []
    streams += [(f"track {number}", stream) for number, stream in enumerate(media.audio)]
    return {name: (stream.start, stream.start + (stream.duration or 0.0)) for name, stream in streams}


def _told(parts: Sequence[Part]) -> tuple[str, ...]:
    """What was assumed about the clock, as notes."""
    back, ahead = [], []
    for before, after in pairwise(parts):
        jump = after.media.origin - before.media.origin - before.media.duration
        place = f"{after.start:.2f} s"
        if jump > _CONTINUES:
            ahead.append(f"by {jump:.0f} s at {place}")
        elif jump < -_CONTINUES:
            back.append(f"at {place}")
    told = [f"{len(parts)} recordings are joined in this file, one after the other; times go on without a break"]
    if back:
        told.append(f"the clock in the file begins again {_listed(back)}; there a new recording is taken to begin")
    if ahead:
        told.append(
            f"the clock in the file jumps ahead {_listed(ahead)}; this is taken for the next recording, not for a pause"
        )
    return tuple(told)


def _listed(places: Sequence[str]) -> str:
    more = len(places) - _NAMED
    return ", ".join(places[:_NAMED]) + (f" and {more} more times" if more > 0 else "")


def _video(parts: Sequence[Part], first: Part) -> VideoStream:
    assert first.media.video is not None
    filmed = [part for part in parts if part.media.video is not None]
    start, end = _reach([(part.shift, part.media.video) for part in filmed])
    seconds = sum(part.media.video.duration or 0.0 for part in filmed if part.media.video)
    pictures = sum(
        (part.media.video.fps or 0.0) * (part.media.video.duration or 0.0) for part in filmed if part.media.video
    )
    rate = round(pictures / seconds, 3) if seconds > 0 else None
    return replace(first.media.video, start=start, duration=round(end - start, 6), fps=rate)


def _audio(parts: Sequence[Part], number: int, stream: AudioStream) -> AudioStream:
    heard = [(part.shift, part.media.audio[number]) for part in parts if number < len(part.media.audio)]
    start, end = _reach(heard)
    return replace(stream, start=start, duration=round(end - start, 6))


def _reach(streams: Sequence[tuple[float, VideoStream | AudioStream | None]]) -> tuple[float, float]:
    known = [(shift, stream) for shift, stream in streams if stream is not None]
    start = min(shift + stream.start for shift, stream in known)
    return round(start, 6), max(shift + stream.start + (stream.duration or 0.0) for shift, stream in known)
