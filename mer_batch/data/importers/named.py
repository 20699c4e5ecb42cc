"""Listing sounds whose names say everything: the conventions of the acted-speech sets."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath

import pandas as pd

from mer_batch.data.files import open_files
from mer_batch.data.importers import Listing
from mer_batch.errors import DataError

Describe = Callable[[re.Match[str]], Mapping[str, str]]


def by_names(source: Path, pattern: str, describe: Describe, whole_path: bool = False) -> Listing:
    """The sounds in a folder, zip or tar whose stem (or path without ending) matches `pattern` to its end.

    `describe` turns a match into columns; they need a `label`, and a `speaker` to split by. Files that do not match
    are counted. The same name in two folders is the same clip, stored twice as some downloads are: listed once.
    Raises `DataError` when no name matches.
    """
    files = open_files(source)
    expression, rows, seen = re.compile(pattern, re.IGNORECASE), [], set()
    skipped = {"another name than the set's": 0, "the same name again": 0}
    for name in files.of_kind("voice"):
        path = PurePosixPath(name)
        match = expression.search(str(path.with_suffix("")) if whole_path else path.stem)
        if match is None:
            skipped["another name than the set's"] += 1
        elif match.group(0).lower() in seen:
            skipped["the same name again"] += 1
        else:
            seen.add(match.group(0).lower())
            rows.append({"path": name, **describe(match)})
    if not rows:
        raise DataError(f"no sound in {source} is named as in this set; check the folder, or name another kind")
    return Listing(pd.DataFrame(rows), files.place, skipped={reason: n for reason, n in skipped.items() if n})
