"""One file of a batch, from its address to its finished report: what a worker does."""

from __future__ import annotations

import errno
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from mer_batch.batch.names import safe
from mer_batch.batch.sources import WORDS, Source, filesystem, sidecars, why
from mer_batch.config import Options
from mer_batch.errors import NOTED, InputError, MerError, UsageError, one_line, told
from mer_batch.files import check_folder

if TYPE_CHECKING:
    from mer_batch.batch.ledger import State
    from mer_batch.output import Page
    from mer_batch.types import Media, Timeline

Tell = Callable[[str, float], None]
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG})
"""Errors of the disk, not of a file: nothing can be written any more."""
CURVE: Final = 48
"""Bins of the small curve that stands in the index."""


@dataclass(frozen=True, slots=True)
class Pages:
    """What is written of every file; as for `output.Page`."""

    embed_media: bool = False
    assets: str = "inline"
    redact: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """A file, what is asked of it, and the folder of the batch.

    `keep` is where stages are kept, None = nowhere. `key` and `stat` are what its outputs depend on as it is begun
    (see `batch.keys`). Where `read` is set its timeline is there and whole, and only what is made from it is missing.
    """

    source: Source
    options: Options
    pages: Pages
    out: Path
    keep: Path | None = None
    key: str = ""
    stat: list[int] | None = None
    read: bool = False
    split: float = 0.0
    """Minutes of the pieces of a long film, 0 = it is read as a whole."""
    apart: bool = False
    """Whether other workers may take pieces of it."""
    film: Media | None = None
    """What is known of a film that was split; None before."""
    piece: int | None = None
    """The one piece of it that is to be read."""

    @property
    def report(self) -> Path:
        """The page, in the folder of the batch."""
        return self.out / f"{self.source.name}.html"


@dataclass(frozen=True, slots=True)
class Result:
    """How a job ended: `facts` go into the ledger, `error` is its one line.

    `stops` tells that the fault is the disk's: whatever comes next would end so, too. A long film is not read at once:
    it is to be read in so many `pieces`, and `film` is what is known of it.
    """

    state: State
    facts: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""
    stops: bool = False
    film: Media | None = None
    pieces: int = 0


def do(job: Job, tell: Tell) -> Result:
    """Read the file and write its report. Whatever is wrong with it becomes a result, never an exception."""
    began = time.monotonic()
    try:
        if job.read and (timeline := _saved(job)) is not None:
            page(job).write(timeline, tell)
            return _result(job, timeline, began)
        with fetched(job.source, tell) as path:
            return _analysed(job, path, tell, began)
    except (MerError, OSError, MemoryError) as error:
        stops = _stops(error, job.out)
        return Result(_state(job.source, error), {"seconds": _since(began)}, told(error, NOTED), stops)
    except Exception as error:  # a fault of ours: it costs this file, not the batch
        if os.environ.get("MER_DEBUG") == "1":
            raise
        return Result("failed", {"seconds": _since(began)}, f"{type(error).__name__}: {one_line(error, NOTED)}")


def _state(source: Source, error: Exception) -> State:
    """A file that was only met in a folder, has no ending and is no media is none of ours."""
    stranger = not source.named and not PurePosixPath(source.name).suffix
    return "left out" if stranger and isinstance(error, InputError) else "failed"


def _stops(error: BaseException, out: Path) -> bool:
    """Whether the disk of the reports is full or not to be written, whatever became of this file."""
    chain: BaseException | None = error
    while chain is not None:
        if isinstance(chain, OSError) and chain.errno in _FULL:
            return True
        chain = chain.__cause__
    if not isinstance(error, (UsageError, PermissionError)):
        return False
    from mer_batch.output import ROOM

    try:
        check_folder(out, needed=ROOM)
    except UsageError:
        return True
    return False


def _saved(job: Job) -> Timeline | None:
    """The timeline that an earlier run has written, None where it turns out not to be whole."""
    from mer_batch.output import read_timeline

    with suppress(MerError):
        return read_timeline(page(job).files[1])
    return None


def _analysed(job: Job, path: Path, tell: Tell, began: float) -> Result:
    from mer_batch import media, pipeline

    options, notices = with_words(job.options, path)
    film = media.probe(path) if job.film is None else replace(job.film, path=path)
    if job.piece is not None and job.keep is not None:
        unfit = pipeline.read_piece(film, options, job.split, job.keep, job.piece, tell, shows(job.pages))
        return Result("done", error=unfit)
    if job.apart and job.keep is not None and (pieces := pipeline.pieces_of(film, options, job.split, job.keep)) > 1:
        return Result("done", film=film, pieces=pieces)
    whole: list[str] = []
    timeline = pipeline.analyze(
        path,
        options,
        on_progress=tell,
        keep=job.keep,
        film=film,
        split=job.split,
        on_whole=whole.append,
        pictures=shows(job.pages),
    )
    timeline = replace(timeline, notices=(*timeline.notices, *notices))
    page(job, path).write(timeline, tell)
    result = _result(job, timeline, began)
    return replace(result, facts={**result.facts, "not_split": whole[0]}) if whole else result


def _result(job: Job, timeline: Timeline, began: float) -> Result:
    from mer_batch.report.redact import redacted

    shown = redacted(timeline, page(job).hidden)  # index and table must not tell what the page leaves out
    facts = {
        "media": {"sha256": timeline.media.sha256, "duration": timeline.media.duration},
        "seconds": _since(began),
        "stages": dict(timeline.provenance.seconds),
        "outputs": dict(_outputs(job)),
        "summary": summary(shown),
        "notices": list(shown.notices),
    }
    return Result("partial" if timeline.lost else "done", facts, "; ".join(_lost(shown)))


def with_words(options: Options, path: Path) -> tuple[Options, list[str]]:
    """The options, with the transcript that lies beside the file where none is given, and what is to be said of it.

    A file of the same name that holds no words (JSON of any kind lies beside recordings) is none, and costs nothing.
    """
    if options.transcript is not None or "text" not in options.modalities:
        return options, []
    from mer_batch.media import parse_transcript

    notices: list[str] = []
    for beside in sidecars(path):
        try:
            if parse_transcript(beside).utterances:
                return replace(options, transcript=beside), notices
            reason = "it holds no words"
        except (MerError, OSError) as error:
            reason = told(error, NOTED)
        notices.append(f"{beside.name} beside the recording is not read as its transcript: {reason}")
    return options, notices


def _lost(timeline: Timeline) -> Iterator[str]:
    for modality in timeline.lost:
        yield next((n for n in timeline.notices if n.startswith(f"{modality} was lost")), f"{modality} was lost")


def shows(pages: Pages) -> bool:
    """Whether small pictures of the recording are shown: where faces are hidden none are made, and none kept."""
    return "faces" not in {name.strip() for name in pages.redact.split(",")}


def page(job: Job, source: Path | None = None) -> Page:
    """What a job writes; its `files` are those that a finished job leaves."""
    from mer_batch.output import Page

    return Page(job.report, None, job.pages.embed_media, job.pages.assets, job.pages.redact, source)


def _outputs(job: Job) -> Iterator[tuple[str, int]]:
    from mer_batch.report.html import shared_script

    shared = [shared_script(job.report)] if job.pages.assets == "shared" else []
    for path in (*page(job).files, *shared):
        yield path.relative_to(job.out).as_posix(), path.stat().st_size


@contextmanager
def fetched(source: Source, tell: Tell) -> Iterator[Path]:
    """The file as a path: itself, or fetched into a folder of its own that is removed in the end."""
    if not source.remote:
        yield Path(source.uri)
        return
    with tempfile.TemporaryDirectory(prefix="mer-") as folder:
        path = Path(folder) / safe(PurePosixPath(source.name).name)
        tell("fetch", 0.0)
        files, remote = filesystem(source.uri)
        try:
            files.get_file(remote, str(path))
            _fetch_words(files, remote, path)
        except OSError as error:
            if error.errno in _FULL:
                raise
            raise InputError(f"cannot fetch {source.uri}: {why(error)}") from error
        except Exception as error:  # whatever a client of some store raises
            raise InputError(f"cannot fetch {source.uri}: {why(error)}") from error
        if path.is_dir():
            raise InputError(f"cannot fetch {source.uri}: it is a folder")
        tell("fetch", 1.0)
        yield path


def _fetch_words(files: Any, remote: str, path: Path) -> None:
    """Fetch a transcript that lies beside a remote file; an address with a question in it has nothing beside it."""
    stem, dot, _ = remote.rpartition(".")
    if not dot or "?" in remote:
        return
    for ending in WORDS:
        if files.exists(f"{stem}.{ending}"):
            files.get_file(f"{stem}.{ending}", str(path.with_suffix(f".{ending}")))
            return


def summary(timeline: Timeline) -> dict[str, Any]:
    """What the index and the overall table tell of a file: people, shares of what was named, and a small curve."""
    from mer_batch.labels import EMOTIONS

    people = []
    for name in dict.fromkeys(segment.person for segment in timeline.segments):
        mine = [segment for segment in timeline.segments if segment.person == name]
        known = [segment for segment in mine if segment.probabilities is not None]
        named = [segment for segment in known if segment.label is not None]
        people.append(
            {
                "person": name,
                "steps": len(mine),
                "read": len(known),
                "named": len(named),
                "shares": {
                    emotion: round(sum(segment.label == emotion for segment in named) / len(named), 4)
                    if named
                    else None
                    for emotion in EMOTIONS
                },
                "curve": _curve([segment.label for segment in mine]),
            }
        )
    return {"duration": timeline.media.duration, "people": people, "events": len(timeline.events)}


def _curve(labels: list[str | None]) -> str:
    """The commonest label of each of `CURVE` equal parts, as the place in `EMOTIONS`; "-" where nothing was named."""
    from collections import Counter

    from mer_batch.labels import INDEX

    if not labels:
        return ""
    bins = min(CURVE, len(labels))
    parts = [labels[number * len(labels) // bins : (number + 1) * len(labels) // bins] for number in range(bins)]
    most = [Counter(part).most_common(1)[0][0] for part in parts]
    return "".join("-" if label is None else str(INDEX[label]) for label in most)


def _since(began: float) -> float:
    return round(time.monotonic() - began, 3)
