"""Reading every file of a set once: its facts, what it is compared by, and what could not be read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from mer_batch.data.manifest import Manifest
from mer_batch.errors import DataError

OnProgress = Callable[[str, float], None]
Describe = Callable[[bytes, str], tuple[dict[str, Any], Any]]


@dataclass(frozen=True)
class Scan:
    """The readable rows with their facts, what each is compared by (a thumbnail or landmarks), and the unreadable
    paths with reasons.
    """

    rows: pd.DataFrame
    marks: list[Any]
    unreadable: dict[str, str]


def scan(manifest: Manifest, on_progress: OnProgress) -> Scan:
    """Read all files. Raises `DataError` when none of them can be read."""
    describe = _describer(manifest.modality)
    facts, marks, kept, unreadable = [], [], [], {}
    for position, path in enumerate(manifest.rows["path"]):
        try:
            fact, mark = describe(manifest.read_bytes(path), path)
        except DataError as error:
            unreadable[str(path)] = str(error)
            continue
        finally:
            on_progress("reading", (position + 1) / len(manifest.rows))
        facts.append(fact)
        marks.append(mark)
        kept.append(position)
    if not kept:
        raise DataError(
            f"none of the {len(manifest.rows)} files of {manifest.name} can be read; {unreadable.popitem()[1]}"
        )
    rows = manifest.rows.iloc[kept].reset_index(drop=True)
    table = pd.DataFrame(facts).add_prefix("_")
    return Scan(pd.concat([rows, table], axis=1), marks, unreadable)


def _describer(modality: str) -> Describe:
    if modality == "voice":
        from mer_batch.data.sounds import describe_sound

        return describe_sound
    from mer_batch.data.pictures import describe_picture

    return describe_picture
