"""Columns of numbers as one compressed text for a page, and back.

A block is the columns one after the other as little-endian numbers, column by column also where rows hold several
(equal kinds of numbers beside each other are shorter), deflated (RFC 1950) and in base64. The page opens it with the
browser's own `DecompressionStream`.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

KINDS: Final = ("i4", "i2", "i1", "u1")
"""Kinds of numbers in the order of a block: the widest first, so that each lies at a multiple of its size."""


def packed(parts: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The parts with arrays told of under `columns` as [kind, rows, numbers a row], and all arrays as text, `block`."""
    arrays: list[tuple[str, NDArray[Any]]] = []
    plain: dict[str, Any] = {}
    for part, columns in parts.items():
        plain[part] = {"columns": {}}
        for name, column in columns.items():
            if isinstance(column, np.ndarray):
                kind = column.dtype.str[1:]
                wide = column.shape[1] if column.ndim > 1 else 1
                plain[part]["columns"][name] = [kind, len(column), wide]
                arrays.append((kind, column))
            else:
                plain[part][name] = column
    arrays.sort(key=lambda pair: KINDS.index(pair[0]))
    raw = b"".join(np.asfortranarray(array).astype(f"<{kind}").tobytes(order="F") for kind, array in arrays)
    return {**plain, "block": base64.b64encode(zlib.compress(raw, 9)).decode("ascii")}


def unpacked(data: Mapping[str, Any]) -> dict[str, Any]:
    """What `packed` was given. Raises KeyError, ValueError or zlib.error for anything else."""
    raw = zlib.decompress(base64.b64decode(data["block"]))
    parts: dict[str, Any] = {name: dict(part) for name, part in data.items() if isinstance(part, Mapping)}
    wanted = [(*shape, part, name) for part in parts for name, shape in parts[part].pop("columns").items()]
    at = 0
    for kind, rows, wide, part, name in sorted(wanted, key=lambda row: KINDS.index(row[0])):
        numbers = np.frombuffer(raw, f"<{kind}", rows * wide, at)
        at += numbers.nbytes
        parts[part][name] = numbers.reshape(wide, rows).T if wide > 1 else numbers
    return parts
