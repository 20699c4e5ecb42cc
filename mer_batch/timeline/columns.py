"""Columns of a JSON table: numbers rounded once, repeated texts stored once, everything checked on reading."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Value = TypeVar("Value")

TIME_DIGITS = 4
"""0.1 ms: finer than the frame times of any camera."""
PROBABILITY_DIGITS = 5
_UNITS = 10**PROBABILITY_DIGITS


def numbers(values: Sequence[float], digits: int) -> list[float | int]:
    """`values` rounded for the file; whole numbers lose their ".0"."""
    rounded = (round(float(value), digits) for value in values)
    return [int(value) if value.is_integer() else value for value in rounded]


def shares(values: Sequence[float]) -> list[float | int]:
    """Probabilities rounded by largest remainder, so that the file's numbers still sum to one exactly.

    Rounding an already rounded vector returns it unchanged, which makes the round trip exact.
    """
    total = sum(values)
    scaled = [value / total * _UNITS for value in values]
    # Values within float noise of a unit are that unit: otherwise rounding twice could move a unit.
    floors = [round(value) if abs(value - round(value)) < 1e-4 else math.floor(value) for value in scaled]
    order = sorted(range(len(values)), key=lambda index: floors[index] - scaled[index])
    for index in order[: _UNITS - sum(floors)]:
        floors[index] += 1
    if sum(floors) > _UNITS:
        floors[max(range(len(floors)), key=floors.__getitem__)] -= sum(floors) - _UNITS
    return numbers([unit / _UNITS for unit in floors], PROBABILITY_DIGITS)


def share_rows(rows: Sequence[Sequence[float] | None]) -> list[list[float | int] | None]:
    """`shares` of every row that is there, at once: two hours of six people are 90,000 of them."""
    table = np.array([row for row in rows if row is not None], np.float64)
    if not len(table):
        return [None] * len(rows)
    scaled = table / np.add.accumulate(table, axis=1)[:, -1:] * _UNITS
    near = np.rint(scaled)
    floors = np.where(np.abs(scaled - near) < 1e-4, near, np.floor(scaled))
    missing = _UNITS - floors.sum(axis=1, keepdims=True)
    ranks = np.argsort(np.argsort(floors - scaled, axis=1, kind="stable"), axis=1, kind="stable")
    found = iter(_plain((floors + (ranks < missing)) / _UNITS))
    # Where rounding went up too often the slow way decides.
    over = iter((missing < 0).ravel().tolist())
    return [None if row is None else _one(next(found), next(over), row) for row in rows]


def _one(quick: list[float | int], over: bool, row: Sequence[float]) -> list[float | int]:
    return shares(row) if over else quick


def number_rows(rows: Sequence[Sequence[float] | None], digits: int) -> list[list[float | int] | None]:
    """`numbers` of every row that is there, at once; all rows are equally long."""
    table = np.array([row for row in rows if row is not None], np.float64)
    found = iter(_plain(np.round(table, digits)) if len(table) else ())
    return [None if row is None else next(found) for row in rows]


def _plain(table: NDArray[np.float64]) -> list[list[float | int]]:
    """As lists, in which whole numbers lose their ".0"."""
    rows: list[list[float | int]] = table.tolist()
    for place in np.flatnonzero((table == np.rint(table)).any(axis=1)):
        rows[place] = [int(value) if float(value).is_integer() else value for value in rows[place]]
    return rows


def table(rows: Any, width: int, optional: bool = False) -> list[Any]:
    """Rows of `width` finite numbers as tuples; with `optional` a row may be None. Raises ValueError for others."""
    check = row(number, width)
    try:
        present = [one for one in rows if not (optional and one is None)]
        kinds = set(map(type, chain.from_iterable(present)))
        numbers_ = np.array(present, np.float64) if kinds <= {int, float} else np.empty(0)
        whole_table = numbers_.shape == (len(present), width) and np.isfinite(numbers_).all()
    except (TypeError, ValueError, OverflowError):
        whole_table = False
    if not whole_table or set(map(type, present)) != {list}:
        # Something is wrong, or there is nothing: row by row, to say what.
        return [None if optional and one is None else check(one) for one in rows]
    found = map(tuple, numbers_.tolist())
    return [None if one is None else next(found) for one in rows]


def column(values: Any) -> list[float]:
    """Finite numbers. Raises ValueError for anything else."""
    if isinstance(values, list) and set(map(type, values)) <= {int, float}:
        found = list(map(float, values))
        if math.isfinite(sum(found)) or all(map(math.isfinite, found)):
            return found
    return [number(value) for value in values]


def encode(values: Sequence[Any]) -> dict[str, list[Any]]:
    """A column of few distinct values as `{"values": distinct, "index": positions}`."""
    positions = {value: position for position, value in enumerate(dict.fromkeys(values))}
    return {"values": list(positions), "index": [positions[value] for value in values]}


def decode(column: Any, check: Callable[[Any], Value]) -> list[Value]:
    """The column that `encode` wrote; `check` turns each distinct value into its type or raises."""
    values = [check(value) for value in column["values"]]
    if any(type(position) is not int or position < 0 for position in column["index"]):
        raise ValueError("a column index is not a position")
    return [values[position] for position in column["index"]]


def number(value: Any) -> float:
    """A finite number. Raises ValueError for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"expected a number, found {str(value)[:40]!r}")
    return float(value)


def whole(value: Any) -> int:
    """A whole number. Raises ValueError for anything else."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"expected a whole number, found {str(value)[:40]!r}")
    return value


def text(value: Any) -> str:
    """A text. Raises ValueError for anything else."""
    if not isinstance(value, str):
        raise ValueError(f"expected a text, found {str(value)[:40]!r}")
    return value


def optional(check: Callable[[Any], Value]) -> Callable[[Any], Value | None]:
    """`check`, but None stays None."""
    return lambda value: None if value is None else check(value)


def one_of(*known: str) -> Callable[[Any], Any]:
    """A check that the value is one of the `known` texts."""

    def check(value: Any) -> str:
        if value not in known:
            raise ValueError(f"unknown value {str(value)[:40]!r}")
        return str(value)

    return check


def many(check: Callable[[Any], Value]) -> Callable[[Any], tuple[Value, ...]]:
    """A check for a list whose items pass `check`."""

    def check_all(values: Any) -> tuple[Value, ...]:
        if not isinstance(values, list):
            raise ValueError(f"expected a list, found {str(values)[:40]!r}")
        return tuple(check(value) for value in values)

    return check_all


def row(check: Callable[[Any], Value], length: int) -> Callable[[Any], tuple[Value, ...]]:
    """A check for a list of exactly `length` items that pass `check`."""

    def check_row(values: Any) -> tuple[Value, ...]:
        items = many(check)(values)
        if len(items) != length:
            raise ValueError(f"expected {length} values, found {len(items)}")
        return items

    return check_row
