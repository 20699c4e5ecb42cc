"""Small pictures for the report: one a person, one a shot, one a notable moment."""

from __future__ import annotations

import base64
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from mer_batch import media
from mer_batch.face.album import MOST_SHOTS, jpeg
from mer_batch.types import Box, Media, Observation, Timeline

MOST_EVENTS: Final = 40
NEAR: Final = 1.0
"""Seconds between a moment and the face reading whose box frames it."""
SOON: Final = 0.5
"""Seconds between a moment and a picture that was taken before and shows it well enough."""


class _Want(NamedTuple):
    """A picture that is wanted: when, and of whom (None for all of it), who has that box then."""

    time: float
    person: str | None = None
    box: Box | None = None


class Taken(NamedTuple):
    """A picture that was taken while faces were read: when, of whom (None for all of it), and the JPEG."""

    time: float
    person: str | None
    jpeg: bytes


def illustrated(timeline: Timeline, taken: Iterable[Taken] = ()) -> Timeline:
    """The timeline with thumbnails; as it was where there is no video or a picture cannot be had.

    What is not among those that are `taken` already is decoded.
    """
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
    found = _pictures(timeline.media, taken, [*people.values(), *shots.values(), *filter(None, events.values())])
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
    return _Want((reading.start + reading.end) / 2, reading.person, reading.evidence.box)


def _pictures(source: Media, taken: Iterable[Taken], wanted: Iterable[_Want]) -> dict[_Want, str]:
    """The pictures that can be had, as base64 of a JPEG."""
    albums: dict[str | None, list[Taken]] = defaultdict(list)
    for picture in sorted(taken, key=lambda picture: picture.time):
        albums[picture.person].append(picture)
    at: dict[float, list[_Want]] = defaultdict(list)
    found = {}
    for want in dict.fromkeys(wanted):
        near = _nearest(albums[want.person], want.time)
        if near is None:
            at[want.time].append(want)
        else:
            found[want] = base64.b64encode(near.jpeg).decode("ascii")
    for time, frame in media.grab_frames(source, at):
        if frame is not None:
            found.update({want: base64.b64encode(jpeg(frame.image, want.box)).decode("ascii") for want in at[time]})
    return found


def _nearest(album: Sequence[Taken], time: float) -> Taken | None:
    at = bisect_left(album, time, key=lambda picture: picture.time)
    near = min(album[max(at - 1, 0) : at + 1], key=lambda picture: abs(picture.time - time), default=None)
    return near if near is not None and abs(near.time - time) <= SOON else None
