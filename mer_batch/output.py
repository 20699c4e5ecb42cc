"""The files an analysis leaves: the page, timeline.json and timeline.csv, each whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from mer_batch.errors import InputError, UsageError, unknown_name

if TYPE_CHECKING:
    from mer_batch.types import Timeline

ASSETS = ("inline", "shared")
REDACTABLE = ("faces", "words", "names")
OnProgress = Callable[[str, float], None]


@dataclass(frozen=True)
class Page:
    """Where and how to write. Raises `UsageError` at once for what does not fit, before any work is done."""

    out: Path
    labels: Path | None
    embed_media: bool
    assets: str
    redact: str

    def __post_init__(self) -> None:
        if self.assets not in ASSETS:
            raise unknown_name("--assets", self.assets, ASSETS)
        for name in self.hidden:
            if name not in REDACTABLE:
                raise unknown_name("--redact", name, REDACTABLE)
        if self.labels is not None and not self.labels.is_file():
            raise UsageError(f"there are no labels at {self.labels}")
        if self.out.is_dir():
            raise UsageError(f"{self.out} is a folder; give --out a file name such as {self.out / 'report.html'}")

    @property
    def hidden(self) -> frozenset[str]:
        """What is left out."""
        return frozenset(name.strip() for name in self.redact.split(",") if name.strip())

    def write(self, timeline: Timeline, on_progress: OnProgress | None = None) -> Path:
        """Write the timeline first, so that it survives whatever happens to the page; returns the page."""
        from mer_batch.files import whole_file
        from mer_batch.report.html import write_report
        from mer_batch.report.redact import redacted
        from mer_batch.timeline import io, truth

        if on_progress is not None:
            on_progress("report", 0.0)
        shown = redacted(timeline, self.hidden)
        self.out.parent.mkdir(parents=True, exist_ok=True)
        stem = self.out.with_suffix("")
        with whole_file(stem.with_name(f"{stem.name}.timeline.json")) as part:
            part.write_text(io.to_json(_beside(shown, self.out.parent)), encoding="utf-8")
        io.write_csv(shown, stem.with_name(f"{stem.name}.timeline.csv"))
        # Labels name people as the readings do, so they are compared with no name hidden.
        scores = truth.compare(timeline, truth.read_truth(self.labels)) if self.labels else None
        write_report(
            shown, self.out, assets=self.assets, embed_media=self.embed_media, truth=scores, redact=self.hidden
        )
        if on_progress is not None:
            on_progress("report", 1.0)
        return self.out


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
