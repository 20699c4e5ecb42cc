"""Names and edits on the command line: `mer report`, `mer analyze` of several files, and what a batch depends on."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mer_batch.batch.job import Job, Pages
from mer_batch.batch.keys import key
from mer_batch.batch.sources import Source
from mer_batch.cli import app
from mer_batch.config import Options
from mer_batch.people.edits import Change, Edits, Part, people_file, write_edits
from mer_batch.timeline.io import from_json, to_json
from timelines import make_timeline


def mer(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return result.exit_code, result.output


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    made = make_timeline()
    models = tuple(replace(model, reliability=0.5) for model in made.provenance.models)
    path = tmp_path / "talk.mp4.timeline.json"
    path.write_text(to_json(replace(made, provenance=replace(made.provenance, models=models))))
    return path


def rows(folder: Path) -> set[str]:
    with (folder / "talk.mp4.timeline.csv").open(newline="") as file:
        return {row["person"] for row in csv.DictReader(file)}


def test_a_report_shows_names_and_the_timeline_stays_as_found(saved: Path) -> None:
    before = from_json(saved.read_text()).people
    write_edits(people_file(saved), Edits({"Person 2": Change("Ben"), "Person 1": Change(split=(Part(20.0, "Zoe"),))}))
    assert mer("report", saved, "--names", "Person 2=Benjamin")[0] == 0
    assert {"Person 1", "Zoe", "Benjamin"} <= rows(saved.parent)
    assert "Benjamin" in saved.with_name("talk.mp4.html").read_text()
    assert from_json(saved.read_text()).people == before
    people_file(saved).unlink()
    assert mer("report", saved)[0] == 0
    assert {"Person 1", "Person 2"} <= rows(saved.parent), "taken back"


@pytest.mark.parametrize(
    ("names", "line"),
    [
        ("Person 1", "--names has 'Person 1' where"),
        ("Persn 1=Anna", "Known: Person 1, Person 2"),
        ("Person 1=Anna,Person 2=Anna", "Person 1 and Person 2 cannot both be Anna: both are in view at 0:10.0"),
    ],
)
def test_what_cannot_be_is_one_line_and_writes_nothing(saved: Path, names: str, line: str) -> None:
    code, output = mer("report", saved, "--names", names)
    assert code == 2
    assert line in " ".join(output.split())
    assert not saved.with_name("talk.mp4.html").exists()


def test_a_file_of_edits_that_is_none_is_one_line(saved: Path) -> None:
    people_file(saved).write_text('{"schema": 7}')
    code, output = mer("report", saved)
    assert code != 0
    assert "has schema '7', this version of mer reads 1" in " ".join(output.split())


def test_keys_that_are_not_known_are_said(saved: Path) -> None:
    people_file(saved).write_text(json.dumps({"schema": 1, "people": {"Person 1": {"nmae": "Anna"}}}))
    code, output = mer("report", saved)
    assert code == 0
    assert "'nmae' of Person 1 is left out" in " ".join(output.split())


def test_redaction_leaves_no_name_behind(saved: Path) -> None:
    assert (
        mer("report", saved, "--names", "Person 1=Annabella", "--redact", "names", "-o", saved.with_name("x.html"))[0]
        == 0
    )
    for path in saved.parent.glob("x*"):
        assert "Annabella" not in path.read_text(), path.name


def test_names_are_of_one_file(tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).write_bytes(b"0")
    code, output = mer("analyze", tmp_path / "a.mp4", tmp_path / "b.mp4", "--names", "Person 1=Anna")
    assert code == 2
    assert "--names is of one file" in output


def test_a_batch_reads_again_what_people_wrote_down_anew(tmp_path: Path) -> None:
    film = tmp_path / "a.mp4"
    film.write_bytes(b"0")
    job = Job(Source(str(film), "a.mp4", True), Options(), Pages(), tmp_path)
    before = key(job)
    write_edits(people_file(film), Edits({"Person 1": Change("Anna")}))
    after = key(job)
    write_edits(people_file(film), Edits({"Person 1": Change("Eva")}))
    assert len({before, after, key(job)}) == 3
