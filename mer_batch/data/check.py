"""`mer data check`: what is wrong with a labelled set, and whether its splits leak into each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from mer_batch.data import content, problems
from mer_batch.data.copies import find_copies, leaks, shared_values, with_shared
from mer_batch.data.findings import Finding
from mer_batch.data.manifest import CONTENTS, PERSONS, Manifest, clip_ids, our_split
from mer_batch.data.scan import OnProgress, scan
from mer_batch.errors import DataError, unknown_name
from mer_batch.tables import read_csv

Groups = Sequence[str] | None


@dataclass(frozen=True)
class Checked:
    """What a check found. `drop` are the paths to leave out so that no split leaks into one that is protected more."""

    manifest: Manifest
    findings: list[Finding]
    pairs: pd.DataFrame
    drop: frozenset[str]
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def leaks(self) -> bool:
        """Whether any finding is a leak."""
        return any(finding.level == "leak" for finding in self.findings)

    def counts(self) -> pd.DataFrame:
        """Items by split (rows) and label (columns)."""
        rows = self.manifest.rows
        return pd.crosstab(rows["split"], rows["label"])

    def as_json(self) -> dict[str, Any]:
        """Everything but the pairs."""
        counts = {str(split): {str(k): int(v) for k, v in row.items()} for split, row in self.counts().iterrows()}
        return {
            "name": self.manifest.name,
            "kind": self.manifest.kind,
            "modality": self.manifest.modality,
            "items": len(self.manifest.rows),
            "counts": counts,
            "leaks": self.leaks,
            "drop": sorted(self.drop),
            "findings": [finding.as_json() for finding in self.findings],
            "pairs": len(self.pairs),
            **self.facts,
        }


def check(manifest: Manifest, groups: Groups, faces: str | None, on_progress: OnProgress) -> Checked:
    """Check a set. `groups` are the columns whose values may not be in two splits (None = those that name persons);
    `faces` is the device on which our detector looks for faces, or None to leave that out.

    Raises `DataError` when no file can be read, `UsageError` for an unknown column.
    """
    persons = _group_columns(manifest, groups)
    scanned = scan(manifest, on_progress)
    rows = scanned.rows
    pairs, complete = find_copies(manifest, scanned, on_progress)
    copied = leaks(rows, pairs)
    shared = {column: shared_values(rows, column) for column in persons}
    drop = set[str]().union(
        *(leak.drop for leak in copied), *(with_shared(rows, column, values) for column, values in shared.items())
    )
    said = [column for column in CONTENTS if column in rows.columns and column not in persons]
    findings = [
        *(problems.leak(leak, manifest, pairs) for leak in copied),
        *(finding for column in persons for finding in problems.shared("leak", column, shared[column])),
        *(finding for column in said for finding in problems.shared("warning", column, shared_values(rows, column))),
        *problems.within(rows, pairs),
        *problems.unreadable(scanned, manifest),
        *content.findings(manifest, scanned, faces, on_progress),
        *problems.balance(manifest),
    ]
    if not complete:
        text = "so many files are alike that not all pairs were compared; the set looks like frames of a film"
        findings.append(Finding("warning", "too alike", len(pairs), text))
    facts = content.facts(manifest, scanned) | {"unreadable_files": scanned.unreadable}
    return Checked(manifest, findings, pairs, frozenset(drop), facts)


def with_splits(manifest: Manifest, table: Path) -> Manifest:
    """The set split as a CSV with `path` or `id`, and `split` says; ids may begin with the set's name and lack endings.

    Rows that the table does not list are left out. Raises `DataError` when it fits no row.
    """
    parts = read_csv(table).whole()
    key = parts.column("path", "id")
    if key is None or parts.column("split") is None:
        raise parts.lacks("path or id, and split")
    known = {row[key]: row["split"] for row in parts.rows}
    paths = list(manifest.rows["path"])
    ids = zip(paths, (f"{manifest.name}/{path}" for path in paths), clip_ids(manifest.name, paths), strict=True)
    named = [next((known[name] for name in names if name in known), None) for names in ids]
    rows = manifest.rows.assign(split=[our_split(name) if name is not None else None for name in named])
    rows = rows[[name is not None for name in named]].reset_index(drop=True)
    if rows.empty:
        raise DataError(f"{table} lists no file of {manifest.name}; its {key} must be the paths of the set")
    return replace(manifest, rows=rows)


def _group_columns(manifest: Manifest, groups: Groups) -> list[str]:
    if groups is None:
        return [name for name in PERSONS if name in manifest.rows.columns]
    for name in groups:
        if name not in manifest.rows.columns:
            raise unknown_name("column", name, manifest.rows.columns)
    return list(groups)
