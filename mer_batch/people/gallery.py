"""People who are known before: a folder with a picture or several of each, `NAME.jpg` or `NAME/picture.jpg`.

What the pictures tell of a face lives in memory, for as long as the process, and is written nowhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from mer_batch.errors import DataError, UsageError, one_line
from mer_batch.face.people import Known
from mer_batch.files import known_sum
from mer_batch.types import Floats

if TYPE_CHECKING:
    from mer_batch.face.identity import Embedder
    from mer_batch.face.stills import StillReader

PICTURES: Final = frozenset({".avif", ".bmp", ".gif", ".jfif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
"""Endings of files that are taken for pictures; others are left alone."""
SURE: Final = 0.9
"""Score of the detector from which something in a picture is a face."""
NUMBERED: Final = re.compile(r"(person|voice|speaker)( .*)?", re.IGNORECASE)
"""Names that an analysis gives by itself."""


@dataclass(frozen=True, slots=True, eq=False)
class Gallery:
    """`faces` are what is known by name; `notices` say which pictures were left out, and why."""

    faces: Mapping[str, Known]
    notices: tuple[str, ...] = ()


def pictures(folder: Path) -> dict[str, list[Path]]:
    """The pictures of each known person. Raises `UsageError` where there are none, or a name cannot be one."""
    if not folder.is_dir():
        raise UsageError(f"there is no gallery at {folder}; give a folder with a picture of each person: NAME.jpg")
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        own = sorted(path.iterdir()) if path.is_dir() else [path]
        own = [one for one in own if one.suffix.lower() in PICTURES and one.is_file() and not one.name.startswith(".")]
        name = " ".join((path.name if path.is_dir() else path.stem).split())
        if own and NUMBERED.fullmatch(name):
            raise UsageError(
                f"the gallery {folder} calls somebody {name!r}, as people without a name are; choose another"
            )
        if own:
            found.setdefault(name, []).extend(own)
    if not found:
        raise UsageError(
            f"the gallery {folder} holds no pictures; it needs NAME.jpg or NAME/picture.jpg of each person"
        )
    return found


def gallery_sum(folder: Path) -> dict[str, list[str]]:
    """What a gallery holds, by names and checksums."""
    return {name: [known_sum(path) for path in own] for name, own in pictures(folder).items()}


def read_gallery(folder: Path, embedder: Embedder) -> Gallery:
    """The known people. A picture without a face, or with several, is left out and told of.

    Raises `UsageError` where none is left.
    """
    content = tuple((name, tuple((path, known_sum(path)) for path in own)) for name, own in pictures(folder).items())
    found = _embedded(content, embedder)
    if not found.faces:
        raise UsageError(f"the gallery {folder} shows nobody: {'; '.join(found.notices)}")
    return found


_Content = tuple[tuple[str, tuple[tuple[Path, str], ...]], ...]


@lru_cache(maxsize=1)
def _embedded(content: _Content, embedder: Embedder) -> Gallery:
    """Read once for all files of a batch."""
    from mer_batch.face.stills import StillReader

    reader = StillReader("cpu", {})
    faces: dict[str, Known] = {}
    notices: list[str] = []
    for name, own in content:
        found = [_face(path, reader, embedder) for path, _ in own]
        rows = [one for one in found if not isinstance(one, str)]
        for (path, _), reason in zip(own, found, strict=True):
            if isinstance(reason, str):
                notices.append(f"the picture {path.name} of {name} in the gallery is not used: {reason}")
        if rows:
            faces[name] = Known(np.concatenate(rows).mean(0), float(len(rows)))
    return Gallery(faces, tuple(notices))


def _face(path: Path, reader: StillReader, embedder: Embedder) -> Floats | str:
    """The embedding of the one face in a picture, else why there is none."""
    from mer_batch.face.stills import shrunk
    from mer_batch.media.pictures import read_picture

    try:
        picture = shrunk(read_picture(path).rgb())
    except DataError as error:
        return one_line(error)
    found = [face for face in reader.faces(picture) if face.score >= SURE]
    if len(found) != 1:
        return f"{len(found)} faces are in it" if found else "no face is in it"
    return embedder.embed([embedder.cut(picture, found[0])])
