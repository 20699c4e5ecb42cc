"""Names under which the reports of a batch lie: safe in any folder, told apart whatever the file system holds equal."""

from __future__ import annotations

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import PurePosixPath
from typing import Final

LONGEST: Final = 200
"""Bytes of a part of a name: file systems take 255, and `.timeline.json` and the name of a part file come to it."""
ENDINGS: Final = (".html", ".timeline.json", ".timeline.csv")
"""What is added to a name to make the files of a report."""
RESERVED: Final = frozenset({"index", "overview", "ledger"})
"""Names without an ending whose report would stand in the place of the batch's own files."""
_DEVICES: Final = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])", re.IGNORECASE)
_FORBIDDEN: Final = re.compile(r'[<>:"|?*\\\x00-\x1f]')


def distinct(named: Iterable[tuple[str, str]], taken: Mapping[str, str] | None = None) -> dict[str, str]:
    """The name of each address, from pairs (address, the name it would have).

    Names differ also where letters' cases or ways to write an accent are one; all of a clash are told apart by the
    hash of their address, so that they stay the same in whatever order files are named. `taken` are names that keep
    their address, whoever else comes (address by name).
    """
    wished = [(uri, safe(name)) for uri, name in named]
    counts = Counter(_form(name) for _, name in wished)
    held = {_form(name): uri for name, uri in (taken or {}).items()}
    folders = {_form(str(folder)) for _, name in wished for folder in PurePosixPath(name).parents}
    found: dict[str, str] = {}
    for uri, name in wished:
        form = _form(name)
        # A report may not stand where the folder of others is to be, such as that of "a" beside "a.html/b.mp4".
        clash = counts[form] > 1 or held.get(form, uri) != uri or any(form + ending in folders for ending in ENDINGS)
        found[uri] = marked(name, uri) if clash or form in RESERVED else name
    return found


def marked(name: str, uri: str) -> str:
    """The name with a mark of its address."""
    path = PurePosixPath(name)
    return path.with_name(f"{path.stem}~{_mark(uri)}{path.suffix}").as_posix()


def safe(name: str, windows: bool = os.name == "nt") -> str:
    """A relative name that leads nowhere else and has no part too long; on Windows without what it does not take."""
    parts = [part for part in name.split("/") if part not in ("", ".", "..")]
    return "/".join(_part(part, windows) for part in parts) or "media"


def _part(part: str, windows: bool) -> str:
    if windows:
        part = _FORBIDDEN.sub("_", part).rstrip(". ") or "_"
        if _DEVICES.fullmatch(part.partition(".")[0].rstrip()):
            part = f"_{part}"
    part = part.replace("\0", "_")
    data = os.fsencode(part)
    if len(data) <= LONGEST:
        return part
    path = PurePosixPath(part)
    ending = path.suffix if len(os.fsencode(path.suffix)) <= 16 else ""
    kept = data[: LONGEST - 7 - len(os.fsencode(ending))].decode("utf-8", "ignore")
    return f"{kept}~{_mark(part)}{ending}"


def _form(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _mark(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:6]
