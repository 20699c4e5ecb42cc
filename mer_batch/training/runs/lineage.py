"""What runs there are, and where each comes from."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from mer_batch.errors import DataError, UsageError
from mer_batch.tasks.recipe import differences
from mer_batch.training.runs import lock, runfile
from mer_batch.training.runs.runfile import Run

HEAD = ("run", "recipe", "state", "epochs", "best validation", "test", "parent", "age")


def all_runs(root: Path) -> list[tuple[Path, Run]]:
    """The runs under a folder, newest first; folders whose `run.json` is damaged are left out."""
    found = [(path.parent, _read(path.parent)) for path in root.glob(f"**/{runfile.NAME}")]
    return sorted(
        ((folder, run) for folder, run in found if run is not None), key=lambda pair: pair[1].started, reverse=True
    )


def _read(folder: Path) -> Run | None:
    try:
        return runfile.read(folder)
    except DataError:
        return None


def table(root: Path, now: datetime | None = None) -> list[str]:
    """The lines of `mer train list`."""
    runs = all_runs(root)
    if not runs:
        return [f"There are no runs in {root}; mer train RECIPE starts one, --runs names another folder."]
    names = {run.id: str(folder) for folder, run in runs}
    moment = now or datetime.now(timezone.utc)
    rows = [HEAD, *(_row(folder, run, names, moment) for folder, run in runs)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(HEAD))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def show(folder: Path) -> list[str]:
    """The lines of `mer train show RUN`: the run, its ancestors, what differs from them, scores and files."""
    if not (folder / runfile.NAME).is_file():
        raise UsageError(f"{folder} is not a run folder; mer train list shows those there are")
    run = runfile.read(folder)
    return [*_facts(folder, run), *_ancestors(folder, run), *_changes(run), *_scores(run), *_files(folder)]


def state_of(folder: Path, run: Run) -> str:
    """The state that `run.json` tells, or killed where it says running and no process holds the folder."""
    return "killed" if run.state == runfile.RUNNING and not lock.is_held(folder) else run.state


def chain(folder: Path, run: Run) -> Iterator[tuple[str, Run | None]]:
    """The parents of a run up to the root, as (folder or model, run or None where it is no run or gone)."""
    seen = {run.id}
    while run.parent is not None:
        found = _find(folder, run)
        if found is None or found[1].id in seen:
            yield run.parent_folder or run.parent, None
            return
        folder, run = found
        seen.add(run.id)
        yield str(folder), run


def _find(folder: Path, run: Run) -> tuple[Path, Run] | None:
    """The parent of a run where it was, or, when it was moved, among its neighbours."""
    places = [Path(run.parent_folder)] if run.parent_folder else []
    for place in (*places, *(path.parent for path in sorted(folder.parent.glob(f"*/{runfile.NAME}")))):
        if (place / runfile.NAME).is_file():
            found = runfile.read(place)
            if found.id == run.parent:
                return place, found
    return None


def _row(folder: Path, run: Run, names: dict[str, str], now: datetime) -> tuple[str, ...]:
    select = str(run.options.get("train", {}).get("select", ""))
    return (
        str(folder),
        run.recipe,
        state_of(folder, run),
        f"{run.epochs_done}/{run.options.get('train', {}).get('epochs', '?')}",
        "-" if run.best is None else f"{select} {run.best:.4f}",
        f"{select} {run.scores[select]:.4f}" if select in run.scores else "-",
        "-" if run.parent is None else names.get(run.parent, run.parent_folder or run.parent),
        _age(now - datetime.fromisoformat(run.started)),
    )


def _age(span: Any) -> str:
    minutes = int(span.total_seconds() // 60)
    if minutes < 60:
        return f"{max(minutes, 0)} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} d"


def _facts(folder: Path, run: Run) -> list[str]:
    lines = [
        f"{folder}: {run.recipe}, {state_of(folder, run)}{f' ({run.reason})' if run.reason else ''}",
        f"id {run.id}, started {run.started}, {run.seconds:.0f} s of training on {run.device or '-'}"
        f"{f', {run.processes} processes' if run.processes > 1 else ''}",
        f"epochs {run.epochs_done}/{run.options['train']['epochs']}, "
        f"best validation {run.options['train']['select']} {'-' if run.best is None else f'{run.best:.4f}'}",
        "made with " + ", ".join(f"{name} {version}" for name, version in run.versions.items()),
    ]
    if run.dropped:
        lines.append(f"{run.dropped} training examples left out as wrongly labelled (clean.csv)")
    return lines + run.notes


def _ancestors(folder: Path, run: Run) -> list[str]:
    """Each parent with the options that its child changed."""
    lines = ["", "lineage:", f"  {folder}"]
    child = run
    for step, (place, parent) in enumerate(chain(folder, run), 1):
        lines.append(f"  {'  ' * step}from {place}{'' if parent is not None else ' (a model, or gone)'}")
        if parent is None:
            break
        for name, (old, new) in differences(parent.options, child.options).items():
            lines.append(f"  {'  ' * step}  {name}: {_shown(old)} -> {_shown(new)}")
        child = parent
    return lines


def _changes(run: Run) -> list[str]:
    rows = [
        f"  after epoch {row['epoch']}, step {row['step']}, {row['option']}: "
        f"{_shown(row['from'])} -> {_shown(row['to'])}"
        for row in run.changes
    ]
    return ["", "changed on resume:", *rows] if rows else []


def _scores(run: Run) -> list[str]:
    return (
        ["", "test scores:", *(f"  {name:<16} {value:g}" for name, value in run.scores.items())] if run.scores else []
    )


def _files(folder: Path) -> list[str]:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.startswith(".")]
    return ["", "files:", *(f"  {path.relative_to(folder).as_posix()}  {_size(path)}" for path in files)]


def _size(path: Path) -> str:
    count = path.stat().st_size
    return f"{count} B" if count < 1000 else f"{count / 1000:.0f} kB" if count < 10**6 else f"{count / 10**6:.1f} MB"


def _shown(value: object) -> str:
    return "-" if value is None else str(value)
