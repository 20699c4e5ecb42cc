"""What every benchmark shares: measuring a command as a whole process, and writing a dated result."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"


@dataclass(frozen=True)
class Measured:
    """One finished process: exit code, seconds, peak memory of the process and its largest child, output."""

    code: int
    seconds: float
    peak_mb: float
    output: str


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
    return Measured(process.returncode, seconds, usage.ru_maxrss / 1024, output)


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
