"""Taking what another process or thread makes before it is asked for, so that neither waits for the other."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from typing import Any, Final, Generic, TypeVar

AHEAD: Final = 48 * 2**20
"""Bytes that are held before they are asked for: 18 pictures of 720p, 8 of 1080p, 2 of 4K."""
MOST: Final = 32
"""Items that are held, however small."""


Item = TypeVar("Item", bound=tuple[Any, ...])


def last_part(item: tuple[Any, ...]) -> int:
    """The bytes of an item whose last part has a length."""
    return len(item[-1])


class Ahead(Generic[Item]):
    """The items of a generator in order, taken by a thread until `AHEAD` bytes or `MOST` of them wait.

    What the generator raises is raised where its next item would have been. `close` must be called; nothing is
    taken after it.
    """

    def __init__(
        self,
        source: Generator[Item, None, None],
        stop: Callable[[], None],
        size: Callable[[Item], int] = last_part,
    ) -> None:
        """`stop` makes a `source` that waits for its next item end; `close` calls it. `size` is that of an item."""
        self._source, self._stop, self._size = source, stop, size
        self._items: deque[Item] = deque()
        self._held = 0
        self._over = self._closed = False
        self._error: BaseException | None = None
        self._change = threading.Condition()
        self._thread = threading.Thread(target=self._take, daemon=True)
        self._thread.start()

    def _take(self) -> None:
        try:
            with closing(self._source) as source:
                for item in source:
                    if not self._put(item):
                        break
        except BaseException as error:  # raised again where the items are read
            self._error = error
        with self._change:
            self._over = True
            self._change.notify_all()

    def _put(self, item: Item) -> bool:
        """Wait for room; False when nothing more is wanted."""
        with self._change:
            self._change.wait_for(lambda: self._closed or (self._held < AHEAD and len(self._items) < MOST))
            if self._closed:
                return False
            self._items.append(item)
            self._held += self._size(item)
            self._change.notify_all()
            return True

    def __iter__(self) -> Iterator[Item]:
        while (item := self._next()) is not None:
            yield item
        if self._error is not None:
            raise self._error

    def _next(self) -> Item | None:
        with self._change:
            self._change.wait_for(lambda: self._items or self._over)
            if not self._items:
                return None
            item = self._items.popleft()
            self._held -= self._size(item)
            self._change.notify_all()
            return item

    def close(self) -> None:
        """Drop what waits, end the source and wait for the thread."""
        with self._change:
            self._closed = True
            self._items.clear()
            self._change.notify_all()
        self._stop()
        self._thread.join()
