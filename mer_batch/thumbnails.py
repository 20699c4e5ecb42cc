"""Small pictures for the report: one a person, one a shot, one a notable moment.

They were taken while faces were read (`face.glimpses`); what is missing is decoded.
"""

from __future__ import annotations

import base64
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from mer_batch import media
from mer_batch.face.glimpses import CELL, INTO, Glimpse, small_picture
from mer_batch.types import Box, Media, Observation, Shot, Timeline

MOST_EVENTS: Final = 40
MOST_SHOTS: Final = 40
NEAR: Final = 1.0
"""Seconds between a moment and the face reading whose box frames it."""


class _Want(NamedTuple):
    """A picture that is wanted: when, of whom (None for all of it), and as JPEG where it is known."""

    time: float
    box: Box | None = None
    picture: bytes | None = None


def illustrated(timeline: Timeline, glimpses: Iterable[Glimpse] = ()) -> Timeline:
    """The timeline with thumbnails, from `glimpses` where they show what is wanted.

    As it was where there is no video or a picture cannot be had.
    """
    if timeline.media.video is None:
        return timeline
    album = _Album(glimpses)
    faces: dict[str, list[Observation]] = defaultdict(list)
    for observation in timeline.observations:
        if observation.modality == "face" and observation.person and observation.evidence.box:
            faces[observation.person].append(observation)
    people = {name: album.best(readings) for name, readings in faces.items()}
    shots = {shot: album.shot(shot) for shot in timeline.shots[:MOST_SHOTS]}
    ranked = sorted((e for e in timeline.events if e.kind == "peak" and e.person), key=lambda e: -e.strength)
    events = {event: album.moment(faces[event.person or ""], event.time) for event in ranked[:MOST_EVENTS]}
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


class _Album:
    """What is wanted, by what there is."""

    def __init__(self, glimpses: Iterable[Glimpse]) -> None:
        self._faces: dict[Box, list[Glimpse]] = defaultdict(list)
        self._whole: list[Glimpse] = []
        for one in glimpses:
            (self._whole if one.box is None else self._faces[one.box]).append(one)

    def _face(self, reading: Observation) -> _Want:
        box, middle = reading.evidence.box, (reading.start + reading.end) / 2
        known = self._faces.get(box, ()) if box is not None else ()
        found = next((one for one in known if reading.start <= one.time <= reading.end), None)
        return _Want(middle, box) if found is None else _Want(found.time, box, found.picture)

    def best(self, readings: Sequence[Observation]) -> _Want:
        """Of the reading of the best quality, those with a picture first."""
        wants = [(self._face(reading), reading.quality) for reading in readings]
        return max(wants, key=lambda want: (want[0].picture is not None, want[1]))[0]

    def moment(self, readings: Sequence[Observation], time: float) -> _Want | None:
        """Of the reading nearest to a time, `NEAR` it at most; a picture within `CELL` seconds will do."""
        near = [reading for reading in readings if abs(reading.start - time) <= NEAR]
        wants = [(self._face(reading), abs(reading.start - time)) for reading in near]
        if not wants:
            return None
        return min(wants, key=lambda want: (want[0].picture is None or want[1] > CELL, want[1]))[0]

    def shot(self, shot: Shot) -> _Want:
        """Of a shot, about a second after it begins."""
        inside = [one for one in self._whole if shot.start <= one.time < shot.end]
        if not inside:
            return _Want((shot.start + min(shot.end, shot.start + 2 * INTO)) / 2)
        found = min(inside, key=lambda one: abs(one.time - shot.start - INTO))
        return _Want(found.time, None, found.picture)


def _pictures(source: Media, wanted: Sequence[_Want]) -> dict[_Want, str]:
    """The pictures that can be had, as base64 of a JPEG."""
    found = {want: want.picture for want in wanted if want.picture is not None}
    at: dict[float, list[_Want]] = defaultdict(list)
    for want in dict.fromkeys(want for want in wanted if want.picture is None):
        at[want.time].append(want)
    if at:
        for time, frame in media.grab_frames(source, at):
            if frame is not None:
                found.update({want: small_picture(frame.image, want.box) for want in at[time]})
    return {want: base64.b64encode(picture).decode("ascii") for want, picture in found.items()}
