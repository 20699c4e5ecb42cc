"""Pictures in which our own detector sees no face."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mer_batch.data.findings import SHOWN, Finding
from mer_batch.data.manifest import Manifest
from mer_batch.data.scan import OnProgress
from mer_batch.face.detect import CascadeDetector
from mer_batch.face.stills import SMALLEST, shrunk
from mer_batch.types import Image


def without_face(manifest: Manifest, rows: pd.DataFrame, device: str, on_progress: OnProgress) -> Finding:
    """Look for faces in all pictures that are large enough for it; tight crops may count as no face."""
    large = rows.loc[rows[["_width", "_height"]].min(axis=1) >= SMALLEST, "path"]
    detector, none = CascadeDetector(device, min_face=SMALLEST / 2), []
    for position, path in enumerate(large):
        if not detector.detect([_colour(manifest, path)])[0]:
            none.append(str(path))
        on_progress("faces", (position + 1) / len(large))
    small = len(rows) - len(large)
    text = f"{len(none):,} of {len(large):,} pictures have no face that our detector finds"
    text += f"; {small:,} are under {SMALLEST} px and were not searched" if small else ""
    return Finding("warning" if none else "note", "no face found", len(none), text, none[:SHOWN])


def _colour(manifest: Manifest, path: str) -> Image:
    picture = manifest.read_picture(path)
    return shrunk(np.repeat(picture[:, :, None], 3, axis=2) if picture.ndim == 2 else picture)
