"""What is to be done next, while any file may turn out to be a long film."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mer_batch.batch.job import Job, Pages, Result
from mer_batch.batch.sources import Source
from mer_batch.batch.waiting import Waiting
from mer_batch.config import DEFAULTS


def job(name: str) -> Job:
    return Job(Source(f"/{name}", name), DEFAULTS, Pages(), Path("out"))


def test_there_is_more_to_do_until_the_last_file_has_ended() -> None:
    """A worker that is idle while another looks at the last file must not go home: the file may be a film."""
    waiting = Waiting([job("a")], lambda one: replace(one, key="begun"))
    tasks = iter(waiting)
    first = next(tasks)
    assert first is not None
    assert first.key == "begun"
    assert next(tasks) is None
    assert not waiting.ended(first, Result("done", pieces=2))
    pieces = [next(tasks), next(tasks)]
    assert [piece and piece.piece for piece in pieces] == [0, 1]
    assert next(tasks) is None
    for piece, result in zip(pieces, [Result("done"), None], strict=True):
        assert piece is not None
        assert not waiting.ended(piece, result)
    film = next(tasks)
    assert film is not None
    assert (film.piece, film.apart) == (None, False)
    assert waiting.ended(film, None)
    assert list(tasks) == []


def test_pieces_of_what_must_be_read_as_a_whole_are_left_out() -> None:
    waiting = Waiting([job("a")], lambda one: one)
    tasks = iter(waiting)
    first = next(tasks)
    assert first is not None
    waiting.ended(first, Result("done", pieces=4))
    one, two = next(tasks), next(tasks)
    assert one is not None
    assert two is not None
    waiting.ended(two, Result("done", error="its pictures are damaged"))
    assert next(tasks) is None
    waiting.ended(one, Result("done"))
    film = next(tasks)
    assert film is not None
    assert film.piece is None


def test_pieces_come_before_the_files_that_follow() -> None:
    waiting = Waiting([job("a"), job("b")], lambda one: one)
    tasks = iter(waiting)
    first = next(tasks)
    assert first is not None
    waiting.ended(first, Result("done", pieces=1))
    assert [(task.source.name, task.piece) for task in (next(tasks), next(tasks)) if task] == [("a", 0), ("b", None)]
