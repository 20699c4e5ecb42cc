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
        self._away = 0
        self._films: dict[str, tuple[Job, int]] = {}

    def __iter__(self) -> Iterator[Job | None]:
        while True:
            if self._next:
                yield self._next.popleft()
            elif (job := next(self._jobs, None)) is not None:
                self._away += 1
                yield self._begun(job)
            elif self._away:  # any of them may turn out to be a long film
                yield None
            else:
                return

    def ended(self, job: Job, result: Result | None) -> bool:
        """Take how a job ended (None: it cost its process its life); whether its file is done with."""
        if job.piece is not None:
            self._piece_ended(job, unfit=result is not None and bool(result.error))
            return False
        if result is not None and result.pieces:
            film = replace(job, film=result.film, apart=False)
            self._films[job.source.uri] = film, result.pieces
            self._next.extend(replace(film, piece=number) for number in range(result.pieces))
            return False
        self._away -= 1
        return True

    def _piece_ended(self, job: Job, unfit: bool) -> None:
        """After its last piece a film is read from them; what one failed to leave is read again there.

        Where one tells that the film must be read as a whole, or is lost, those that were not begun are left out.
        """
        film, left = self._films[job.source.uri]
        if unfit:
            others = [task for task in self._next if task.source.uri == job.source.uri]
            self._next = deque(task for task in self._next if task not in others)
            left -= len(others)
        if left > 1:
            self._films[job.source.uri] = film, left - 1
        else:
            del self._films[job.source.uri]
            self._next.appendleft(film)
