"""A folder of reports elsewhere (`s3://bucket/reports`): worked on in a folder here, brought there file by file.

What is finished is brought first and then written into the ledger, whose copy there follows within seconds, so that a
run that was killed goes on, also on another machine; it reads at most those files again that the copy did not tell yet.
Kept stages stay here. One run at a time may write there: stores have no lock that all of them know.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from mer_batch.batch import ledger
from mer_batch.batch.sources import filesystem, why
from mer_batch.errors import InputError, MerError, UsageError
from mer_batch.files import whole_file
from mer_batch.resources import cache_dir

EVERY: Final = 10.0
"""Seconds after which the copy of the ledger is renewed."""
_SCRIPT: Final = ".min.js"
"""What pages share: its name tells what is in it."""
_PROOF: Final = ".mer-can-write"


class Shelf:
    """The folder at `address`; `folder` is where its files are made here.

    Raises `UsageError` where the store is not known or cannot be written: there is nothing to gain by the work then.
    """

    def __init__(self, address: str) -> None:
        self.address = address.rstrip("/")
        mark = sha256(self.address.encode("utf-8", "surrogatepass")).hexdigest()[:16]
        self.folder = cache_dir("batches", mark)
        self._sizes: dict[str, int] = {}
        self._brought = 0.0
        self._told = -1
        try:
            self._files, self._root = filesystem(self.address)
        except InputError as error:
            raise UsageError(str(error)) from error

    def open(self) -> None:
        """Make sure that it can be written, and take over what other runs have told in its ledger."""
        try:
            self._files.makedirs(self._root, exist_ok=True)
            self._files.pipe_file(self._place(_PROOF), b"")
            self._files.rm_file(self._place(_PROOF))
            self._files.invalidate_cache()
            found = self._files.find(self._root, detail=True)
            self._sizes = {self._name(path): int(facts.get("size") or 0) for path, facts in found.items()}
            theirs = self._files.cat_file(self._place(ledger.NAME)) if ledger.NAME in self._sizes else b""
        except Exception as error:  # whatever a client of some store raises
            raise UsageError(
                f"cannot write to {self.address}: {why(error)}; look at the address and the credentials, or choose "
                "another --out"
            ) from error
        self._merge(theirs)

    def _merge(self, theirs: bytes) -> None:
        """What either ledger tells, in order of time."""
        place = self.folder / ledger.NAME
        ours = place.read_bytes() if place.exists() else b""
        if ours.startswith(theirs):
            return
        lines = dict.fromkeys(line for line in (theirs + b"\n" + ours).split(b"\n") if line.strip())
        with whole_file(place) as part:
            part.write_bytes(b"".join(line + b"\n" for line in sorted(lines, key=_at)))

    def size_of(self, path: Path) -> int | None:
        """Bytes of a file there, by its path here; None where there is none."""
        return self._sizes.get(path.relative_to(self.folder).as_posix())

    def bring(self, names: Iterable[str], keep: bool = True) -> None:
        """Bring files there by their names in the folder; those that are not to be kept here go. Raises `MerError`."""
        for name in names:
            path = self.folder / name
            size = path.stat().st_size
            if name.endswith(_SCRIPT) and self._sizes.get(name) == size:
                continue
            try:
                # A store shows a file when all of it is there; to a folder that one is given another name until then.
                self._files.put_file(str(path), self._place(name))
                self._sizes[name] = size
            except Exception as error:  # whatever a client of some store raises
                raise MerError(
                    f"cannot write {self.address}/{name}: {why(error)}; what was finished stays finished, and the "
                    "same command goes on there"
                ) from error
            if not keep and not name.endswith(_SCRIPT):
                path.unlink()

    def bring_ledger(self, now: bool = False) -> None:
        """Renew the copy of the ledger, where it is time and there is news. Raises `MerError`."""
        path = self.folder / ledger.NAME
        size = path.stat().st_size if path.exists() else -1
        if size != self._told and (now or time.monotonic() - self._brought >= EVERY):
            self.bring([ledger.NAME])
            self._told, self._brought = size, time.monotonic()

    def _place(self, name: str) -> str:
        return f"{self._root.rstrip('/')}/{name}"

    def _name(self, path: str) -> str:
        return path[len(self._root.rstrip("/")) + 1 :]


def _at(line: bytes) -> str:
    with suppress(ValueError, AttributeError):
        event: Mapping[str, Any] = json.loads(line)
        return str(event.get("at", ""))
    return ""
