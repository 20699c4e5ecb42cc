"""The index of a batch: every file with its small curve, what failed and why, averages by group; from the ledger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import numpy as np

from mer_batch import __version__
from mer_batch.batch.ledger import Entry
from mer_batch.batch.table import Groups
from mer_batch.files import whole_file
from mer_batch.labels import COLOURS, EMOTIONS
from mer_batch.report.html import page_policy, template
from mer_batch.resources import data_dir
from mer_batch.scores.statistics.intervals import as_share, over_seeds
from mer_batch.wording import clock, counted, listed, percent, person_name, printable

NAME: Final = "index.html"
FEW: Final = 3
"""People of a group under which its average has no interval."""
OFTEN: Final = 0.2
"""Share of the files from which on what is to be said of them is said once."""
STATES: Final = {"done": "read", "partial": "read in part", "failed": "not read", "left out": "no media"}


@dataclass(frozen=True)
class Line:
    """One person of one file as a row: texts, keys by which rows are sorted, and the curve as (x, width, label)."""

    name: str
    link: str
    group: str
    person: str
    length: str
    mostly: str
    read: str
    state: str
    notes: str
    curve: tuple[tuple[float, float, str], ...]
    said: str
    keys: Mapping[str, float | str]


def write_index(folder: Path, entries: Sequence[Entry], groups: Groups, notes: Sequence[str] = ()) -> Path:
    """Write index.html into the folder of a batch and return it. `notes` are sentences that stand under the title."""
    sheets = data_dir("templates")
    script = (sheets / "batch.js").read_text(encoding="utf-8")
    ended = [entry for entry in entries if entry.state != "left out"]
    common = _common(ended)
    text = template("batch.html.j2").render(
        title=folder.resolve().name or str(folder),
        meta=_meta(ended),
        lead=list(_lead(ended)),
        notes=[*notes, *(f"{counted(count, 'file')}: {note}" for note, count in common.items())],
        lines=[line for entry in ended if entry.state != "failed" for line in _lines(entry, groups, common)],
        failed=[(str(e.facts.get("name", e.uri)), str(e.facts.get("error", ""))) for e in ended if e.state == "failed"],
        groups=_groups(ended, groups),
        emotions=EMOTIONS,
        css="\n".join((sheets / name).read_text(encoding="utf-8") for name in ("report.css", "batch.css")),
        script=script,
        colours=COLOURS,
        policy=page_policy([script]),
        version=__version__,
    )
    with whole_file(folder / NAME) as part:
        part.write_text(printable(text), encoding="utf-8", newline="\n")
    return folder / NAME


def _meta(entries: Sequence[Entry]) -> str:
    hours = sum(_duration(entry) for entry in entries)
    return f"{counted(len(entries), 'file')} · {clock(hours)} · mer {__version__}"


def _duration(entry: Entry) -> float:
    return float((entry.facts.get("summary") or {}).get("duration") or 0.0)


def _lead(entries: Sequence[Entry]) -> Iterator[str]:
    count = {state: sum(entry.state == state for entry in entries) for state in STATES}
    yield f"{counted(count['done'] + count['partial'], 'file')} of {len(entries):,} were read" + (
        f", {count['partial']} of them in part." if count["partial"] else "."
    )
    if count["failed"]:
        yield f"{counted(count['failed'], 'file')} could not be read; the reasons stand below."
    yield (
        "Labels are what faces, voices and words look like to annotators, not what people feel. Shares are of the "
        "steps that were sure enough to be named."
    )


def _common(entries: Sequence[Entry]) -> dict[str, int]:
    """Notices that many files have, with their number: they are told once."""
    counts = Counter(note for entry in entries for note in dict.fromkeys(entry.facts.get("notices") or ()))
    read = sum(entry.state != "failed" for entry in entries)
    return {note: count for note, count in counts.items() if count > max(FEW, read * OFTEN)}


def _lines(entry: Entry, groups: Groups, common: Container[str] = ()) -> Iterator[Line]:
    facts = entry.facts
    name = str(facts["name"])
    summary = facts.get("summary") or {}
    people = summary.get("people") or [{"person": "", "steps": 0, "read": 0, "named": 0, "shares": {}, "curve": ""}]
    for person in people:
        mostly, share = _mostly(person)
        covered = person["read"] / person["steps"] if person["steps"] else 0.0
        yield Line(
            name=name,
            link=quote(f"{name}.html".encode("utf-8", "surrogateescape")),
            group=groups.of(entry),
            person=person_name(person["person"]) if person["steps"] else "nobody",
            length=clock(_duration(entry)),
            mostly=mostly,
            read=f"{percent(covered)} of {person['steps']}" if person["steps"] else "",
            state=STATES[entry.state],
            notes=str(facts.get("error", "")) or "; ".join(n for n in facts.get("notices") or () if n not in common),
            curve=_curve(person["curve"]),
            said=_said(person),
            keys={"length": _duration(entry), "share": share, "read": covered},
        )


def _mostly(person: Mapping[str, Any]) -> tuple[str, float]:
    """The commonest label with its share and n, or why there is none."""
    if not person["steps"]:
        return "nobody was read", 0.0
    if not person["named"]:
        return "nothing sure enough to name", 0.0
    label, share = max(person["shares"].items(), key=lambda pair: pair[1] or 0.0)
    return f"{label} {percent(share)} of n = {person['named']}", float(share)


def _curve(code: str) -> tuple[tuple[float, float, str], ...]:
    """Runs of equal bins as (left, width, label) in per cent of the length; bins without a name are left empty."""
    parts, at = [], 0
    for sign, run in groupby(code):
        length = len(list(run))
        if sign != "-":
            parts.append((round(100 * at / len(code), 2), round(100 * length / len(code), 2), EMOTIONS[int(sign)]))
        at += length
    return tuple(parts)


def _said(person: Mapping[str, Any]) -> str:
    """What the curve shows, for those who do not see it."""
    shares = [f"{label} {percent(share)}" for label, share in person["shares"].items() if share]
    return listed(shares) if shares else "nothing named"


def _groups(entries: Sequence[Entry], groups: Groups) -> list[dict[str, Any]]:
    """Mean shares over the people of each group, with Student's t interval over people from `FEW` people on."""
    found: dict[str, list[list[float]]] = {}
    files: dict[str, set[str]] = {}
    for entry in entries:
        name = str(entry.facts.get("name", entry.uri))
        group = groups.of(entry)
        for person in (entry.facts.get("summary") or {}).get("people") or []:
            if person["named"]:
                found.setdefault(group, []).append([float(person["shares"][emotion]) for emotion in EMOTIONS])
                files.setdefault(group, set()).add(name)
    return [
        {"name": name or "no group", "files": len(files[name]), "people": len(table), "cells": _cells(np.array(table))}
        for name, table in sorted(found.items())
    ]


def _cells(table: Any) -> list[str]:
    cells = []
    for values in table.T:
        span = as_share(over_seeds(values))
        text = percent(span.value)
        if len(values) >= FEW and span.low is not None and span.high is not None:
            text += f" ({100 * span.low:.0f} to {100 * span.high:.0f})"
        cells.append(text)
    return cells
