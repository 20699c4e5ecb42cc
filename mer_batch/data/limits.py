"""How much an archive may hold: it comes from outside, and a small one can unpack to more than the machine has.

Nothing is unpacked to a place that an archive names: members are read in memory, one at a time, and a copy is written
under names that are checked (`store.inside`). What is left to do is to bound numbers and sizes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from mer_batch.errors import DataError

MEMBERS: Final = 2_000_000
"""Most members; the largest labelled sets have about a million."""
MEMBER: Final = 2**30
"""Most bytes of one file; the largest that a set needs is FER2013's table of pixels, 0.3 GB."""
TOTAL: Final = 2**40
"""Most bytes of all members unpacked."""
RATIO: Final = 200
"""How often a large member may be larger than it is packed; pictures and sounds shrink by 1 to 20."""
LARGE: Final = 64 * 2**20
"""Bytes from which `RATIO` counts: a short silence may shrink to nothing."""


def check_archive(place: Path, count: int, packed: int, unpacked: int) -> None:
    """Raise `DataError` for an archive with too many members, too much in them, or members that share their bytes."""
    if count > MEMBERS:
        raise DataError(f"{place} holds {count:,} files, more than {MEMBERS:,}; unpack what is needed yourself")
    if unpacked > TOTAL:
        raise DataError(f"{place} would unpack to {_size(unpacked)}, more than {_size(TOTAL)}; it is not read")
    if packed > place.stat().st_size:
        raise DataError(f"the members of {place} overlap, as in no honest archive; it is not read")


def problem_of(size: int, packed: int) -> str:
    """Why a file is not read, by its size and the size it is packed to; empty when nothing is wrong with it."""
    if size > MEMBER:
        return f"it is {_size(size)} large, more than the {_size(MEMBER)} that one file may have"
    if size > LARGE and size > RATIO * max(packed, 1):
        return f"it would unpack to {size / max(packed, 1):,.0f} times its size, as no picture or sound does"
    return ""


def _size(count: int) -> str:
    return f"{count / 2**30:,.0f} GiB"
