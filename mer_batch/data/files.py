"""Where the files of a data set lie: a folder, a zip or a tar, read by name and never written."""

from __future__ import annotations

import lzma
import os
import stat
import struct
import tarfile
import unicodedata
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Final
from urllib.parse import unquote, urlsplit

from mer_batch.data.limits import MEMBERS, check_archive, problem_of
from mer_batch.errors import DataError

SUFFIXES: Final = {
    "face": frozenset(
        (".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".png", ".apng", ".bmp", ".dib", ".webp", ".tif", ".tiff", ".gif")
    )
    | frozenset((".avif", ".pgm", ".ppm", ".pnm", ".pbm", ".jp2", ".tga")),
    "voice": frozenset(
        (".wav", ".w64", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".m4a", ".aac", ".aiff", ".aif", ".aifc", ".au")
    )
    | frozenset((".wma", ".amr", ".caf", ".mka")),
}
"""File endings of pictures and sounds, by which a tree or an archive is listed; `media.pictures` goes by content."""
ARCHIVES: Final = frozenset((".zip", ".tar"))
BLOCK: Final = 2**20
_DAMAGE: Final = (
    KeyError, OSError, RuntimeError, EOFError, ValueError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error,
)  # fmt: skip
"""What unpacking a damaged or locked member raises."""
_JUNK: Final = frozenset(("__macosx", "thumbs.db", "desktop.ini"))


class Files(ABC):
    """Files by their names, which use forward slashes and are relative to `place`."""

    def __init__(self, place: Path) -> None:
        self.place = place

    @abstractmethod
    def _names(self) -> Iterator[str]: ...

    @abstractmethod
    def read(self, name: str) -> bytes:
        """The content of a file. Raises `DataError` when it is missing or cannot be read."""

    @cached_property
    def names(self) -> list[str]:
        """All names, sorted, once each, without what operating systems leave behind, names that no table can hold, and
        names that lead out of the place.
        """
        return sorted({name for name in self._names() if not (is_junk(name) or _is_absolute(name))})

    def of_kind(self, modality: str) -> list[str]:
        """The names of pictures ("face") or sounds ("voice")."""
        return [name for name in self.names if PurePosixPath(name).suffix.lower() in SUFFIXES[modality]]


class FolderFiles(Files):
    """Files of a folder and those below it."""

    def _names(self) -> Iterator[str]:
        for folder, _, names in os.walk(self.place):
            for name in names:
                yield (Path(folder) / name).relative_to(self.place).as_posix()

    def read(self, name: str) -> bytes:
        """The content of a file."""
        path = self.place / name
        try:
            if not path.is_file() and path.exists():  # a pipe would be waited for without end
                raise OSError("it is no ordinary file")
            path = find_file(self.place, name)
            if problem := problem_of(path.stat().st_size, path.stat().st_size):
                raise OSError(problem)
            return path.read_bytes()
        except (OSError, ValueError) as error:
            raise DataError(f"cannot read {name} in {self.place}: {_reason(error)}") from error


class ZipFiles(Files):
    """Members of a zip, read in place: one open archive for each process."""

    _opened: tuple[int, zipfile.ZipFile] | None = None

    def _archive(self) -> zipfile.ZipFile:
        # A forked worker would share the file position with its parent.
        if self._opened is None or self._opened[0] != os.getpid():
            try:
                archive = zipfile.ZipFile(self.place)
            except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError) as error:
                raise DataError(f"cannot open the archive {self.place}: {_reason(error)}") from error
            infos = archive.infolist()
            packed, unpacked = (sum(getattr(info, name) for info in infos) for name in ("compress_size", "file_size"))
            check_archive(self.place, len(infos), packed, unpacked)
            self._opened = (os.getpid(), archive)
        return self._opened[1]

    def __getstate__(self) -> dict[str, object]:
        """What another process needs: not the open archive."""
        return {key: value for key, value in self.__dict__.items() if key != "_opened"}

    def _names(self) -> Iterator[str]:
        return (info.filename for info in self._archive().infolist() if not info.is_dir() and _is_ordinary(info))

    def read(self, name: str) -> bytes:
        """The content of a member."""
        try:
            archive = self._archive()
            info = archive.getinfo(name)
            if problem := problem_of(info.file_size, info.compress_size):
                raise OSError(problem)
            with archive.open(info) as file:
                # By blocks: asked for everything, zipfile unpacks up to 2 GiB before it looks at the stated size.
                return b"".join(iter(lambda: file.read(BLOCK), b""))
        except _DAMAGE as error:
            raise DataError(f"cannot read {name} in {self.place}: {_reason(error)}") from error


class TarFiles(Files):
    """Members of an uncompressed tar, found by an index made once."""

    @cached_property
    def _index(self) -> dict[str, tuple[int, int]]:
        found: dict[str, tuple[int, int]] = {}
        try:
            with tarfile.open(self.place, "r:") as archive:
                for count, member in enumerate(archive, 1):
                    if count > MEMBERS:
                        check_archive(self.place, count, 0, 0)
                    # Links, devices and files with holes are not read: their bytes are not what lies there.
                    if member.isreg() and not member.issparse():
                        found[member.name] = (member.offset_data, member.size)
        except (OSError, tarfile.TarError, ValueError, EOFError) as error:
            raise DataError(f"cannot open the archive {self.place}: {_reason(error)}") from error
        return found

    def _names(self) -> Iterator[str]:
        return iter(self._index)

    def read(self, name: str) -> bytes:
        """The content of a member."""
        if name not in self._index:
            raise DataError(f"cannot read {name} in {self.place}: no such member")
        offset, size = self._index[name]
        if problem := problem_of(size, size) or ("" if offset + size <= self.place.stat().st_size else "it is cut off"):
            raise DataError(f"cannot read {name} in {self.place}: {problem}")
        with self.place.open("rb") as file:
            file.seek(offset)
            return file.read(size)


def open_files(place: Path) -> Files:
    """The files at `place`. Raises `DataError` when it is neither a folder nor a zip nor a tar."""
    if place.is_dir():
        return FolderFiles(place)
    if not place.exists():
        raise DataError(f"there is nothing at {place}; check the name, or import the data set again")
    if zipfile.is_zipfile(place):
        return ZipFiles(place)
    if place.suffix.lower() == ".tar":
        return TarFiles(place)
    raise DataError(f"{place} is no folder, zip or tar; unpack it first")


def find_file(folder: Path, cell: str) -> Path:
    """The file that a table means, whichever system wrote its path. Raises `ValueError` where there is none."""
    if not cell:
        raise ValueError("it has no path")
    for name in _spellings(cell):
        path = folder / name
        try:
            if path.is_file():
                return Path(os.path.normpath(path))
            if path.is_dir():
                raise ValueError(f"{cell} is a folder")
        except OSError:  # a name too long to be one
            continue
    raise ValueError("no such file")


def _spellings(cell: str) -> Iterator[str]:
    """A path as it stands, with backslashes, with %20, as an address, and in both forms of Unicode."""
    given = urlsplit(cell).path if cell.lower().startswith("file:") else cell
    for name in (given, given.replace("\\", "/"), unquote(given), unquote(given).replace("\\", "/")):
        for form in (name, unicodedata.normalize("NFC", name), unicodedata.normalize("NFD", name)):
            if "\0" not in form:
                yield form


def is_junk(name: str) -> bool:
    """Whether a file is hidden or left behind by an operating system, by its name and those of its folders."""
    parts = PurePosixPath(name).parts
    hidden = any(part.startswith(".") or part.lower() in _JUNK for part in parts)
    return hidden or not name.isprintable()


def _is_absolute(name: str) -> bool:
    return PurePosixPath(name).is_absolute() or bool(PureWindowsPath(name).drive) or ".." in PureWindowsPath(name).parts


def _is_ordinary(info: zipfile.ZipInfo) -> bool:
    """Whether a member is a file, by what Unix says of it, where it was packed there; links and devices are none."""
    kind = stat.S_IFMT(info.external_attr >> 16)
    return kind in (0, stat.S_IFREG)


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or " ".join(str(error).split()) or type(error).__name__
