"""The findings of a check on any kind of files: leaks, copies, conflicts, unreadable files, balance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pandas as pd

from mer_batch.data.copies import Leak
from mer_batch.data.findings import SHOWN, Finding, Level, pair_examples
from mer_batch.data.manifest import Manifest
from mer_batch.data.scan import Scan
from mer_batch.labels import INDEX

RARE: Final = 10
"""A label with this many times fewer items than the most frequent one is pointed out."""


def leak(copied: Leak, manifest: Manifest, pairs: pd.DataFrame) -> Finding:
    """How much of a protected split is also in another one."""
    total = int((manifest.rows["split"] == copied.high).sum())
    count = len(copied.exact) + len(copied.near)
    text = (
        f"{count:,} of {total:,} in {copied.high} ({count / total:.1%}) are also in {copied.low}: "
        f"{len(copied.exact):,} exact, {len(copied.near):,} near copies; leave {len(copied.drop):,} out of {copied.low}"
    )
    chosen = pairs[(pairs["first_split"] == copied.low) & (pairs["second_split"] == copied.high)]
    return Finding("leak", "copies", count, text, pair_examples(chosen))


def shared(level: Level, column: str, values_by_splits: Mapping[tuple[str, str], set[str]]) -> list[Finding]:
    """The values of a column that are in two splits, a finding for each pair of them."""
    return [
        Finding(
            level,
            f"{column} shared",
            len(values),
            f"{len(values):,} x {column} in both {low} and {high}",
            sorted(values)[:SHOWN],
        )
        for (low, high), values in values_by_splits.items()
    ]


def within(rows: pd.DataFrame, pairs: pd.DataFrame) -> list[Finding]:
    """Copies inside a split, and copies whose labels differ."""
    inside = pairs[pairs["first_split"] == pairs["second_split"]]
    near = inside[inside["kind"] == "near"]
    surplus = rows.loc[rows.duplicated(["split", "_content"]), "split"]
    found = []
    if len(surplus):
        examples = pair_examples(inside[inside["kind"] == "exact"])
        found.append(
            Finding("warning", "exact copies", len(surplus), f"surplus exact copies: {_by(surplus)}", examples)
        )
    if len(near):
        text = f"pairs of near copies: {_by(near['first_split'])}"
        found.append(Finding("warning", "near copies", len(near), text, pair_examples(near)))
    return found + _conflicts(rows, pairs)


def _conflicts(rows: pd.DataFrame, pairs: pd.DataFrame) -> list[Finding]:
    differ = pairs[pairs["first_label"] != pairs["second_label"]]
    exact, near = differ[differ["kind"] == "exact"], differ[differ["kind"] == "near"]
    labels = rows.groupby("_content")["label"].transform("nunique")
    found = []
    if len(exact):
        groups, items = rows.loc[labels > 1, "_content"].nunique(), int((labels > 1).sum())
        text = f"{groups:,} groups of equal files have different labels ({items:,} files)"
        found.append(Finding("warning", "label conflicts", groups, text, pair_examples(exact)))
    if len(near):
        text = f"{len(near):,} pairs of near copies have different labels"
        found.append(Finding("warning", "label conflicts (near)", len(near), text, pair_examples(near)))
    return found


def _by(splits: pd.Series) -> str:
    return ", ".join(f"{count:,} in {split or 'the set'}" for split, count in splits.value_counts().items())


def unreadable(scanned: Scan, manifest: Manifest) -> list[Finding]:
    """Files that cannot be read, and what was left out before."""
    found = []
    if scanned.unreadable:
        text = f"{len(scanned.unreadable):,} of {len(manifest.rows):,} files cannot be read"
        found.append(Finding("warning", "unreadable", len(scanned.unreadable), text, list(scanned.unreadable)[:SHOWN]))
    for reason, count in sorted(manifest.skipped.items()):
        found.append(Finding("note", "left out", count, f"{count:,} x {reason}"))
    return found


def balance(manifest: Manifest) -> list[Finding]:
    """Labels that a split lacks or hardly has, and labels that are not ours."""
    rows, found = manifest.rows, []
    counts = pd.crosstab(rows["split"], rows["label"])
    for split, row in counts.iterrows():
        missing, rare = list(row.index[row == 0]), list(row.index[(row > 0) & (row * RARE <= row.max())])
        where = split or "the set"
        if missing:
            found.append(Finding("warning", "missing labels", len(missing), f"{where} lacks {', '.join(missing)}"))
        if rare:
            listed = ", ".join(f"{name} ({row[name]:,})" for name in rare)
            text = f"{where}: {RARE} times rarer than {row.idxmax()} ({row.max():,}) or more: {listed}"
            found.append(Finding("warning", "balance", len(rare), text))
    outside = rows.loc[~rows["label"].isin(list(INDEX)), "label"].value_counts()
    if len(outside):
        listed = ", ".join(f"{name or '(none)'} ({count:,})" for name, count in outside.head(12).items())
        found.append(Finding("note", "other labels", len(outside), f"not among our seven: {listed}"))
    return found
