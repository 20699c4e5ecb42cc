"""A check as text for one screen."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from mer_batch.data.check import Checked
from mer_batch.data.content import describe_files
from mer_batch.data.copies import rank
from mer_batch.labels import INDEX

WIDEST = 10
"""Labels shown as columns; sets with more have their counts in the JSON."""
LINES = 24
"""Findings shown; all are in the JSON."""


def summary(checked: Checked) -> str:
    """The set, its counts, and what was found, the worst first."""
    manifest = checked.manifest
    noun = "sounds" if manifest.modality == "voice" else "pictures"
    head = f"{manifest.name} ({manifest.kind}): {len(manifest.rows):,} {noun}, "
    head += describe_files(manifest.modality, checked.facts)
    return "\n".join([head, "", *counts_table(checked.counts()), "", *_found(checked)])


def counts_table(counts: pd.DataFrame) -> Iterator[str]:
    """Items by split and label, in our order of labels."""
    labels = sorted(counts.columns, key=lambda name: (INDEX.get(name, len(INDEX)), name))
    if len(labels) > WIDEST:
        labels = []
    yield f"{'split':<14}{'items':>8}" + "".join(f"{(name or '(none)')[:9]:>10}" for name in labels)
    for split in sorted(counts.index, key=rank):
        row = counts.loc[split]
        yield f"{split or '(none)':<14}{row.sum():>8,}" + "".join(f"{row[name]:>10,}" for name in labels)


def _found(checked: Checked) -> Iterator[str]:
    order = ("leak", "warning", "note")
    findings = sorted(checked.findings, key=lambda finding: order.index(finding.level))
    for finding in findings[:LINES]:
        word = "LEAK" if finding.level == "leak" else finding.level
        yield f"{word:<8}{finding.text}"
        if finding.examples:
            yield f"{'':<8}  e.g. {finding.examples[0]}"
    if len(findings) > LINES:
        yield f"{'':<8}and {len(findings) - LINES} more; --json FILE has them all"
    if not findings:
        yield "nothing found"
