from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from mer_batch.batch.pool import Ended, Pool, Progress, Tell


def work(task: str, tell: Tell) -> str:
    """Tasks say what becomes of them."""
    tell("stage", 0.5)
    if task == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if task == "exit":
        os._exit(3)
    if task.startswith("wait "):
        Path(task[5:]).write_text(str(os.getpid()))
        time.sleep(60)
    return f"{task} by {os.getpid()} with {os.environ['OMP_NUM_THREADS']}"


def test_a_process_that_dies_costs_its_task_alone() -> None:
    events = list(Pool[str](work, 2, 1).run(["a", "die", "b", "exit", "c"]))
    ended = {event.task: event for event in events if isinstance(event, Ended)}
    assert set(ended) == {"a", "die", "b", "exit", "c"}
    assert ended["die"].died == "its process was ended by SIGKILL, twice"
    assert ended["exit"].died == "its process ended with code 3, twice"
    assert all(ended[name].result.startswith(f"{name} by") for name in "abc")
    assert ended["a"].result.endswith("with 1")
    assert any(isinstance(event, Progress) and event.task == "a" and event.share == 0.5 for event in events)


def test_a_process_keeps_what_it_loaded_unless_it_grew_too_large() -> None:
    def processes(most_mb: float | None) -> set[str]:
        ended = [event for event in Pool[str](work, 1, 1, most_mb).run(list("abc")) if isinstance(event, Ended)]
        return {event.result.split()[2] for event in ended}

    assert len(processes(None)) == 1
    assert len(processes(1.0)) == 3


def test_who_stops_listening_ends_the_processes(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    run = Pool[str](work, 1, 1).run([f"wait {mark}"])
    assert isinstance(next(run), Progress)
    while not (mark.exists() and mark.read_text()):
        time.sleep(0.01)
    run.close()
    assert not _lives(int(mark.read_text()))


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def once(task: str, _tell: Tell) -> str:
    """Dies the first time that a task is done."""
    mark = Path(task)
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return "done"


def test_a_task_whose_process_was_ended_is_done_once_more(tmp_path: Path) -> None:
    tasks = [str(tmp_path / name) for name in "ab"]
    events = [event for event in Pool[str](once, 1, 1).run(tasks) if isinstance(event, Ended)]
    assert [(event.task, event.result, event.died) for event in events] == [(task, "done", "") for task in tasks]
