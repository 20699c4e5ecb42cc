"""Columns of a JSON table: numbers rounded once, repeated texts stored once, everything checked on reading."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

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
