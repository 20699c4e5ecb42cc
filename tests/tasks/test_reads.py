"""The ledger of readings of test sets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import toy_fer
from mer_batch.errors import DataError
from mer_batch.tasks import reads


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The ledger of an installation that knows one test set."""
    monkeypatch.delenv(reads.ENVIRONMENT)
    path = tmp_path / "train" / "splits" / reads.LEDGER
    path.parent.mkdir(parents=True)
    known = reads.fingerprint(["a", "b"])
    path.write_text(f"date,set,n,items,model,by,reads\n2026-01-01,known test,2,{known},abc,before the ledger,3\n")
    monkeypatch.setattr(reads, "shipped", lambda: path)
    return path


def test_every_reading_of_a_known_set_adds_a_line_beside_its_list(installed: Path) -> None:
    found = [reads.note("known test", ["b", "a", "a"], "f" * 64, "evaluate") for _ in range(2)]
    assert [one.reads for one in found] == [4, 5]
    assert found[1].sentence("known test") == (
        "known test was read 5 times, this one included (train/splits/test_reads.csv)"
    )
    last = reads.lines(installed)[-1]
    assert (last.set, last.n, last.model, last.by, last.reads) == ("known test", 2, "f" * 16, "evaluate", 1)


def test_sets_of_a_user_are_counted_in_the_cache(installed: Path) -> None:
    before = installed.read_text()
    found = reads.note("my faces", ["x", "y"], "f" * 64, "evaluate")
    assert (found.reads, found.ledger.parent.name) == (1, "reads")
    assert reads.note("the same under another name", ["y", "x"], "e" * 64, "train").reads == 2
    assert installed.read_text() == before


def test_a_ledger_that_cannot_be_written_costs_no_reading(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(reads, "append_row", full)
    found = reads.note("known test", ["a", "b"], "f" * 64, "evaluate")
    assert found.sentence("known test").endswith(
        "4 times, this one included (not written down: No space left on device)"
    )


def test_a_damaged_ledger_is_told(installed: Path) -> None:
    installed.write_text("date,set\n2026-01-01,known test\n")
    with pytest.raises(DataError, match="cannot read the ledger of test sets"):
        reads.lines(installed)
    assert "not written down: cannot read the ledger" in reads.note("known test", ["a"], "f", "evaluate").sentence("x")


def test_the_ledger_of_the_installation_can_be_read_and_knows_the_sets_of_the_shipped_models() -> None:
    names = {line.set for line in reads.lines(reads.shipped())}
    assert {"FER2013 private test", "MELD test"} <= names
    assert all(line.reads > 0 and line.date and line.by for line in reads.lines(reads.shipped()))


def test_evaluate_counts_tests_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from typer.testing import CliRunner

    from mer_batch.cli import app

    monkeypatch.setenv("MER_DATA", str(toy_fer.make(tmp_path / "data")))
    counts = []
    for split in ("public", "test", "both", "test"):
        result = CliRunner().invoke(app, ["evaluate", "face", "--split", split, "--json", str(tmp_path / "found.json")])
        assert result.exit_code == 0, result.output
        counts.append(json.loads((tmp_path / "found.json").read_text())["test_reads"])
    assert counts == [None, 1, 2, 3]
    assert "was read 3 times, this one included" in result.output
    own = CliRunner().invoke(
        app, ["evaluate", "face", "--data", str(tmp_path / "data" / "fer" / "fer2013"), "--split", "train"]
    )
    assert own.exit_code == 0, own.output
    assert "was read" not in own.output
