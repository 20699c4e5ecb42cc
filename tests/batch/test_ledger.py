from __future__ import annotations

import os
from pathlib import Path

import pytest

from mer_batch.batch.ledger import NAME, Ledger
from mer_batch.errors import MerError


def test_what_is_written_is_read(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    assert not ledger.read().entries
    ledger.add("run", files=2)
    ledger.add("begun", file="/x/ä\u2028.mp4", name="ä\u2028.mp4")
    ledger.add("done", file="/x/ä\u2028.mp4", name="other", seconds=1.5)
    ledger.add("begun", file="/x/b.mp4", name="b.mp4")
    found = ledger.read()
    assert found.entries["/x/ä\u2028.mp4"].state == "done"
    assert found.entries["/x/ä\u2028.mp4"].facts["seconds"] == 1.5
    assert found.names["/x/ä\u2028.mp4"] == "ä\u2028.mp4", "the first name stays"
    assert list(found.begun) == ["/x/b.mp4"]
    assert (len(found.runs), found.damaged) == (1, 0)


def test_failures_in_a_row_are_counted(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    for state in ("failed", "failed"):
        ledger.add(state, file="x", error="broken")
    assert ledger.read().entries["x"].tries == 2
    ledger.add("done", file="x")
    ledger.add("failed", file="x")
    assert ledger.read().entries["x"].tries == 1


@pytest.mark.parametrize("cut", [2, 7, 40])
def test_a_line_that_a_crash_cut_off_costs_itself_alone(tmp_path: Path, cut: int) -> None:
    ledger = Ledger(tmp_path)
    ledger.add("done", file="a")
    ledger.add("done", file="b")
    path = tmp_path / NAME
    os.truncate(path, path.stat().st_size - cut)
    found = ledger.read()
    assert (list(found.entries), found.damaged) == (["a"], 1)
    ledger.add("done", file="c")
    found = ledger.read()
    assert (list(found.entries), found.damaged) == (["a", "c"], 1)


def test_a_line_changed_by_hand_does_not_count(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.add("failed", file="a", error="broken")
    path = tmp_path / NAME
    path.write_text(path.read_text().replace('"failed"', '"done"') + "nonsense\n\n[]\n")
    found = ledger.read()
    assert not found.entries
    assert found.damaged == 3


def test_a_full_disk_leaves_whole_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = Ledger(tmp_path)
    ledger.add("done", file="a")
    before = (tmp_path / NAME).read_bytes()

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(MerError, match=r"No space left on device; what was finished stays finished"):
        ledger.add("done", file="b")
    assert (tmp_path / NAME).read_bytes() == before
