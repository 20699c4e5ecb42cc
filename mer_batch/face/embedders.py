"""Which embedder of faces this machine has: dlib's, which pip installs, else facenet-pytorch's where it was fetched.

dlib's comes first because its distances are measured here (`benchmarks/identity.py`).
"""

from __future__ import annotations

from pathlib import Path

from mer_batch.errors import ModelError
from mer_batch.face import dlib_faces, identity
from mer_batch.face.identity import Embedder
from mer_batch.files import known_sum


def load_embedder(device: str = "auto") -> Embedder | None:
    """The embedder, None where there is none: an analysis downloads no models of faces. Raises `ModelError`."""
    path = weights_file()
    if path is None:
        return None
    if path == dlib_faces.weights_file():
        return dlib_faces.DlibEmbedder()
    try:
        return identity.FacenetEmbedder(device)
    except (OSError, RuntimeError) as error:
        raise ModelError(f"the face recognition weights {path} are damaged; delete the file") from error


def weights_file() -> Path | None:
    """Where the weights of the embedder are."""
    if (installed := dlib_faces.weights_file()) is not None:
        return installed
    fetched = identity.weights_file()
    return fetched if fetched.is_file() else None


def weights_sum() -> str | None:
    """The checksum of these weights, None where there are none."""
    try:
        return known_sum(path) if (path := weights_file()) is not None else None
    except OSError:
        return None
