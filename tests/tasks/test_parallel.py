"""Threads give results in order, stop when nobody asks for more, and keep what they found by its content."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from mer_batch.resources import cache_dir
from mer_batch.tasks import kept as module
from mer_batch.tasks import parallel
from mer_batch.tasks.kept import Kept
from mer_batch.tasks.parallel import ordered


def test_results_keep_their_order() -> None:
    def slow(number: int) -> int:
        time.sleep(0.002 * (number % 3))
        return number * number

    assert list(ordered(slow, range(40))) == [number * number for number in range(40)]
    assert list(ordered(slow, [])) == []


def test_an_error_comes_where_its_result_would() -> None:
    results = ordered(lambda number: 6 // (3 - number), range(9))
    assert [next(results) for _ in range(3)] == [2, 3, 6]
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_nothing_more_begins_once_it_is_closed() -> None:
    begun: list[int] = []
    results = ordered(begun.append, range(1000))
    next(results)
    results.close()
    assert len(begun) <= parallel.AHEAD * parallel.workers() + 1
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("reading")]


def test_threads_of_ours_start_no_others_and_leave_the_rest_alone() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert set(ordered(lambda _: torch.get_num_threads(), range(8))) == {1}
        assert torch.get_num_threads() == 2
        later: list[int] = []
        thread = threading.Thread(target=lambda: later.append(torch.get_num_threads()))
        thread.start()
        thread.join()
        assert later == [2]
    finally:
        torch.set_num_threads(before)


def test_what_was_found_is_kept_by_content_and_code() -> None:
    made: list[int] = []

    def make() -> np.ndarray:
        made.append(1)
        return np.arange(6.0).reshape(2, 3)

    one, other = np.ones(5, np.float32), np.ones((5, 1), np.float32)
    for facts in ("a", "a", "b"):
        with Kept("toys", [module], facts) as kept:
            assert np.array_equal(kept.recall(one, make), np.arange(6.0).reshape(2, 3))
    assert len(made) == 2, "the same again is recalled, another fact makes it anew"
    with Kept("toys", [module], "a") as kept:
        kept.recall(other, make)
        kept.recall(one, make)
    assert len(made) == 3, "content is also its shape"


def test_a_damaged_or_absent_file_costs_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = cache_dir("sets") / "toys.sqlite"
    path.write_bytes(b"no database at all" * 100)
    for _ in range(2):
        with Kept("toys", [module]) as kept:
            assert kept.recall(np.ones(3), lambda: np.zeros(1)).tolist() == [0.0]
    assert path.read_bytes().startswith(b"SQLite")
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MER_CACHE", str(tmp_path / "file"))
    with Kept("toys", [module]) as kept:
        assert kept.recall(np.ones(3), lambda: np.zeros(1)).tolist() == [0.0]


def test_several_threads_share_one_file() -> None:
    with Kept("toys", [module]) as kept:
        found = list(ordered(lambda n: kept.recall(np.full(4, n % 5.0), lambda: np.full(1, n % 5.0))[0], range(60)))
    assert found == [n % 5.0 for n in range(60)]
