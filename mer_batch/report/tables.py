"""The fused readings as a Parquet table."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mer_batch.files import whole_file
from mer_batch.labels import EMOTIONS
from mer_batch.types import MODALITIES, Segment, Timeline

if TYPE_CHECKING:
    import pyarrow as pa


def write_parquet(timeline: Timeline, path: Path) -> None:
    """Write one row per segment; each column's metadata holds its `unit`, the schema's what made the table.

    Columns: start, end, person, label, confidence, one probability, one `_spread` (half-width of the
    95 % interval) an emotion, one `_weight` a modality, disagreement, reason. Null where there is no
    evidence. Raises `UsageError` where `path` cannot be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = _columns(timeline.segments)
    fields = [pa.field(name, _kind(pa, unit), metadata={"unit": unit}) for name, unit, _ in columns]
    schema = pa.schema(fields, metadata=_metadata(timeline))
    table = pa.Table.from_arrays(
        [pa.array(v, type=f.type) for f, (_, _, v) in zip(fields, columns, strict=True)], schema=schema
    )
    with whole_file(path) as part:
        pq.write_table(table, part)


def _kind(pa: Any, unit: str) -> pa.DataType:
    return {"text": pa.string(), "s": pa.float64()}.get(unit, pa.float32())


def _columns(segments: Sequence[Segment]) -> list[tuple[str, str, list[Any]]]:
    columns: list[tuple[str, str, list[Any]]] = [
        ("start", "s", [s.start for s in segments]),
        ("end", "s", [s.end for s in segments]),
        ("person", "text", [s.person for s in segments]),
        ("label", "text", [s.label for s in segments]),
        ("confidence", "probability", [s.confidence for s in segments]),
    ]
    for suffix, unit, rows in (
        ("", "probability", [s.probabilities for s in segments]),
        ("_spread", "half-width of the 95 % interval of a probability", [s.spread for s in segments]),
    ):
        for place, name in enumerate(EMOTIONS):
            columns.append((f"{name}{suffix}", unit, [row[place] if row else None for row in rows]))
    for place, modality in enumerate(MODALITIES):
        columns.append((f"{modality}_weight", "share of the reading", [s.weights[place] for s in segments]))
    columns.append(("disagreement", "Jensen-Shannon divergence, 0 to 1", [s.disagreement for s in segments]))
    columns.append(("reason", "text", [s.reason for s in segments]))
    return columns


def _metadata(timeline: Timeline) -> dict[str, str]:
    made = timeline.provenance
    return {
        "media": timeline.media.path.name,
        "media_sha256": timeline.media.sha256,
        "created": made.created,
        "version": made.version,
        "options": json.dumps(dict(made.options), default=str),
        "models": json.dumps({model.modality: f"{model.name} {model.sha256}" for model in made.models}),
    }
