"""Small pictures for the report: one a person, one a shot, one a notable moment."""

from __future__ import annotations

import base64
import io
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Final

from mer_batch import media
from mer_batch.errors import MerError
from mer_batch.types import Box, Event, Image, Media, Observation, Person, Shot, Timeline

HEIGHT: Final = 96
"""Pixels; enough to recognise an expression, small enough to inline dozens."""
MOST_EVENTS: Final = 40
MOST_SHOTS: Final = 40
AT_ONCE: Final = 4
"""Pictures fetched at a time; each costs the memory of a few decoded frames."""
NEAR: Final = 1.0
"""Seconds between a moment and the face reading whose box frames it."""


def illustrated(timeline: Timeline) -> Timeline:
    """The timeline with thumbnails; as it was where there is no video or a picture cannot be had."""
    if timeline.media.video is None:
        return timeline
    faces: dict[str, list[Observation]] = defaultdict(list)
    for observation in timeline.observations:
        if observation.modality == "face" and observation.person and observation.evidence.box:
            faces[observation.person].append(observation)
    ranked = sorted((e for e in timeline.events if e.kind == "peak" and e.person), key=lambda e: -e.strength)
    chosen = set(map(id, ranked[:MOST_EVENTS]))

    def person_with(person: Person) -> Person:
        if not faces[person.name]:
            return person
        return replace(person, thumbnail=_face(timeline.media, max(faces[person.name], key=lambda o: o.quality)))

    def shot_with(shot: Shot) -> Shot:
        return replace(shot, thumbnail=_picture(timeline.media, (shot.start + min(shot.end, shot.start + 2)) / 2))

    def event_with(event: Event) -> Event:
        if id(event) not in chosen:
            return event
        return replace(event, thumbnail=_moment(timeline.media, faces[event.person or ""], event.time))

    # Every picture is an ffmpeg of its own, which takes longer to start than to decode it.
    with ThreadPoolExecutor(AT_ONCE) as pool:
        people = pool.map(person_with, timeline.people)
        shots = pool.map(shot_with, timeline.shots[:MOST_SHOTS])
        events = pool.map(event_with, timeline.events)
        return replace(
            timeline, people=tuple(people), shots=(*shots, *timeline.shots[MOST_SHOTS:]), events=tuple(events)
        )


def _moment(source: Media, readings: Sequence[Observation], time: float) -> str | None:
    at = bisect_left([reading.start for reading in readings], time)
    near = min(readings[max(at - 1, 0) : at + 1], key=lambda reading: abs(reading.start - time), default=None)
    if near is None or abs(near.start - time) > NEAR:
        return None
    return _face(source, near)


def _face(source: Media, reading: Observation) -> str | None:
    return _picture(source, (reading.start + reading.end) / 2, reading.evidence.box)


def _picture(source: Media, time: float, box: Box | None = None) -> str | None:
    try:
        frame = media.grab_frame(source, time)
    except MerError:
        return None
    return None if frame is None else _jpeg(frame.image, box)


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
