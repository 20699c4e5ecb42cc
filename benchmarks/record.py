"""What every benchmark shares: the one timing loop, measuring a whole process, the data, and a dated result."""

from __future__ import annotations

import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from mer_batch.resources import user_data

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"


@dataclass(frozen=True)
class Measured:
    """One finished process: exit code, seconds, peak memory of the process and its largest child, output.

    `processor` are its seconds by the processor, those of the processes that it waited for among them.
    """

    code: int
    seconds: float
    peak_mb: float
    output: str
    processor: float = 0.0


def measure(command: list[str], timeout: float = 3600) -> Measured:
    """Run a command and measure it as the operating system does (wait4)."""
    began = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.monotonic() - began
    assert seconds < timeout
    worked = usage.ru_utime + usage.ru_stime
    return Measured(process.returncode, seconds, usage.ru_maxrss / 1024, output, worked)


LEAST = 3
"""Rounds of a timing; fewer have no middle."""


@dataclass(frozen=True)
class Timed:
    """Seconds of every round of one contender by the clock and by the processor, and what each round returned."""

    seconds: tuple[float, ...]
    processor: tuple[float, ...]
    answers: tuple[Any, ...]

    @property
    def middle(self) -> float:
        """The median second by the clock."""
        return median(self.seconds)

    @property
    def middle_processor(self) -> float:
        """The median second of this process by the processor: holds on a busy machine too."""
        return median(self.processor)


def timed(contenders: Mapping[str, Callable[[], Any]], rounds: int = LEAST) -> dict[str, Timed]:
    """Time the contenders after a round that warms up and is not counted.

    In each round they run in turn, so that a busy machine hits all alike; medians are what to compare. Raises
    `ValueError` for fewer than `LEAST` rounds.
    """
    if rounds < LEAST:
        raise ValueError(f"a timing needs {LEAST} rounds at least, got {rounds}")
    found: dict[str, list[tuple[float, float, Any]]] = {name: [] for name in contenders}
    for number in range(rounds + 1):
        for name, work in contenders.items():
            began, worked = time.perf_counter(), time.process_time()
            answer = work()
            row = (time.perf_counter() - began, time.process_time() - worked, answer)
            if number:
                found[name].append(row)
    return {name: Timed(*map(tuple, zip(*rows, strict=True))) for name, rows in found.items()}


class Cost(NamedTuple):
    """Seconds by the clock and by the processor, children included, and what came of them."""

    clock: float
    processor: float
    answer: Any


def _worked() -> float:
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in spent)


def cost(work: Callable[[], Any]) -> Cost:
    """What one call takes."""
    began, worked = time.perf_counter(), _worked()
    answer = work()
    return Cost(time.perf_counter() - began, _worked() - worked, answer)


def data_folder() -> Path:
    """The folder of data sets that `MER_DATA` names; without one there is nothing to measure on."""
    folder = user_data()
    if folder is None or not folder.is_dir():
        raise SystemExit("set MER_DATA to the folder of data sets")
    return folder


def mer(*arguments: object) -> list[str]:
    """The command line of this environment's `mer`."""
    return [sys.executable, "-m", "mer_batch", *(str(argument) for argument in arguments)]


def machine() -> str:
    """Processor, cores and Python in one line."""
    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        models = [line.split(":")[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
        name = models[0] if models else name
    return f"{name}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"


def _shown(argument: str) -> str:
    """An argument without the folders of this machine."""
    return Path(argument).name if Path(argument).exists() else argument


def write(name: str, results: dict[str, Any]) -> Path:
    """Write `benchmarks/results/NAME.json` with date, commit, machine and command."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    facts = {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "commit": commit.stdout.strip(),
        "machine": machine(),
        "command": " ".join(["python", f"benchmarks/{Path(sys.argv[0]).name}", *map(_shown, sys.argv[1:])]),
    }
    path.write_text(json.dumps(facts | results, indent=1) + "\n")
    print(f"written: {path.relative_to(ROOT)}")
    return path
