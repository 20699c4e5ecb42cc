"""What the files of an analysis say of labels that do not fit it."""

from __future__ import annotations

from pathlib import Path

import pytest

from mer_batch.errors import DataError
from mer_batch.output import Page
from timelines import make_timeline

HEAD = "start,end,person,emotion\n"
ROWS = f"{HEAD}0,8,Person 1,neutral\n8,14,Person 1,Freude\n14,15,Person 1,contempt\n15,16,Zwentibold,sad\n"


def page(folder: Path, rows: str, redact: str = "") -> Page:
    labels = folder / "truth.csv"
    labels.write_text(rows, encoding="utf-8")
    return Page(folder / "page.html", labels, embed_media=False, assets="inline", redact=redact)


def test_labels_that_do_not_fit_are_told_on_the_page_and_at_the_terminal(tmp_path: Path) -> None:
    told: list[str] = []
    written = page(tmp_path, ROWS).write(make_timeline(), on_notice=told.append)
    assert told[0] == "labels: line 4 left out: label 'contempt' has no counterpart among our seven"
    assert "the labels name 'Zwentibold', whom the timeline does not have" in told[1]
    shown = written.read_text(encoding="utf-8")
    assert "line 4 left out" in shown
    assert "Zwentibold" in shown


def test_hidden_names_are_in_no_note(tmp_path: Path) -> None:
    written = page(tmp_path, ROWS, redact="names").write(make_timeline())
    assert "Zwentibold" not in written.read_text(encoding="utf-8")


def test_labels_in_milliseconds_cost_the_scores_only(tmp_path: Path) -> None:
    rows = "start,end,emotion\n" + "".join(f"{at}000,{at + 1}000,happy\n" for at in range(20))
    with pytest.raises(DataError, match=r"look like milliseconds.*the report is written without scores"):
        page(tmp_path, rows).write(make_timeline())
    assert (tmp_path / "page.html").is_file()
