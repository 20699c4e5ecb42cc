"""A whole batch: what is finished stays, the rest is read by workers, and everything that happens is in the ledger.

The folder of a batch holds a report a file, `ledger.jsonl`, and `.mer/`: the lock, and the stages that were computed,
so that another fusion setting or page decodes nothing. Who deletes the folder has deleted everything.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, TypeAlias

from mer_batch import __version__
from mer_batch.batch import job as jobs
from mer_batch.batch.job import Job, Pages, Result
from mer_batch.batch.ledger import Entry, History, Ledger
from mer_batch.batch.pool import Ended, Pool, Progress
from mer_batch.batch.sources import Found, Source
from mer_batch.config import Options
from mer_batch.errors import MerError, UsageError
from mer_batch.files import sha256_of

HIDDEN: Final = ".mer"
LOCK: Final = "lock"
STAGES: Final = "stages"
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

    def __post_init__(self) -> None:
        if self.workers < 0:
            raise UsageError(f"--workers must not be negative, got {self.workers}")
        if self.memory is not None and not self.memory > 0:
            raise UsageError(f"--memory must be a positive number of GB, got {self.memory}")
        if self.out.exists() and not self.out.is_dir():
            raise UsageError(f"{self.out} is a file; a batch needs a folder, such as --out reports/")


@dataclass(slots=True)
class Outcome:
    """How a batch ended: files by state, in the order of the sources; `again` were finished before."""

    order: Order
    entries: dict[str, Entry] = field(default_factory=dict)
    again: int = 0
    damaged: int = 0

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
    with _alone(order.out):
        ledger = Ledger(order.out)
        history = ledger.read()
        ledger.add("run", version=__version__, files=len(order.found.sources), options=_plain(order.options),
                   pages=asdict(order.pages))  # fmt: skip
        outcome = Outcome(order, damaged=history.damaged)
        waiting = list(_waiting(order, history, outcome, ledger))
        _work(order, waiting, ledger, heard)
        known = {source.uri for source in order.found.sources} | {uri for uri, _ in order.found.missing}
        outcome.entries = {uri: entry for uri, entry in ledger.read().entries.items() if uri in known}
        ledger.add("end", done=outcome.count("done"), partial=outcome.count("partial"), failed=outcome.count("failed"))
        return outcome


def _waiting(order: Order, history: History, outcome: Outcome, ledger: Ledger) -> Iterator[Job]:
    """The jobs that are to be done now; what was named and is not there fails at once."""
    for uri, reason in order.found.missing:
        ledger.add("failed", file=uri, name=uri, error=reason)
    for source in _placed(order, history):
        job = Job(source, order.options, order.pages, order.out, order.out / HIDDEN / STAGES)
        entry = history.entries.get(source.uri)
        if not order.force and entry is not None and _ended(entry, job, order):
            outcome.again += 1
        else:
            yield job


def _placed(order: Order, history: History) -> Iterator[Source]:
    """The sources under the names that they had in earlier runs; new ones keep clear of those."""
    from dataclasses import replace

    taken = {name.casefold(): uri for uri, name in history.names.items()}
    for source in order.found.sources:
        name = history.names.get(source.uri, source.name)
        if taken.setdefault(name.casefold(), source.uri) != source.uri:
            stem, dot, ending = name.rpartition(".")
            mark = sha256(source.uri.encode("utf-8", "surrogatepass")).hexdigest()[:6]
            name = f"{stem}~{mark}.{ending}" if dot else f"{name}~{mark}"
            taken[name.casefold()] = source.uri
        yield replace(source, name=name)


def _ended(entry: Entry, job: Job, order: Order) -> bool:
    """Whether a file needs nothing: read as asked, unchanged, every output there; or failed and not to be retried."""
    if entry.facts.get("key") != key(job) or entry.facts.get("stat") != stat(job.source):
        return False
    if entry.state in ("failed", "left out"):
        return not order.retry_failed
    outputs: Mapping[str, int] = entry.facts.get("outputs", {})
    wanted = {path.relative_to(job.out).as_posix() for path in jobs.page(job).files}
    return wanted <= set(outputs) and all(_size(job.out / name) == size for name, size in outputs.items())


def _size(path: Path) -> int | None:
    with suppress(OSError):
        return path.stat().st_size
    return None


def stat(source: Source) -> list[int] | None:
    """Size and time of change of a file here, by which it counts as unchanged; None for one elsewhere."""
    if source.remote:
        return None
    with suppress(OSError):
        found = os.stat(source.uri)  # noqa: PTH116 - the name may hold what no Path can
        return [found.st_size, found.st_mtime_ns]
    return None


def key(job: Job) -> str:
    """What outputs depend on beside the file: options, pages, models, version, the transcript beside it."""
    options = jobs.with_words(job.options, Path(job.source.uri)) if not job.source.remote else job.options
    words = None
    if options.transcript is not None:
        with suppress(OSError):
            words = sha256_of(options.transcript)
    facts = {"options": _plain(options), "pages": asdict(job.pages), "version": __version__, "words": words,
             "models": models(job.options)}  # fmt: skip
    return sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


@lru_cache(maxsize=8)
def models(options: Options) -> dict[str, str]:
    """The checksums of the models that an analysis uses, by modality; the name where it has no card of its own."""
    from mer_batch.nets.store import find_model, read_card

    found: dict[str, str] = {}
    for modality in options.modalities:
        spec = getattr(options, f"{modality}_model")
        found[modality] = spec if spec.startswith("hf:") else read_card(find_model(modality, spec)).sha256
    return found


def _plain(options: Options) -> dict[str, Any]:
    return {name: str(value) if isinstance(value, Path) else value for name, value in asdict(options).items()}


def _work(order: Order, waiting: list[Job], ledger: Ledger, heard: Heard) -> None:
    if not waiting:
        return
    count, threads = sizes(order, len(waiting))
    limit = None if order.memory is None else order.memory * 1024 / count
    done = 0
    for event in Pool[Job](jobs.do, count, threads, limit).run(_begun(waiting, ledger)):
        source = event.task.source
        if isinstance(event, Progress):
            heard(Event(source.name, event.stage, event.share, ended=done, of=len(waiting)))
            continue
        done += 1
        result = _result(event)
        ledger.add(
            result.state, file=source.uri, name=source.name, group=source.group, key=key(event.task),
            stat=stat(source), **result.facts, **({"error": result.error} if result.error else {}),
        )  # fmt: skip
        heard(Event(source.name, state=result.state, error=result.error, ended=done, of=len(waiting)))


def _result(event: Ended[Job]) -> Result:
    if event.died:
        return Result("failed", {}, f"{event.died}; the other files went on")
    result: Result = event.result
    return result


def _begun(waiting: list[Job], ledger: Ledger) -> Iterator[Job]:
    for job in waiting:
        ledger.add("begun", file=job.source.uri, name=job.source.name)
        yield job


def sizes(order: Order, files: int) -> tuple[int, int]:
    """Workers and the threads of each: files side by side use processors better than threads on one file do."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    room = (order.memory * 1024 if order.memory is not None else _free_mb()) / WORKER_MB
    count = order.workers or max(1, min(cores, int(room)))
    count = min(count, files)
    return count, max(1, cores // count)


def _free_mb() -> float:
    """Memory that is free, in MB; plenty where the system does not say."""
    with suppress(OSError, ValueError):
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) / 1024
    return 64 * 1024.0


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let one run at a time work in a folder; the second is told who is there."""
    from filelock import FileLock, Timeout

    place = folder / HIDDEN
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
