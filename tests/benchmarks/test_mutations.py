"""The benchmark of mutated files reads with what users' files are read by."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def mutations(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import mutations

    return mutations


def test_whole_texts_are_read_and_what_is_none_is_refused(mutations: ModuleType, tmp_path: Path) -> None:
    for kind, name, text in (("transcript", "a.srt", mutations.SRT), ("table", "b.csv", mutations.TABLE)):
        (tmp_path / name).write_text(text, encoding="utf-8")
        assert mutations.outcome_of(kind, tmp_path / name) == ("read", "")
    (tmp_path / "none").write_bytes(b"")
    for kind in ("table", "timeline", "media"):
        assert mutations.outcome_of(kind, tmp_path / "none") == ("refused", "")
