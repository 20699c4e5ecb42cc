"""Where a run comes from: parents, changes, options, hardware, versions, seconds and licence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mer_batch.pages.run.data import Run, ancestors
from mer_batch.pages.run.words import duration, moment
from mer_batch.wording import listed


def context(run: Run) -> dict[str, object]:
    """The lineage, the changes on resume, and the tables of facts, options and versions."""
    lineage = [
        (
            name,
            str(info.get("state") or "model"),
            str(info.get("epochs_done", "")),
            moment(str(info.get("started") or "")),
        )
        for name, info in ancestors(run)
    ]
    info, card = run.info, run.card
    spent = sum(float(row.get("seconds") or 0) for row in run.rows)
    facts = [
        ("run", str(info.get("id") or run.name)),
        ("started", moment(str(info["started"])) if info.get("started") else ""),
        ("hardware", _text(info.get("device"))),
        ("processes", str(info["processes"]) if int(info.get("processes") or 1) > 1 else ""),
        ("training time", duration(spent) if spent else ""),
        ("weights sha256", card.sha256 if card else ""),
    ]
    return {
        "lineage": lineage,
        "changes": _changes(run),
        "resumed": _resumed(run.info),
        "notes": [str(note) for note in info.get("notes") or []],
        "licence": card.licence if card else "",
        "data": card.data if card else "",
        "facts_rows": [(name, value) for name, value in facts if value and value != "–"],
        "options": list(_flat(info.get("options") or {})),
        "versions": list(_flat(info.get("versions") or {})),
    }


def _changes(run: Run) -> list[tuple[str, str, str, str]]:
    return [
        (str(c.get("epoch", "")), str(c.get("option", "")), _text(c.get("from")), _text(c.get("to")))
        for c in run.info.get("changes") or []
    ]


def _resumed(info: Mapping[str, Any]) -> str:
    """Where the run was taken up again, in words; empty for one that ran through or does not say."""
    epochs = info.get("resumed") or sorted(
        {change["epoch"] for change in info.get("changes") or [] if "epoch" in change}
    )
    named = listed([str(epoch) for epoch in epochs])
    return f"Resumed after epoch {named}." if named else ""


def _flat(table: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for name, value in table.items():
        rows += _flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else [(f"{prefix}{name}", _text(value))]
    return rows


def _text(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_text(part)}" for name, part in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(_text(part) for part in value)
    return f"{value:g}" if isinstance(value, float) else str(value)
