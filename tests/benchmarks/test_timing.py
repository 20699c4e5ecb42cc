"""The one timing loop of the benchmarks."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def record(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import record

    return record


def test_rivals_take_turns_after_a_round_that_is_not_counted(record: ModuleType) -> None:
    calls: list[str] = []

    def work(name: str) -> int:
        calls.append(name)
        return len(calls)

    found = record.timed({name: lambda name=name: work(name) for name in "ab"})
    assert "".join(calls) == "abababab"
    assert found["a"].answers == (3, 5, 7)
    assert len(found["b"].seconds) == len(found["b"].processor) == 3
    assert found["b"].middle == sorted(found["b"].seconds)[1]


def test_fewer_than_three_rounds_are_no_timing(record: ModuleType) -> None:
    with pytest.raises(ValueError, match="at least, got 2"):
        record.timed({"a": int}, 2)


def test_data_are_where_the_variable_says(record: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit, match="set MER_DATA"):
        record.data_folder()
    monkeypatch.setenv("MER_DATA", str(tmp_path))
    assert record.data_folder() == tmp_path


def test_no_benchmark_has_a_loop_of_its_own() -> None:
    clocks = re.compile(r"^(?!.*print\().*time\.(perf_counter|monotonic|process_time)\(", re.M)
    found = {path.name for path in BENCHMARKS.glob("*.py") if clocks.search(_without_scripts(path))}
    assert found <= {"record.py"}


def _without_scripts(path: Path) -> str:
    """The text without scripts that run in other environments."""
    return re.sub(r'_SCRIPT = """.*?"""', "", path.read_text(encoding="utf-8"), flags=re.S)
