"""Lint, types, floors, dead code, dependencies, tests, documentation, wheel: `python tests/run.py`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STEPS = {
    "lint": ["-m", "ruff", "check", "."],
    "format": ["-m", "ruff", "format", "--check", "."],
    "types": ["-m", "mypy"],
    "floors": ["-c", "from importlinter.cli import lint_imports_command as check; check()"],
    "dead code": ["-m", "vulture"],
    "dependencies": ["-m", "deptry", "--no-ansi", "."],
    "tests, documentation and wheel": ["-m", "pytest", "-q", "--durations=15"],
}


def main() -> int:
    """Run every step, also after one that fails; the exit code is the number of failures."""
    threads = str(os.cpu_count() or 1)
    environment = {**os.environ, "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", threads)}
    failed = []
    for name, arguments in STEPS.items():
        print(f"== {name}", flush=True)
        if subprocess.run(
            [sys.executable, *arguments, *extra(name)], cwd=ROOT, env=environment, check=False
        ).returncode:
            failed.append(name)
    print(f"failed: {', '.join(failed)}" if failed else "all steps passed", flush=True)
    return len(failed)


def extra(name: str) -> list[str]:
    """Arguments of the caller go to pytest."""
    return sys.argv[1:] if name.startswith("tests") else []


if __name__ == "__main__":
    raise SystemExit(main())
