"""The files an analysis leaves: the page, timeline.json and timeline.csv, each whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from mer_batch.errors import DataError, InputError, UsageError, unknown_name

if TYPE_CHECKING:
    from mer_batch.timeline.truth_table import Truth
    from mer_batch.types import Timeline

ASSETS = ("inline", "shared")
REDACTABLE = ("faces", "words", "names")
ROOM = 20_000_000
"""Bytes of disk that the files of a long recording take without the recording itself."""
OnProgress = Callable[[str, float], None]
OnNotice = Callable[[str], None]


@dataclass(frozen=True)
class Page:
    """Where and how to write. Raises `UsageError` and `DataError` at once for what does not fit, before any work.

    `source` is the recording or the timeline that all of it is made from, `beside` are other files that are read.
    """

    out: Path
    labels: Path | None
    embed_media: bool
    assets: str
    redact: str
    source: Path | None = None
    beside: tuple[Path | None, ...] = ()

    def __post_init__(self) -> None:
        if self.assets not in ASSETS:
            raise unknown_name("--assets", self.assets, ASSETS)
        for name in self.hidden:
            if name not in REDACTABLE:
                raise unknown_name("--redact", name, REDACTABLE)
        if self.labels is not None and not self.labels.is_file():
            raise UsageError(f"there are no labels at {self.labels}")
        self._check_places()
        _ = self.truth  # read now, so that a mistake in it is told now

    @property
    def hidden(self) -> frozenset[str]:
        """What is left out."""
        return frozenset(name.strip() for name in self.redact.split(",") if name.strip())

    @property
    def files(self) -> tuple[Path, Path, Path]:
        """The page, the timeline and its table."""
        stem = self.out.with_suffix("")
        return self.out, stem.with_name(f"{stem.name}.timeline.json"), stem.with_name(f"{stem.name}.timeline.csv")

    @cached_property
    def truth(self) -> Truth | None:
        """The true labels; None without any. Raises `DataError` for a table that is none."""
        from mer_batch.timeline.truth_table import read_truth

        return read_truth(self.labels) if self.labels is not None else None

    def _check_places(self) -> None:
        from mer_batch.files import check_place

        needed = ROOM
        if self.embed_media and self.source is not None and self.source.is_file():
            needed += self.source.stat().st_size * 4 // 3  # as base64
        read = {path.resolve() for path in (self.source, self.labels, *self.beside) if path is not None}
        check_place(self.out, needed=needed)
        for path in self.files:
            check_place(path)
            anew = self.source is not None and path == self.files[1] and path.resolve() == self.source.resolve()
            if path.resolve() in read and not anew:  # `mer report` may write its timeline again
                raise UsageError(f"{path} would be written over, and is to be read; choose another name with --out")

    def write(
        self,
        timeline: Timeline,
        on_progress: OnProgress | None = None,
        on_notice: OnNotice | None = None,
        saved: Timeline | None = None,
        second: Timeline | None = None,
    ) -> Path:
        """Write the timeline first, so that it survives whatever happens to the page; returns the page.

        `on_notice` is told which labels were left out. `saved` is what the timeline file holds, where that is not what
        is shown. `second` is another timeline whose lanes stand beside.

        Raises `DataError` for labels that do not fit the timeline, after everything is written without scores.
        """
        from mer_batch.files import whole_file
        from mer_batch.report.html import write_report
        from mer_batch.report.redact import redacted
        from mer_batch.timeline import io, truth

        if on_progress is not None:
            on_progress("report", 0.0)
        shown = redacted(timeline, self.hidden)
        page, place, table = self.files
        # `mer report` beside its timeline leaves that as it was found.
        if saved is None or self.hidden or self.source is None or place.resolve() != self.source.resolve():
            held = shown if saved is None else redacted(saved, self.hidden)
            with whole_file(place) as part:
                part.write_text(io.to_json(_beside(held, page.parent)), encoding="utf-8")
        io.write_csv(shown, table)
        scores, misfit = None, None
        try:
            # Labels name people as the readings do, so they are compared with no name hidden.
            scores = truth.compare(timeline, self.truth) if self.truth else None
        except DataError as error:
            misfit = error
        if scores is not None:
            if on_notice is not None:
                for note in scores.notes:
                    on_notice(note)
            # A note may name somebody whom the timeline does not have.
            scores = replace(scores, notes=()) if "names" in self.hidden else scores
        write_report(
            shown,
            page,
            assets=self.assets,
            embed_media=self.embed_media,
            truth=scores,
            redact=self.hidden,
            second=second,
        )
        if misfit is not None:
            raise DataError(f"{misfit} (the report is written without scores: {page})") from misfit
        if on_progress is not None:
            on_progress("report", 1.0)
        return page


def read_timeline(path: Path) -> Timeline:
    """The timeline in a file. Raises `InputError` when it is missing or damaged."""
    from mer_batch.timeline import io

    try:
        timeline = io.from_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read the timeline {path}: {getattr(error, 'strerror', None) or error}") from error
    return replace(timeline, media=replace(timeline.media, path=path.parent / timeline.media.path))


def _beside(timeline: Timeline, folder: Path) -> Timeline:
    """The timeline with the recording's path as seen from `folder`, so that both can be moved together."""
    try:
        path = Path(os.path.relpath(timeline.media.path, folder))
    except ValueError:  # another drive: the name alone gives nothing away
        path = Path(timeline.media.path.name)
    return replace(timeline, media=replace(timeline.media, path=path))


def headline(timeline: Timeline) -> list[str]:
    """The sentences that sum a timeline up."""
    from mer_batch.report.lead import lead
    from mer_batch.timeline.agreement import agreement
    from mer_batch.timeline.summary import summarize

    return lead(timeline, summarize(timeline), agreement(timeline))
