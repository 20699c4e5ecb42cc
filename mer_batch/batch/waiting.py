"""What workers are to do next: files in order, and the pieces of a long film before the files that follow it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from mer_batch.batch.job import Job, Result


class Waiting:
    """Jobs for a pool, one by one; None where the next depends on what is being done.

    Args:
        jobs: a job a file.
        begun: is called with each as it is given away and returns it as it is then.
    """

    def __init__(self, jobs: Iterable[Job], begun: Callable[[Job], Job]) -> None:
        self._jobs = iter(jobs)
        self._begun = begun
        self._next: deque[Job] = deque()
        self._open: dict[str, tuple[Job, int]] = {}

    def __iter__(self) -> Iterator[Job | None]:
        while True:
            if self._next:
                yield self._next.popleft()
            elif (job := next(self._jobs, None)) is not None:
                yield self._begun(job)
            elif self._open:
                yield None
            else:
                return

    def split(self, job: Job, result: Result) -> None:
        """A job turned out to be a long film: its pieces come next."""
        film = replace(job, film=result.film, apart=False)
        self._open[job.source.uri] = film, result.pieces
        self._next.extend(replace(film, piece=number) for number in range(result.pieces))

    def piece_ended(self, job: Job) -> None:
        """A piece was read, or cost its process its life; after the last one the film is read from its pieces."""
        film, left = self._open[job.source.uri]
        if left > 1:
            self._open[job.source.uri] = film, left - 1
        else:
            del self._open[job.source.uri]
            self._next.appendleft(film)
