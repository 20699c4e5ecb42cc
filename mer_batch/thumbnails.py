"""Small pictures for the report: one a person, one a shot, one a notable moment."""

from __future__ import annotations

import base64
import io
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from mer_batch import media
from mer_batch.types import Box, Image, Media, Observation, Timeline

HEIGHT: Final = 96
"""Pixels; enough to recognise an expression, small enough to inline dozens."""
MOST_EVENTS: Final = 40
MOST_SHOTS: Final = 40
NEAR: Final = 1.0
"""Seconds between a moment and the face reading whose box frames it."""


class _Want(NamedTuple):
    """A picture that is wanted: when, and of whom (None for all of it)."""

    time: float
    box: Box | None = None


def illustrated(timeline: Timeline) -> Timeline:
    """The timeline with thumbnails; as it was where there is no video or a picture cannot be had."""
    if timeline.media.video is None:
        return timeline
    faces: dict[str, list[Observation]] = defaultdict(list)
    for observation in timeline.observations:
        if observation.modality == "face" and observation.person and observation.evidence.box:
            faces[observation.person].append(observation)
    people = {name: _face(max(readings, key=lambda o: o.quality)) for name, readings in faces.items()}
    shots = {shot: _Want((shot.start + min(shot.end, shot.start + 2)) / 2) for shot in timeline.shots[:MOST_SHOTS]}
    ranked = sorted((e for e in timeline.events if e.kind == "peak" and e.person), key=lambda e: -e.strength)
    events = {event: _moment(faces[event.person or ""], event.time) for event in ranked[:MOST_EVENTS]}
    found = _pictures(timeline.media, [*people.values(), *shots.values(), *filter(None, events.values())])
    return replace(
        timeline,
        people=tuple(
            replace(person, thumbnail=found.get(people[person.name])) if person.name in people else person
            for person in timeline.people
        ),
        shots=tuple(
            replace(shot, thumbnail=found.get(shots[shot])) if shot in shots else shot for shot in timeline.shots
        ),
        events=tuple(
            replace(event, thumbnail=found.get(wanted)) if (wanted := events.get(event)) else event
            for event in timeline.events
        ),
    )


def _moment(readings: Sequence[Observation], time: float) -> _Want | None:
    at = bisect_left([reading.start for reading in readings], time)
    near = min(readings[max(at - 1, 0) : at + 1], key=lambda reading: abs(reading.start - time), default=None)
    if near is None or abs(near.start - time) > NEAR:
        return None
    return _face(near)


def _face(reading: Observation) -> _Want:
    return _Want((reading.start + reading.end) / 2, reading.evidence.box)


def _pictures(source: Media, wanted: Iterable[_Want]) -> dict[_Want, str]:
    """The pictures that can be had, as base64 of a JPEG."""
    at: dict[float, list[_Want]] = defaultdict(list)
    for want in dict.fromkeys(wanted):
        at[want.time].append(want)
    found = {}
    for time, frame in media.grab_frames(source, at):
        if frame is not None:
            found.update({want: _jpeg(frame.image, want.box) for want in at[time]})
    return found


def _jpeg(image: Image, box: Box | None) -> str:
    from PIL import Image as Pillow

    picture = Pillow.fromarray(image)
    if box is not None:
        picture = picture.crop(_widened(box, picture.width, picture.height))
    picture.thumbnail((2 * HEIGHT, HEIGHT))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=80)
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def _widened(box: Box, width: int, height: int) -> tuple[int, int, int, int]:
    left, top, right, bottom = box[0] * width, box[1] * height, box[2] * width, box[3] * height
    half = 0.7 * max(right - left, bottom - top)
    x, y = (left + right) / 2, (top + bottom) / 2
    return int(max(x - half, 0)), int(max(y - half, 0)), int(min(x + half, width)), int(min(y + half, height))
