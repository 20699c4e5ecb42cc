"""`Ahead`: items in order, bounded, errors passed on, and an end at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator

import pytest

from mer_batch.media import ahead
from mer_batch.media.ahead import Ahead


def test_items_come_in_order_and_are_taken_before_they_are_asked_for() -> None:
    taken = threading.Event()

    def source() -> Generator[tuple[float, bytes], None, None]:
        for number in range(ahead.MOST):
            yield float(number), bytes([number])
        taken.set()

    items = Ahead(source(), lambda: None)
    assert taken.wait(5)
    assert [(time, content[0]) for time, content in items] == [(float(n), n) for n in range(ahead.MOST)]
    items.close()


def test_no_more_than_the_bound_and_one_item_are_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "AHEAD", 30)
    made: list[int] = []

    def source() -> Generator[tuple[float, bytes], None, None]:
        for number in range(20):
            made.append(number)
            yield 0.0, bytes(10)

    items = Ahead(source(), lambda: None)
    reader = iter(items)
    for read in range(1, 10):
        next(reader)
        time.sleep(0.01)
        assert len(made) <= read + 4  # three that wait, and one that waits for room
    assert len(list(reader)) == 11
    items.close()


def test_small_items_are_bounded_in_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "MOST", 3)
    made: list[int] = []

    def source() -> Generator[tuple[float, bytes], None, None]:
        for number in range(50):
            made.append(number)
            yield 0.0, b"a"

    items = Ahead(source(), lambda: None)
    next(iter(items))
    time.sleep(0.02)
    assert len(made) <= 5
    items.close()


@pytest.mark.parametrize("error", [MemoryError("full"), KeyboardInterrupt(), ValueError("broken")])
def test_what_the_source_raises_is_raised_in_its_place(error: BaseException) -> None:
    def source() -> Generator[tuple[float, bytes], None, None]:
        yield 1.0, b"a"
        raise error

    items = Ahead(source(), lambda: None)
    reader = iter(items)
    assert next(reader) == (1.0, b"a")
    with pytest.raises(type(error)):
        next(reader)
    items.close()


def test_closing_early_stops_and_closes_a_source_that_waits() -> None:
    stopped, closed = threading.Event(), threading.Event()

    def source() -> Generator[tuple[float, bytes], None, None]:
        try:
            yield 1.0, b"a"
            stopped.wait(5)  # as a read from a process that makes nothing
            yield 2.0, b"b"
        finally:
            closed.set()

    items = Ahead(source(), stopped.set)
    assert next(iter(items)) == (1.0, b"a")
    began = time.monotonic()
    items.close()
    assert closed.is_set()
    assert time.monotonic() - began < 2


def test_closing_early_ends_a_thread_that_waits_for_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "AHEAD", 1)
    before = threading.active_count()

    def source() -> Generator[tuple[float, bytes], None, None]:
        while True:
            yield 0.0, b"abc"

    items = Ahead(source(), lambda: None)
    assert next(iter(items)) == (0.0, b"abc")
    items.close()
    assert threading.active_count() == before
