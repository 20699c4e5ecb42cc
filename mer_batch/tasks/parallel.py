"""Work on many items in threads, with results in the order of the items."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, TypeVar

from mer_batch.resources import processors

Item = TypeVar("Item")
Result = TypeVar("Result")

MOST: Final = 16
"""Threads; more wait for each other."""
AHEAD: Final = 3
"""Items a thread that are begun before they are asked for: memory holds no more than these."""


def workers() -> int:
    """Threads that this process may keep busy."""
    return min(MOST, processors())


def ordered(function: Callable[[Item], Result], items: Iterable[Item]) -> Generator[Result, None, None]:
    """`function` of every item, in order. An error is raised where its result would come.

    Decoders, children and networks let other threads run meanwhile, so that no processes are needed. Closing the
    iterator waits for what has begun and begins nothing more.
    """
    source, waiting, threads = iter(items), deque[Future[Result]](), workers()
    pool = ThreadPoolExecutor(threads, thread_name_prefix="reading", initializer=_lone)
    try:
        for item in source:
            waiting.append(pool.submit(function, item))
            if len(waiting) >= AHEAD * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
        _restore()


def _lone() -> None:
    # Each thread of ours is one core's; torch would start others within it, which spend their time waiting.
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


def _restore() -> None:
    # The number also counts for threads that begin later; that of this one has stayed as it was.
    if "torch" in sys.modules:
        torch = sys.modules["torch"]
        torch.set_num_threads(torch.get_num_threads())
