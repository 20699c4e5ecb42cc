"""What a batch is to read: files, folders, patterns, lists and addresses, each file once, under a name of its own."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from glob import glob, has_magic
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any, Final

from mer_batch.errors import InputError, UsageError

_ENDINGS: Final = (
    "3g2 3gp aac ac3 adts aif aifc aiff amr ape asf au av1 avi caf dts dv eac3 f4v flac flv h264 h265 hevc ivf "
    "m1v m2ts m2v m4a m4b m4v mka mkv mov mp2 mp3 mp4 mpeg mpg mts mxf oga ogg ogm ogv opus ra rm rmvb snd spx "
    "ts tta vob w64 wav weba webm wma wmv wv y4m"
)
MEDIA: Final = frozenset(_ENDINGS.split())
"""Endings of media files. A file of another ending is tried only where it is named itself, or has no ending."""
WORDS: Final = ("srt", "vtt", "json")
"""Endings of a transcript that lies beside a recording under its name."""
_URL: Final = "://"


@dataclass(frozen=True, slots=True)
class Source:
    """One file to read. `uri` is how it is found again, `name` where its report stands, `group` its folder.

    `named` tells that the user named this very file; one that is merely found in a folder may turn out to be no media.
    """

    uri: str
    name: str
    group: str = ""
    named: bool = False

    @property
    def remote(self) -> bool:
        """Whether it must be fetched first."""
        return _URL in self.uri


@dataclass(frozen=True, slots=True)
class Found:
    """The sources in order, what was named and is not there (with the reason), and what was passed over, by reason."""

    sources: tuple[Source, ...]
    missing: tuple[tuple[str, str], ...] = ()
    passed_over: Counter[str] = field(default_factory=Counter)


def expand(arguments: Sequence[str], out: Path | None = None) -> Found:
    """All files that `arguments` mean, each once, in the order given and by name within a folder.

    An argument is a file, a folder (with all below it), a pattern (`**` goes into folders), `@list.txt` with an
    argument a line, or an address that fsspec knows (`s3://`, `https://`). The folder `out` is never read.
    Raises `UsageError` for a list that cannot be read.
    """
    skipped: Counter[str] = Counter()
    missing: list[tuple[str, str]] = []
    found: dict[str, Source] = {}
    for argument in _listed(arguments):
        mine = list(_sources(argument, out, skipped, missing))
        for source in mine:
            if source.uri in found:
                skipped["named twice"] += 1
            else:
                found[source.uri] = source
    return Found(tuple(_distinct(found.values())), tuple(missing), skipped)


def sidecar(path: Path) -> Path | None:
    """A transcript beside `path` under its name: interview.srt, or interview.mp4.srt, for interview.mp4."""
    for stem in (path.with_suffix(""), path):
        for ending in WORDS:
            beside = stem.with_name(f"{stem.name}.{ending}")
            if beside.is_file() and beside != path:
                return beside
    return None


def is_batch(arguments: Sequence[str]) -> bool:
    """Whether `arguments` mean more than the one file of the plain form."""
    if len(arguments) != 1:
        return True
    only = arguments[0]
    return only.startswith("@") or _URL in only or Path(only).is_dir() or (has_magic(only) and not Path(only).exists())


def _listed(arguments: Iterable[str]) -> Iterator[str]:
    for argument in arguments:
        if not argument.startswith("@") or Path(argument).exists():
            yield argument
            continue
        path = Path(argument[1:])
        try:
            lines = path.read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"cannot read the list {path}: {getattr(error, 'strerror', None) or error}") from error
        for line in map(str.strip, lines):
            if line and not line.startswith("#"):
                # A list may lie with its files, whatever folder the command is given in.
                beside = path.parent / line
                yield line if _URL in line or not (beside.exists() or has_magic(line)) else str(beside)


def _sources(
    argument: str, out: Path | None, skipped: Counter[str], missing: list[tuple[str, str]]
) -> Iterator[Source]:
    if _URL in argument:
        yield from _remote(argument, skipped, missing)
        return
    path = Path(argument)
    if path.is_dir():
        yield from _folder(path, out, skipped)
    elif path.exists():
        yield Source(_local(path), path.name, path.parent.name or ".", named=True)
    elif has_magic(argument):
        yield from _pattern(argument, skipped, missing)
    else:
        missing.append((argument, "there is no such file or folder"))


def _folder(root: Path, out: Path | None, skipped: Counter[str]) -> Iterator[Source]:
    top = root.resolve()
    own = out.resolve() if out is not None else None
    for folder, folders, names in os.walk(root):
        here = Path(folder)
        folders[:] = sorted(name for name in folders if not name.startswith(".") and (here / name).resolve() != own)
        for name in sorted(names):
            if _wanted(name, skipped):
                group = here.relative_to(root).as_posix()
                yield Source(
                    _local(here / name), (here / name).relative_to(root).as_posix(), top.name if group == "." else group
                )


def _pattern(pattern: str, skipped: Counter[str], missing: list[tuple[str, str]]) -> Iterator[Source]:
    # pathlib has no pattern with a folder before it that may be absolute.
    hits = [Path(hit) for hit in sorted(glob(pattern, recursive=True)) if not Path(hit).is_dir()]  # noqa: PTH207
    if not hits:
        missing.append((pattern, "no file matches this pattern"))
        return
    fixed = Path(*_fixed(Path(pattern).parts))
    for hit in hits:
        if _wanted(hit.name, skipped):
            yield Source(_local(hit), hit.relative_to(fixed).as_posix(), hit.parent.name or ".")


def _fixed(parts: Sequence[str]) -> list[str]:
    """The folders of a pattern before its first sign."""
    result: list[str] = []
    for part in parts[:-1]:
        if has_magic(part):
            break
        result.append(part)
    return result


def _remote(address: str, skipped: Counter[str], missing: list[tuple[str, str]]) -> Iterator[Source]:
    files, path = filesystem(address)
    try:
        if has_magic(path):
            hits = sorted(files.glob(path))
        elif _is_folder(files, path):
            hits = sorted(files.find(path))
        else:
            yield Source(address, PurePosixPath(path.split("?")[0]).name or "media", _parent(path), named=True)
            return
    except Exception as error:  # whatever a client of some store raises
        missing.append((address, f"cannot be listed: {one_line(error)}"))
        return
    if not hits:
        missing.append((address, "no file matches this address"))
    base = path.rstrip("/") if not has_magic(path) else "/".join(_fixed(path.split("/")))
    for hit in hits:
        if _wanted(PurePosixPath(hit).name, skipped):
            inside = hit[len(base) :].lstrip("/") if hit.startswith(base) else PurePosixPath(hit).name
            yield Source(files.unstrip_protocol(hit), inside or PurePosixPath(hit).name, _parent(hit))


def filesystem(address: str) -> tuple[Any, str]:
    """The fsspec file system of an address, and the path in it. Raises `InputError` where it cannot be had."""
    import fsspec

    try:
        files, path = fsspec.core.url_to_fs(address)
    except (ImportError, ValueError) as error:
        raise InputError(f"cannot open {address}: {one_line(error)}") from error
    return files, str(path)


def _is_folder(files: Any, path: str) -> bool:
    # Over HTTP a page with links counts as a folder; only one that ends like one is meant as one.
    protocols = {files.protocol} if isinstance(files.protocol, str) else set(files.protocol)
    if protocols & {"http", "https"}:
        return path.endswith("/")
    return bool(files.isdir(path))


def _parent(path: str) -> str:
    return PurePosixPath(path).parent.name or "."


def _wanted(name: str, skipped: Counter[str]) -> bool:
    if name.startswith("."):
        skipped["hidden"] += 1
        return False
    ending = PurePosixPath(name).suffix[1:].lower()
    if ending and ending not in MEDIA:
        skipped[f".{ending}"] += 1
        return False
    return True


def _local(path: Path) -> str:
    """A path that stays the same from whatever folder the command is given; links are followed, so files count once."""
    return str(path.resolve())


def _distinct(sources: Iterable[Source]) -> Iterator[Source]:
    """Sources whose names differ, also where letters' cases are one; a clash is told apart by the address's hash."""
    every = list(sources)
    names = Counter(source.name.casefold() for source in every)
    for source in every:
        if names[source.name.casefold()] == 1:
            yield source
        else:
            path = PurePosixPath(source.name)
            mark = sha256(source.uri.encode("utf-8", "surrogatepass")).hexdigest()[:6]
            yield replace(source, name=path.with_name(f"{path.stem}~{mark}{path.suffix}").as_posix())


def one_line(error: BaseException) -> str:
    """What an error says, without line breaks."""
    return " ".join(str(error).split())[:300] or type(error).__name__
