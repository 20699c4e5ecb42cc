"""Where the files of a data set lie: a folder, a zip or a tar, read by name and never written."""

from __future__ import annotations

import os
import tarfile
import unicodedata
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Final
from urllib.parse import unquote, urlsplit

from mer_batch.errors import DataError

SUFFIXES: Final = {
    "face": frozenset((".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".pgm")),
    "voice": frozenset((".wav", ".flac", ".ogg", ".opus", ".mp3", ".m4a", ".aac", ".aiff", ".aif")),
}
"""File endings of pictures and sounds."""
ARCHIVES: Final = frozenset((".zip", ".tar"))
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
        """All names, sorted, without what operating systems leave behind and names that no table can hold."""
        return sorted(name for name in self._names() if not is_junk(name))

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
        try:
            return find_file(self.place, name).read_bytes()
        except (OSError, ValueError) as error:
            raise DataError(f"cannot read {name} in {self.place}: {_reason(error)}") from error


class ZipFiles(Files):
    """Members of a zip, read in place: one open archive for each process."""

    _opened: tuple[int, zipfile.ZipFile] | None = None

    def _archive(self) -> zipfile.ZipFile:
        # A forked worker would share the file position with its parent.
        if self._opened is None or self._opened[0] != os.getpid():
            try:
                self._opened = (os.getpid(), zipfile.ZipFile(self.place))
            except (OSError, zipfile.BadZipFile) as error:
                raise DataError(f"cannot open the archive {self.place}: {_reason(error)}") from error
        return self._opened[1]

    def __getstate__(self) -> dict[str, object]:
        """What another process needs: not the open archive."""
        return {key: value for key, value in self.__dict__.items() if key != "_opened"}

    def _names(self) -> Iterator[str]:
        return (info.filename for info in self._archive().infolist() if not info.is_dir())

    def read(self, name: str) -> bytes:
        """The content of a member."""
        try:
            return self._archive().read(name)
        except (KeyError, OSError, RuntimeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise DataError(f"cannot read {name} in {self.place}: {_reason(error)}") from error


class TarFiles(Files):
    """Members of an uncompressed tar, found by an index made once."""

    @cached_property
    def _index(self) -> dict[str, tuple[int, int]]:
        try:
            with tarfile.open(self.place, "r:") as archive:
                return {member.name: (member.offset_data, member.size) for member in archive if member.isfile()}
        except (OSError, tarfile.TarError) as error:
            raise DataError(f"cannot open the archive {self.place}: {_reason(error)}") from error

    def _names(self) -> Iterator[str]:
        return iter(self._index)

    def read(self, name: str) -> bytes:
        """The content of a member."""
        if name not in self._index:
            raise DataError(f"cannot read {name} in {self.place}: no such member")
        offset, size = self._index[name]
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


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or " ".join(str(error).split()) or type(error).__name__
