"""A whole batch: what is finished stays, the rest is read by workers, and everything that happens is in the ledger.

The folder of a batch holds a report a file, `ledger.jsonl`, and `.mer/`: the lock, and the stages that were computed,
so that another fusion setting or page decodes nothing. Who deletes the folder has deleted everything.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from mer_batch import __version__
from mer_batch.batch import job as jobs
from mer_batch.batch import keys
from mer_batch.batch.job import Job, Pages, Result
from mer_batch.batch.ledger import Entry, History, Ledger
from mer_batch.batch.names import distinct, safe
from mer_batch.batch.pool import Ended, Pool, Progress
from mer_batch.batch.shelf import Shelf
from mer_batch.batch.sources import Found, Source
from mer_batch.batch.waiting import Waiting
from mer_batch.config import LEAST_SPLIT, SPLIT, Options
from mer_batch.errors import MerError, UsageError, unknown_name
from mer_batch.files import check_folder, size_of, sweep
from mer_batch.keep import clear, short
from mer_batch.provenance import as_table
from mer_batch.resources import memory_mb, processors

if TYPE_CHECKING:
    from mer_batch.batch.ray_engine import RayPool

HIDDEN: Final = ".mer"
LOCK: Final = "lock"
ENGINES: Final = ("local", "ray")
STAGES: Final = "stages"
READ: Final = ("done", "partial")
"""States of files that have a report."""
CHANGED: Final = "it changed while it was read; the same command reads it again"
LONG_BYTES: Final = 16 << 20
"""Bytes from which a file may be a film worth splitting: ten minutes with 200 kbit a second."""
MANY: Final = 1 << 16
WORKER_MB: Final = 1500
"""Memory that a worker is counted with: about 1.1 GB with all models, and what a file adds."""

Heard: TypeAlias = Callable[["Event"], None]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that the terminal may tell: a file that began, went on, or ended (`state` is set)."""

    name: str
    stage: str = ""
    share: float = 0.0
    state: str = ""
    error: str = ""
    ended: int = 0
    of: int = 0


@dataclass(frozen=True, slots=True)
class Order:
    """What a batch is asked. Raises `UsageError` for what cannot be."""

    found: Found
    options: Options
    pages: Pages
    out: Path
    workers: int = 0
    """Processes; 0 takes as many as processors and memory carry."""
    memory: float | None = None
    """GB that all workers together may take."""
    retry_failed: bool = False
    force: bool = False
    shelf: Shelf | None = None
    """Where the reports are to stand in the end, if that is not the folder `out` itself."""
    engine: str = "local"
    """Who does the work: processes of this machine (local), or those of a Ray cluster (ray)."""
    address: str | None = None
    """Of the cluster; None starts one on this machine."""
    split: float = SPLIT
    """Minutes of the pieces that long films are read in; 0 = never split one."""

    def __post_init__(self) -> None:
        if self.workers < 0:
            raise UsageError(f"--workers must not be negative, got {self.workers}")
        if self.memory is not None and not self.memory > 0:
            raise UsageError(f"--memory must be a positive number of GB, got {self.memory}")
        if self.engine not in ENGINES:
            raise unknown_name("engine", self.engine, ENGINES)
        if self.address is not None and self.engine != "ray":
            raise UsageError("--address is of a Ray cluster; it needs --engine ray")
        if self.engine == "ray":
            from mer_batch.batch.ray_engine import check

            check()
        if self.split and not self.split >= LEAST_SPLIT:
            raise UsageError(f"--split must be 0 (never) or at least {LEAST_SPLIT:g} minutes, got {self.split:g}")
        if self.out.exists() and not self.out.is_dir():
            raise UsageError(f"{self.out} is a file; a batch needs a folder, such as --out reports/")


@dataclass(slots=True)
class Outcome:
    """How a batch ended: files by state, in the order of the sources; `again` were finished before."""

    order: Order
    entries: dict[str, Entry] = field(default_factory=dict)
    again: int = 0
    untried: int = 0
    """Those of them that failed before, and were not tried again."""
    damaged: int = 0
    foreign: int = 0
    """Lines of the ledger that another version wrote."""
    others: int = 0
    """Files of earlier runs whose reports also stand in the folder, and which were not asked for now."""

    def count(self, state: str) -> int:
        """How many files ended in a state."""
        return sum(entry.state == state for entry in self.entries.values())

    @property
    def failed(self) -> list[tuple[str, str]]:
        """Name and reason of every file that could not be read."""
        return [(str(e.facts.get("name", e.uri)), str(e.facts.get("error", ""))) for e in self.entries.values()
                if e.state == "failed"]  # fmt: skip


def run(order: Order, heard: Heard) -> Outcome:
    """Read what is not finished. Raises `MerError` where the folder cannot be written or another run works there."""
    with _alone(order.out), _shelved(order.shelf):
        sweep(order.out)
        ledger = Ledger(order.out)
        history = ledger.read()
        ledger.add("run", version=__version__, files=len(order.found.sources) + len(order.found.missing),
                   options=as_table(order.options), pages=asdict(order.pages))  # fmt: skip
        outcome = Outcome(order, damaged=history.damaged, foreign=history.foreign)
        waiting = list(_waiting(order, history, outcome, ledger))
        _work(order, waiting, ledger, heard)
        history = ledger.read()
        _gather(outcome, history)
        _clear(order.out, history)
        ledger.add("end", done=outcome.count("done"), partial=outcome.count("partial"), failed=outcome.count("failed"))
        return outcome


@contextmanager
def _shelved(shelf: Shelf | None) -> Iterator[None]:
    """What a shelf elsewhere needs before and after a run, however that ends."""
    if shelf is None:
        yield
        return
    shelf.open()
    try:
        yield
    except BaseException:
        with suppress(MerError):
            shelf.bring_ledger(now=True)
        raise
    shelf.bring_ledger(now=True)


def _gather(outcome: Outcome, history: History) -> None:
    """Put into `outcome` how each file that was asked for stands now, in the order asked."""
    found = outcome.order.found
    asked = dict.fromkeys([*(source.uri for source in found.sources), *(uri for uri, _ in found.missing)])
    outcome.entries = {uri: history.entries[uri] for uri in asked if uri in history.entries}
    outcome.others = sum(entry.state in READ for uri, entry in history.entries.items() if uri not in asked)


def _clear(out: Path, history: History) -> None:
    """Remove what tells people apart in pieces that nobody will join: of films that were read, whole or otherwise."""
    films = [media for uri, media in history.split.items() if "://" in uri or Path(uri).exists()]
    clear(out / HIDDEN / STAGES, "piece", {short(media) for media in films})


def _waiting(order: Order, history: History, outcome: Outcome, ledger: Ledger) -> Iterator[Job]:
    """The jobs that are to be done now; what was named and is not there fails at once."""
    for uri, reason in order.found.missing:
        ledger.add("failed", file=uri, name=uri, error=reason)
    for source in _placed(order, history):
        job = Job(source, order.options, order.pages, order.out, order.out / HIDDEN / STAGES, split=order.split)
        entry = history.entries.get(source.uri)
        if order.force or entry is None or not _unchanged(entry, job):
            yield job
        elif entry.state not in READ or (entry.state == "partial" and order.retry_failed):
            if order.retry_failed:
                yield job
            else:
                outcome.again += 1
                outcome.untried += entry.state == "failed"
        elif not _whole(entry, job, size_of if order.shelf is None else order.shelf.size_of):
            yield replace(job, read=size_of(jobs.page(job).files[1]) == _noted(entry, job, jobs.page(job).files[1]))
        else:
            outcome.again += 1


def _placed(order: Order, history: History) -> Iterator[Source]:
    """The sources under the names that they had in earlier runs; new ones keep clear of those."""
    new = [source for source in order.found.sources if source.uri not in history.names]
    names = distinct(
        ((source.uri, source.name) for source in new), {name: uri for uri, name in history.names.items()}
    )  # fmt: skip
    for source in order.found.sources:
        yield replace(
            source, name=safe(history.names[source.uri]) if source.uri in history.names else names[source.uri]
        )


def _unchanged(entry: Entry, job: Job) -> bool:
    """Whether the file and all else that its outputs depend on is as it was when it was read."""
    return entry.facts.get("key") == keys.key(job) and entry.facts.get("stat") == keys.stat(job.source)


def _whole(entry: Entry, job: Job, size: Callable[[Path], int | None] = size_of) -> bool:
    """Whether every output is there as it was written; a script that pages share is written again at once."""
    outputs: Mapping[str, int] = entry.facts.get("outputs", {})
    wanted = {path.relative_to(job.out).as_posix() for path in jobs.page(job).files}
    if not wanted <= set(outputs):
        return False
    if any(size(job.out / name) != outputs[name] for name in wanted):
        return False
    shared = set(outputs) - wanted
    if any(size(job.out / name) != outputs[name] for name in shared):
        from mer_batch.report.html import write_shared

        write_shared(job.report)
    return all(size(job.out / name) == outputs[name] for name in shared)


def _noted(entry: Entry, job: Job, path: Path) -> int | None:
    size = entry.facts.get("outputs", {}).get(path.relative_to(job.out).as_posix())
    return size if isinstance(size, int) else -1


def _work(order: Order, waiting: list[Job], ledger: Ledger, heard: Heard) -> None:
    if not waiting:
        return
    pool, several = _pool(order, _shares(order, waiting))
    done = 0
    todo = Waiting((replace(job, apart=several(job)) for job in waiting), _begun(ledger))
    with closing(pool.run(todo)) as events:
        for event in events:
            name = event.task.source.name
            if isinstance(event, Progress):
                heard(Event(name, event.stage, event.share, ended=done, of=len(waiting)))
                continue
            if not todo.ended(event.task, event.result):
                if event.task.piece is None:
                    film = event.result.film
                    ledger.add("split", sync=False, file=event.task.source.uri, pieces=event.result.pieces,
                               media=film and film.sha256)  # fmt: skip
                continue
            done += 1
            state, error = _note(event, ledger, order.shelf)
            heard(Event(name, state=state, error=error, ended=done, of=len(waiting)))


def _pool(order: Order, files: int) -> tuple[Pool[Job] | RayPool, Callable[[Job], bool]]:
    """Who does the work of so many files, and whether a film may be given to several workers."""
    if order.engine == "ray":
        from mer_batch.batch.ray_engine import RayPool

        count = min(order.workers or files, files)
        gpu = order.options.device.startswith("cuda")
        pool = RayPool(order.address, count, 1, WORKER_MB, gpu=gpu, folder=order.out / HIDDEN)
        return pool, lambda _job: count > 1
    count, threads = sizes(order, files)
    limit = None if order.memory is None else order.memory * 1024 / count
    # Whoever fetches a film fetches all of it, so that on one machine one worker alone reads it.
    return Pool[Job](jobs.do, count, threads, limit), lambda job: count > 1 and not job.source.remote


def _note(event: Ended[Job], ledger: Ledger, shelf: Shelf | None = None) -> tuple[str, str]:
    """Write down how a job ended; its state and what is to be said of it. Raises `MerError` where the disk is full."""
    job, result = event.task, _result(event)
    if result.stops:
        raise MerError(f"{result.error}; what was finished stays finished, and the same command goes on there")
    facts: dict[str, Any] = {"file": job.source.uri, "name": job.source.name, "group": job.source.group,
                             "key": job.key, "stat": job.stat, **result.facts}  # fmt: skip
    said = [result.error] if result.error else []
    if said:
        facts["error"] = result.error
    if keys.stat(job.source) != job.stat:
        facts["changed"] = True
        said.append(CHANGED)
    if shelf is not None:
        shelf.bring(result.facts.get("outputs", ()), keep=False)
    ledger.add(result.state, **facts)
    if shelf is not None:
        shelf.bring_ledger()
    return result.state, "; ".join(said)


def _result(event: Ended[Job]) -> Result:
    if event.died:
        return Result("failed", {}, f"{event.died}; the other files went on")
    result: Result = event.result
    return result


def _begun(ledger: Ledger) -> Callable[[Job], Job]:
    def begin(job: Job) -> Job:
        ledger.add("begun", sync=False, file=job.source.uri, name=job.source.name)
        # As it is now: whoever changes the file while it is read has it read again by the next run.
        return replace(job, key=keys.key(job), stat=keys.stat(job.source))

    return begin


def sizes(order: Order, files: int) -> tuple[int, int]:
    """Workers and the threads of each: files side by side use processors better than threads on one file do."""
    cores = processors()
    room = (order.memory * 1024 if order.memory is not None else _free_mb()) / WORKER_MB
    count = order.workers or max(1, min(cores, int(room)))
    count = min(count, files)
    return count, max(1, cores // count)


def _shares(order: Order, waiting: list[Job]) -> int:
    """How many workers the files can keep busy: a film that may be long is work for all."""
    long = order.split and any(not job.source.remote and (job.stat or keys.stat(job.source) or [0])[0] > LONG_BYTES
                               for job in waiting)  # fmt: skip
    return MANY if long else len(waiting)


def _free_mb() -> float:
    """Memory that is free, in MB; plenty where the system does not say."""
    known = memory_mb()
    return 64 * 1024.0 if known is None else known[1]


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let one run at a time work in a folder; the second is told who is there."""
    from filelock import FileLock, Timeout

    from mer_batch.output import ROOM

    place = folder / HIDDEN
    check_folder(folder, needed=ROOM)
    try:
        place.mkdir(parents=True, exist_ok=True)
        lock = FileLock(place / LOCK)
        lock.acquire(timeout=0)
    except Timeout as error:
        raise MerError(f"another mer works in {folder}{_who(place)}; wait for it, or choose another --out") from error
    except OSError as error:
        raise UsageError(f"cannot write in {folder}: {error.strerror}; choose another place with --out") from error
    try:
        with suppress(OSError):
            (place / "who").write_text(f"process {os.getpid()} on {socket.gethostname()}", encoding="utf-8")
        yield
    finally:
        lock.release()


def _who(place: Path) -> str:
    with suppress(OSError, UnicodeDecodeError):
        return f" ({(place / 'who').read_text(encoding='utf-8')[:80]})"
    return ""
