"""What a batch is to read: files, folders, patterns, lists and addresses, each file once, under a name of its own."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from glob import glob, has_magic
from pathlib import Path, PurePosixPath
from typing import Any, Final
from urllib.parse import unquote

from mer_batch.batch.names import distinct
from mer_batch.errors import NOTED, InputError, UsageError, one_line

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
_EXTRAS: Final = {"s3": "s3", "s3a": "s3", "http": "http", "https": "http"}
"""Extras of this package that bring the client of an address."""
_UTF16: Final = (b"\xff\xfe", b"\xfe\xff")


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
    names = distinct((source.uri, source.name) for source in found.values())
    named = (replace(source, name=names[source.uri]) for source in found.values())
    return Found(tuple(named), tuple(dict(missing).items()), skipped)


def sidecars(path: Path) -> list[Path]:
    """What lies beside `path` under its name and may be its transcript, the likeliest first.

    For interview.mp4: interview.srt, or interview.mp4.srt.
    """
    found = (
        stem.with_name(f"{stem.name}.{ending}") for stem in (path.with_suffix(""), path) for ending in WORDS
    )  # fmt: skip
    return [beside for beside in found if beside != path and is_file(beside)]


def is_file(path: Path) -> bool:
    """Whether there is such a file, as far as that can be told."""
    try:
        return path.is_file()
    except OSError:  # a name too long, or a folder that may not be entered
        return False


def is_address(argument: str) -> bool:
    """Whether an argument is an address that fsspec may know, not a path."""
    return _URL in argument


def is_batch(arguments: Sequence[str]) -> bool:
    """Whether `arguments` mean more than the one file of the plain form."""
    if len(arguments) != 1:
        return True
    only = arguments[0]
    if is_address(only) and not has_magic(only.split("?")[0]):
        return _ending(_named(only)) not in MEDIA
    return only.startswith("@") or _URL in only or Path(only).is_dir() or (has_magic(only) and not Path(only).exists())


def _listed(arguments: Iterable[str]) -> Iterator[str]:
    for argument in arguments:
        if not argument.startswith("@") or Path(argument).exists():
            yield argument
            continue
        yield from _lines(Path(argument[1:]))


def _lines(path: Path) -> Iterator[str]:
    """The arguments in a list, one a line; it may lie with its files, whatever folder the command is given in."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read the list {path}: {error.strerror}") from error
    if b"\0" in data and not data.startswith(_UTF16):
        raise UsageError(f"cannot read the list {path}: it is no text")
    # A name need not be UTF-8; it is then taken byte by byte, as the system gives it. Windows' shell writes UTF-16.
    text = data.decode("utf-16", "replace") if data.startswith(_UTF16) else data.decode("utf-8-sig", "surrogateescape")
    for line in text.split("\n"):
        exact = line.rstrip("\r")
        bare = exact.strip()
        # A name may begin with # or end in a blank: it counts where there is such a file.
        here = next((name for name in (exact, bare) if name and _exists(path.parent / name)), None)
        if here is not None:
            yield str(path.parent / here)
        elif bare and not bare.startswith("#"):
            yield str(path.parent / bare) if has_magic(bare) and _URL not in bare else bare


def _exists(path: Path) -> bool:
    try:
        return os.path.lexists(path)
    except ValueError:
        return False


def _sources(
    argument: str, out: Path | None, skipped: Counter[str], missing: list[tuple[str, str]]
) -> Iterator[Source]:
    if _URL in argument:
        yield from _remote(argument, skipped, missing)
        return
    if not argument:  # an unset variable of a script, which must not mean the folder one is in
        missing.append((argument, "an empty name"))
        return
    path = Path(argument)
    try:
        kind = "folder" if path.is_dir() else "file" if path.exists() else "link" if path.is_symlink() else ""
    except (OSError, ValueError) as error:  # a name too long, or with a NUL
        missing.append((argument, f"it cannot be looked at: {getattr(error, 'strerror', None) or error}"))
        return
    if kind == "folder":
        yield from _folder(path, out, skipped, missing)
    elif kind == "file":
        yield Source(_local(path), path.name, path.absolute().parent.name or ".", named=True)
    elif kind == "link":
        missing.append((argument, "it is a link to nothing"))
    elif has_magic(argument):
        yield from _pattern(argument, out, skipped, missing)
    else:
        missing.append((argument, "there is no such file or folder"))


def _folder(
    root: Path, out: Path | None, skipped: Counter[str], missing: list[tuple[str, str]], below: Path | None = None
) -> Iterator[Source]:
    """The files of a folder and of those in it; their names begin at `below`, else in the folder itself."""
    top, own = root.resolve(), out.resolve() if out is not None else None

    def closed(error: OSError) -> None:
        missing.append((str(error.filename), f"the folder cannot be read: {error.strerror}"))

    for folder, folders, names in os.walk(root, onerror=closed):
        here = Path(folder)
        folders[:] = sorted(name for name in folders if _entered(here / name, own, skipped))
        stems = {part for name in names if _is_media(name) for part in (name, PurePosixPath(name).stem)}
        for name in sorted(names):
            if _ending(name) in WORDS and PurePosixPath(name).stem in stems:
                continue  # a transcript, perhaps: whoever reads its recording says so
            if _wanted(name, skipped):
                group = here.relative_to(root).as_posix()
                yield Source(
                    _local(here / name),
                    (here / name).relative_to(below or root).as_posix(),
                    top.name if group == "." else group,
                )


def _entered(folder: Path, own: Path | None, skipped: Counter[str]) -> bool:
    """Whether a folder that was found is walked: not a hidden one, not that of the reports, and no link."""
    if folder.name.startswith("."):
        skipped["hidden"] += 1
        return False
    if folder.is_symlink():  # it may lead back to where it lies
        skipped["links to folders"] += 1
        return False
    return own is None or folder.resolve() != own


def _pattern(pattern: str, out: Path | None, skipped: Counter[str], missing: list[tuple[str, str]]) -> Iterator[Source]:
    own = out.resolve() if out is not None else None
    fixed = Path(*_fixed(Path(pattern).parts))
    # pathlib has no pattern with a folder before it that may be absolute.
    hits = [Path(hit) for hit in sorted(glob(pattern, recursive=True))]  # noqa: PTH207
    hits = [hit for hit in hits if own is None or (own != hit.resolve() and own not in _local_path(hit).parents)]
    if not hits:
        missing.append((pattern, "no file matches this pattern"))
    for hit in hits:
        if hit.is_dir():
            # `**` names every folder by itself; the last sign of any other pattern means what is in a folder.
            if "**" not in pattern:
                yield from _folder(hit, out, skipped, missing, below=fixed)
        elif _wanted(hit.name, skipped):
            yield Source(_local(hit), hit.relative_to(fixed).as_posix(), hit.absolute().parent.name or ".")


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
        pattern = has_magic(path.split("?")[0]) if _is_web(address) else has_magic(path) and not files.exists(path)
        if pattern:
            hits = sorted(files.glob(path))
        elif _is_folder(files, path):
            hits = sorted(files.find(path))
        else:
            yield at_address(address)
            return
    except Exception as error:  # whatever a client of some store raises
        missing.append((address, f"cannot be listed: {why(error)}"))
        return
    if not hits:
        missing.append((address, "no file matches this address"))
    base = path.rstrip("/") if not pattern else "/".join(_fixed(path.split("/")))
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
        kind = address.partition(_URL)[0].lower()
        more = f"; pip install 'mer-batch[{_EXTRAS[kind]}]'" if kind in _EXTRAS else ""
        raise InputError(f"cannot open {address}: {one_line(error, NOTED)}{more}") from error
    return files, str(path)


def at_address(address: str) -> Source:
    """The one file at an address, under the name that it has there."""
    path = address.partition(_URL)[2].split("?")[0].split("#")[0] if _is_web(address) else address.partition(_URL)[2]
    return Source(address, _named(address), _parent(path), named=True)


def _named(address: str) -> str:
    """The last part of an address, as people write it: of the web without question and escapes."""
    path = address.partition(_URL)[2]
    if _is_web(address):
        path = unquote(path.split("?")[0].split("#")[0])
    return PurePosixPath(path).name or "media"


def _is_web(address: str) -> bool:
    return address.lower().startswith(("http://", "https://"))


def why(error: BaseException) -> str:
    """What a client of some store raised, on one line."""
    if isinstance(error, FileNotFoundError):
        return "there is no such file or folder"
    return one_line(error, NOTED) or type(error).__name__


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
    ending = _ending(name)
    if ending and ending not in MEDIA:
        skipped[f".{ending}"] += 1
        return False
    return True


def _ending(name: str) -> str:
    return PurePosixPath(name).suffix[1:].strip().lower()


def _is_media(name: str) -> bool:
    return not name.startswith(".") and _ending(name) in {"", *MEDIA}


def _local(path: Path) -> str:
    """A path that stays the same from whatever folder the command is given; links are followed, so files count once."""
    return str(_local_path(path))


def _local_path(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError):  # links in a circle
        return path.absolute()
