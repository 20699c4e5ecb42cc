"""`mer analyze` over many files: progress, what failed, where everything is."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from mer_batch.cli.common import say
from mer_batch.errors import EXIT_INPUT, EXIT_OK, EXIT_PARTIAL, InputError, UsageError
from mer_batch.wording import counted, flat

if TYPE_CHECKING:
    from mer_batch.batch.job import Pages
    from mer_batch.batch.run import Event, Outcome
    from mer_batch.batch.sources import Found
    from mer_batch.config import Options

OUT = Path("reports")
"""Where reports land unless --out says otherwise."""
TOLD = 20
"""Failures that the terminal lists; the index has all."""


def analyze_many(
    arguments: Sequence[str],
    options: Options,
    pages: Pages,
    *,
    out: str | None,
    workers: int,
    memory: float | None,
    split: float,
    engine: str,
    address: str | None,
    retry_failed: bool,
    force: bool,
    groups: Path | None,
    quiet: bool,
) -> int:
    """Read every file that `arguments` mean; exit 0 when all were read, 4 when some were not, 3 when none was."""
    from mer_batch.batch import run as batch
    from mer_batch.batch import table
    from mer_batch.batch.shelf import Shelf
    from mer_batch.batch.sources import expand, is_address
    from mer_batch.checks import check_options
    from mer_batch.pages.batch import write_index

    check_options(options)
    shelf = Shelf(out) if out is not None and is_address(out) else None
    folder = shelf.folder if shelf is not None else Path(out or OUT)
    named = table.read_groups(groups) if groups is not None else table.Groups()
    found = expand(arguments, folder)
    if not found.sources:
        raise InputError(
            flat("; ".join(f"{name}: {reason}" for name, reason in found.missing)) or _empty(arguments, found)
        )
    order = batch.Order(
        found, options, pages, folder, workers, memory, retry_failed, force, shelf, engine, address, split
    )
    with Many(quiet) as heard:
        for line in _said(found):
            heard.say(line)
        outcome = batch.run(order, heard)
    entries = list(outcome.entries.values())
    said = [flat(line) for line in (*named.said(entries), *_told(outcome))]
    written = table.write(folder, table.rows(entries, named))
    index = write_index(folder, entries, named, [*_said(found), *said])
    if shelf is not None:
        shelf.bring(path.relative_to(folder).as_posix() for path in (*written, index))
    for line in (*said, *_failures(outcome)):
        say(line)
    if not quiet:
        place = index if shelf is None else f"{shelf.address}/{index.name}"
        typer.echo(f"{_counts(outcome)}\nIndex: {place}\nTable: {written[0].name}, {written[1].name} beside it")
    return _code(outcome)


def _empty(arguments: Sequence[str], found: Found) -> str:
    passed = ", ".join(f"{count} {kind}" for kind, count in found.passed_over.most_common(5))
    return f"there is no media file in {' '.join(arguments)}" + (f" (passed over: {passed})" if passed else "")


def _said(found: Found) -> Iterator[str]:
    if found.passed_over:
        passed = ", ".join(f"{count} {kind}" for kind, count in sorted(found.passed_over.items()))
        yield f"passed over: {passed}"


def _told(outcome: Outcome) -> Iterator[str]:
    if outcome.damaged:
        yield f"{counted(outcome.damaged, 'damaged line')} of the ledger left out"
    if outcome.foreign:
        yield f"{counted(outcome.foreign, 'line')} of the ledger left out, as another version wrote them"
    if outcome.others:
        yield f"{counted(outcome.others, 'report')} of earlier runs not in the index, as not asked for now"
    if outcome.untried:
        yield f"{counted(outcome.untried, 'file')} failed before, not tried again; --retry-failed does"


def _failures(outcome: Outcome) -> Iterator[str]:
    failed = outcome.failed
    for name, reason in failed[:TOLD]:
        yield flat(f"not read: {name}: {reason}")
    if len(failed) > TOLD:
        yield f"and {len(failed) - TOLD} more, see the index"


def _counts(outcome: Outcome) -> str:
    parts = [
        f"{outcome.count('done')} read",
        f"{outcome.count('partial')} read in part",
        f"{len(outcome.failed)} not read",
    ]
    if outcome.count("left out"):
        parts.append(f"{outcome.count('left out')} no media")
    if outcome.again:
        parts.append(f"{outcome.again} of them finished before")
    return ", ".join(parts)


def _code(outcome: Outcome) -> int:
    if not outcome.failed:
        return EXIT_PARTIAL if outcome.count("partial") else EXIT_OK
    return EXIT_PARTIAL if outcome.count("done") + outcome.count("partial") else EXIT_INPUT


class Many:
    """How a batch goes on: on a terminal a bar over all files and the files at work, elsewhere a line a file."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._bars: Any = None
        self._all: Any = None
        self._files: dict[str, Any] = {}
        self._began = time.monotonic()

    def __enter__(self) -> Many:
        if not self._quiet and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
            from rich.progress import Progress as Bars

            columns = (
                TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
                TimeRemainingColumn(),
            )  # fmt: skip
            self._bars = Bars(*columns, console=Console(stderr=True))
            self._bars.start()
            self._all = self._bars.add_task("files", total=None)
        return self

    def __exit__(self, *_: object) -> None:
        if self._bars is not None:
            self._bars.stop()

    def say(self, text: str) -> None:
        """A line beside the bars."""
        if self._quiet:
            return
        if self._bars is not None:
            self._bars.console.print(f"mer: {text}", markup=False, highlight=False)
        else:
            say(text)

    def __call__(self, event: Event) -> None:
        """Show what happened."""
        if self._quiet:
            return
        if event.state:
            error = f": {event.error}" if event.error else ""
            self.say(flat(f"{event.ended} of {event.of}, {event.name}: {event.state}{error}"))
        if self._bars is None:
            return
        from rich.markup import escape

        self._bars.update(self._all, completed=event.ended, total=event.of)
        if event.state:
            if event.name in self._files:
                self._bars.remove_task(self._files.pop(event.name))
            return
        if event.name not in self._files:
            self._files[event.name] = self._bars.add_task("", total=100)
        text = f"  {escape(flat(event.name)[-40:])} {event.stage}"
        self._bars.update(self._files[event.name], description=text, completed=round(100 * min(event.share, 1.0)))


def refuse_for_one(file: str, **given: bool) -> None:
    """Raise `UsageError` where options (by name, whether given) are of several files and one is read."""
    flags = [f"--{name.replace('_', '-')}" for name, set_by_user in given.items() if set_by_user]
    if flags:
        raise UsageError(
            f"{' and '.join(flags)}: how several files are read, and {file} is one; leave that out, or give its folder"
        )


def check(out: str | None, labels: Path | None, transcript: Path | None, names: str = "") -> None:
    """Refuse what one file alone can take."""
    if names:
        raise UsageError("--names is of one file; of several each has its own FILE.people.json beside it")
    if transcript is not None:
        raise UsageError("--transcript is of one file; of several each finds its own beside it, by its name")
    if labels is not None:
        raise UsageError("--labels scores one file; give one file, or score each with mer report")
    if out is not None and out.lower().endswith((".html", ".htm")):
        raise UsageError(f"several files need a folder, not {out}; for example --out reports/")
