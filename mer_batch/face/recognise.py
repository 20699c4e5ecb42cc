"""Putting numbers to the people in a log of faces: by their faces, their looks, or not at all."""

from __future__ import annotations

from collections.abc import Mapping

from mer_batch.face.divide import divided
from mer_batch.face.identity import Embedder
from mer_batch.face.log import FaceLog
from mer_batch.face.people import Faces, Known, People, certain, comparable, number_people
from mer_batch.face.portraits import embedded


def recognise(
    log: FaceLog, embedder: Embedder | None = None, gallery: Mapping[str, Known] | None = None, looks: bool = True
) -> tuple[FaceLog, People]:
    """Who is who in the log, which is given back without trails of two people (see `divide`).

    Faces are embedded only where there is somebody to compare them with, and then forgotten. `gallery` holds people who
    are known by name.
    """
    if embedder is None:
        return log, number_people(log.trails, looks=looks)
    trails = certain(log.trails)
    wanted = trails if gallery else comparable(trails)
    log, seen = divided(log, embedded(log.portraits, [trail.trail for trail in wanted], embedder), embedder.same)
    known = {trail: one.known for trail, one in seen.items()}
    return log, number_people(log.trails, Faces(embedder.same, known, gallery or {}), looks)
