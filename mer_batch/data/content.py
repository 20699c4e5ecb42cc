"""What the files of a set hold: sizes, colours, pictures without a face; levels, lengths and rates of sounds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from mer_batch.data.findings import SHOWN, Finding
from mer_batch.data.manifest import Manifest
from mer_batch.data.scan import OnProgress, Scan

if TYPE_CHECKING:
    import pandas as pd

NO_FACE_VOTES: Final = 5
"""More FER+ votes than this for NF (of 10) say that there is no face."""
CLIPPED: Final = 1e-3
"""Share of samples in clipped runs from which a clip is called clipped."""
SILENT_DB: Final = -55.0
"""Level (RMS, dBFS) under which a clip is called silent or very quiet."""
OUTLIER: Final = 4.0
"""A length this many times longer or shorter than the median is an outlier."""


def findings(manifest: Manifest, scanned: Scan, faces: str | None, on_progress: OnProgress) -> list[Finding]:
    """What stands out in the content of the files."""
    if manifest.modality == "voice":
        return list(_sound_findings(scanned.rows))
    return list(_picture_findings(manifest, scanned.rows, faces, on_progress))


def facts(manifest: Manifest, scanned: Scan) -> dict[str, Any]:
    """Numbers that describe the files."""
    rows = scanned.rows
    if manifest.modality == "voice":
        return {
            "seconds": round(float(rows["_seconds"].sum()), 2),
            "length": _spread(rows["_seconds"]),
            "sample_rates": _counts(rows["_rate"]),
            "channels": _counts(rows["_channels"]),
        }
    sides = rows["_width"].astype(str) + "x" + rows["_height"].astype(str)
    return {
        "sizes": dict(list(_counts(sides).items())[:10]),
        "width": _spread(rows["_width"]),
        "height": _spread(rows["_height"]),
        "colour": int(rows["_colour"].sum()),
        "grey": int((~rows["_colour"]).sum()),
    }


def describe_files(modality: str, known: dict[str, Any]) -> str:
    """The facts as one phrase."""
    if modality == "voice":
        rates = ", ".join(f"{rate} Hz" for rate in known["sample_rates"])
        low, middle, high = known["length"]
        return f"{known['seconds'] / 3600:.2f} h, clips of {low:.1f} to {high:.1f} s (median {middle:.1f}), {rates}"
    sizes, colours = known["sizes"], ("grey" if not known["colour"] else "colour" if not known["grey"] else "mixed")
    if len(sizes) == 1:
        return f"{next(iter(sizes))}, {colours}"
    (left, _, right), (low, _, high) = known["width"], known["height"]
    return f"{left:.0f} to {right:.0f} wide, {low:.0f} to {high:.0f} high, {colours}"


def _picture_findings(
    manifest: Manifest, rows: pd.DataFrame, faces: str | None, on_progress: OnProgress
) -> Iterable[Finding]:
    plain = rows.loc[rows["_plain"], "path"]
    if len(plain):
        text = f"{len(plain):,} pictures look like cards, drawings or empty frames (few grey levels, mostly flat)"
        yield Finding("warning", "no photograph", len(plain), text, list(plain[:SHOWN]))
    if manifest.has_votes:
        voted = rows.loc[rows["NF"] > NO_FACE_VOTES, "path"]
        unknown = int(rows["NF"].isna().sum())
        text = f"{len(voted):,} pictures have no face by FER+ votes; {unknown:,} have no votes"
        yield Finding("warning" if len(voted) else "note", "no face by votes", len(voted), text, list(voted[:SHOWN]))
    for note, count in rows.loc[rows["_assumed"] != "", "_assumed"].value_counts().items():
        examples = list(rows.loc[rows["_assumed"] == note, "path"][:SHOWN])
        yield Finding("note", "assumed", int(count), f"{count:,} pictures: {note}", examples)
    grey = int((~rows["_colour"]).sum())
    if 0 < grey < len(rows):
        yield Finding("note", "grey and colour", grey, f"{grey:,} pictures are grey, {len(rows) - grey:,} in colour")
    if faces is not None:
        from mer_batch.data.nonfaces import without_face

        yield without_face(manifest, rows, faces, on_progress)


def _sound_findings(rows: pd.DataFrame) -> Iterable[Finding]:
    median = rows["_seconds"].median()
    cases = (
        ("clipping", rows["_clipped"] > CLIPPED, f"are clipped ({CLIPPED:.1%} of the samples or more at full scale)"),
        ("silence", rows["_level"] < SILENT_DB, f"are silent or very quiet (under {SILENT_DB:.0f} dBFS)"),
        ("too long", rows["_seconds"] > OUTLIER * median, f"are more than {OUTLIER:g} times longer than the median"),
        ("too short", rows["_seconds"] * OUTLIER < median, f"are more than {OUTLIER:g} times shorter than the median"),
    )
    for name, chosen, text in cases:
        paths = rows.loc[chosen, "path"]
        if len(paths):
            yield Finding("warning", name, len(paths), f"{len(paths):,} clips {text}", list(paths[:SHOWN]))
    for column, noun in (("_rate", "sample rates"), ("_channels", "numbers of channels")):
        counts = _counts(rows[column])
        if len(counts) > 1:
            text = f"{len(counts)} {noun}: " + ", ".join(f"{value} ({count:,})" for value, count in counts.items())
            yield Finding("warning", noun, len(counts), text)


def _spread(values: pd.Series) -> list[float]:
    """Least, median and largest."""
    return [round(float(value), 3) for value in np.quantile(values, (0, 0.5, 1))]


def _counts(values: pd.Series) -> dict[str, int]:
    return {str(value): int(count) for value, count in values.value_counts().items()}
