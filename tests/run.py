"""Lint, types, floors, dead code, dependencies, tests, documentation and wheel: `python tests/run.py`.

Arguments go to pytest: `python tests/run.py tests/media -n 0`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MOST = 4
"""Processes that run tests: each takes up to 2 GB."""
WORKERS = min(os.cpu_count() or 1, MOST)
TESTS = "tests, documentation and wheel"
STEPS = {
    "lint": ["-m", "ruff", "check", "."],
    "format": ["-m", "ruff", "format", "--check", "."],
    "types": ["-m", "mypy"],
    "floors": ["-c", "from importlinter.cli import lint_imports_command as check; check()"],
    "dead code": ["-m", "vulture"],
    "dependencies": ["-m", "deptry", "--no-ansi", "."],
    # `worksteal` keeps the tests of a file together and hands the rest of a queue to whoever is through.
    TESTS: ["-m", "pytest", "-q", "--durations=15", "-n", str(WORKERS), "--dist", "worksteal"],
}


def main() -> int:
    """Run every step, also after one that fails; the exit code is the number of failures."""
    print(f"== {TESTS}; the other steps run beside them and are told at the end", flush=True)
    with ThreadPoolExecutor(1) as pool:
        beside = {name: pool.submit(run, name, captured=True) for name in STEPS if name != TESTS}
        done = {TESTS: run(TESTS)} | {name: step.result() for name, step in beside.items()}
    for name in beside:
        print(f"== {name}\n{done[name].stdout.strip()}", flush=True)
    failed = [name for name in STEPS if done[name].returncode]
    print(f"failed: {', '.join(failed)}" if failed else "all steps passed", flush=True)
    return len(failed)


def run(name: str, captured: bool = False) -> subprocess.CompletedProcess[str]:
    """One step as a process of its own. The networks of tests are toys: a thread each is fastest."""
    return subprocess.run(
        [sys.executable, *STEPS[name], *(sys.argv[1:] if name == TESTS else [])],
        cwd=ROOT,
        env={"OMP_NUM_THREADS": "1", **os.environ},
        text=True,
        stdout=subprocess.PIPE if captured else None,
        stderr=subprocess.STDOUT if captured else None,
        check=False,
    )


if __name__ == "__main__":
    raise SystemExit(main())
