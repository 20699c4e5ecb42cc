"""Batches in this process: the real work on small sounds, without the start of workers."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import clips
from mer_batch.batch import run as batch
from mer_batch.batch.job import Pages
from mer_batch.batch.pool import Ended
from mer_batch.batch.sources import expand
from mer_batch.config import Options

OPTIONS = Options(modalities=("voice", "text"), asr="none")


@dataclass
class Here:
    """Stands for `Pool`: does the tasks one after the other here, and writes down the names of what it did.

    `before` is called with each task before it is done.
    """

    done: list[str] = field(default_factory=list)
    before: Callable[[Any], None] = lambda _task: None

    def __call__(self, work: Callable[..., Any], *_sizes: object) -> Here:
        self.work = work
        return self

    def __class_getitem__(cls, _item: object) -> type[Here]:
        return cls

    def __getitem__(self, _item: object) -> Here:
        return self

    def run(self, tasks: Iterable[Any]) -> Generator[Any, None, None]:
        for task in tasks:
            self.before(task)
            self.done.append(task.source.name)
            yield Ended(task, self.work(task, lambda _stage, _share: None))


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Here:
    found = Here()
    monkeypatch.setattr(batch, "Pool", found)
    return found


def sounds(folder: Path, *names: str) -> Path:
    """A folder of half a second of sound each."""
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        clips.make(path, *clips.tone(0.5, 200 + 100 * number))
    return folder


def order(out: Path, *arguments: str | Path, options: Options = OPTIONS, **more: Any) -> batch.Order:
    pages = Pages(False, "shared", more.pop("redact", ""))
    return batch.Order(expand([str(argument) for argument in arguments], out), options, pages, out, **more)


def run(out: Path, *arguments: str | Path, **more: Any) -> batch.Outcome:
    return batch.run(order(out, *arguments, **more), lambda _event: None)


def film(path: Path, seconds: int) -> Path:
    """The example, as often as it takes, small and with sound."""
    example = Path(__file__).resolve().parents[1] / "examples" / "interview.mp4"
    loop = ("-stream_loop", "-1", "-i", str(example), "-t", str(seconds), "-vf", "scale=320:-2", *clips.X264)
    return clips.make(path, *loop, "-bf", "2", "-g", "100", "-c:a", "aac")
