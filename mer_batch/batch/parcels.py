"""A job on a machine that may not see the folders of this one: what it needs travels there, what it made comes back.

Where the machine sees the folder of the batch under the same path (a shared folder), nothing travels. Else a file that
it does not see is read through the one that gave the task, and reports and kept stages come back as bytes.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from secrets import token_hex
from typing import Final

from mer_batch.batch import job as jobs
from mer_batch.batch import keys
from mer_batch.batch.job import Job, Result, Tell
from mer_batch.batch.sources import Source, sidecars
from mer_batch.errors import MerError
from mer_batch.files import whole_file

CHUNK: Final = 16 << 20
"""Bytes of a file that travel at once."""
_SMALL: Final = 8 << 20
"""Bytes beyond which what lies beside a file is no transcript."""
TOKEN: Final = "token"

Read = Callable[[str, int, int], bytes]
"""Gives bytes of a file of the machine that gave the task: its path, where they begin, how many."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """A job with what is known here: `token` as it stands in the folder of the batch, stages by their name in the
    folder of stages, and what lies beside the file and may be its transcript.
    """

    job: Job
    token: str
    kept: Mapping[str, bytes] = field(default_factory=dict)
    beside: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Returned:
    """The result of a job with the files that it made elsewhere: outputs and stages by their names in their folders."""

    result: Result
    outputs: Mapping[str, bytes] = field(default_factory=dict)
    kept: Mapping[str, bytes] = field(default_factory=dict)


def mark(folder: Path) -> str:
    """Write a token by which another machine knows that it sees this very folder."""
    token = token_hex(16)
    with whole_file(folder / TOKEN) as part:
        part.write_text(token, encoding="ascii")
    return token


def pack(job: Job, token: str) -> Parcel:
    """A job as it is sent away."""
    kept: dict[str, bytes] = {}
    if job.film is not None and job.keep is not None:
        folder = job.keep / job.film.sha256[:2]
        for path in folder.glob(f"{job.film.sha256[:32]}.*"):
            with suppress(OSError):
                kept[path.relative_to(job.keep).as_posix()] = path.read_bytes()
    beside: dict[str, bytes] = {}
    if not job.source.remote:
        for path in sidecars(Path(job.source.uri)):
            with suppress(OSError):
                if path.stat().st_size <= _SMALL:
                    beside[path.name] = path.read_bytes()
    return Parcel(job, token, kept, beside)


def do(parcel: Parcel, tell: Tell, read: Read) -> Returned:
    """Do the job of a parcel on this machine, whatever it sees."""
    job = parcel.job
    if job.keep is not None and _sees(job.keep.parent, parcel.token):
        return Returned(jobs.do(job, tell))
    with tempfile.TemporaryDirectory(prefix="mer-") as name, _near(parcel, Path(name) / "in", read) as source:
        out, keep = Path(name) / "out", Path(name) / "stages"
        out.mkdir()
        _write(keep, parcel.kept)
        result = jobs.do(replace(job, source=source, out=out, keep=keep), tell)
        # A full disk there is no full disk here.
        return Returned(replace(result, stops=False), _files(out, {}), _files(keep, parcel.kept))


def unpack(job: Job, returned: Returned) -> Result:
    """Put what came back where it belongs. A disk that is full makes a result that stops the batch."""
    try:
        if job.keep is not None:
            _write(job.keep, returned.kept)
        _write(job.out, returned.outputs)
    except (MerError, OSError) as error:
        return Result("failed", {}, str(error), stops=True)
    return returned.result


def read_bytes(path: str, start: int, count: int) -> bytes:
    """Bytes of a file of this machine."""
    with Path(path).open("rb") as file:
        file.seek(start)
        return file.read(count)


def _sees(folder: Path, token: str) -> bool:
    with suppress(OSError, UnicodeDecodeError):
        return (folder / TOKEN).read_text(encoding="ascii") == token
    return False


@contextmanager
def _near(parcel: Parcel, folder: Path, read: Read) -> Iterator[Source]:
    """The source as this machine can read it: in place where it is the same file, else a copy."""
    source, stat = parcel.job.source, parcel.job.stat
    if source.remote or (stat is not None and keys.stat(source) == stat):
        yield source
        return
    path = folder / Path(source.uri).name
    folder.mkdir(parents=True)
    _write(folder, parcel.beside)
    with path.open("wb") as file:
        while chunk := read(source.uri, file.tell(), CHUNK):
            file.write(chunk)
    yield replace(source, uri=str(path))


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        with whole_file(folder / name) as part:
            part.write_bytes(data)


def _files(folder: Path, known: Mapping[str, bytes]) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {name: path.read_bytes() for path in found if (name := path.relative_to(folder).as_posix()) not in known}
