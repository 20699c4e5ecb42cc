"""Putting numbers to the people in a log of faces: by their faces, their looks, or not at all."""

from __future__ import annotations

from collections.abc import Mapping

from mer_batch.face.identity import Embedder
from mer_batch.face.log import FaceLog
from mer_batch.face.people import Faces, People, certain, comparable, number_people
from mer_batch.face.portraits import vectors
from mer_batch.types import Floats

def recognise(
    log: FaceLog, embedder: Embedder | None = None, gallery: Mapping[str, Floats] | None = None, looks: bool = True
) -> People:
    """Who is who. Faces are embedded only where there is somebody to compare them with, and then forgotten.

    `gallery` holds embeddings, shape (n, d), of known people by name.
    """
    if embedder is None:
        return number_people(log.trails, looks=looks)
    trails = certain(log.trails)
    wanted = trails if gallery else comparable(trails)
    known = vectors(log.portraits, [trail.trail for trail in wanted], embedder)
    return number_people(log.trails, Faces(embedder.same, known, gallery or {}), looks)
